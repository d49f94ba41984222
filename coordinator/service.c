#include "coordinator/service.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/batch.h"
#include "coordinator/draft_route.h"
#include "coordinator/enrolment_route.h"
#include "coordinator/generation.h"
#include "coordinator/quorum.h"
#include "coordinator/reception.h"
#include "coordinator/rules.h"
#include "coordinator/standing.h"
#include "coordinator/status.h"
#include "json_writer.h"
#include "openapi.h"
#include "server.h"

#define METRICS_MAX	((size_t)1024 * 1024)
#define TICK_S		1
/* Configurations that requests under way still need, beside the one in force. */
#define OLDER_MAX	16

struct service {
	const struct coordinator_metrics *metrics;	/* NULL: none */
	struct server *server;
	struct event_base *base;
	struct generation_world world;
	struct generation *now;		/* new requests are answered by it */
	struct generation *older;	/* a list, by `older` */
	struct event *reaper;		/* frees what is unused of it */
	struct reception reception;
	struct enrolment_desk enrolment;
	struct status_desk status;
	struct random_pool random;
	struct audit_file *audit;	/* NULL: there is none */
	struct admission *admission;	/* NULL: everybody is let in */
	uint64_t next_request;
	uint64_t audit_lines, audit_unrecorded;	/* as in the metrics */
	struct event *ticker;
};

/* ---- what is counted ---- */

static struct metrics *
metrics_of(const struct service *s)
{
	return s->metrics != NULL ? s->metrics->all : NULL;
}

/* What the audit log came to since this was called last. */
static void
count_audit(struct service *s)
{
	struct metrics *m = metrics_of(s);
	uint64_t lines, unrecorded;

	if (s->audit == NULL)
		return;
	lines = audit_file_lines(s->audit);
	unrecorded = audit_file_unrecorded(s->audit);
	metric_add(m, METRIC_AUDIT_LINES, 0, (int64_t)(lines - s->audit_lines));
	metric_add(m, METRIC_AUDIT_UNRECORDED, 0,
	    (int64_t)(unrecorded - s->audit_unrecorded));
	metric_set(m, METRIC_AUDIT_UNWRITABLE, 0, !audit_file_ready(s->audit));
	s->audit_lines = lines;
	s->audit_unrecorded = unrecorded;
}

static void
count_waiting(struct service *s)
{
	if (s->admission != NULL)
		metric_set(metrics_of(s), METRIC_WAITING, 0, (int64_t)admission_waiting(s->admission));
}

static void
count_answer(void *arg, enum answer answer, size_t attempts)
{
	struct service *s = arg;

	metric_add(metrics_of(s), METRIC_ANSWERS, answer, 1);
	metric_add(metrics_of(s), METRIC_ATTEMPTS, 0, (int64_t)attempts);
	/* A log that cannot be written any more shows at once. */
	count_audit(s);
}

/* ---- routes ---- */

static void
handle_mpic(struct exchange *x, void *arg)
{
	struct service *s = arg;
	const struct caller *caller = reception_caller(&s->reception, &s->now->cfg->callers, x);

	if (caller != NULL)
		generation_corroborate(s->now, caller, x);
}

/* Who may not ask hears so once, not for each request of it. */
static void
handle_batch(struct exchange *x, void *arg)
{
	struct service *s = arg;
	const struct coordinator_config *cfg = s->now->cfg;
	const struct batch_config batch = { .base = s->base, .max = (size_t)cfg->batch_max,
		.at_once = (size_t)cfg->batch_at_once, .request_max = MPIC_REQUEST_MAX,
		.handle = handle_mpic, .arg = s };

	if (reception_caller(&s->reception, &cfg->callers, x) != NULL)
		batch_route(x, &batch);
}

static void
handle_draft(struct exchange *x, void *arg)
{
	struct service *s = arg;
	const struct draft_config draft = { .handle = handle_mpic, .arg = s };

	if (reception_caller(&s->reception, &s->now->cfg->callers, x) != NULL)
		draft_route(x, &draft);
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
	const struct coordinator_config *cfg = s->now->cfg;
	const struct rules rules = policy_at(&cfg->policy, time(NULL));
	size_t usual = (size_t)cfg->default_perspective_count, least = rules_remotes(&rules);
	struct quorum_rule rule;

	usual = usual > least ? usual : least;
	rule = rules_quorum(&rules, usual);
	return usual <= fleet_remotes(&cfg->fleet) && reachable >= quorum_least(&rule, usual);
}

/*
 * Not ready while so many perspectives of the fleet have lately not been
 * reached that the rest cannot make a quorum of the usual size, nor with fewer
 * than the policy demands, without the primary, or while the audit log cannot
 * be written.
 */
