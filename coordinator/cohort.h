/*
 * Which perspectives look at a target: pure.
 *
 * From a fleet's remotes, a size and a secret come disjoint cohorts in an order that is
 * always the same for a target and that nobody without the secret can tell.
 * Every cohort has members that are pairwise far enough apart, and from the
 * primary if there is one, which is in none; of at least two
 * RIRs when there are more than two of them (TLS BR 3.2.2.9), and of two where
 * two are enough if the fleet can do it. Attempt k uses cohort k, beginning
 * anew after the last, as in Open MPIC.
 */
#ifndef MPIC_COHORT_H
#define MPIC_COHORT_H

#include "coordinator/fleet.h"
#include "target.h"

#define COHORT_MIN	2

struct cohorts {
	size_t size;		/* members of each */
	size_t count;
	uint8_t members[FLEET_MAX];	/* indices into the fleet, `size` a cohort */
};

enum cohort_fault {
	COHORT_OK,
	COHORT_TOO_SMALL,	/* size below COHORT_MIN */
	COHORT_TOO_LARGE,	/* size over the fleet's remotes */
	COHORT_ONE_RIR,		/* they are of one RIR */
	COHORT_TOO_CLOSE,	/* no such set that is far enough apart and of two RIRs */
};

/* The clause that says why: "all perspectives are in one RIR's region", ... */
const char *cohort_fault_text(enum cohort_fault fault);

/*
 * A wildcard has the cohorts of the name below it, so that asking for both
 * does not show a target to more perspectives. `secret` of any length.
 */
enum cohort_fault cohorts_build(struct cohorts *c, const struct fleet *fleet, size_t size,
    const void *secret, size_t secret_len, const struct target *target);
/* The members used by attempt 1, 2, ... */
const uint8_t *cohorts_for_attempt(const struct cohorts *c, size_t attempt);

#endif
