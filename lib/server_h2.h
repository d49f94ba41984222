/*
 * Inside the server: HTTP/2 (RFC 9113) on a connection, by libnghttp2.
 *
 * A stream is in one of three lists while the client is there, each in the
 * order of arrival and with one time limit for all in it: its request is
 * arriving, its handler has it, its reply is leaving (or a part of it). An exchange whose client
 * reset the stream is in none.
 *
 * What a client may have in our memory at once: max_streams requests of which
 * those arriving hold WINDOW bytes of body altogether, and the replies to
 * them. We read nothing from a client that does not read.
 */
#ifndef MPIC_SERVER_H2_H
#define MPIC_SERVER_H2_H

#include <nghttp2/nghttp2.h>

#include "h2_out.h"
#include "server_connection.h"
#include "server_stream.h"

#define H2_WINDOW	(1024 * 1024)	/* bytes of bodies arriving on a connection */
#define H2_OUT_MAX	16384		/* bytes written at once: one TLS record */

struct h2_stream {
	struct exchange exchange;
	TAILQ_ENTRY(h2_stream) entry;
	struct h2_list *list;	/* NULL: the client has reset it */
	uint64_t since_ns;	/* CLOCK_MONOTONIC at which it came into the list */
	int32_t id;
	bool whole;		/* the request is all in */
	int refused;		/* status of the reply that did not wait for the request; 0 */
	/* Of the exchange's text: the head's strings, then the body. */
	size_t size, len;
	size_t held;		/* bytes of body not yet given back to the client's window */
	size_t max_body;
	char *reply;		/* of a reply in parts, what has been taken of it */
	size_t reply_len, reply_sent;
};

struct h2_list {
	TAILQ_HEAD(, h2_stream) streams;
};

struct h2 {
	nghttp2_session *session;
	struct h2_list arriving, handled, replying;
	struct h2_out out;
	uint64_t idle_ns;	/* since when there has been no stream, or we wait for the drain */
	uint64_t stalled_ns;	/* since when nothing could be written; 0: it can */
	bool drained;		/* the last GOAWAY has gone: no stream comes any more */
	bool broken;		/* the client broke the protocol beyond an answer */
	int64_t patience;	/* with frames that carry no request */
	uint64_t patience_ns;	/* when it was last renewed */
};

/* server_h2_stream.c */

/* Made for the client's HEADERS. NULL without memory. */
struct h2_stream *h2_stream_new(struct connection *c, int32_t id);
void h2_stream_free(struct h2_stream *s);
/* The client is no longer there for it: it ends, or its exchange is gone. */
void h2_stream_leave(struct h2_stream *s);
/* Into the list of what comes next. */
void h2_stream_move(struct h2_stream *s, struct h2_list *list);
/* A field of the request's head. What is too much is remembered as a refusal. */
void h2_stream_field(struct h2_stream *s, const char *name, size_t name_len,
    const char *value, size_t value_len);
/* The head is all in; more follows unless `whole`. */
void h2_stream_head(struct h2_stream *s, bool whole);
void h2_stream_body(struct h2_stream *s, const uint8_t *bytes, size_t len);
/* The request is all in. */
void h2_stream_whole(struct h2_stream *s);
/* Answers a request not yet whole. */
void h2_stream_refuse(struct h2_stream *s, int status, const char *detail);
void h2_stream_reply(struct h2_stream *s, const struct reply *r);
/* A reply in parts: its head; something has been added to its queue, or it has ended. */
void h2_stream_begin(struct h2_stream *s, const struct reply *head);
void h2_stream_resume(struct h2_stream *s);

#endif
