/*
 * One check of an attempt: who was asked, what each came to, and whether that
 * is enough. Pure.
 *
 * With a primary, a remote that passed is not counted before the primary has
 * its result: only then is it known whether it corroborates (agreement.h).
 */
#ifndef MPIC_POLL_H
#define MPIC_POLL_H

#include "coordinator/corroborator.h"
#include "coordinator/quorum.h"

struct poll {
	enum check_type type;
	enum quorum_outcome outcome;
	struct ballot ballot;
	struct corroborator *corroborators;	/* one a remote, in the ballot's order */
	struct corroborator *primary;	/* behind them; NULL: there is none */
};

/* What the polls of an attempt are about. */
struct poll_plan {
	const struct fleet *fleet;
	const uint8_t *members;		/* of the fleet, the remotes */
	size_t count;
	const struct perspective *primary;	/* NULL: none */
	size_t quorum, regions;		/* as in struct ballot */
	const enum check_type *types;	/* one a poll */
	enum dcv_method method;
};

/*
 * In one allocation with their corroborators, all of them pending; those of a
 * poll are followed by its primary. NULL without memory.
 */
struct poll *polls_new(const struct poll_plan *plan, size_t polls);
void polls_free(struct poll *polls, size_t count);	/* NULL is fine */
/* The vote of a remote or of the primary. */
enum vote poll_vote(const struct poll *poll, const struct corroborator *c);
/*
 * Counts a corroborator that has its result, which was `cancelled` or not.
 * `fixed` as in agreement.h. False: it has to wait for the primary's.
 */
bool poll_count(struct poll *poll, struct corroborator *c, bool cancelled, bool fixed);
/* Works out the outcome: who has not voted by now does not corroborate. */
void poll_close(struct poll *poll);

#endif
