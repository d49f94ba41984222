/*
 * GET /readyz: whether Unbound answers with evidence and there is a fetcher, 200 or 503,
 * and what other parts of the machine have to say (status_file.h).
 */
#ifndef MPIC_READINESS_H
#define MPIC_READINESS_H

#include "server.h"

/* A route's handler; `arg` is the struct perspective. */
void readyz_route(struct exchange *x, void *arg);

#endif
