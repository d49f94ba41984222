#include "coordinator/service.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/cohort.h"
#include "coordinator/metrics.h"
#include "coordinator/quorum.h"
#include "coordinator/rules.h"
#include "json_writer.h"
#include "log.h"
#include "monotonic.h"
#include "openapi.h"
#include "server.h"

/* A perspective that could not be reached counts as missing for this long. */
#define MISSING_NS	(UINT64_C(60) * 1000000000U)
#define METRICS_MAX	((size_t)1024 * 1024)
#define AUDIT_TICK_S	1

struct service {
	const struct coordinator_config *cfg;
	struct metrics *metrics;
	struct fanout *fanout;
	struct server *server;
	struct event_base *base;
	struct corroborator_pool pool;
	struct random_pool random;
	uint64_t missed_ns[FLEET_MAX];	/* last failure to reach; 0 after a success */
	struct audit_file *audit;	/* NULL: there is none */
	uint64_t next_request;
	uint64_t audit_lines, audit_unrecorded;	/* as in the metrics */
	struct event *audit_timer;
};

/* ---- what is counted ---- */

/* Somebody may be posing as a perspective: for a person to look at. */
static void
alarm_raise(struct service *s, const struct heard *heard, size_t i)
{
	const struct corroborator *c = heard->corroborator;

	metric_add(s->metrics, METRIC_ALARMS, i, 1);
	log_error("a result was discarded: it may be forged", "perspective", c->perspective->code,
	    "problem", problem_code(c->problem), "trace_id", heard->trace_id,
	    "why", c->sentence != NULL ? c->sentence : "");
}

static enum result
result_of(const struct corroborator *c, enum hearing hearing)
{
	switch (hearing) {
	case NOT_HEARD:
		return RESULT_UNREACHABLE;
	case NOT_IN_TIME:
		return RESULT_TIMED_OUT;
	case NOT_AWAITED:
		return RESULT_CANCELLED;
	default:
		return corroborator_vote(c) == VOTE_PASSED ? RESULT_PASSED : RESULT_FAILED;
	}
}

/*
 * Only what a perspective does itself makes it count as missing. How long it
 * takes to answer is up to the target: name servers that deny some perspectives
 * and keep others waiting must not make this coordinator seem unfit.
 */
static void
count_result(void *arg, const struct heard *heard)
{
	struct service *s = arg;
	const struct corroborator *c = heard->corroborator;
	enum hearing hearing = heard->hearing;
	size_t i = (size_t)(c->perspective - s->cfg->fleet.members);
	size_t result = result_of(c, hearing);

	metric_add(s->metrics, METRIC_RESULTS,
	    metric_cell(s->metrics, METRIC_RESULTS, i, result), 1);
	metric_add(s->metrics, METRIC_CHECKS,
	    metric_cell(s->metrics, METRIC_CHECKS, c->type, result), 1);
	if (c->problem == PROBLEM_SIGNATURE_INVALID || c->problem == PROBLEM_PERSPECTIVE_IDENTITY)
		alarm_raise(s, heard, i);
	if (hearing == HEARD || hearing == NOT_HEARD)
		s->missed_ns[i] = hearing == HEARD ? 0 : monotonic_ns();
}

/* What the audit log came to since this was called last. */
static void
count_audit(struct service *s)
{
	uint64_t lines, unrecorded;

	if (s->audit == NULL)
		return;
	lines = audit_file_lines(s->audit);
	unrecorded = audit_file_unrecorded(s->audit);
	metric_add(s->metrics, METRIC_AUDIT_LINES, 0, (int64_t)(lines - s->audit_lines));
	metric_add(s->metrics, METRIC_AUDIT_UNRECORDED, 0,
	    (int64_t)(unrecorded - s->audit_unrecorded));
	metric_set(s->metrics, METRIC_AUDIT_UNWRITABLE, 0, !audit_file_ready(s->audit));
	s->audit_lines = lines;
	s->audit_unrecorded = unrecorded;
}

static void
count_answer(void *arg, enum answer answer, size_t attempts)
{
	struct service *s = arg;

	metric_add(s->metrics, METRIC_ANSWERS, answer, 1);
	metric_add(s->metrics, METRIC_ATTEMPTS, 0, (int64_t)attempts);
	/* A log that cannot be written any more shows at once. */
	count_audit(s);
}

