/*
 * Inside the server: one request and what becomes of it, whatever protocol
 * carries it. A protocol embeds it in what it keeps of a request, fills in the
 * request and hands it to exchange_begin().
 */
#ifndef MPIC_SERVER_EXCHANGE_H
#define MPIC_SERVER_EXCHANGE_H

#include "buf.h"
#include "server.h"
#include "server_head.h"

struct connection;
struct stream;
struct inner;

struct exchange {
	struct connection *connection;
	const struct route *route;	/* NULL: none matched */
	void (*gone)(struct exchange *x, void *arg);
	void *gone_arg;
	struct stream *stream;	/* of a reply in parts, begun; else NULL */
	struct inner *inner;	/* of an exchange within another; else NULL */
	uint64_t started_ns;
	bool open;		/* the handler has it */
	bool lost;		/* the client is gone */
	bool counted;		/* is among the server's `in_flight` */
	bool head_only;		/* the method is HEAD */

	/* The request: `head` says where its strings are. The protocol owns the text. */
	struct head head;
	char *text;
	size_t head_len, body_len;	/* the body begins after the head; a NUL follows it */
};

/* A reply as its handler gave it; nothing of it lasts. */
struct reply {
	int status;
	const char *content_type;
	const void *body;
	size_t len;
	const struct header *extra;
	size_t extra_count;
};

/* The request is whole: finds its route, refuses it or calls the handler. */
void exchange_begin(struct exchange *x);
/* The client of an open exchange is gone. The handler may end the exchange in this call. */
void exchange_lost(struct exchange *x);
/* The exchange no longer counts; how long it took does. */
void exchange_finish(struct exchange *x);
/* Adds it to those in flight. */
void exchange_count(struct exchange *x);

/* RFC 9110 6.6.1; made once a second. */
const char *server_date(struct server *s);
const char *status_reason(int status);
/* One of its own cannot make other headers, or end the head. */
bool header_fits(const struct header *h);
/* {"detail": "..."}. */
void detail_json(struct buf *out, const char *detail);
/* For replies that no handler makes. */
void exchange_count_reply(const struct connection *c, int status);

/* server.c */
/* Bytes of a request's body that its path may have, whatever its method. */
size_t server_max_body(const struct server *s, const char *path);
void server_dispatch(struct server *s, struct exchange *x);

#endif
