/*
 * Calls to perspectives: libcurl's multi interface, one of these a worker.
 *
 * A call is a POST of a body to one perspective. It ends once: with what came
 * back, or given up by its owner. The fan-out knows neither quorum nor time:
 * whoever makes calls gives them up when they are no longer worth waiting for.
 *
 * Connections are kept alive and mutually authenticated; the certificate must
 * carry the identity urn:mpic:perspective:CODE. Each perspective has at most
 * `connections` of them; calls beyond wait in order, first in, first out.
 */
#ifndef MPIC_FANOUT_H
#define MPIC_FANOUT_H

#include <event2/event.h>

#include "buf.h"
#include "check.h"
#include "coordinator/fleet.h"
#include "tls.h"

struct fanout;
struct fanout_line;

struct fanout_config {
	const struct fleet *fleet;	/* outlives the fan-out */
	const struct tls_files *tls;	/* NULL: only plain perspectives */
	size_t connections;		/* a perspective */
};

/* One call. Members are the fan-out's; the owner reads `reply` and what follows when done. */
struct call {
	/* Set by the owner. */
	const char *body;		/* outlives the call */
	size_t body_len;
	void (*done)(struct call *call);
	void *owner;

	/* What came of it, valid in done(). */
	struct buf reply;		/* the owner's from done() on: frees it */
	long status;			/* of HTTP; 0: no reply */
	enum problem problem;		/* PROBLEM_NONE: see `status` and `reply` */
	const char *message;		/* the fan-out's, until its next call ends */

	/* The fan-out's. */
	struct fanout_line *line;
	enum check_type type;
	void *easy;			/* NULL: waiting in line */
	struct call *prev, *next;
};

struct fanout *fanout_new(struct event_base *base, const struct fanout_config *cfg,
    struct buf *why);
/* Every call must have ended. */
void fanout_free(struct fanout *f);
/*
 * Starts a call to fleet->members[perspective]. done() comes later, from the
 * loop, or at once if there is no memory for the call.
 */
void fanout_call(struct fanout *f, size_t perspective, enum check_type type,
    struct call *call);
/* Gives a call up: no done(); `message` says how far it had got. */
void fanout_give_up(struct call *call);
/* When this perspective's certificate ends, in Unix seconds; 0: not seen yet. */
int64_t fanout_expires_s(const struct fanout *f, size_t perspective);
int64_t fanout_own_expires_s(const struct fanout *f);

#endif
