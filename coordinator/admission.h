/*
 * How much at once, and of whom: what keeps a coordinator that is asked too much
 * from failing everybody.
 *
 * A caller has a rate and a concurrency, over all workers: their counts are in
 * memory that the workers share, in a cell a caller, so that another
 * configuration goes on with them. A worker's own are gone when it dies, no
 * other's. A worker works on `at_once` requests; those beyond wait for their
 * turn, callers taking turns (coordinator/turns.h), until it is too late for
 * them. What waits counts in its caller's concurrency.
 */
#ifndef MPIC_COORDINATOR_ADMISSION_H
#define MPIC_COORDINATOR_ADMISSION_H

#include <event2/event.h>

#include "coordinator/caller.h"
#include "coordinator/turns.h"

#define ADMISSION_CELLS	512	/* callers' names that there can be from a start to the next */

/* What became of a request at the door. */
enum admittance {
	ADMISSION_OK,
	ADMISSION_FORBIDDEN,	/* 403: not for this caller */
	ADMISSION_RATE,		/* 429: it asks too often */
	ADMISSION_CONCURRENCY,	/* 429: too many of its requests are here */
	ADMISSION_FULL,		/* 503: too many wait, or too many of its */
	ADMISSION_LATE,		/* 503: it waited until there was no time left */
	ADMISSION_UNKNOWN,	/* 401: nobody's */
	ADMISSION_COUNT
};

extern const char *const admission_names[ADMISSION_COUNT];

struct admission;
struct admission_shared;

/* Before forking; at least one worker. NULL without memory. */
struct admission_shared *admission_shared_new(unsigned workers);
void admission_shared_free(struct admission_shared *shared);

struct admission_limits {
	size_t at_once;
	size_t waiting, waiting_each;	/* in all, and of one caller */
};

/* A request that was let in. */
struct ticket {
	struct turn turn;		/* first: while it waits */
	const struct ticket_calls *calls;
	uint64_t since_ns;		/* of its turn */
	uint16_t cell;
	enum { TICKET_NONE, TICKET_WAITS, TICKET_IN } state;
};

/* From the loop, for a ticket that waited: once one of them. */
struct ticket_calls {
	void (*turn)(struct ticket *t);		/* it is in */
	void (*late)(struct ticket *t);		/* until_ns has passed: it is out */
};

/* The counts of an earlier process that was this worker are gone. */
struct admission *admission_new(struct event_base *base, struct admission_shared *shared,
    unsigned worker, const struct admission_limits *limits);
/* Nobody has a ticket. */
void admission_free(struct admission *a);
void admission_limit(struct admission *a, const struct admission_limits *limits);

/*
 * Whether a request of this caller's may be looked at: it counts in its rate. Not
 * ADMISSION_OK: *retry_s is in how many seconds it might.
 */
enum admittance admission_knock(struct admission *a, const struct caller *caller, size_t cell,
    int64_t *retry_s);
/*
 * Takes a ticket, to be given back by admission_leave(); its state says whether it
 * waits, until_ns at most. As above if there is none.
 */
enum admittance admission_enter(struct admission *a, const struct caller *caller, size_t cell,
    struct ticket *t, const struct ticket_calls *calls, uint64_t until_ns, int64_t *retry_s);
/* Whatever its state. */
void admission_leave(struct admission *a, struct ticket *t);
/* In how many seconds one that is turned away because too many wait might come again. */
int64_t admission_retry_s(const struct admission *a);
size_t admission_waiting(const struct admission *a);
/*
 * What of the time that a request has left is kept free of waiting for
 * perspectives, so that all that are in can be answered in time should their
 * deadlines be one: a thousand answers at once take longer than one.
 */
uint64_t admission_reserve_ns(const struct admission *a, uint64_t left_ns);
/* What is said to somebody turned away; not for ADMISSION_OK and ADMISSION_UNKNOWN. */
void admission_text(enum admittance came, const struct caller *caller, struct buf *out);
/* 403, 429 or 503. */
int admission_status(enum admittance came);

#endif
