#include "httpcheck/perspective.h"

#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "httpcheck/caa_route.h"
#include "httpcheck/fetcher.h"
#include "httpcheck/dcv_route.h"
#include "log.h"
#include "openapi.h"

#define READY_DEADLINE_MS	2000

static const char *const verdict_names[] = { "passed", "denied", "failed" };
enum verdict_cell { PASSED, DENIED, FAILED };

static const char *const problem_names[PROBLEM_COUNT] = {
	[PROBLEM_NONE] = "none",
#define X(symbol, code, ...) [PROBLEM_##symbol] = code,
	PROBLEMS(X)
#undef X
};

/* What is checked: CAA, or the method of domain control. perspective_metrics() names them. */
#define METHOD_COUNT	(DCV_METHOD_COUNT + 1)
static const char *method_names[METHOD_COUNT] = { "caa" };

#define PERSPECTIVE_METRICS(X) \
	SERVER_METRICS(X) \
	X(CHECKS, "mpic_checks_total", COUNTER, \
	    "Checks ended: passed, denied by the domain, or failed.", \
	    .labels = { { "method", method_names, METHOD_COUNT }, { "result", verdict_names, 3 } }) \
	X(PROBLEMS, "mpic_problems_total", COUNTER, \
	    "What kept checks from passing.", \
	    .labels = { { "problem", problem_names, PROBLEM_COUNT } }) \
	X(CHECK_SECONDS, "mpic_check_seconds", HISTOGRAM, \
	    "Time of a check, lookups included.", \
	    .labels = { { "method", method_names, METHOD_COUNT } }, SECONDS_BOUNDS) \
	X(FETCHER_DEATHS, "mpic_fetcher_restarts_total", COUNTER, \
	    "Processes talking to applicants' servers that died and were started again.", )

enum { PERSPECTIVE_METRICS(METRIC_ENUM) METRIC_COUNT };
static const struct metric metric_table[] = { PERSPECTIVE_METRICS(METRIC_ROW) };

struct metrics *
perspective_metrics(unsigned workers)
{
	for (size_t i = 0; i < DCV_METHOD_COUNT; i++)
		method_names[i + 1] = dcv_method_names[i];
	return metrics_new(metric_table, METRIC_COUNT, workers > 0 ? workers : 1);
}

void
perspective_count(struct perspective *p, const struct check_result *result, double seconds)
{
	enum problem problem = result->problem.problem;
	enum verdict_cell cell = result->check_passed ? PASSED : problem_completed(problem) ?
	    DENIED : FAILED;
	size_t method = result->type == CHECK_DCV ? (size_t)result->dcv.method + 1 : 0;

	metric_add(p->metrics, METRIC_CHECKS, metric_cell(p->metrics, METRIC_CHECKS, method, cell), 1);
	if (problem != PROBLEM_NONE)
		metric_add(p->metrics, METRIC_PROBLEMS, (size_t)problem, 1);
	metric_observe(p->metrics, METRIC_CHECK_SECONDS, method, seconds);
}

static void
count_fetcher_death(void *arg)
{
	struct perspective *p = arg;

	metric_add(p->metrics, METRIC_FETCHER_DEATHS, 0, 1);
}

static void
healthz_route(struct exchange *x, void *arg)
{
	static const char body[] = "{\"status\":\"healthy\"}";

	exchange_reply(x, 200, NULL, body, sizeof(body) - 1, NULL, 0);
}

static void
metrics_route(struct exchange *x, void *arg)
{
	struct perspective *p = arg;
	struct buf body = BUF_INIT(1024 * 1024);

	metrics_render(p->metrics, &body);
	metric_render_build(&body);
	if (body.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", body.data,
		    body.len, NULL, 0);
	buf_free(&body);
}

/* A question of readiness under way. */
struct probe {
	struct exchange *exchange;
	struct resolver_query *query;
};

static void
probe_reply(struct probe *probe, const char *resolver, const char *why)
{
	struct buf body = BUF_INIT(1024);

	buf_addf(&body, "{\"status\":\"%s\",\"resolver\":", resolver != NULL ? "ready" : "not-ready");
	if (resolver != NULL)
		buf_add_json(&body, resolver, strlen(resolver));
	else
		buf_adds(&body, "null");
	if (why != NULL) {
		buf_adds(&body, ",\"detail\":");
		buf_add_json(&body, why, strlen(why));
	}
	buf_addc(&body, '}');
	exchange_on_gone(probe->exchange, NULL, NULL);
	if (body.failed)
		exchange_refuse(probe->exchange, 503, "out of memory");
	else
		exchange_reply(probe->exchange, resolver != NULL ? 200 : 503, NULL, body.data,
		    body.len, NULL, 0);
	buf_free(&body);
	free(probe);
}

static void
probe_answered(void *arg, const struct resolver_answer *answer)
{
	struct buf why = BUF_INIT(512);
	struct evidence evidence;

	if (answer->problem != PROBLEM_NONE) {
		/* this question needs no name server: silence is the resolver's own */
		probe_reply(arg, NULL, answer->problem != PROBLEM_DNS_TIMEOUT ? answer->message :
		    "the resolver of this perspective does not answer");
		return;
	}
	if (!evidence_decode(&evidence, answer->evidence, answer->evidence_len, 0, &why))
		probe_reply(arg, NULL, why.data);
	else
		probe_reply(arg, evidence.error == NULL ? evidence.resolver : NULL, evidence.error);
	evidence_free(&evidence);
	buf_free(&why);
}

