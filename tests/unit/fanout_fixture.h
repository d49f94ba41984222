/*
 * A fan-out and one perspective in one loop. What the perspective does with a
 * call, the call's body says:
 *
 *	"hold"	it waits for fan_release()
 *	"busy"	503
 *	a number	200 and a reply of so many bytes
 */
#ifndef MPIC_TEST_FANOUT_FIXTURE_H
#define MPIC_TEST_FANOUT_FIXTURE_H

#include "coordinator/fanout.h"
#include "endpoint.h"
#include "server.h"
#include "tls_files.h"

#define FAN_HELD_MAX	4096
#define FAN_TICK_MS	20

struct fan {
	struct event_base *base;
	struct tls_files_made *made;	/* the group's */
	struct fleet fleet;
	struct fanout *fanout;
	char url[ENDPOINT_TEXT_MAX + 16];
	struct endpoint at;
	int fd;			/* -1: closed by the test */
	struct metrics *metrics;
	struct server *server;
	struct exchange *held[FAN_HELD_MAX];
	size_t held_count, gone;
	size_t ended;		/* calls */
};

/* A call of the test's. */
struct ask {
	struct call call;
	struct fan *fan;
	bool done;
	char message[CHECK_MESSAGE_MAX];
};

/* How the perspective listens. */
enum fan_peer {
	FAN_HTTP2, FAN_HTTP1,	/* over TLS */
	FAN_PLAIN,
	FAN_NOBODY,		/* over TLS: the test itself has `fd` */
};

/* For cmocka: *state is the files of the group. */
int fan_group_setup(void **state);
int fan_group_teardown(void **state);

/* `code`: whom the fan-out takes the perspective for; "test" is who it is. */
struct fan *fan_new(void **state, enum fan_peer peer, const char *code);
/* Every call must have ended. */
void fan_free(struct fan *f);
/* Opens `fd` again, at the same address. */
void fan_listen(struct fan *f);
/* Another server, on the socket of the one before, which is draining or gone. */
struct server *fan_server(struct fan *f, enum fan_peer peer);
/* Answers what is held. */
void fan_release(struct fan *f);
int64_t fan_connections(const struct fan *f);
/* Runs the loop until the value is at least so much; fails after 20 s. */
void fan_await(struct fan *f, const size_t *value, size_t least);
/* Runs the loop for so long. */
void fan_run(struct fan *f, int ms);

/* A call that may be given up. */
void ask_start(struct ask *a, struct fan *f, const char *body);
void ask_start_limited(struct ask *a, struct fan *f, const char *body, int64_t limit_ms);
/* In a trace; NULL: without a state. */
void ask_start_traced(struct ask *a, struct fan *f, const char *body, int64_t limit_ms,
    const struct trace *trace, const char *tracestate);
void ask_give_up(struct ask *a);
void ask_free(struct ask *a);
/* Starts it and waits for its end. */
void ask_now(struct ask *a, struct fan *f, const char *body);

#endif
