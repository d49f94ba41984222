/*
 * A configuration in use, and what a worker made of it: the fan-out and the
 * way to the resolver with their connections, and what requests need of it.
 *
 * SIGHUP brings another one (service_renew()). A request keeps the one that it
 * began with: its perspectives, its policy, its connections. A generation is
 * freed once it is neither in force nor any request's. Whatever keeps pointers
 * into a configuration or its fleet must be part of a request, or hold the
 * generation itself.
 */
#ifndef MPIC_COORDINATOR_GENERATION_H
#define MPIC_COORDINATOR_GENERATION_H

#include "coordinator/corroboration.h"
#include "coordinator/metrics.h"

/* What all generations of a worker share; outlives them. */
struct generation_world {
	struct event_base *base;
	const struct coordinator_metrics *metrics;
	struct random_pool *random;
	struct audit_file *audit;	/* NULL: none */
	uint64_t *next_request;		/* as in struct corroborator_pool */
	struct admission *admission;	/* NULL: everybody is let in */
	/* A request ended. */
	void (*on_answer)(void *arg, enum answer answer, size_t attempts);
	/* One is no longer held: to be freed, but only from the loop. */
	void (*on_unused)(void *arg);
	void *arg;
};

struct generation {
	const struct generation_world *world;
	const struct coordinator_config *cfg;
	struct coordinator_config *own;	/* the same, to be freed with it; NULL: somebody else's */
	struct fanout *fanout;
	struct resolver *resolver;	/* NULL: none is configured */
	struct corroborator_pool pool;
	size_t cells[FLEET_MAX];	/* see generation_cell() */
	size_t caller_cells[CALLERS_MAX + 1];	/* by callers_index() */
	uint64_t missed_ns[FLEET_MAX];	/* last failure to reach; 0 after a success */
	size_t holders;			/* who made it, and requests */
	struct generation *older;	/* its owner's, to make a list of */
};

/*
 * Has one holder. `before` (NULL: none) tells which perspectives could not be
 * reached lately. `cfg` must outlive it. NULL, with a sentence.
 */
struct generation *generation_new(const struct generation_world *world,
    const struct coordinator_config *cfg, const struct generation *before, struct buf *why);
/* Nobody holds it. Not from within a request. */
void generation_free(struct generation *g);
void generation_hold(struct generation *g);
/* Not to be touched after, unless on_unused() comes. */
void generation_release(struct generation *g);

/*
 * corroborate() by this generation, which it holds until the request has ended;
 * `caller` is one of its configuration's.
 */
void generation_corroborate(struct generation *g, const struct caller *caller,
    struct exchange *x);
/* Where fleet.members[member] is in a metric's label `perspective`. */
size_t generation_cell(const struct generation *g, size_t member);
/* False: the last call to it failed, not long ago. */
bool generation_reachable(const struct generation *g, size_t member);
/* Sets the gauges that follow from the fleet; those of perspectives no longer in it to 0. */
void generation_measure(const struct generation *g);

#endif
