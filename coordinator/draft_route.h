/*
 * POST /mpic/draft-00: see draft.h. What it asks for is handled as a request
 * to POST /mpic within it, so that whatever holds for such holds here.
 */
#ifndef MPIC_DRAFT_ROUTE_H
#define MPIC_DRAFT_ROUTE_H

#include "server.h"

struct draft_config {
	/* Handles a request to POST /mpic. */
	void (*handle)(struct exchange *x, void *arg);
	void *arg;
};

/* Handles the exchange to its reply, which comes later. */
void draft_route(struct exchange *x, const struct draft_config *cfg);

#endif
