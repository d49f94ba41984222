/*
 * The HTTP server of both daemons: mTLS (or plain HTTP on loopback), a fixed
 * set of routes, and a cap on everything.
 *
 * One server lives in one worker's event loop. It speaks HTTP/2 (RFC 9113)
 * with a client that offers it by ALPN, HTTP/1.1 with every other and without
 * TLS. An exchange is a request whose whole body has arrived and whose reply
 * has not left: one at a time and in order on a connection of HTTP/1.1, up to
 * max_streams at once and in any order on one of HTTP/2. The route's handler
 * gets it and must sooner or later call exchange_reply() exactly once, from the
 * loop's thread. That call ends the exchange: the pointer is invalid after it.
 *
 * On HTTP/1.1, bytes of a later, pipelined request wait, and a client that sent
 * such is not watched for leaving until its reply.
 *
 * SIGPIPE must be ignored in the process (daemon_run() does).
 *
 * Refusals are JSON, {"detail": "..."}: 400, 404, 405 with Allow, 408, 413, 417,
 * 431, 501, 505 for requests that are wrong in themselves; 403 naming the
 * identity that was presented when the route is not for it; 503 with
 * Retry-After: 1 when max_in_flight exchanges of counted routes are open.
 */
#ifndef MPIC_SERVER_H
#define MPIC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "metric.h"
#include "tls.h"

struct server;
struct exchange;

struct header {
	const char *name;
	const char *value;
};

#define ROUTE_COUNTED	0x1	/* max_in_flight applies */
#define ROUTE_IDENTIFIED 0x2	/* only for the identities of the configuration */
#define ROUTE_LARGE	0x4	/* max_large_body applies, not max_body */

struct route {
	const char *method;	/* "POST"; a GET route answers HEAD too */
	const char *path;	/* exact, the query not counted */
	unsigned flags;
	void (*handle)(struct exchange *x, void *arg);
};

/* Zero means the default given. All of it is copied but `metrics`. */
struct server_config {
	bool plain;		/* no TLS; refused unless listening on loopback */
	bool plain_anywhere;	/* or, with this, if there is nothing but GET for everybody */
	struct tls_files tls;
	bool certificate_optional;	/* clients may have none: their identity is "" */
	char *const *identities;	/* who may use ROUTE_IDENTIFIED routes */
	size_t identity_count;
	size_t max_in_flight;	/* 1024 */
	size_t max_connections;	/* 4096; more wait in the listen queue */
	size_t max_body;	/* bytes, 65536 */
	size_t max_large_body;	/* bytes, 65536; less than H2_WINDOW of server_h2.h */
	size_t max_head;	/* bytes of request line and headers, 16384 */
	size_t max_streams;	/* exchanges of one HTTP/2 connection, 1000 */
	size_t max_unsent;	/* bytes of a reply in parts that wait for its client, 32 MiB */
	int64_t handshake_timeout_ms;	/* 10000 */
	int64_t request_timeout_ms;	/* 10000: first byte to the whole request */
	int64_t idle_timeout_ms;	/* 120000: with no request */
	int64_t write_timeout_ms;	/* 30000: to take the whole reply, or what waits of it */
	struct metrics *metrics;	/* NULL: none counted */
};

/* Rows a program's metric table must begin with, in this order. */
#define SERVER_METRICS(X) \
	X(HTTP_CONNECTIONS, "mpic_http_connections", GAUGE, \
	    "Connections open.", ) \
	X(HTTP_CONNECTIONS_TOTAL, "mpic_http_connections_total", COUNTER, \
	    "Connections accepted.", ) \
	X(HTTP_HANDSHAKES_FAILED, "mpic_http_handshakes_failed_total", COUNTER, \
	    "TLS handshakes that failed.", ) \
	X(HTTP_IN_FLIGHT, "mpic_http_in_flight", GAUGE, \
	    "Exchanges of counted routes not yet replied to.", ) \
	X(HTTP_IN_FLIGHT_MAX, "mpic_http_in_flight_max", GAUGE, \
	    "How many of these the workers take at once.", ) \
	X(HTTP_OVERLOADED, "mpic_http_overloaded_total", COUNTER, \
	    "Requests answered 503 because too many were in flight.", ) \
	X(HTTP_GONE, "mpic_http_gone_total", COUNTER, \
	    "Clients that vanished before their reply.", ) \
	X(HTTP_REPLIES, "mpic_http_replies_total", COUNTER, \
	    "Replies by the first digit of their status.", \
	    .labels = { { "class", server_status_classes, 5 } }) \
	X(HTTP_SECONDS, "mpic_http_request_seconds", HISTOGRAM, \
	    "Time from the whole request to its reply, counted routes.", SECONDS_BOUNDS) \
	X(TLS_EXPIRES, "mpic_tls_certificate_expires_seconds", GAUGE_MIN, \
	    "Unix time at which the server's own certificate expires.", ) \
	X(TLS_CRL_NEXT, "mpic_tls_crl_next_update_seconds", GAUGE_MIN, \
	    "Unix time from which the CRLs (tls_crl) are overdue, and nobody is trusted; 0: " \
	    "there are none.", )