static void
handle_readyz(struct exchange *x, void *arg)
{
	struct service *s = arg;
	const struct fleet *fleet = &s->now->cfg->fleet;
	size_t reachable = 0;
	struct buf out = BUF_INIT(FLEET_MAX * (CHECK_CODE_MAX + 8) + 4096);
	bool ready, primary = true, audited = s->audit == NULL || audit_file_ready(s->audit);
	const char *comma = "";

	buf_adds(&out, "{\"unreachable\":[");
	for (size_t i = 0; i < fleet->count; i++) {
		if (generation_reachable(s->now, i)) {
			reachable += !fleet->members[i].primary;
			continue;
		}
		buf_adds(&out, comma);
		comma = ",";
		primary = primary && !fleet->members[i].primary;
		buf_add_json(&out, fleet->members[i].code, strlen(fleet->members[i].code));
	}
	ready = quorum_possible(s, reachable) && primary && audited;
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
	const struct rules rules = policy_at(&s->now->cfg->policy, time(NULL));
	struct buf out = BUF_INIT(METRICS_MAX);

	if (!reception_insider(&s->reception, &s->now->cfg->callers, x))
		return;
	generation_measure(s->now);
	count_audit(s);
	count_waiting(s);
	metrics_render(metrics_of(s), &out);
	standing_render(&s->now->cfg->fleet, &rules, &out);
	metric_render_build(&out);
	if (out.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 200, "text/plain; version=0.0.4", out.data, out.len, NULL, 0);
	buf_free(&out);
}

static void
handle_status(struct exchange *x, void *arg)
{
	struct service *s = arg;
	int64_t begins_s, expires_s;

	if (!reception_insider(&s->reception, &s->now->cfg->callers, x))
		return;
	server_lifetime(s->server, &begins_s, &expires_s);
	status_route(&s->status, s->now, expires_s, x);
}

static void
handle_cacerts(struct exchange *x, void *arg)
{
	struct service *s = arg;

	enrolment_cacerts(s->now->cfg, x);
}

static void
handle_crls(struct exchange *x, void *arg)
{
	struct service *s = arg;

	enrolment_crls(s->now->cfg, x);
}

static void
handle_enrol(struct exchange *x, void *arg)
{
	struct service *s = arg;

	enrolment_enrol(&s->enrolment, s->now->cfg, x);
}

static void
handle_reenrol(struct exchange *x, void *arg)
{
	struct service *s = arg;

	enrolment_renew(&s->enrolment, s->now->cfg, x);
}

static const struct route routes[] = {
	{ "POST", "/mpic", ROUTE_COUNTED, handle_mpic },
	{ "POST", "/mpic/batch", ROUTE_COUNTED | ROUTE_LARGE, handle_batch },
	{ "POST", "/mpic/draft-00", ROUTE_COUNTED, handle_draft },
	{ "GET", "/healthz", 0, handle_healthz },
	{ "GET", "/readyz", 0, handle_readyz },
	{ "GET", "/metrics", 0, handle_metrics },
	{ "GET", "/openapi.yaml", 0, openapi_route },
	{ "GET", "/status", 0, handle_status },
	{ "GET", "/.well-known/est/cacerts", 0, handle_cacerts },
	{ "GET", "/.well-known/est/crls", 0, handle_crls },
	{ "POST", "/.well-known/est/simpleenroll", ROUTE_COUNTED, handle_enrol },
	{ "POST", "/.well-known/est/simplereenroll", ROUTE_COUNTED, handle_reenrol },
};

/* ---- one worker ---- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	/* Whichever worker is asked for the metrics, they are all there. */
	generation_measure(s->now);
	count_waiting(s);
	if (s->audit == NULL)
		return;
	audit_file_tick(s->audit);
	count_audit(s);
}

/* The older ones that no request needs any more. */
static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;
	struct generation **at = &s->older, *g;

	while ((g = *at) != NULL) {
		if (g->holders > 0) {
			at = &g->older;
			continue;
		}
		*at = g->older;
		generation_free(g);
	}
}

static void
on_unused(void *arg)
{
	struct service *s = arg;

	event_active(s->reaper, EV_TIMEOUT, 0);
}

/* True without an audit log, too. */
static bool
start_audit(struct service *s, const struct coordinator_config *cfg, unsigned worker)
{
	struct timespec now;

	if (cfg->audit_dir == NULL)
		return true;
	/* Counted from the time: no number of an earlier process comes again. */
	clock_gettime(CLOCK_REALTIME, &now);
	s->next_request = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
	s->audit = audit_file_new(cfg->audit_dir, cfg->audit_label, worker, cfg->audit_sync_mode);
	return s->audit != NULL;
}

static bool
start_events(struct service *s)
{
	const struct timeval tick = { TICK_S, 0 };

	s->reaper = evtimer_new(s->base, on_reap, s);
	s->ticker = event_new(s->base, -1, EV_PERSIST, on_tick, s);
	return s->reaper != NULL && s->ticker != NULL && event_add(s->ticker, &tick) == 0;
}

