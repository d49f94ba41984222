/*
 * What the coordinator counts: the rows behind GET /metrics.
 *
 * The values of a label `perspective` are all codes that there have been since
 * the start, in the order they came up: generation_cell() is where one counts. A
 * perspective that is removed keeps its counters.
 */
#ifndef MPIC_COORDINATOR_METRICS_H
#define MPIC_COORDINATOR_METRICS_H

#include "coordinator/config.h"
#include "coordinator/corroboration.h"
#include "metric.h"
#include "server.h"

/* What came of asking a perspective. */
enum result { RESULT_PASSED, RESULT_FAILED, RESULT_UNREACHABLE, RESULT_TIMED_OUT, RESULT_CANCELLED,
    RESULT_APART, RESULT_COUNT };

/* What a worker thinks of an endpoint. */
enum endpoint_state { STATE_HEALTHY, STATE_EJECTED, STATE_COUNT };

/* What came of a request for a certificate. */
enum enrolment_result { ENROLMENT_ENROLLED, ENROLMENT_RENEWED, ENROLMENT_REFUSED, ENROLMENT_COUNT };

extern const char *const metric_enrolments[ENROLMENT_COUNT];
extern const char *const metric_states[STATE_COUNT];
extern const char *const metric_answers[ANSWER_COUNT];
extern const char *const metric_results[RESULT_COUNT];
extern const char *const metric_checks[CHECK_TYPE_COUNT];

/* Codes that can ever come up; what more perspectives come to is not counted. */
#define METRIC_CODES_MAX	128
/* The label `perspective`; coordinator_metrics_init() adds the codes. */
#define PERSPECTIVE_LABEL	{ "perspective", NULL, METRIC_CODES_MAX, NULL }

/* The label `caller`: all names that there have been since the start. */
#define CALLER_LABEL	{ "caller", NULL, ADMISSION_CELLS, NULL }

