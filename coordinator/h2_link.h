/*
 * Inside the fan-out: one HTTP/2 connection to a perspective, whose streams are
 * calls.
 *
 * libcurl makes the connection, TLS and all, and moves the bytes; libnghttp2
 * makes frames of them. A link leaves the perspective's list and is freed by
 * itself: when the connection cannot be made or turns out to be for HTTP/1.1,
 * breaks, or has been said goodbye on (GOAWAY) and carries no call any more.
 *
 * What a perspective can have us hold: the reply of each call up to the call's
 * cap, and what libnghttp2 holds of a frame and of one block of headers.
 */
#ifndef MPIC_H2_LINK_H
#define MPIC_H2_LINK_H

#include <event2/event_struct.h>
#include <nghttp2/nghttp2.h>

#include "coordinator/fanout_line.h"
#include "h2_out.h"

struct h2_link {
	struct transfer transfer;	/* first; holds the connection */
	struct fanout_line *line;
	TAILQ_ENTRY(h2_link) entry;
	struct event readable, writable;
	struct event again;		/* more came than is read in one turn of the loop */
	nghttp2_session *session;	/* NULL: the connection is being made */
	struct h2_out out;
	struct call_list calls;		/* on streams */
	size_t count;			/* of them */
	bool greeted;			/* its SETTINGS came: it is an HTTP/2 server indeed */
	bool leaving;			/* it takes no new calls */
	int64_t expires_s;		/* when a certificate of its handshake does; 0: never */
	bool used;			/* it had a call */
	char signing_key[TLS_SIGNING_KEY_LEN + 1];	/* in the peer's certificate; "" none */
	unsigned quiet;			/* ticks since anything came */
	unsigned unanswered;		/* ticks since our PING, if nothing came; 0: none */
	unsigned idle_frames;		/* that brought no call further, in this tick */
	char error[CURL_ERROR_SIZE];
};

/* Begins to make a connection. NULL without memory. */
struct h2_link *h2_link_new(struct fanout_line *line);
/* Closes it; its calls must have been given up. NULL is fine. */
void h2_link_free(struct h2_link *link);
bool h2_link_has_room(const struct h2_link *link);
/* The call goes out later in this turn of the loop. False: the link takes no more. */
bool h2_link_call(struct h2_link *link, struct call *call);
/* Resets the call's stream. How far it had got. */
const char *h2_link_give_up(struct call *call);
/* Looks after a connection on which nothing comes. May free it. */
void h2_link_tick(struct h2_link *link);
/* Ends it if whoever is at its other end is no longer trusted. May free it. */
void h2_link_recheck(struct h2_link *link);

/* h2_call.c: what frames do to calls. */

/* NULL without memory. */
nghttp2_session *h2_session_new(struct h2_link *link);
/* Opens the call's stream. An nghttp2 error code, or 0. */
int h2_call_open(struct call *call);
/* The call is no longer on its stream, which is reset with `error` unless it is over. */
void h2_call_leave(struct call *call);
void h2_call_reset(struct call *call, uint32_t error);

#endif
