/*
 * Inside the server: a reply that leaves in parts, whatever protocol carries
 * it.
 *
 * What the handler gives is queued. The protocol takes all of the queue at
 * once, has the client take that within write_timeout_ms, and comes for more;
 * so a slow client cannot make the queue wait longer by taking a byte now and
 * then. Nothing is written, and the handler is never called, before it returns
 * to the loop.
 */
#ifndef MPIC_SERVER_STREAM_H
#define MPIC_SERVER_STREAM_H

#include <event2/event_struct.h>

#include "server_exchange.h"

struct stream {
	struct exchange *exchange;
	struct event sent;	/* made active when all has left */
	void (*on_sent)(struct exchange *x, void *arg);
	void *on_sent_arg;
	struct buf queue;	/* framed; not yet taken */
	size_t taken;		/* bytes that the protocol still has of what it took */
	bool ended;		/* nothing is added any more, and the exchange is not the handler's */
};

/* NULL without memory. */
struct stream *stream_new(struct exchange *x);
void stream_free(struct stream *s);
/* The queue's bytes, NUL after them, now the caller's; NULL when it is empty, *len then 0. */
char *stream_take(struct stream *s, size_t *len);
/* So many bytes of what was taken have left. */
void stream_left(struct stream *s, size_t len);

#endif
