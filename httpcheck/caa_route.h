/*
 * POST /caa: from the request's bytes to the result's. What it does in
 * between is ask the resolver; the verdict is caa_check.h's.
 */
#ifndef MPIC_CAA_ROUTE_H
#define MPIC_CAA_ROUTE_H

struct exchange;

/* A route's handler; `arg` is the struct perspective. */
void caa_route(struct exchange *x, void *arg);

#endif
