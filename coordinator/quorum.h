/*
 * When perspectives corroborate each other: pure.
 *
 * TLS BR 3.2.2.9 allows one perspective in five or fewer not to corroborate
 * and two in six or more, and asks that those that do stand in the service
 * regions of two RIRs once there are more than two.
 */
#ifndef MPIC_QUORUM_H
#define MPIC_QUORUM_H

#include "coordinator/fleet.h"

/* How many of `perspectives` must corroborate if the caller does not say; also the least. */
size_t quorum_least(size_t perspectives);
bool quorum_allowed(size_t perspectives, int64_t quorum);

enum vote { VOTE_PENDING, VOTE_PASSED, VOTE_FAILED };

/* Only a completed check that passed corroborates. */
enum vote vote_of(bool completed, bool passed);

enum quorum_outcome {
	QUORUM_OPEN,		/* pending votes can still turn it */
	QUORUM_REACHED,
	QUORUM_MISSED,		/* whatever the pending votes will be */
};

struct ballot {
	size_t perspectives, required;
	uint8_t votes[FLEET_MAX];	/* enum vote */
	uint8_t rirs[FLEET_MAX];	/* enum rir */
};

enum quorum_outcome quorum_outcome(const struct ballot *b);
size_t quorum_passed(const struct ballot *b);
/* Whether the passed votes are enough but all of one RIR. */
bool quorum_one_rir(const struct ballot *b);

#endif
