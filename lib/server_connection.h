/*
 * Inside the server: one client's socket, its TLS, and the protocol on it.
 *
 * A connection begins with a handshake (or, plain, with HTTP/1.1) and then
 * carries one protocol, chosen by ALPN, which has the exchanges. The driver,
 * connection_run(), has the protocol move bytes until the socket has no more;
 * it alone closes and frees. A connection whose client vanished stays, without
 * socket, until each of its open exchanges has been replied to.
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
#include "server_exchange.h"

struct connection;

/* What a step of a protocol came to. */
enum step {
	STEP_AGAIN,	/* on with the next step */
	STEP_WAIT,	/* for the socket or a handler */
	STEP_CLOSE,
};

/* How a connection talks. */
struct protocol {
	/* Takes the connection over; false without memory. */
	bool (*start)(struct connection *c);
	/* Moves bytes. */
	enum step (*step)(struct connection *c);
	/* `deadline_ns` has passed. */
	void (*expire)(struct connection *c);
	/* The server drains: ends what is idle, says what can be said. */
	void (*drain)(struct connection *c);
	/* Sends the reply to an exchange whose client is there; the exchange ends. */
	void (*reply)(struct exchange *x, const struct reply *r);
	/*
	 * Sends a reply in parts: its head, bytes, and the end, which is the exchange's
	 * too. Nothing is written until the loop comes round, nor is the client found gone.
	 */
	void (*stream)(struct exchange *x, const struct reply *head);
	void (*send)(struct exchange *x, const void *bytes, size_t len);
	void (*end)(struct exchange *x);
	/* Frees an exchange whose client is gone, or is just being found so. */
	void (*discard)(struct exchange *x);
	/* The socket is closed: exchange_lost() for all that are open, frees the others. */
	void (*lost)(struct connection *c);
	/* Frees the protocol's part; no exchange is open. */
	void (*free)(struct connection *c);
};

extern const struct protocol protocol_handshake, protocol_h1, protocol_h2;

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct server *server;	/* NULL once the server is freed */
	const struct protocol *protocol;
	union {
		struct h1 *h1;
		struct h2 *h2;
	};
	int fd;			/* -1 once the client is gone */
	SSL *ssl;		/* NULL when plain */
	struct event readable, writable;
	bool running;		/* connection_run() or _end() is on the stack */
	bool read_armed;
	bool can_read;		/* the socket was readable when this run began */
	size_t exchanges;	/* open: their handlers have not replied */
	uint64_t deadline_ns;	/* CLOCK_MONOTONIC; 0: none */
	int64_t expires_s;	/* of the client's certificate, Unix time; 0: it has none */
	bool disowned;		/* that certificate is no longer trusted */
	bool leaving;		/* drains by itself, as that has expired or is no longer trusted */
	char identity[TLS_IDENTITY_MAX];
	char peer[ENDPOINT_TEXT_MAX];
};

TAILQ_HEAD(connection_list, connection);

/* Copies of the configuration's. */
struct server_strings {
	char **identities;
	size_t identity_count;
	char *certificate, *key, *ca, *crl;
};

struct server {
	struct event_base *base;
	struct server_config cfg;
	struct server_strings own;
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
/* Later in this turn of the loop, with whatever else there is to write by then. */
void connection_run_soon(struct connection *c);
/* Closes the socket; what is open then is gone. Frees the connection when nothing is. */
void connection_end(struct connection *c);
/* An exchange has been replied to: frees a connection that only stayed for it. */
void connection_settle(struct connection *c);

void connection_deadline_in(struct connection *c, int64_t ms);
void connection_read_arm(struct connection *c, bool on);
/*
 * There is more to read, TLS may hold it, and others are to have their turn first. Not by
 * event_active(): libevent runs what is active before it looks at anything else.
 */
void connection_read_again(struct connection *c);
/* STEP_AGAIN: *got bytes came, or *sent went. STEP_WAIT: the socket is being watched for more. */
enum step connection_read(struct connection *c, void *bytes, size_t room, size_t *got);
enum step connection_write(struct connection *c, const void *bytes, size_t len, size_t *sent);
/* The certificate that `identity` is from is no longer valid. */
bool connection_expired(const struct connection *c);
/*
 * Whether the server's files of now trust the client's certificate, or it has none.
 * False: it was logged, and connection_expired() is true from now on.
 */
bool connection_trusted(struct connection *c);
/* It is to end with the exchanges that are under way. */
bool connection_leaves(const struct connection *c);
/* Tells the client that nothing follows. */
void connection_goodbye(struct connection *c);
/* As connection_read() of one byte that stays. */
enum step connection_peek(struct connection *c, char *byte);
/* Bytes of the client's are in our hands already, which no event will tell. */
bool connection_has_pending(const struct connection *c);

/* server.c: a connection has left the list. */
void server_connection_left(struct server *s);

#endif
