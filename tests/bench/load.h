/*
 * A load generator's run, whatever protocol carries it: `in_flight` clients,
 * each with one request at a time. The protocol opens connections, calls
 * load_ready() for each client once, sends when asked to, and hands every
 * reply to load_reply().
 */
#ifndef MPIC_LOAD_H
#define MPIC_LOAD_H

#include <stdbool.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#include "endpoint.h"
#include "tests/bench/meter.h"

#define LOAD_BODIES	2

struct load;

struct client {
	struct load *load;
	uint64_t began_ns;
	const char *expected;	/* of the request under way */
	void *wire;		/* the protocol's */
};

struct wire {
	void (*open)(struct load *l);
	void (*send)(struct client *c, const char *body);	/* NULL: GET */
	void (*close)(struct load *l);
};

extern const struct wire load_h1, load_h2;

struct load {
	struct event_base *base;
	struct meter meter;
	struct endpoint to;
	char authority[ENDPOINT_TEXT_MAX];
	const char *path;
	const char *bodies[LOAD_BODIES], *expected[LOAD_BODIES];	/* taken in turn */
	size_t body_count, expected_count;
	const char *ca, *certificate, *key;
	bool tls;
	SSL_CTX *context;
	const struct wire *wire;
	size_t first, modulus, count, in_flight;
	size_t sent, warm;
	struct client *clients;	/* in_flight of them */
};

/* Ends the program. */
void load_fail(const char *why) __attribute__((noreturn));
/* A new connection, on which on_event comes next; the caller sets the callbacks. */
struct bufferevent *load_connect(struct load *l);
/* For on_event: the connection stands, or the program ends. */
void load_connected(struct bufferevent *bev, short what);
/* The client can send: its first request, which does not count. */
void load_ready(struct client *c);
/* The reply to what the client sent last; `body` ends with NUL. */
void load_reply(struct client *c, int status, const char *body);

#endif
