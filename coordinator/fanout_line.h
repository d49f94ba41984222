/*
 * Inside the fan-out: the line of calls to one endpoint of a perspective.
 *
 * A call waits in the line until a connection takes it. It is then on a link
 * (HTTP/2) or in a slot (HTTP/1.1) until call_end(), or back at the head of the
 * line after call_retry(). done() runs from call_end() alone and may make new calls
 * and give up others: whoever ends several calls takes care for that.
 */
#ifndef MPIC_FANOUT_LINE_H
#define MPIC_FANOUT_LINE_H

#include "coordinator/balance.h"
#include "coordinator/fanout.h"
#include "coordinator/h1_peer.h"
#include "coordinator/h2_peer.h"
#include "jws_key.h"
#include "multi.h"

#define IDENTITY_PREFIX	"urn:mpic:perspective:"

struct call_list {
	TAILQ_HEAD(call_head, call) calls;
};

struct probe;

/* Signing keys that certificates of an endpoint named, those of now and of before. */
#define LINE_KEYS_MAX	4

struct line_key {
	char base64[TLS_SIGNING_KEY_LEN + 1];
	struct jws_key *key;
};

/* The endpoints of one perspective. */
struct fanout_group {
	struct fanout_line *lines;	/* balance.count of them */
	struct balance balance;
};

struct fanout_line {
	struct fanout *fanout;
	const struct perspective *perspective;
	struct fanout_group *group;
	const char *url;		/* of the endpoint, the perspective's */
	struct probe *probe;		/* under way, or NULL */
	struct tls_peer peer;
	struct tls_client *own_tls;	/* NULL: the fan-out's; see struct perspective's `ca` */
	char host[254];		/* of its certificate, with `own_tls` */
	char identity[sizeof(IDENTITY_PREFIX) + CHECK_CODE_MAX];
	bool plain;		/* http:, on loopback */
	char last_error[256];		/* its last failure; "" none */
	int64_t last_error_s;		/* Unix time */
	struct line_key keys[LINE_KEYS_MAX];
	size_t key_count;	/* ever read */
	char *urls[CHECK_TYPE_COUNT], *ready_url;
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
	bool rechecked;		/* it trusts others than it began with */
	size_t connections;
	int64_t tick_ms;
	struct event *tick;
	struct event *wake;	/* there may be room in a line */
	char message[CHECK_MESSAGE_MAX];	/* of the call that ended last */
	struct fanout_line *lines;		/* perspective by perspective */
	size_t line_count;
	struct fanout_group groups[FLEET_MAX];	/* in the fleet's order */
	void (*on_news)(void *arg, const struct fanout_news *news);
	void *arg;
};

/* `fanout` and `perspective` are set, `h2` is made; `tls` are our own, or NULL. line_free() whatever comes of it. */
bool line_init(struct fanout_line *line, struct fanout_group *group, const char *url,
    const struct tls_files *tls, struct buf *why);
void line_free(struct fanout_line *line);
/* A tick is over. */
void line_tick(struct fanout_line *line);
/* Whom its client trusts has changed: connections with others end. */
void line_recheck(struct fanout_line *line);
/* Whether the client still trusts who is at the other end of a handle's connection. */
bool line_trusts(const struct fanout_line *line, CURL *easy, char reason[static TLS_REASON_MAX]);
/* The key of this base64, valid for now; NULL: it is none. */
const struct jws_key *line_signing_key(struct fanout_line *line, const char *base64);
/* The endpoint failed, or answered. */
void line_failed(struct fanout_line *line, const char *why);
void line_succeeded(struct fanout_line *line);
/* The endpoint no longer reacts, which is as good as many failures. */
void line_dead(struct fanout_line *line, const char *why);
/* When the first of the certificates that a connection is made with expires; 0: never, or unknown. */
int64_t line_expires_s(const struct fanout_line *line);
/* A call is no longer at the endpoint; see call_choose(). */
void line_leave(struct fanout_line *line);


/* Starts as many waiting calls as there is room for. */
void line_advance(struct fanout_line *line);
/* The same, later in this turn of the loop: libcurl takes no new transfers from its callbacks. */
void line_wake(struct fanout_line *line);
/* A connection could not be made: `error` is libcurl's sentence. */
void line_unreachable(struct fanout_line *line, CURLcode code, const char *error);
/* What the perspective chose in its last handshake. */
void line_speaks(struct fanout_line *line, bool http2);
/*
 * Sets what a handle needs to reach this perspective. `offer` has the TLS context
 * as a peer's; NULL: for HTTP/1.1.
 */
bool line_prepare(struct fanout_line *line, CURL *easy, curl_ssl_ctx_callback offer);

/* The call's traceparent, or "". */
void call_trace(const struct call *call, char text[TRACEPARENT_TEXT]);
/* To the end of the list; NULL: to none. */
void call_move(struct call *call, struct call_list *list);
/*
 * Chooses an endpoint that the call was not made at, and counts the call there
 * until line_leave(). False: there is none; `healthy`: but ejected ones.
 */
bool call_choose(struct call *call, struct fanout_group *group, bool healthy);
/*
 * The call, in no slot and on no link any more, has come to what reply_...() made
 * of it; or it is made again at another endpoint.
 */
void call_end(struct call *call);
/* To the head of a line again, another endpoint's if one is healthy, if not too often. */
bool call_retry(struct call *call);
/* Moves the calls whose limit is over, from wherever they have got to. */
void call_list_expire(struct call_list *list, uint64_t now_ns, struct call_list *expired);

#endif
