/*
 * Inside the server: one connection and the exchange it carries.
 *
 * A connection is always in one state; its step function moves bytes until the
 * state changes or the socket has no more. The driver, connection_run(), alone
 * closes and frees. A connection whose client vanished during an exchange
 * stays, without socket, until the handler's reply.
 */
#ifndef MPIC_SERVER_CONNECTION_H
#define MPIC_SERVER_CONNECTION_H

#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "endpoint.h"
#include "monotonic.h"
#include "server.h"
#include "server_chunk.h"
#include "server_head.h"

enum connection_state {
	CONNECTION_HANDSHAKE,
	CONNECTION_HEAD,	/* idle too, while `len` is 0 */
	CONNECTION_BODY,
	CONNECTION_EXCHANGE,	/* the handler has it */
	CONNECTION_WRITE,	/* `out`; then `after_write` */
	CONNECTION_LINGER,	/* refused mid-request: read until the client has seen why */
	CONNECTION_STATES
};

struct exchange {
	struct connection *connection;
	const struct route *route;	/* NULL: none matched */
	void (*gone)(struct exchange *x, void *arg);
	void *gone_arg;
	uint64_t started_ns;
	bool counted;		/* is among the server's `in_flight` */
	bool head_only;		/* the method is HEAD */
};

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct server *server;	/* NULL once the server is freed */
	int fd;			/* -1 once the client is gone */
	SSL *ssl;		/* NULL when plain */
	struct event readable, writable;
	enum connection_state state;
	enum connection_state after_write;
	bool running;		/* connection_run() is on the stack */
	bool read_armed;
	bool close;		/* after the reply */
	bool linger;		/* before closing */
	bool timed;		/* request_timeout_ms is running */
	uint64_t deadline_ns;	/* CLOCK_MONOTONIC; 0: none */

	char *text;		/* the request: head, body, perhaps the start of the next */
	size_t size, len;
	size_t searched;	/* bytes known not to hold the end of the head */
	size_t head_len, body_len;
	char after_body;	/* the byte a NUL stands for during the exchange */
	struct head head;
	struct chunk_decoder chunks;
	struct exchange exchange;

	char *out;
	size_t out_len, out_sent;

	char identity[TLS_IDENTITY_MAX];
	char peer[ENDPOINT_TEXT_MAX];
};

TAILQ_HEAD(connection_list, connection);

struct server {
	struct event_base *base;
	struct server_config cfg;
	char **identities;	/* own copies, as are the next three */
	char *certificate, *key, *ca;
	SSL_CTX *tls;
	const struct route *routes;
	size_t route_count;
	void *arg;
	int listen_fd;
	struct event accepting, sweep, drained;
	bool accept_armed;
	bool draining;
	void (*drain_done)(void *arg);
	void *drain_arg;
	struct connection_list connections;
	size_t connection_count;
	size_t in_flight;
	time_t date_s;		/* what `date` stands for */
	char date[32];
	time_t complained_s;	/* last second a failed handshake was logged at notice */
};

#define METRIC_ENUM_SERVER(symbol, ...) SERVER_METRIC_##symbol,
enum { SERVER_METRICS(METRIC_ENUM_SERVER) };

/* Takes over `fd`; closes it when memory runs out. */
void connection_new(struct server *s, int fd, const struct sockaddr_storage *addr,
    socklen_t addr_len);
void connection_run(struct connection *c);
/* Closes the socket and frees it; with an exchange open, that is gone first. */
void connection_end(struct connection *c);
/* What the sweep does with one past its deadline. */
void connection_expire(struct connection *c);

/* What a step of a connection's state came to. */
enum step {
	STEP_AGAIN,	/* on with the step of the state it is in now */
	STEP_WAIT,	/* for the socket or the handler */
	STEP_CLOSE,
	STEP_GONE,	/* close, during an exchange */
};

void connection_deadline_in(struct connection *c, int64_t ms);
void connection_read_arm(struct connection *c, bool on);
/* What an SSL call that returned `result` <= 0 asks for. */
enum step connection_ssl_step(struct connection *c, int result);

/* server_read.c: the steps that read a request. */
enum step connection_step_head(struct connection *c);
enum step connection_step_body(struct connection *c);
/* An idle connection holds no buffer. */
void connection_text_drop(struct connection *c);

/* server.c: finds the route, refuses or calls the handler. */
void server_dispatch(struct server *s, struct connection *c);
/* server.c: a connection has left the list. */
void server_connection_left(struct server *s);
/* server_exchange.c: refuses a request not yet whole, then closes. */
void connection_refuse(struct connection *c, int status, const char *detail);

#endif