#define COORDINATOR_METRICS(X) \
	SERVER_METRICS(X) \
	X(ANSWERS, "mpic_answers_total", COUNTER, "Requests by what came of them.", \
	    .labels = { { "answer", metric_answers, ANSWER_COUNT } }) \
	X(REFUSED, "mpic_refused_total", COUNTER, \
	    "Requests turned away before anybody was asked: unknown is nobody's, no-turn one that " \
	    "waited in vain.", \
	    .labels = { { "reason", admission_names + 1, ADMISSION_COUNT - 1 } }) \
	X(CALLER_REQUESTS, "mpic_caller_requests_total", COUNTER, \
	    "Requests of each caller: admitted, or turned away and why.", \
	    .labels = { CALLER_LABEL, { "outcome", admission_names, ADMISSION_UNKNOWN } }) \
	X(WAITING, "mpic_requests_waiting", GAUGE, \
	    "Requests that wait for their turn, max_in_flight being under way.", ) \
	X(ATTEMPTS, "mpic_attempts_total", COUNTER, "Attempts started; each leaves one record.", ) \
	X(CHECKS, "mpic_check_results_total", COUNTER, \
	    "Results of perspectives by what was checked.", \
	    .labels = { { "check", metric_checks, CHECK_TYPE_COUNT }, \
	        { "result", metric_results, RESULT_COUNT } }) \
	X(RESULTS, "mpic_perspective_results_total", COUNTER, \
	    "Results of perspectives; unreachable ones gave none, timed-out ones not before the " \
	    "deadline, cancelled ones were not awaited, for the verdict was certain, and " \
	    "not-corroborating ones passed, but not on what the primary relied on.", \
	    .labels = { PERSPECTIVE_LABEL, { "result", metric_results, RESULT_COUNT } }) \
	X(DISAGREEMENTS, "mpic_perspective_disagreements_total", COUNTER, \
	    "Results that differ from what most of the others asked together saw of the target, or " \
	    "from what the primary relied on: an attack, or a target that tells regions apart.", \
	    .labels = { PERSPECTIVE_LABEL, { "check", metric_checks, CHECK_TYPE_COUNT } }) \
	X(SECONDS, "mpic_perspective_seconds", HISTOGRAM, \
	    "Time from asking a perspective to its answer, of those that answered.", \
	    .labels = { PERSPECTIVE_LABEL }, SECONDS_BOUNDS) \
	X(ALARMS, "mpic_perspective_alarms_total", COUNTER, \
	    "Results discarded because they may be forged: another's certificate, code, target, " \
	    "nonce, check or request, or a signature that is missing or wrong.", \
	    .labels = { PERSPECTIVE_LABEL }) \
	X(PERSPECTIVE_EXPIRES, "mpic_perspective_certificate_expires_seconds", GAUGE_MIN, \
	    "Unix time at which the certificate a perspective last showed expires; 0: none " \
	    "was seen, or it is removed.", \
	    .labels = { PERSPECTIVE_LABEL }) \
	X(RETRIES, "mpic_perspective_retries_total", COUNTER, \
	    "Calls made again, at another endpoint of the perspective if there was one.", \
	    .labels = { PERSPECTIVE_LABEL }) \
	X(EJECTIONS, "mpic_perspective_ejections_total", COUNTER, \
	    "Endpoints of a perspective ejected, by any worker, after failures in a row.", \
	    .labels = { PERSPECTIVE_LABEL }) \
	X(ENDPOINTS, "mpic_perspective_endpoints", GAUGE, \
	    "Endpoints of a perspective as each worker finds them, all workers together.", \
	    .labels = { PERSPECTIVE_LABEL, { "state", metric_states, STATE_COUNT } }) \
	X(CONFIGS, "mpic_configurations", GAUGE, \
	    "Configurations in use: each worker's, and older ones that requests under way began " \
	    "with.", ) \
	X(CONFIG_LOADED, "mpic_configuration_loaded_seconds", GAUGE_MIN, \
	    "Unix time at which the configuration in force was read, by the last worker to do " \
	    "so.", ) \
	X(CONFIG_REFUSED, "mpic_configuration_refused", GAUGE, \
	    "1 while the configuration last read on SIGHUP is not in force, being faulty.", ) \
	X(ENROLMENTS, "mpic_enrolments_total", COUNTER, \
	    "Requests of perspectives for certificates.", \
	    .labels = { { "result", metric_enrolments, ENROLMENT_COUNT } }) \
	X(AUDIT_LINES, "mpic_audit_lines_total", COUNTER, "Lines of the audit log.", ) \
	X(AUDIT_UNRECORDED, "mpic_audit_unrecorded_attempts_total", COUNTER, \
	    "Attempts answered with 503 because their records could not be written.", ) \
	X(AUDIT_UNWRITABLE, "mpic_audit_unwritable", GAUGE, \
	    "Workers whose file of the audit log cannot be written.", )

enum { COORDINATOR_METRICS(METRIC_ENUM) METRIC_COUNT };

struct coordinator_metrics {
	struct metrics *all;		/* a slot a worker, and one more, the supervisor's */
	struct metric_names *codes;
	struct metric_names *callers;	/* their indices are cells of `admission` */
	struct admission_shared *admission;
	struct metric *rows;
};

/* Before forking. False without memory; then there is nothing to free. */
bool coordinator_metrics_init(struct coordinator_metrics *m, unsigned workers);
void coordinator_metrics_free(struct coordinator_metrics *m);
/* In the process that forks the others: its perspectives and callers are counted from now on. */
void coordinator_metrics_know(struct coordinator_metrics *m, const struct coordinator_config *cfg);
/* Whether codes and callers are all known, or no more ever will be. */
bool coordinator_metrics_knows(const struct coordinator_metrics *m,
    const struct coordinator_config *cfg);
/* The cell of the caller at callers_index() `i`; SIZE_MAX: it is not known. */
size_t coordinator_metrics_caller(const struct coordinator_metrics *m,
    const struct callers *callers, size_t i);

#endif