static void
probe_gone(struct exchange *x, void *arg)
{
	struct probe *probe = arg;

	resolver_cancel(probe->query);
	probe_reply(probe, NULL, NULL);
}

/* The root's name does; the module ignores a stats question's name. */
static void
readyz_route(struct exchange *x, void *arg)
{
	static const struct dns_question question = {
		.name = { .text = "readyz", .len = 6 },
		.type = DNS_TYPE_CAA,
		.option = { .operation = MPIC_STATS },
	};
	struct perspective *p = arg;
	struct probe *probe = calloc(1, sizeof(*probe));

	if (probe != NULL) {
		probe->exchange = x;
		probe->query = resolver_ask(p->resolver, &question, READY_DEADLINE_MS,
		    probe_answered, probe);
	}
	if (probe == NULL || probe->query == NULL) {
		free(probe);
		exchange_refuse(x, 503, "out of memory");
		return;
	}
	exchange_on_gone(x, probe_gone, probe);
}

static const struct route routes[] = {
	{ "POST", "/caa", ROUTE_COUNTED | ROUTE_IDENTIFIED, caa_route },
	{ "POST", "/dcv", ROUTE_COUNTED | ROUTE_IDENTIFIED, dcv_route },
	{ "GET", "/healthz", 0, healthz_route },
	{ "GET", "/readyz", 0, readyz_route },
	{ "GET", "/metrics", 0, metrics_route },
	{ "GET", "/openapi.yaml", 0, openapi_route },
};

static void
perspective_drained(void *arg)
{
	struct perspective *p = arg;

	event_base_loopbreak(p->base);
}

static void
perspective_stop(void *arg)
{
	struct perspective *p = arg;

	server_drain(p->server, perspective_drained, p);
}

/* False: there should be a key, and it cannot be read: the one before stays. */
static bool
perspective_signing_key(struct perspective *p)
{
	struct buf why = BUF_INIT(512);
	struct jws_key *key;

	if (p->cfg->signing_key == NULL)
		return true;
	key = jws_key_read_private(p->cfg->signing_key, &why);
	if (key == NULL) {
		log_error(p->signing_key != NULL ?
		    "the signing key cannot be used; the old one stays" : "cannot sign",
		    "why", why.data != NULL ? why.data : "out of memory");
	} else {
		jws_key_free(p->signing_key);
		p->signing_key = key;
		log_notice("results are signed", "key", key->id);
	}
	buf_free(&why);
	return key != NULL;
}

/* Certificates for new connections, the signing key for results from now on. */
static void
perspective_reload(void *arg)
{
	struct perspective *p = arg;
	struct buf why = BUF_INIT(512);

	perspective_signing_key(p);
	if (!p->cfg->daemon.plain && !server_reload_tls(p->server, &why))
		log_error("the certificate files cannot be used; the old ones stay", "why", why.data);
	buf_free(&why);
}

static struct server *
perspective_server(struct perspective *p, int listen_fd)
{
	const struct httpcheck_config *cfg = p->cfg;
	struct server_config server = {
		.plain = cfg->daemon.plain,
		.tls = daemon_options_tls(&cfg->daemon),
		.identities = cfg->callers.items,
		.identity_count = cfg->callers.count,
		.max_in_flight = (size_t)cfg->daemon.max_in_flight,
		.max_body = CHECK_REQUEST_MAX,
		.metrics = p->metrics,
	};
	struct buf why = BUF_INIT(512);
	struct server *s = server_new(p->base, &server, listen_fd, routes,
	    sizeof(routes) / sizeof(routes[0]), p, &why);

	if (s == NULL)
		log_error("cannot serve", "why", why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
	return s;
}

static struct fetcher *
perspective_fetcher(struct perspective *p)
{
	const struct fetcher_config fetcher = { .user = p->cfg->fetcher_user,
		.died = count_fetcher_death, .arg = p };
	struct buf why = BUF_INIT(512);
	struct fetcher *f = fetcher_new(p->base, &fetcher, &why);

	if (f == NULL)
		log_error("cannot start a fetcher", "why",
		    why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
	return f;
}

int
perspective_run(struct worker *w, void *arg)
{
	const struct perspective_start *start = arg;
	struct perspective p = { .cfg = start->cfg, .metrics = start->metrics, .base = w->base };
	struct resolver_config resolver = {
		.called = "the resolver of this perspective",
		.address = start->cfg->resolver,
		.connections = (size_t)start->cfg->resolver_connections,
	};
	int status = 1;

	metrics_use(p.metrics, w->index);
	p.resolver = resolver_new(w->base, &resolver);
	/* executed while this process holds no key yet */
	p.fetcher = perspective_fetcher(&p);
	if (p.resolver != NULL && p.fetcher != NULL && perspective_signing_key(&p))
		p.server = perspective_server(&p, w->listen_fd);
	if (p.server != NULL) {
		w->stop = perspective_stop;
		w->reload = perspective_reload;
		w->hook_arg = &p;
		worker_ready(w);
		status = event_base_dispatch(w->base) == -1;
	}
	fetcher_free(p.fetcher);
	p.fetcher = NULL;
	resolver_free(p.resolver);	/* ends what is under way, while the server can reply */
	server_free(p.server);
	jws_key_free(p.signing_key);
	return status;
}
