/*
 * An HTTP/2 server over TLS, in the caller's loop, that does what a perspective
 * should not: see the scripts. What it does not spoil it answers with 200, "ok".
 */
#ifndef MPIC_TEST_H2_ROGUE_H
#define MPIC_TEST_H2_ROGUE_H

#include <stddef.h>

#include <event2/event.h>

#include "tls.h"

enum rogue_script {
	ROGUE_NONE,
	ROGUE_REFUSE,		/* REFUSED_STREAM, every stream */
	ROGUE_REFUSE_FIRST,	/* those of the first connection */
	ROGUE_CUT,		/* closes when a request is there */
	ROGUE_CUT_FIRST,	/* the first connection */
	ROGUE_CUT_REPLY,	/* closes in the middle of a reply */
	ROGUE_RESET,		/* INTERNAL_ERROR, every stream */
	ROGUE_GOAWAY_FIRST,	/* of the first connection: has looked at no stream */
	ROGUE_MUTE,		/* takes requests and never says a word again */
	ROGUE_VANISH_FIRST,	/* the first connection is so once a request is answered */
	ROGUE_ONE,		/* one stream at a time */
	ROGUE_NEVER,		/* no stream at all */
	ROGUE_NEVER_CUT,	/* says so and closes */
	ROGUE_NUMBERLESS,	/* status 000, and closes in the middle of the reply */
	ROGUE_EARLY,		/* answers before the body has come */
	ROGUE_HEADERS,		/* 40 kB of header fields */
	ROGUE_SHORT,		/* a body shorter than its content-length */
	ROGUE_FLOOD,		/* frames without end that mean nothing */
	ROGUE_INTERIM_FLOOD,	/* the same of 103 */
	ROGUE_PADDING_FLOOD,	/* the same of data that is padding alone */
	ROGUE_BABBLE,		/* answers after a megabyte of frames of no known type */
	ROGUE_GARBAGE,		/* no HTTP/2 at all */
	ROGUE_NO_SETTINGS,	/* closes after the handshake */
	ROGUE_INTERIM,		/* 103 before 200, trailer fields after */
};

struct rogue;

/* `fd` listens and stays the caller's. */
struct rogue *rogue_new(struct event_base *base, int fd, const struct tls_files *files,
    enum rogue_script script);
void rogue_free(struct rogue *r);
const size_t *rogue_connections(const struct rogue *r);	/* accepted so far */
const size_t *rogue_requests(const struct rogue *r);	/* whole ones, so far */

#endif
