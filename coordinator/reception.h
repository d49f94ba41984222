/*
 * At the door of the coordinator: who asks, and what is said to those who are
 * turned away. Refusals are JSON, {"detail": "..."}.
 *
 *   401  neither a token nor a certificate says who it is; WWW-Authenticate
 *   403  the caller is known and may not do this
 */
#ifndef MPIC_COORDINATOR_RECEPTION_H
#define MPIC_COORDINATOR_RECEPTION_H

#include <time.h>

#include "coordinator/caller.h"
#include "server.h"

struct reception {
	struct metrics *metrics;	/* NULL: none counted */
	time_t complained_s;		/* last second a stranger was logged at notice */
};

/* The caller who asks; NULL: the exchange has been replied to. */
const struct caller *reception_caller(struct reception *r, const struct callers *callers,
    struct exchange *x);
/*
 * For what is no secret but not for everybody either: callers, whoever has a
 * certificate that is trusted, and this machine. False: it has been replied to.
 */
bool reception_insider(struct reception *r, const struct callers *callers, struct exchange *x);
/* `status` with this detail; with Retry-After when `retry_s` is more than 0. */
void reception_refuse(struct exchange *x, int status, const char *detail, int64_t retry_s);

#endif