/* ---- routes ---- */

static void
handle_mpic(struct exchange *x, void *arg)
{
	struct service *s = arg;

	corroborate(&s->pool, x);
}

static void
handle_healthz(struct exchange *x, void *arg)
{
	static const char body[] = "{\"status\":\"healthy\"}";

	exchange_reply(x, 200, NULL, body, sizeof(body) - 1, NULL, 0);
}

/* Whether a request that does not say how many it wants can have its quorum. */
static bool
quorum_possible(const struct service *s, size_t reachable)
{
	const struct coordinator_config *cfg = s->cfg;
	const struct rules rules = policy_at(&cfg->policy, time(NULL));
	size_t usual = (size_t)cfg->default_perspective_count, least = rules_remotes(&rules);
	struct quorum_rule rule;

	usual = usual > least ? usual : least;
	rule = rules_quorum(&rules, usual);
	return usual <= cfg->fleet.count && reachable >= quorum_least(&rule, usual);
}

/*
 * Not ready while so many perspectives of the fleet have lately not been
 * reached that the rest cannot make a quorum of the usual size, nor with fewer
 * than the policy demands, or while the audit log cannot be written.
 */
static void
handle_readyz(struct exchange *x, void *arg)
{
	struct service *s = arg;
	const struct fleet *fleet = &s->cfg->fleet;
	size_t reachable = 0;
	uint64_t now = monotonic_ns();
	struct buf out = BUF_INIT(FLEET_MAX * (CHECK_CODE_MAX + 8) + 4096);
	bool ready, audited = s->audit == NULL || audit_file_ready(s->audit);
	const char *comma = "";

	buf_adds(&out, "{\"unreachable\":[");
	for (size_t i = 0; i < fleet->count; i++) {
		if (s->missed_ns[i] == 0 || now - s->missed_ns[i] > MISSING_NS) {
			reachable++;
			continue;
		}
		buf_adds(&out, comma);
		comma = ",";
		buf_add_json(&out, fleet->members[i].code, strlen(fleet->members[i].code));
	}
	ready = quorum_possible(s, reachable) && audited;
	buf_addc(&out, ']');
	if (!audited)
		json_add_string(&out, ",\"audit\":", audit_file_fault(s->audit));
	buf_adds(&out, ready ? ",\"status\":\"ready\"}" : ",\"status\":\"not ready\"}");
	if (out.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, ready ? 200 : 503, NULL, out.data, out.len, NULL, 0);
	buf_free(&out);
}

static void
handle_metrics(struct exchange *x, void *arg)
{
	struct service *s = arg;
	struct buf out = BUF_INIT(METRICS_MAX);

	for (size_t i = 0; i < s->cfg->fleet.count; i++)
		metric_set(s->metrics, METRIC_PERSPECTIVE_EXPIRES, i,
		    fanout_expires_s(s->fanout, i));
	count_audit(s);
	metrics_render(s->metrics, &out);
	if (out.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 200, "text/plain; version=0.0.4", out.data, out.len, NULL, 0);
	buf_free(&out);
}

static const struct route routes[] = {
	{ "POST", "/mpic", ROUTE_COUNTED | ROUTE_IDENTIFIED, handle_mpic },
	{ "GET", "/healthz", 0, handle_healthz },
	{ "GET", "/readyz", 0, handle_readyz },
	{ "GET", "/metrics", 0, handle_metrics },
	{ "GET", "/openapi.yaml", 0, openapi_route },
};

/* ---- one worker ---- */

static void
on_audit_tick(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	audit_file_tick(s->audit);
	count_audit(s);
}

/* True without an audit log, too. */
static bool
start_audit(struct service *s, unsigned worker)
{
	const struct coordinator_config *cfg = s->cfg;
	const struct timeval second = { AUDIT_TICK_S, 0 };
	struct timespec now;

	if (cfg->audit_dir == NULL)
		return true;
	/* Counted from the time: no number of an earlier process comes again. */
	clock_gettime(CLOCK_REALTIME, &now);
	s->next_request = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
	s->audit = audit_file_new(cfg->audit_dir, cfg->audit_name, worker, cfg->audit_sync_mode);
	if (s->audit == NULL)
		return false;
	s->audit_timer = event_new(s->base, -1, EV_PERSIST, on_audit_tick, s);
	return s->audit_timer != NULL && event_add(s->audit_timer, &second) == 0;
}

