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
