/* POST /dcv: the check a request asks for, handed to the part that knows its kind of method. */
#ifndef MPIC_DCV_ROUTE_H
#define MPIC_DCV_ROUTE_H

#include "server.h"

/* A struct route's handler; `arg` is the worker's struct perspective. */
void dcv_route(struct exchange *x, void *arg);

#endif
