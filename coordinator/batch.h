/*
 * POST /mpic/batch: many requests in one, each answered as it ends.
 *
 * Each is an exchange of its own within the batch's, handled as if it had come
 * alone: with its own deadline, records and limits. So many run at once; no
 * more begin while the client does not read or while as many as may be are in
 * flight. What its caller's limits turn away (429) is asked again when another
 * ends, or when the time is said to have come, and answered with 429 in the end.
 * The answer is JSON Lines in the order of ending:
 *
 *   {"index":3,"status":200,"response":{...}}
 *
 * with index counted from 0, the status that the request would have had, and
 * retry_after_s where that says so.
 */
#ifndef MPIC_BATCH_H
#define MPIC_BATCH_H

#include <event2/event.h>

#include "server.h"

#define BATCH_BODY_MAX	((size_t)768 * 1024)	/* bytes */

struct batch_config {
	struct event_base *base;
	size_t max;		/* requests in one */
	size_t at_once;		/* of them under way */
	size_t request_max;	/* bytes of one */
	/* Handles one. */
	void (*handle)(struct exchange *x, void *arg);
	void *arg;
};

/* Handles the exchange to its end, which comes later. */
void batch_route(struct exchange *x, const struct batch_config *cfg);

#endif
