#include "httpcheck/perspective.h"

#include <stdlib.h>
#include <string.h>

#include "httpcheck/caa_route.h"
#include "httpcheck/fetcher.h"
#include "httpcheck/dcv_route.h"
#include "httpcheck/identity.h"
#include "httpcheck/readiness.h"
#include "httpcheck/status_file.h"
#include "log.h"
#include "openapi.h"

#define READY_CONNECTIONS_MAX	64

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
	    "Processes talking to applicants' servers that died and were started again.", ) \
	X(FETCHERS, "mpic_fetchers", GAUGE, \
	    "Processes talking to applicants' servers that are there: one for each worker.", )

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
note_fetcher(void *arg, bool ready)
{
	struct perspective *p = arg;

	metric_set(p->metrics, METRIC_FETCHERS, 0, ready);
}

bool
perspective_has_fetchers(const struct perspective *p)
{
	int64_t workers = p->cfg->daemon.workers > 0 ? p->cfg->daemon.workers : 1;

	return fetcher_ready(p->fetcher) && metric_value(p->metrics, METRIC_FETCHERS, 0) >= workers;
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
	status_metrics(&p->cfg->status_files, &body);
	if (body.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", body.data,
		    body.len, NULL, 0);
	buf_free(&body);
}

static const struct route routes[] = {
	{ "POST", "/caa", ROUTE_COUNTED | ROUTE_IDENTIFIED, caa_route },
	{ "POST", "/dcv", ROUTE_COUNTED | ROUTE_IDENTIFIED, dcv_route },
	{ "GET", "/healthz", 0, healthz_route },
	{ "GET", "/readyz", 0, readyz_route },
	{ "GET", "/metrics", 0, metrics_route },
	{ "GET", "/identity", 0, identity_route },
	{ "GET", "/openapi.yaml", 0, openapi_route },
};

/* For the machine itself and for whoever runs it, who have no certificate. */
static const struct route ready_routes[] = {
	{ "GET", "/healthz", 0, healthz_route },
	{ "GET", "/readyz", 0, readyz_route },
	{ "GET", "/metrics", 0, metrics_route },
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

	server_free(p->ready_server);
	p->ready_server = NULL;
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

/* False: there should be one. It counts nothing: what it answers is not the service. */
static bool
perspective_ready_server(struct perspective *p, int listen_fd)
{
	const struct server_config server = { .plain = true, .plain_anywhere = true,
		.max_connections = READY_CONNECTIONS_MAX };
	struct buf why = BUF_INIT(512);

	if (listen_fd < 0)
		return true;
	p->ready_server = server_new(p->base, &server, listen_fd, ready_routes,
	    sizeof(ready_routes) / sizeof(ready_routes[0]), p, &why);
	if (p->ready_server == NULL)
		log_error("cannot serve readiness", "why",
		    why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
	return p->ready_server != NULL;
}

static struct fetcher *
perspective_fetcher(struct perspective *p)
{
	const struct fetcher_config fetcher = { .user = p->cfg->fetcher_user,
		.socket = p->cfg->fetcher_socket, .died = count_fetcher_death,
		.ready = note_fetcher, .arg = p };
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
	if (p.resolver != NULL && p.fetcher != NULL && perspective_signing_key(&p) &&
	    perspective_ready_server(&p, w->also_fd))
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
	server_free(p.ready_server);
	server_free(p.server);
	jws_key_free(p.signing_key);
	return status;
}
