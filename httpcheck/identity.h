/*
 * GET /identity: what a perspective is, for whoever looks after the fleet and has a
 * certificate that it trusts. What is secret of it is nowhere in it.
 */
#ifndef MPIC_HTTPCHECK_IDENTITY_H
#define MPIC_HTTPCHECK_IDENTITY_H

#include "server.h"

void identity_route(struct exchange *x, void *arg);

#endif
