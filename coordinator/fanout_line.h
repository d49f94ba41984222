/*
 * Inside the fan-out: the line of calls to one perspective.
 *
 * A call waits in the line until a connection takes it. It is then on a link
 * (HTTP/2) or in a slot (HTTP/1.1) until call_end(), or back at the head of the
 * line after call_retry(). done() runs from call_end() alone and may make new calls
 * and give up others: whoever ends several calls takes care for that.
 */
#ifndef MPIC_FANOUT_LINE_H
#define MPIC_FANOUT_LINE_H

#include "coordinator/fanout.h"
#include "coordinator/h1_peer.h"
#include "coordinator/h2_peer.h"
#include "coordinator/multi.h"

#define IDENTITY_PREFIX	"urn:mpic:perspective:"

struct call_list {
	TAILQ_HEAD(call_head, call) calls;
};

struct fanout_line {
	struct fanout *fanout;
	const struct perspective *perspective;
	struct tls_peer peer;
	struct tls_client *own_tls;	/* NULL: the fan-out's; see struct perspective's `ca` */
	char host[254];		/* of its certificate, with `own_tls` */
	char identity[sizeof(IDENTITY_PREFIX) + CHECK_CODE_MAX];
	bool plain;		/* http:, on loopback */
	char *urls[CHECK_TYPE_COUNT];
	size_t authority_at, path_at;	/* in each of `urls` */
	struct call_list waiting;
	struct h2_peer h2;
	struct h1_peer h1;
};

struct fanout {
	const struct fleet *fleet;
	struct event_base *base;
	struct multi *multi;
	struct tls_client *tls;
	size_t connections;
	int64_t tick_ms;
	struct event *tick;
	struct event *wake;	/* there may be room in a line */
	char message[CHECK_MESSAGE_MAX];	/* of the call that ended last */
	struct fanout_line lines[FLEET_MAX];
};

/* Starts as many waiting calls as there is room for. */
void line_advance(struct fanout_line *line);
/* The same, later in this turn of the loop: libcurl takes no new transfers from its callbacks. */
void line_wake(struct fanout_line *line);
/* A connection could not be made: `error` is libcurl's sentence. */
void line_unreachable(struct fanout_line *line, CURLcode code, const char *error);
/* What the perspective chose in its last handshake. */
void line_speaks(struct fanout_line *line, bool http2);
/* Sets what a handle needs to reach this perspective. `offer` has the TLS context as a peer's. */
bool line_prepare(struct fanout_line *line, CURL *easy, curl_ssl_ctx_callback offer);

/* The call's traceparent, or "". */
void call_trace(const struct call *call, char text[TRACEPARENT_TEXT]);
/* To the end of the list; NULL: to none. */
void call_move(struct call *call, struct call_list *list);
/* The call, in no slot and on no link any more, has come to what reply_...() made of it. */
void call_end(struct call *call);
/* Back to the head of its line, if it was not there too often. */
bool call_retry(struct call *call);
/* Moves the calls whose limit is over, from wherever they have got to. */
void call_list_expire(struct call_list *list, uint64_t now_ns, struct call_list *expired);

#endif