extern const char *const server_status_classes[5];

/*
 * `listen_fd` stays the caller's. `routes` must stay valid; `arg` is handed to
 * their handlers. NULL, with a sentence in `why`, when the configuration
 * cannot be served.
 */
struct server *server_new(struct event_base *base, const struct server_config *cfg,
    int listen_fd, const struct route *routes, size_t route_count, void *arg,
    struct buf *why);
/*
 * Closes every connection. Exchanges still open are gone: their callbacks run
 * now, and they must still be replied to (which frees them), also after this.
 * Not from a handler.
 */
void server_free(struct server *s);
/*
 * Reads the TLS files again for new connections. Open ones whose client's certificate
 * is no longer trusted by these end, with what is under way on them, and say from now
 * on that they have none. False: the old files stay in use.
 */
bool server_reload_tls(struct server *s, struct buf *why);
/*
 * Takes the TLS files and certificate_optional, for new connections (and open ones
 * as above), and identities and max_in_flight, for new requests, from `cfg`; nothing else.
 * False: all is as it was.
 */
bool server_reconfigure(struct server *s, const struct server_config *cfg, struct buf *why);
/*
 * Stops accepting, closes idle connections, lets open exchanges finish with
 * `Connection: close` or after GOAWAY. `done` runs once, from the loop, when no connection is left.
 */
void server_drain(struct server *s, void (*done)(void *arg), void *arg);

/* When its own certificate begins and ends, Unix time; 0 without TLS. */
void server_lifetime(const struct server *s, int64_t *begins_s, int64_t *ends_s);

/* NUL-terminated; NULL when the request has none. Valid until the reply. */
const char *exchange_header(const struct exchange *x, const char *name);
/* The same for a field that may come several times: the next from `*at` on, which is 0 at first. */
const char *exchange_header_next(const struct exchange *x, const char *name, size_t *at);
const char *exchange_query(const struct exchange *x);
/* Never NULL; a NUL follows the bytes. Valid until the reply. */
const char *exchange_body(const struct exchange *x, size_t *len);
/*
 * Who asks: the certificate's identity, "" without one or once it has expired or
 * is no longer trusted, "plain" without TLS.
 */
const char *exchange_identity(const struct exchange *x);
/* That certificate, the connection's; NULL where the identity is "" for want of one, or "plain". */
X509 *exchange_certificate(const struct exchange *x);
/* "ADDR:PORT" of the client. */
const char *exchange_peer(const struct exchange *x);
/* CLOCK_MONOTONIC at which the whole request was there, in ns. */
uint64_t exchange_started_ns(const struct exchange *x);

/*
 * `gone` runs once, from the loop, if the client vanishes before the reply; the
 * exchange stays valid and must still be replied to, then or later (`gone` may
 * do so itself). NULL takes it back.
 */
void exchange_on_gone(struct exchange *x, void (*gone)(struct exchange *x, void *arg),
    void *arg);
/*
 * `content_type` NULL means application/json. `extra` adds headers. Nothing of
 * the arguments is kept.
 */
void exchange_reply(struct exchange *x, int status, const char *content_type,
    const void *body, size_t len, const struct header *extra, size_t extra_count);
/* {"detail": "..."} with the message as its text. */
void exchange_refuse(struct exchange *x, int status, const char *detail);

/*
 * A reply in parts, instead of exchange_reply(): its head, then any number of
 * parts, then the end, which ends the exchange. Nothing of the arguments is
 * kept. None of the three calls `gone`. Parts sent after the client has gone
 * come to nothing.
 */
void exchange_stream(struct exchange *x, int status, const char *content_type,
    const struct header *extra, size_t extra_count);
/* False: the client has gone, or too much waits for it, for which its connection is closed. */
bool exchange_send(struct exchange *x, const void *bytes, size_t len);
/* Bytes that wait for the client to read. */
size_t exchange_unsent(const struct exchange *x);
/* `sent` runs from the loop each time that nothing waits any more; from the stream's begin on. */
void exchange_on_sent(struct exchange *x, void (*sent)(struct exchange *x, void *arg),
    void *arg);
void exchange_end(struct exchange *x);

/*
 * An exchange within another, for a part of a request that is handled like a
 * request by itself: it has this body and begins now; its headers, query and
 * client are the outer's, which must not be replied to before it. It counts as
 * in flight, whether there is room or not. Its reply goes to `replied`, which
 * runs before exchange_reply() returns and may end the outer exchange.
 */
struct inner_answer {
	int status;
	const char *body;	/* until `replied` returns */
	size_t len;
	const struct header *extra;
	size_t extra_count;
	bool lost;		/* exchange_within_gone() was called before */
};
/* NULL without memory. */
struct exchange *exchange_within(struct exchange *outer, const char *body, size_t len,
    void (*replied)(void *arg, const struct inner_answer *answer), void *arg);
/* The outer's client has gone: as for an exchange of its own. It must still be replied to. */
void exchange_within_gone(struct exchange *x);
/* Whether there is room for another in flight. */
bool exchange_room(const struct exchange *x);
/* The server waits for what is under way: nothing more should be begun. */
bool exchange_draining(const struct exchange *x);

#endif
