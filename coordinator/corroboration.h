/*
 * One POST /mpic on its way: from the body to the answer.
 *
 * An attempt asks one cohort. It ends when all have answered, or when the
 * verdict is certain and `linger_ms` have passed, or at the deadline. The next
 * attempt asks the next cohort and takes over nothing. Each attempt that was
 * started leaves one log line, also when the caller has vanished.
 */
#ifndef MPIC_CORROBORATION_H
#define MPIC_CORROBORATION_H

#include <event2/event.h>

#include "coordinator/fanout.h"
#include "coordinator/policy.h"
#include "coordinator/request.h"
#include "coordinator/response.h"
#include "server.h"

/* What was heard of a perspective that was asked. */
enum hearing {
	HEARD,		/* it answered, whatever it said */
	NOT_HEARD,	/* the call failed: no connection, another's certificate, a refusal */
	NOT_AWAITED,	/* it was asked, and given up before it answered */
};

/* What all requests of a worker share. */
struct corroborator_pool {
	struct event_base *base;
	const struct fleet *fleet;
	struct fanout *fanout;
	const struct policy *policy;
	struct mpic_limits limits;
	const void *secret;		/* of the cohorts */
	size_t secret_len;
	int64_t linger_ms;
	char *const *caa_domains;	/* for a request that names none */
	size_t caa_domain_count;
	/* A vote was counted. */
	void (*on_result)(void *arg, const struct corroborator *c, enum hearing hearing);
	/* A request ended: refused (400), or answered. */
	void (*on_answer)(void *arg, bool refused, bool valid, size_t attempts);
	void *arg;
};

/* Handles the exchange to its reply, which comes later. */
void corroborate(const struct corroborator_pool *pool, struct exchange *x);

#endif
