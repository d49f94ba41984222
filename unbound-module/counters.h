/*
 * What the module has done since it was loaded (a reload starts again).
 * Unbound's own statistics have no place for a dynamic module, so they are
 * read with the option's `stats` operation. Threads add without locks.
 */
#ifndef MPIC_COUNTERS_H
#define MPIC_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

struct buf;

#define COUNTERS(X) \
	X(lookups,	"lookup operations begun") \
	X(climbs,	"climb operations begun") \
	X(refused,	"queries with our option that were malformed, over a cap or of an unknown version") \
	X(subs,		"sub-queries begun") \
	X(in_flight,	"sub-queries not finished") \
	X(sent,		"queries handed to the network for our sub-queries") \
	X(retries,	"lookups asked again after a failure") \
	X(walks,	"walks begun to prove a failing domain Insecure") \
	X(failures,	"lookups that ended without a usable answer") \
	X(bogus,	"lookups whose answer failed DNSSEC validation") \
	X(truncated,	"replies whose evidence did not fit")

struct counters {
#define X(name, help) _Atomic uint64_t name;
	COUNTERS(X)
#undef X
};

#define COUNT(counters, name) \
	atomic_fetch_add_explicit(&(counters)->name, 1, memory_order_relaxed)
#define UNCOUNT(counters, name) \
	atomic_fetch_sub_explicit(&(counters)->name, 1, memory_order_relaxed)

/* Adds the members of a JSON object, without its braces. */
void counters_json(struct counters *c, struct buf *out);

#endif
