/*
 * Which perspectives saw something else than the others did: pure.
 *
 * That is what an attack on the routes to some of them looks like, and a domain
 * that serves some countries otherwise or not at all. A vote counts here if it
 * is about the target: passed, or failed by what was seen there, silence
 * included. Who could not be reached, was not awaited or is broken itself says
 * nothing about it. A remote that passed on something else than its primary
 * did differs from the others.
 */
#ifndef MPIC_COORDINATOR_DISAGREEMENT_H
#define MPIC_COORDINATOR_DISAGREEMENT_H

#include "coordinator/poll.h"

/*
 * Those whose vote differs from that of most of the others, primary and remotes
 * alike, as bits of their places in poll->corroborators. With as many for as
 * against, all of them.
 */
uint64_t poll_disagreement(const struct poll *poll);

#endif
