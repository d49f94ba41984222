/*
 * One cohort asked once (TLS BR 3.2.2.9).
 *
 * Each check of the question is a poll of its own: all perspectives are asked
 * for all checks at once, and each check has to reach its quorum by itself. A
 * primary is asked beside the cohort, its remotes, or before them: then they are
 * asked with the time that is left once it passed every check, and otherwise
 * not at all.
 *
 * An attempt ends when all its perspectives have answered, or when the outcome
 * of every poll is certain and `linger_ms` have passed, or at the deadline. Who
 * has not answered is cancelled in the one case, which says nothing of it, and
 * has failed in the other. What it found stays
 * until it is freed, what it took to ask goes when it ends. It takes over
 * nothing from the attempts before.
 */
#ifndef MPIC_ATTEMPT_H
#define MPIC_ATTEMPT_H

#include <event2/event.h>

#include "coordinator/poll.h"
#include "coordinator/fanout.h"
#include "coordinator/question.h"
#include "random_pool.h"

/* What was heard of a perspective that was asked. */
enum hearing {
	HEARD,		/* it answered, whatever it said */
	NOT_HEARD,	/* the call failed: no connection, another's certificate, a refusal */
	NOT_IN_TIME,	/* it was asked, and had not answered at the deadline */
	NOT_AWAITED,	/* it was asked, and cancelled: the verdict was certain without it */
	NOT_ASKED,	/* it could not be asked this */
};

/* What came of asking one perspective for one check; valid during the call. */
struct heard {
	const struct corroborator *corroborator;
	enum hearing hearing;
	enum vote vote;			/* that was counted */
	uint64_t took_ns;		/* from the call to its end */
	const char *trace_id;		/* of the request */
};

/* What all attempts of a worker share. */
struct asker {
	struct event_base *base;
	const struct fleet *fleet;
	struct fanout *fanout;
	int64_t linger_ms;
	struct random_pool *random;	/* for a share of signatures, and spans; or NULL */
	double verify_share;		/* of the signed results; 0 to 1 */
	/* A vote was counted. NULL: nobody wants to know. */
	void (*on_result)(void *arg, const struct heard *heard);
	/* It is in poll_disagreement(). NULL: nobody wants to know. */
	void (*on_disagreement)(void *arg, const struct corroborator *c);
	void *arg;
};

/* What one attempt is to do. `question` outlives it, `members` need not. */
struct attempt_plan {
	size_t number;			/* from 1 */
	const struct question *question;
	const uint8_t *members;		/* of the fleet, in the cohort's order */
	size_t count, quorum;
	const struct perspective *primary;	/* of the fleet, no member; NULL: none */
	bool primary_first;		/* the members are asked once it passed */
	size_t regions;			/* of RIRs, at least */
	uint64_t deadline_ns;		/* monotonic */
	void (*ended)(void *arg);	/* the attempt has its outcome; may free it */
	void *arg;
};

struct asking;

struct attempt {
	size_t number;
	size_t count;			/* of members, the primary is none */
	bool has_primary;
	bool remotes_not_asked;		/* the primary came first, and did not pass in time */
	uint64_t started_ns;
	size_t poll_count;
	struct poll *polls;		/* in the question's order; NULL: nobody was asked */
	struct asking *asking;		/* under way; NULL: over */
};

/* Every poll reached its quorum. The attempt must be over. */
bool attempt_valid(const struct attempt *a);

/*
 * Asks everybody. ended() comes once, from the loop or before this returns.
 * False without memory: nobody was asked and ended() will not come, but the
 * attempt can be read, and must be freed, as any other.
 */
bool attempt_start(struct attempt *a, const struct asker *asker,
    const struct attempt_plan *plan);
/* Ends it without an outcome and without ended(): nobody waits for it any longer. */
void attempt_abort(struct attempt *a);
void attempt_free(struct attempt *a);

#endif
