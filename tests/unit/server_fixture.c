#include "server_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

struct tls_files_made fixture_files;

const struct server_config fixture_plain = { .plain = true, .max_in_flight = 2, .max_body = 2000,
	.max_head = 2000, .request_timeout_ms = 200, .idle_timeout_ms = 400 };

static const struct metric metric_table[] = { SERVER_METRICS(METRIC_ROW) };

static void
on_echo(struct exchange *x, void *arg)
{
	size_t len;
	const char *body = exchange_body(x, &len);
	const struct header extra[] = { { "X-Who", exchange_identity(x) },
		{ "X-Bad", "a\r\nX-Forged: yes" } };

	assert_int_equal(body[len], '\0');
	exchange_reply(x, 200, "text/plain", body, len, extra, 2);
}

static void
on_query(struct exchange *x, void *arg)
{
	const char *query = exchange_query(x), *header = exchange_header(x, "x-test");
	struct buf out = BUF_INIT(4096);

	buf_addf(&out, "%s|%s", query != NULL ? query : "none", header != NULL ? header : "none");
	exchange_reply(x, 200, NULL, out.data, out.len, NULL, 0);
	buf_free(&out);
}

static void
on_gone(struct exchange *x, void *arg)
{
	struct fixture *f = arg;

	f->gone_count++;
}

static void
on_hold(struct exchange *x, void *arg)
{
	struct fixture *f = arg;

	assert_true(f->held_count < HELD_MAX);
	f->held[f->held_count++] = x;
	exchange_on_gone(x, on_gone, f);
}

static void
on_release(struct exchange *x, void *arg)
{
	struct fixture *f = arg;
	char body[64];

	while (f->held_count > 0)
		exchange_reply(f->held[--f->held_count], 200, NULL, "{}", 2, NULL, 0);
	snprintf(body, sizeof(body), "gone %zu", f->gone_count);
	exchange_reply(x, 200, NULL, body, strlen(body), NULL, 0);
}

static void
on_drained(void *arg)
{
	struct fixture *f = arg;

	event_base_loopbreak(f->base);
}

static void
on_big(struct exchange *x, void *arg)
{
	static char big[1 << 20];

	memset(big, 'b', sizeof(big));
	exchange_reply(x, 200, NULL, big, sizeof(big), NULL, 0);
}

const struct route fixture_routes[] = {
	{ "POST", "/echo", ROUTE_COUNTED | ROUTE_IDENTIFIED, on_echo },
	{ "GET", "/query", 0, on_query },
	{ "POST", "/query", 0, on_query },
	{ "POST", "/hold", ROUTE_COUNTED, on_hold },
	{ "GET", "/release", 0, on_release },
	{ "GET", "/big", 0, on_big },
	{ "POST", "/large", ROUTE_COUNTED | ROUTE_LARGE, on_echo },
	{ "POST", "/parts", ROUTE_COUNTED, on_parts },
	{ "POST", "/part", 0, on_part },
	{ "GET", "/end", 0, on_end },
	{ "POST", "/flood", ROUTE_COUNTED, on_flood },
	{ "POST", "/spill", ROUTE_COUNTED, on_spill },
	{ "POST", "/within", ROUTE_COUNTED, on_within },
};

const size_t fixture_route_count = sizeof(fixture_routes) / sizeof(fixture_routes[0]);

static void
on_drain(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;
	char byte;

	if (read(fd, &byte, 1) == 1)
		server_drain(f->server, on_drained, f);
}

static void *
fixture_loop(void *arg)
{
	struct fixture *f = arg;

	event_base_dispatch(f->base);
	return NULL;
}

struct fixture *
fixture_start(struct server_config cfg)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct buf why = BUF_INIT(1024);
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	f->drain_fd = ends[1];
	f->at.len = sizeof(f->at.addr);
	assert_true(endpoint_parse(&f->at, "127.0.0.1:0"));
	f->listen_fd = endpoint_listen(&f->at, 1024);
	assert_true(f->listen_fd >= 0);
	f->at.len = sizeof(f->at.addr);
	getsockname(f->listen_fd, (struct sockaddr *)&f->at.addr, &f->at.len);
	f->metrics = metrics_new(metric_table, METRIC_COUNT, 1);
	cfg.metrics = f->metrics;
	f->base = event_base_new();
	f->drain = event_new(f->base, ends[0], EV_READ, on_drain, f);
	event_add(f->drain, NULL);
	f->server = server_new(f->base, &cfg, f->listen_fd, fixture_routes,
	    fixture_route_count, f, &why);
	if (f->server == NULL)
		fail_msg("%s", why.data);
	assert_int_equal(pthread_create(&f->thread, NULL, fixture_loop, f), 0);
	return f;
}

struct fixture *
fixture_start_tls(struct server_config cfg)
{
	char coordinator[] = "urn:mpic:coordinator";
	char *allowed[] = { coordinator };

	cfg.tls = fixture_files.server;
	cfg.identities = allowed;
	cfg.identity_count = 1;
	return fixture_start(cfg);
}

void
fixture_drain(struct fixture *f)
{
	assert_int_equal(write(f->drain_fd, "d", 1), 1);
}

void
fixture_stop(struct fixture *f)
{
	fixture_drain(f);
	pthread_join(f->thread, NULL);
	server_free(f->server);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_CONNECTIONS), 0);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_IN_FLIGHT), 0);
	fixture_free(f);
}

void
fixture_join(struct fixture *f)
{
	event_base_loopbreak(f->base);
	pthread_join(f->thread, NULL);
}

void
fixture_free(struct fixture *f)
{
	metrics_free(f->metrics);
	close(event_get_fd(f->drain));
	event_free(f->drain);
	event_base_free(f->base);
	close(f->drain_fd);
	close(f->listen_fd);
	free(f);
}

int64_t
fixture_metric(const struct fixture *f, int metric)
{
	return (int64_t)metric_value(f->metrics, (size_t)metric, 0);
}

void
fixture_await(const struct fixture *f, int metric, int64_t least)
{
	for (int ms = 0; fixture_metric(f, metric) < least; ms++) {
		if (ms == 10000)
			fail_msg("metric %d stays below %lld", metric, (long long)least);
		usleep(1000);
	}
}

struct tls_peer
peer_make(const struct tls_files *files, const char *expected)
{
	struct buf why = BUF_INIT(1024);
	struct tls_peer peer = { .client = tls_client_new(files, &why), .expected = expected };

	if (peer.client == NULL)
		fail_msg("%s", why.data);
	return peer;
}

void
peer_free(struct tls_peer *peer)
{
	tls_client_free((struct tls_client *)peer->client);
}

int
fixture_setup(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	log_init("test_server", LOG_LEVEL_ERROR, false);
	return tls_files_make(&fixture_files) ? 0 : -1;
}

int
fixture_teardown(void **state)
{
	tls_files_remove(&fixture_files);
	return 0;
}
