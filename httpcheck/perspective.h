/*
 * One worker of a perspective: its routes, its checks under way, its way to
 * the resolver.
 *
 *   POST /caa     a CAA check (check.h)
 *   POST /dcv     a check of domain control (check_dcv.h)
 *   GET /healthz  200 while the worker's loop turns
 *   GET /readyz   200 while Unbound answers with evidence and each worker has its fetcher,
 *                 else 503
 *   GET /metrics  Prometheus text
 *   GET /identity what it is (identity.h)
 *
 * The last three also without TLS, for anybody, where ready_listen is set.
 */
#ifndef MPIC_PERSPECTIVE_H
#define MPIC_PERSPECTIVE_H

#include "check.h"
#include "daemon.h"
#include "httpcheck/config.h"
#include "jws_key.h"
#include "metric.h"
#include "random_pool.h"
#include "resolver.h"
#include "server.h"
#include "signature.h"

struct perspective {
	const struct httpcheck_config *cfg;
	struct metrics *metrics;
	struct resolver *resolver;
	struct fetcher *fetcher;	/* the way to applicants' servers */
	struct random_pool random;	/* for nonces */
	struct jws_key *signing_key;	/* NULL: results are not signed */
	struct server *server;
	struct server *ready_server;	/* NULL: ready_listen is not set */
	struct event_base *base;
	/* What Unbound said last, e.g. "unbound 1.22.0"; empty: nothing yet. */
	char resolver_version[SIGNATURE_RESOLVER_MAX + 1];
};

/* Serves until told to stop: the daemon's `run`, with a struct perspective_start. */
int perspective_run(struct worker *w, void *arg);

struct perspective_start {
	const struct httpcheck_config *cfg;
	struct metrics *metrics;
};

/* The metrics of all workers; made before they are forked. */
struct metrics *perspective_metrics(unsigned workers);
/*
 * Whether each worker has its fetcher: what one of them answers of readiness holds for
 * whichever gets the next check.
 */
bool perspective_has_fetchers(const struct perspective *p);
/* Counts a check that ended. */
void perspective_count(struct perspective *p, const struct check_result *result, double seconds);

#endif
