/*
 * What the coordinator counts: the rows behind GET /metrics.
 *
 * Cells of METRIC_RESULTS and its like are the fleet's members, in its order.
 */
#ifndef MPIC_COORDINATOR_METRICS_H
#define MPIC_COORDINATOR_METRICS_H

#include "coordinator/config.h"
#include "coordinator/corroboration.h"
#include "metric.h"
#include "server.h"

/* What came of asking a perspective. */
enum result { RESULT_PASSED, RESULT_FAILED, RESULT_UNREACHABLE, RESULT_TIMED_OUT, RESULT_CANCELLED,
    RESULT_COUNT };

extern const char *const metric_answers[ANSWER_COUNT];
extern const char *const metric_results[RESULT_COUNT];
extern const char *const metric_checks[CHECK_TYPE_COUNT];

/* The values of the label `perspective` are the fleet's codes: see coordinator_metrics_new(). */
#define COORDINATOR_METRICS(X) \
	SERVER_METRICS(X) \
	X(ANSWERS, "mpic_answers_total", COUNTER, "Requests by what came of them.", \
	    .labels = { { "answer", metric_answers, ANSWER_COUNT } }) \
	X(ATTEMPTS, "mpic_attempts_total", COUNTER, "Attempts started; each leaves one record.", ) \
	X(CHECKS, "mpic_check_results_total", COUNTER, \
	    "Results of perspectives by what was checked.", \
	    .labels = { { "check", metric_checks, CHECK_TYPE_COUNT }, \
	        { "result", metric_results, RESULT_COUNT } }) \
	X(RESULTS, "mpic_perspective_results_total", COUNTER, \
	    "Results of perspectives; unreachable ones gave none, timed-out ones not before the " \
	    "deadline, and cancelled ones were not awaited, for the verdict was certain.", \
	    .labels = { { "perspective", NULL, 0 }, { "result", metric_results, RESULT_COUNT } }) \
	X(ALARMS, "mpic_perspective_alarms_total", COUNTER, \
	    "Results discarded because they may be forged: another's certificate or code, or " \
	    "a signature that is missing or wrong.", \
	    .labels = { { "perspective", NULL, 0 } }) \
	X(PERSPECTIVE_EXPIRES, "mpic_perspective_certificate_expires_seconds", GAUGE_MIN, \
	    "Unix time at which the certificate a perspective last showed expires.", \
	    .labels = { { "perspective", NULL, 0 } }) \
	X(AUDIT_LINES, "mpic_audit_lines_total", COUNTER, "Lines of the audit log.", ) \
	X(AUDIT_UNRECORDED, "mpic_audit_unrecorded_attempts_total", COUNTER, \
	    "Attempts answered with 503 because their records could not be written.", ) \
	X(AUDIT_UNWRITABLE, "mpic_audit_unwritable", GAUGE, \
	    "Workers whose file of the audit log cannot be written.", )

enum { COORDINATOR_METRICS(METRIC_ENUM) METRIC_COUNT };

/*
 * Before forking; the metrics are freed with metrics_free(), `table` after
 * them with free(). NULL without memory, `table` too.
 */
struct metrics *coordinator_metrics_new(const struct coordinator_config *cfg, unsigned workers,
    struct metric **table);

#endif
