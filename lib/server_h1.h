/*
 * Inside the server: HTTP/1.1 (RFC 9112) on a connection, one exchange at a
 * time. It is always in one state, whose step moves bytes until the state
 * changes or the socket has no more.
 */
#ifndef MPIC_SERVER_H1_H
#define MPIC_SERVER_H1_H

#include "server_chunk.h"
#include "server_connection.h"
#include "server_stream.h"

enum h1_state {
	H1_HEAD,	/* idle too, while `len` is 0 */
	H1_BODY,
	H1_EXCHANGE,	/* the handler has it */
	H1_STREAM,	/* the handler has it, and its reply is leaving in parts */
	H1_WRITE,	/* `out`; then `after_write` */
	H1_LINGER,	/* refused mid-request: read until the client has seen why */
	H1_STATES
};

struct h1 {
	struct exchange exchange;
	enum h1_state state, after_write;
	bool close;		/* after the reply */
	bool linger;		/* before closing */
	bool timed;		/* request_timeout_ms is running */
	/* Of the exchange's text: the request, perhaps the start of the next. */
	size_t size, len;
	size_t searched;	/* bytes known not to hold the end of the head */
	char after_body;	/* the byte a NUL stands for during the exchange */
	struct chunk_decoder chunks;
	size_t max_body;	/* of the request being read */

	char *out;
	size_t out_len, out_sent;
};

/* Refuses a request not yet whole, then closes. */
void h1_refuse(struct connection *c, int status, const char *detail);

/* server_h1_read.c: the steps that read a request. */
enum step h1_step_head(struct connection *c);
enum step h1_step_body(struct connection *c);
/* An idle connection holds no buffer. */
void h1_text_drop(struct h1 *h);

#endif
