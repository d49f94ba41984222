/*
 * A server in a thread with a loop of its own, for clients that block. What
 * only the loop may do (answer held exchanges) is asked for by requests.
 */
#ifndef MPIC_TEST_SERVER_FIXTURE_H
#define MPIC_TEST_SERVER_FIXTURE_H

#include <pthread.h>

#include "endpoint.h"
#include "server.h"
#include "tls_files.h"

#define HELD_MAX 4096
#define FIXTURE_PERSPECTIVE "urn:mpic:perspective:test"

/*
 * /echo gives back what it got, /query query and the header X-Test, /big a
 * megabyte. /hold keeps exchanges until /release answers them, the last first,
 * and says how many clients have gone. stream_handlers.c has the rest.
 */
struct fixture {
	struct event_base *base;
	struct server *server;
	struct metrics *metrics;
	struct endpoint at;
	int listen_fd, drain_fd;
	struct event *drain;
	pthread_t thread;
	struct exchange *held[HELD_MAX];
	size_t held_count, gone_count;
	size_t most_unsent;	/* bytes of a reply in parts that waited at once */
};

enum { SERVER_METRICS(METRIC_ENUM) METRIC_COUNT };

/*
 * stream_handlers.c: /parts begins a reply in parts and is held, /part sends
 * its own body as one of them ("sent" or "not sent"), /end ends it. /flood
 * sends FLOOD bytes, a part when nothing waits; /spill without regard. /within
 * makes an exchange of each line, `hold` of which is held, and replies with
 * all replies when the last has come.
 */
#define FLOOD		((size_t)4 * 1024 * 1024)
#define FLOOD_PART	((size_t)64 * 1024)
void on_parts(struct exchange *x, void *arg);
void on_part(struct exchange *x, void *arg);
void on_end(struct exchange *x, void *arg);
void on_flood(struct exchange *x, void *arg);
void on_spill(struct exchange *x, void *arg);
void on_within(struct exchange *x, void *arg);

extern const struct route fixture_routes[];
extern const size_t fixture_route_count;

/* Made and removed with a group of tests: setup and teardown of cmocka's. */
extern struct tls_files_made fixture_files;
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Small limits and short times, without TLS. */
extern const struct server_config fixture_plain;

struct fixture *fixture_start(struct server_config cfg);
/* As fixture_start(), for clients with the identity of `fixture_files.client`. */
struct fixture *fixture_start_tls(struct server_config cfg);
/* Has the server drain. */
void fixture_drain(struct fixture *f);
/* Drains, waits until no connection is left and frees all. */
void fixture_stop(struct fixture *f);
/* Ends the loop where it is: the server is the test's from now on. */
void fixture_join(struct fixture *f);
void fixture_free(struct fixture *f);
int64_t fixture_metric(const struct fixture *f, int metric);
/* Waits until the metric is at least so much. */
void fixture_await(const struct fixture *f, int metric, int64_t least);

/* What a client of the fixture's expects; peer_free() it. */
struct tls_peer peer_make(const struct tls_files *files, const char *expected);
void peer_free(struct tls_peer *peer);

#endif
