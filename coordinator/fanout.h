/*
 * Calls to perspectives, one of these a worker and configuration: certificates
 * that are replaced come with a new one, whose connections are new.
 *
 * A call is a POST of a body to one perspective, at one of its endpoints
 * (coordinator/balance.h). It ends once: with what came
 * back, or given up by its owner. The fan-out knows neither quorum nor time:
 * whoever makes calls gives them up when they are no longer worth waiting for.
 *
 * Connections are kept alive and mutually authenticated; the certificate must
 * carry the identity urn:mpic:perspective:CODE; a gateway's, its host name (struct
 * perspective's `ca`). With a perspective that speaks HTTP/2, calls share few
 * connections (coordinator/h2_peer.h), so that checks of dead domains keep no
 * others waiting. One that speaks HTTP/1.1 has at most
 * `connections`, one for each call (coordinator/h1_peer.h). Which it is, its
 * first connection tells. Calls beyond wait in order, first in, first out.
 *
 * A check may be asked for twice without harm. A call that the perspective did
 * not take up, or whose connection broke before anything came of it, is made
 * again, a few times at most, before it fails; if it can be, at another
 * endpoint, and there also after a status of 500 and above without a result.
 */
#ifndef MPIC_FANOUT_H
#define MPIC_FANOUT_H

#include <sys/queue.h>

#include <event2/event.h>

#include "buf.h"
#include "check.h"
#include "coordinator/fleet.h"
#include "tls.h"
#include "trace.h"

struct fanout;
struct fanout_line;
struct call_list;
struct h1_slot;
struct h2_link;
struct jws_key;

struct fanout_news;

struct fanout_config {
	const struct fleet *fleet;	/* outlives the fan-out */
	const struct tls_files *tls;	/* NULL: only plain perspectives */
	size_t connections;		/* a perspective, when it speaks HTTP/1.1 */
	int64_t tick_ms;		/* 0: 1000; what patience is counted in, less in tests */
	unsigned eject_after;		/* as in struct balance; 0: 3 */
	int64_t probe_ms;		/* 0: 2000 */
	/* NULL: nobody wants to know. */
	void (*on_news)(void *arg, const struct fanout_news *news);
	void *arg;
};

enum fanout_event {
	FANOUT_RETRY,		/* a call is made again: `problem` and `why` of what came of it, if anything */
	FANOUT_EJECTED,		/* an endpoint is; `why`: its last failure */
	FANOUT_RETURNED,	/* it is asked again */
};

/* Valid during the call. */
struct fanout_news {
	enum fanout_event event;
	size_t perspective;		/* in the fleet */
	const char *url, *why;		/* the endpoint's */
	enum problem problem;
};

/*
 * A body that several calls send, and that outlives those given up: see
 * fanout_give_up().
 */
struct fanout_body {
	struct buf text;
	size_t users;
	struct trace trace;		/* that the calls are part of; none: no such headers */
	char *tracestate;		/* of the trace: owned, or NULL */
};

/* Has one user. NULL without memory. */
struct fanout_body *fanout_body_new(size_t max);
void fanout_body_free(struct fanout_body *body);	/* one user less; NULL is fine */

/* One call. Members are the fan-out's; the owner reads `reply` and what follows when done. */
struct call {
	/* Set by the owner. */
	struct fanout_body *body;	/* stays until the call is done or given up */
	int64_t limit_ms;		/* when it ends if nothing else ends it; to a tick or so */
	uint8_t span[TRACE_SPAN];	/* its own in the body's trace */
	void (*done)(struct call *call);
	void *owner;

	/* What came of it, valid in done(). */
	struct buf reply;		/* the owner's from done() on: frees it */
	long status;			/* of HTTP; 0: no reply */
	enum problem problem;		/* PROBLEM_NONE: see `status` and `reply` */
	const char *message;		/* the fan-out's, until its next call ends */
	/* That the certificate of its connection names; the fan-out's, during done(). NULL: none. */
	const struct jws_key *signing_key;

	/* The fan-out's. */
	struct fanout_line *line;
	struct call_list *list;		/* waits here, if anywhere */
	TAILQ_ENTRY(call) entry;
	struct h1_slot *slot;		/* under way over HTTP/1.1, else NULL */
	struct h2_link *link;		/* under way over HTTP/2, else NULL */
	uint64_t until_ns;		/* CLOCK_MONOTONIC at which limit_ms is over */
	int32_t stream;			/* on the link */
	uint32_t sent;			/* bytes of the body, on the stream */
	uint16_t tried;			/* endpoints that it was made at, a bit each */
	uint8_t retries : 4;
	bool counted : 1;		/* its failure, with that of its connection */
	enum check_type type : 8;
};

struct fanout *fanout_new(struct event_base *base, const struct fanout_config *cfg,
    struct buf *why);
/* Every call must have ended or been given up. Not from done(). */
void fanout_free(struct fanout *f);
/*
 * Starts a call to fleet->members[perspective]. done() comes later, from the
 * loop, or at once if there is no memory for the call.
 */
void fanout_call(struct fanout *f, size_t perspective, enum check_type type,
    struct call *call);
/*
 * Gives a call up: no done(); `message` says how far it had got. On HTTP/2
 * its stream is reset. On HTTP/1.1, where only the reply's end makes the
 * connection usable again, it runs on to its limit for nobody.
 */
void fanout_give_up(struct call *call);
/*
 * The older one trusts whom `now` does from now on: its connections with others end,
 * and calls on those are made again, or fail for that. For perspectives known by their
 * code; those with a `ca` of their own stay.
 */
void fanout_recheck(struct fanout *older, const struct fanout *now);
/* From the call's start to now. */
uint64_t call_took_ns(const struct call *call);
/* When the first of this perspective's certificates ends, in Unix seconds; 0: none seen yet. */
int64_t fanout_expires_s(const struct fanout *f, size_t perspective);
/* How many of its endpoints are ejected. */
size_t fanout_ejected(const struct fanout *f, size_t perspective);

#endif
