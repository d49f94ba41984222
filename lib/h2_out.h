/*
 * What an HTTP/2 session has to say on its way to the socket: frames of as
 * many streams as there are go into one write. For servers and clients alike.
 *
 * Memory is held only while bytes wait to be written.
 */
#ifndef MPIC_H2_OUT_H
#define MPIC_H2_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include <nghttp2/nghttp2.h>

#define H2_OUT_MAX	16384	/* bytes written at once: one TLS record */

/* bytes[sent] to bytes[len - 1] are to be written next, and again until they have gone. */
struct h2_out {
	char *bytes;	/* NULL while nothing waits */
	size_t len, sent;
};

/*
 * When all has been sent: takes what the session has next. `len` is 0 when that
 * is nothing. False when memory ran out or the session is beyond use.
 */
bool h2_out_fill(struct h2_out *out, nghttp2_session *session);
void h2_out_free(struct h2_out *out);

#endif
