/*
 * GET /status: what of a fleet needs somebody's care. One look at a time.
 *
 * What needs care is said in sentences, of each endpoint: it cannot be reached or is
 * not ready; its certificate ends in less than two weeks, or a quarter of its time
 * if that is less; it signs with another key than verify_key; its clock is two
 * seconds away from ours; it has a notice. Whether one is ready whose gateway lets
 * checks alone through is not known, which needs no care.
 */
#ifndef MPIC_COORDINATOR_STATUS_H
#define MPIC_COORDINATOR_STATUS_H

#include "coordinator/generation.h"
#include "coordinator/inspection.h"

struct status_desk {
	struct exchange *exchange;	/* who waits; NULL: nobody */
	struct inspection *inspection;
	struct generation *generation;	/* held meanwhile */
	int64_t expires_s;		/* of the coordinator's own certificate; 0: it has none */
};

/* Looks, and replies. */
void status_route(struct status_desk *d, struct generation *g, int64_t expires_s,
    struct exchange *x);
/* Whoever waits is refused. */
void status_stop(struct status_desk *d);

/* The sentences as items of a JSON array; how many those are. Pure. */
size_t status_judge(const struct inspected *row, int64_t now_s, struct buf *care);

#endif
