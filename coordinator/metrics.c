#include "coordinator/metrics.h"

#include <stdlib.h>
#include <string.h>

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
};

const char *const metric_checks[CHECK_TYPE_COUNT] = { [CHECK_CAA] = "caa", [CHECK_DCV] = "dcv" };

static const struct metric metric_rows[] = { COORDINATOR_METRICS(METRIC_ROW) };

struct metrics *
coordinator_metrics_new(const struct coordinator_config *cfg, unsigned workers,
    struct metric **table)
{
	/* The rows, then the codes that their labels point to. */
	struct metric *rows = malloc(sizeof(metric_rows) + FLEET_MAX * sizeof(char *));
	struct metrics *m;
	const char **codes;

	*table = rows;
	if (rows == NULL)
		return NULL;
	memcpy(rows, metric_rows, sizeof(metric_rows));
	codes = (const char **)(rows + METRIC_COUNT);
	for (size_t i = 0; i < cfg->fleet.count; i++)
		codes[i] = cfg->fleet.members[i].code;
	rows[METRIC_RESULTS].labels[0].values = codes;
	rows[METRIC_RESULTS].labels[0].count = cfg->fleet.count;
	rows[METRIC_PERSPECTIVE_EXPIRES].labels[0] = rows[METRIC_RESULTS].labels[0];
	rows[METRIC_ALARMS].labels[0] = rows[METRIC_RESULTS].labels[0];
	m = metrics_new(rows, METRIC_COUNT, workers);
	if (m == NULL) {
		free(rows);
		*table = NULL;
	}
	return m;
}