static struct corroborator_pool
pool_of(struct service *s)
{
	const struct coordinator_config *cfg = s->cfg;

	return (struct corroborator_pool){
		.asker = {
			.base = s->base,
			.fleet = &cfg->fleet,
			.fanout = s->fanout,
			.linger_ms = cfg->linger_ms,
			.random = &s->random,
			.verify_share = cfg->verify_share,
			.on_result = count_result,
			.arg = s,
		},
		.policy = &cfg->policy,
		.limits = {
			.perspectives = cfg->fleet.count,
			.default_perspectives = (size_t)cfg->default_perspective_count,
			.max_attempts = (size_t)cfg->max_attempts,
			.default_deadline_ms = cfg->deadline_ms,
			.max_deadline_ms = cfg->max_deadline_ms,
			.refuse_retired = cfg->refuse_retired,
			.own_caa_domains = cfg->caa_domains.count > 0,
		},
		.secret = cfg->secret,
		.secret_len = cfg->secret_len,
		.caa_defaults = { cfg->caa_domains.items, cfg->caa_domains.count },
		.audit = s->audit,
		.next_request = &s->next_request,
		.on_answer = count_answer,
		.arg = s,
	};
}

struct service *
service_new(struct event_base *base, const struct coordinator_config *cfg,
    struct metrics *metrics, int listen_fd, unsigned worker, struct buf *why)
{
	struct service *s = calloc(1, sizeof(*s));
	struct tls_files tls = daemon_options_tls(&cfg->daemon);
	struct fanout_config fanout = { .fleet = &cfg->fleet,
		.tls = cfg->daemon.tls_certificate != NULL ? &tls : NULL,
		.connections = (size_t)cfg->connections };
	struct server_config server = { .plain = cfg->daemon.plain, .tls = tls,
		.identities = cfg->daemon.callers.items, .identity_count = cfg->daemon.callers.count,
		.max_in_flight = (size_t)cfg->daemon.max_in_flight, .max_body = MPIC_REQUEST_MAX,
		.metrics = metrics };

	if (s == NULL) {
		buf_adds(why, "out of memory");
		return NULL;
	}
	s->base = base;
	s->cfg = cfg;
	s->metrics = metrics;
	if (!start_audit(s, worker))
		buf_adds(why, "out of memory");
	else
		s->fanout = fanout_new(base, &fanout, why);
	if (s->fanout != NULL) {
		s->pool = pool_of(s);
		s->server = server_new(base, &server, listen_fd, routes,
		    sizeof(routes) / sizeof(routes[0]), s, why);
	}
	if (s->server == NULL) {
		service_free(s);
		return NULL;
	}
	return s;
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	if (s->server != NULL)
		server_free(s->server);
	fanout_free(s->fanout);
	if (s->audit_timer != NULL)
		event_free(s->audit_timer);
	audit_file_free(s->audit);	/* after the server: what was under way left its records */
	free(s);
}

/* ---- signals ---- */

static void
on_drained(void *arg)
{
	struct service *s = arg;

	event_base_loopbreak(s->base);
}

void
service_stop(struct service *s)
{
	server_drain(s->server, on_drained, s);
}

void
service_reload(struct service *s)
{
	const struct coordinator_config *cfg = s->cfg;
	struct tls_files tls = daemon_options_tls(&cfg->daemon);
	struct buf why = BUF_INIT(1024);

	if (s->audit != NULL)
		audit_file_reopen(s->audit);
	if (tls.certificate == NULL)
		return;
	if (!fanout_reload_tls(s->fanout, &tls, &why) ||
	    (!cfg->daemon.plain && !server_reload_tls(s->server, &why)))
		log_error("the new certificate is not used", "why",
		    why.data != NULL ? why.data : "");
	else
		log_notice("the certificate was read again");
	buf_free(&why);
}
