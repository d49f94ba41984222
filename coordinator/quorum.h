/*
 * When perspectives corroborate each other: pure.
 *
 * With a primary they corroborate what it saw: without its pass nothing is
 * reached, and of the remotes only those count that passed on the same.
 * Without one all are remotes, and corroborate that the check passes.
 *
 * A rule says how many perspectives need not corroborate and in the service
 * regions of how many RIRs those that do have to stand (TLS BR 3.2.2.9). It
 * comes from the policy (coordinator/rules.h), by the day and the number asked.
 */
#ifndef MPIC_QUORUM_H
#define MPIC_QUORUM_H

#include "coordinator/fleet.h"

struct quorum_rule {
	size_t may_fail;
	size_t regions;
};

/*
 * How many of `perspectives` must corroborate if the caller does not say; also
 * the least, which is one whatever the rule says.
 */
size_t quorum_least(const struct quorum_rule *rule, size_t perspectives);
bool quorum_allowed(const struct quorum_rule *rule, size_t perspectives, int64_t quorum);

enum vote {
	VOTE_PENDING,
	VOTE_PASSED,
	VOTE_FAILED,
	VOTE_CANCELLED,		/* neither: it was not awaited once the outcome was certain */
	VOTE_APART,		/* the check passed, but not as the primary's did */
};

/* Only a completed check that passed corroborates. */
enum vote vote_of(bool completed, bool passed);

enum quorum_outcome {
	QUORUM_OPEN,		/* pending votes can still turn it */
	QUORUM_REACHED,
	QUORUM_MISSED,		/* whatever the pending votes will be */
};

struct ballot {
	size_t perspectives, required;
	size_t regions;		/* of RIRs, at least */
	uint8_t votes[FLEET_MAX];	/* enum vote */
	uint8_t rirs[FLEET_MAX];	/* enum rir */
	bool has_primary;	/* it is none of the perspectives */
	uint8_t primary;	/* enum vote, never VOTE_APART */
};

/* While the primary's vote is pending, it is reached by no number of others. */
enum quorum_outcome quorum_outcome(const struct ballot *b);
/* The primary's vote is there, and no pass. */
bool quorum_primary_failed(const struct ballot *b);
size_t quorum_passed(const struct ballot *b);
/* Whether the passed votes are enough but all of one RIR, of which the rule wants two. */
bool quorum_one_rir(const struct ballot *b);

#endif
