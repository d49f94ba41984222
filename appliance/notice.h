/*
 * What an appliance that cannot serve yet answers on the API's port: whatever a
 * caller sends, the answer is plain HTTP with status 503 and lines of text that
 * say why, and the connection ends. A TLS client shows its user that it is no
 * TLS; curl http://HOST:8443/ shows the lines.
 *
 * It is served by a thread of its own, so a step may wait for other things
 * meanwhile. Few callers at once, each for a few seconds. The text must hold no
 * secret: anybody may ask.
 */
#ifndef MPIC_APPLIANCE_NOTICE_H
#define MPIC_APPLIANCE_NOTICE_H

#include <stdint.h>

struct notice;

#define NOTICE_TEXT_MAX		16384	/* more is cut */
#define NOTICE_CALLERS_MAX	32	/* at once; the next waits */
#define NOTICE_CALLER_MS	5000	/* for one of them to ask and be answered */

/*
 * Serves `text` on every address of this machine, IPv4 and IPv6. NULL, with
 * errno: the step goes on without, for the console says the same.
 */
struct notice *notice_new(uint16_t port, const char *text);
/* From now on this text. A copy is made. */
void notice_say(struct notice *n, const char *text);
/* The port is free when this returns. NULL is fine. */
void notice_free(struct notice *n);

#endif
