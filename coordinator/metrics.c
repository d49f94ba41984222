#include "coordinator/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

const char *const metric_answers[ANSWER_COUNT] = {
	[ANSWER_VALID] = "valid",
	[ANSWER_NOT_VALID] = "not-valid",
	[ANSWER_REFUSED] = "refused",
	[ANSWER_FAILED] = "failed",
	[ANSWER_ABORTED] = "aborted",
};
const char *const metric_results[RESULT_COUNT] = {
	[RESULT_PASSED] = "passed",
	[RESULT_FAILED] = "failed",
	[RESULT_UNREACHABLE] = "unreachable",
	[RESULT_TIMED_OUT] = "timed-out",
	[RESULT_CANCELLED] = "cancelled",
	[RESULT_APART] = "not-corroborating",
};

const char *const metric_checks[CHECK_TYPE_COUNT] = { [CHECK_CAA] = "caa", [CHECK_DCV] = "dcv" };

const char *const metric_enrolments[ENROLMENT_COUNT] = { "enrolled", "renewed", "refused" };

const char *const metric_states[STATE_COUNT] = { "healthy", "ejected" };

static const struct metric metric_rows[] = { COORDINATOR_METRICS(METRIC_ROW) };

static void
take_names(struct metric *row, size_t count, const struct metric_names *names)
{
	for (size_t i = 0; i < sizeof(row->labels) / sizeof(row->labels[0]); i++)
		if (row->labels[i].count == count && row->labels[i].values == NULL)
			row->labels[i].names = names;
}

bool
coordinator_metrics_init(struct coordinator_metrics *m, unsigned workers)
{
	*m = (struct coordinator_metrics){ .rows = malloc(sizeof(metric_rows)),
		.codes = metric_names_new(METRIC_CODES_MAX, CHECK_CODE_MAX),
		.callers = metric_names_new(ADMISSION_CELLS, CALLER_NAME_MAX),
		.admission = admission_shared_new(workers) };
	if (m->rows != NULL && m->codes != NULL && m->callers != NULL && m->admission != NULL) {
		memcpy(m->rows, metric_rows, sizeof(metric_rows));
		for (size_t i = 0; i < METRIC_COUNT; i++) {
			take_names(&m->rows[i], METRIC_CODES_MAX, m->codes);
			take_names(&m->rows[i], ADMISSION_CELLS, m->callers);
		}
		m->all = metrics_new(m->rows, METRIC_COUNT, workers + 1);
	}
	if (m->all == NULL)
		coordinator_metrics_free(m);
	return m->all != NULL;
}

void
coordinator_metrics_free(struct coordinator_metrics *m)
{
	metrics_free(m->all);
	metric_names_free(m->codes);
	metric_names_free(m->callers);
	admission_shared_free(m->admission);
	free(m->rows);
	*m = (struct coordinator_metrics){ 0 };
}

void
coordinator_metrics_know(struct coordinator_metrics *m, const struct coordinator_config *cfg)
{
	const struct fleet *fleet = &cfg->fleet;

	metric_names_add(m->callers, CALLER_NOBODY);
	for (size_t i = 0; i < cfg->callers.count; i++)
		metric_names_add(m->callers, cfg->callers.list[i].name);
	for (size_t i = 0; i < fleet->count; i++)
		if (metric_names_add(m->codes, fleet->members[i].code) == SIZE_MAX)
			log_warning("a perspective is not counted in the metrics: there have been "
			    "too many since the start", "perspective", fleet->members[i].code);
}

bool
coordinator_metrics_knows(const struct coordinator_metrics *m,
    const struct coordinator_config *cfg)
{
	const struct fleet *fleet = &cfg->fleet;

	for (size_t i = 0; i < cfg->callers.count; i++)
		if (coordinator_metrics_caller(m, &cfg->callers, i) == SIZE_MAX)
			return metric_names_full(m->callers);
	for (size_t i = 0; i < fleet->count; i++)
		if (metric_names_find(m->codes, fleet->members[i].code) == SIZE_MAX)
			return metric_names_full(m->codes);
	return true;
}

size_t
coordinator_metrics_caller(const struct coordinator_metrics *m, const struct callers *callers,
    size_t i)
{
	return metric_names_find(m->callers, i < callers->count ? callers->list[i].name :
	    CALLER_NOBODY);
}
