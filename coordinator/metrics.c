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
const char *const metric_refused[REFUSED_COUNT] = {
	[REFUSED_UNKNOWN] = "unknown",
	[REFUSED_FORBIDDEN] = "forbidden",
};

const char *const metric_checks[CHECK_TYPE_COUNT] = { [CHECK_CAA] = "caa", [CHECK_DCV] = "dcv" };

const char *const metric_states[STATE_COUNT] = { "healthy", "ejected" };

static const struct metric metric_rows[] = { COORDINATOR_METRICS(METRIC_ROW) };

static void
take_codes(struct metric *row, const struct metric_names *codes)
{
	for (size_t i = 0; i < sizeof(row->labels) / sizeof(row->labels[0]); i++)
		if (row->labels[i].count == METRIC_CODES_MAX && row->labels[i].values == NULL)
			row->labels[i].names = codes;
}

bool
coordinator_metrics_init(struct coordinator_metrics *m, unsigned workers)
{
	*m = (struct coordinator_metrics){ .rows = malloc(sizeof(metric_rows)),
		.codes = metric_names_new(METRIC_CODES_MAX, CHECK_CODE_MAX) };
	if (m->rows != NULL && m->codes != NULL) {
		memcpy(m->rows, metric_rows, sizeof(metric_rows));
		for (size_t i = 0; i < METRIC_COUNT; i++)
			take_codes(&m->rows[i], m->codes);
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
	free(m->rows);
	*m = (struct coordinator_metrics){ 0 };
}

void
coordinator_metrics_know(struct coordinator_metrics *m, const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (metric_names_add(m->codes, fleet->members[i].code) == SIZE_MAX)
			log_warning("a perspective is not counted in the metrics: there have been "
			    "too many since the start", "perspective", fleet->members[i].code);
}

bool
coordinator_metrics_knows(const struct coordinator_metrics *m, const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (metric_names_find(m->codes, fleet->members[i].code) == SIZE_MAX)
			return metric_names_full(m->codes);
	return true;
}