static struct admission_limits
admission_limits_of(const struct coordinator_config *cfg)
{
	return (struct admission_limits){ .at_once = (size_t)cfg->daemon.max_in_flight,
		.waiting = (size_t)cfg->max_waiting, .waiting_each = (size_t)cfg->max_waiting_each };
}

static bool
start_admission(struct service *s, const struct coordinator_config *cfg, unsigned worker)
{
	const struct admission_limits limits = admission_limits_of(cfg);

	if (s->metrics == NULL)
		return true;
	s->admission = admission_new(s->base, s->metrics->admission, worker, &limits);
	return s->admission != NULL;
}

static struct server_config
server_config_of(const struct service *s, const struct coordinator_config *cfg)
{
	return (struct server_config){ .plain = cfg->daemon.plain,
		.tls = daemon_options_tls(&cfg->daemon),
		.certificate_optional = cfg->callers.count == 0 || cfg->callers.token_count > 0 ||
		    cfg->enrolment.set,
		/* Those that wait as well: who is turned away is so by `admission`. */
		.max_in_flight = (size_t)(cfg->daemon.max_in_flight + cfg->max_waiting) + 1,
		.max_body = MPIC_REQUEST_MAX, .max_large_body = BATCH_BODY_MAX,
		.metrics = metrics_of(s) };
}

struct service *
service_new(struct event_base *base, const struct coordinator_config *cfg,
    const struct coordinator_metrics *metrics, int listen_fd, unsigned worker, struct buf *why)
{
	struct service *s = calloc(1, sizeof(*s));
	struct server_config server;

	if (s == NULL) {
		buf_adds(why, "out of memory");
		return NULL;
	}
	s->base = base;
	s->metrics = metrics;
	s->reception.metrics = s->enrolment.metrics = metrics_of(s);
	server = server_config_of(s, cfg);
	if (!start_events(s) || !start_audit(s, cfg, worker) ||
	    !start_admission(s, cfg, worker)) {
		buf_adds(why, "out of memory");
		goto fail;
	}
	s->enrolment.audit = s->audit;
	s->world = (struct generation_world){ .base = base, .metrics = metrics,
		.random = &s->random, .audit = s->audit, .next_request = &s->next_request,
		.admission = s->admission,
		.on_answer = count_answer, .on_unused = on_unused, .arg = s };
	s->now = generation_new(&s->world, cfg, NULL, why);
	if (s->now == NULL)
		goto fail;
	metric_set(metrics_of(s), METRIC_CONFIG_LOADED, 0, time(NULL));
	s->server = server_new(base, &server, listen_fd, routes,
	    sizeof(routes) / sizeof(routes[0]), s, why);
	if (s->server != NULL)
		return s;
fail:
	service_free(s);
	return NULL;
}

void
service_free(struct service *s)
{
	struct generation *g;

	if (s == NULL)
		return;
	status_stop(&s->status);
	if (s->server != NULL)
		server_free(s->server);
	generation_free(s->now);
	while ((g = s->older) != NULL) {
		s->older = g->older;
		generation_free(g);
	}
	if (s->reaper != NULL)
		event_free(s->reaper);
	if (s->ticker != NULL)
		event_free(s->ticker);
	admission_free(s->admission);
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
service_reopen(struct service *s)
{
	if (s->audit != NULL)
		audit_file_reopen(s->audit);
}

static size_t
older_needed(const struct service *s)
{
	size_t count = 0;

	for (const struct generation *g = s->older; g != NULL; g = g->older)
		count += g->holders > 0;
	return count;
}

/* Requests under way end over the connections that they have, but not with whom nobody trusts. */
static void
recheck_older(struct service *s)
{
	for (struct generation *g = s->older; g != NULL; g = g->older)
		fanout_recheck(g->fanout, s->now->fanout);
}

bool
service_renew(struct service *s, struct coordinator_config *cfg, struct buf *why)
{
	const struct admission_limits limits = admission_limits_of(cfg);
	struct server_config server = server_config_of(s, cfg);
	struct generation *next, *last = s->now;

	if (older_needed(s) >= OLDER_MAX) {
		buf_addf(why, "requests under way still need %d older ones", OLDER_MAX);
		return false;
	}
	next = generation_new(&s->world, cfg, last, why);
	if (next == NULL)
		return false;
	if (!server_reconfigure(s->server, &server, why)) {
		generation_free(next);
		return false;
	}
	if (s->admission != NULL)
		admission_limit(s->admission, &limits);
	next->own = cfg;
	s->now = next;
	last->older = s->older;
	s->older = last;
	metric_set(metrics_of(s), METRIC_CONFIG_LOADED, 0, time(NULL));
	/* Held until here: calls that end now may be its last. */
	recheck_older(s);
	generation_release(last);
	return true;
}
