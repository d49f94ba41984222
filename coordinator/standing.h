/*
 * How a fleet stands to the rules of a time: pure.
 */
#ifndef MPIC_STANDING_H
#define MPIC_STANDING_H

#include "coordinator/fleet.h"
#include "coordinator/rules.h"

/*
 * Adds one line without its end: the day, the policy, and what the fleet lacks,
 * each with its row; or that it lacks nothing. True in the latter case.
 */
bool standing_text(const struct fleet *fleet, const struct rules *rules, struct buf *out);
/*
 * The same for the first day after rules->at_s on which rows begin, with those
 * rows. True also if there is no such day.
 */
bool standing_next_text(const struct fleet *fleet, const struct rules *rules, struct buf *out);
/* The same as metrics: mpic_policy_info, ..._satisfied, ..._next_satisfied, ..._next_change_seconds. */
void standing_render(const struct fleet *fleet, const struct rules *rules, struct buf *out);

/* A clause on the members whose results only their connection vouches for. False: there are none. */
bool standing_unbound_text(const struct fleet *fleet, struct buf *out);
/* The same on those behind a gateway, for which their signatures do. */
bool standing_gateway_text(const struct fleet *fleet, struct buf *out);

#endif
