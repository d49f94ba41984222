/*
 * The server's HTTP/2: many streams on one connection, and clients that are
 * slow, greedy or rude.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "h2_client.h"
#include "server_fixture.h"

/* A server, and a client that has made its handshake. */
struct scene {
	struct fixture *f;
	struct tls_peer peer;
	struct h2_client *c;
};

static struct h2_client *
scene_client(struct scene *s)
{
	struct h2_client *c = h2_open(&s->f->at.addr, s->f->at.len, &s->peer);

	assert_non_null(c->ssl);
	return c;
}

static struct scene
scene_open(struct server_config cfg)
{
	struct scene s = { .f = fixture_start_tls(cfg),
		.peer = peer_make(&fixture_files.client, FIXTURE_PERSPECTIVE) };

	s.c = scene_client(&s);
	return s;
}

static void
scene_close(struct scene *s)
{
	h2_close(s->c);
	fixture_stop(s->f);
	peer_free(&s->peer);
}

static const struct h2_ask hold = { .method = "POST", .path = "/hold", .body = "{}" };

/* A thousand held at once on one connection; the answers come in another order. */
static void
test_many_streams(void **state)
{
	struct scene s = scene_open((struct server_config){ .max_in_flight = 1000 });
	int32_t ids[1000], release;

	assert_int_equal(h2_get(s.c, "/query"), 200);
	for (int i = 0; i < 999; i++)
		ids[i] = h2_send(s.c, &hold);
	h2_flush(s.c);
	fixture_await(s.f, METRIC_HTTP_IN_FLIGHT, 999);
	release = h2_send(s.c, &(struct h2_ask){ .method = "GET", .path = "/release" });
	assert_int_equal(h2_wait(s.c, release), 200);
	for (int i = 0; i < 999; i++) {
		assert_int_equal(h2_wait(s.c, ids[i]), 200);
		assert_string_equal(h2_reply(s.c, ids[i])->body, "{}");
	}
	assert_true(h2_reply(s.c, ids[998])->order < h2_reply(s.c, ids[0])->order);
	assert_int_equal(fixture_metric(s.f, METRIC_HTTP_CONNECTIONS_TOTAL), 1);
	scene_close(&s);
}

/* A held exchange does not keep others of its connection waiting. */
static void
test_out_of_order(void **state)
{
	struct scene s = scene_open((struct server_config){ 0 });
	int32_t held = h2_send(s.c, &hold);

	for (int i = 0; i < 50; i++)
		assert_int_equal(h2_get(s.c, "/query?x"), 200);
	assert_false(h2_reply(s.c, held)->closed);
	assert_int_equal(h2_get(s.c, "/release"), 200);
	assert_int_equal(h2_wait(s.c, held), 200);
	scene_close(&s);
}

/* More than agreed, sent before the client knew: refused, and safe to send again. */
static void
test_streams_refused(void **state)
{
	struct scene s = scene_open((struct server_config){ .max_streams = 4 });
	int32_t ids[10];
	int refused = 0;

	for (int i = 0; i < 10; i++)
		ids[i] = h2_send(s.c, &hold);
	h2_flush(s.c);
	fixture_await(s.f, METRIC_HTTP_IN_FLIGHT, 4);
	for (int i = 4; i < 10; i++) {
		assert_int_equal(h2_wait(s.c, ids[i]), 0);
		refused += h2_reply(s.c, ids[i])->error == NGHTTP2_REFUSED_STREAM;
	}
	assert_int_equal(refused, 6);
	assert_int_equal(fixture_metric(s.f, METRIC_HTTP_IN_FLIGHT), 4);
	/* Known now: those beyond wait at the client. */
	for (int i = 4; i < 10; i++)
		ids[i] = h2_send(s.c, &(struct h2_ask){ .method = "GET", .path = "/query" });
	h2_flush(s.c);
	struct h2_client *other = scene_client(&s);
	assert_int_equal(h2_get(other, "/release"), 200);
	h2_close(other);
	for (int i = 0; i < 10; i++)
		assert_int_equal(h2_wait(s.c, ids[i]), 200);
	scene_close(&s);
}

static void
test_overload(void **state)
{
	struct scene s = scene_open((struct server_config){ .max_in_flight = 2 });
	int32_t first = h2_send(s.c, &hold), second = h2_send(s.c, &hold);
	int32_t third = h2_send(s.c, &hold);

	assert_int_equal(h2_wait(s.c, third), 503);
	assert_non_null(strstr(h2_reply(s.c, third)->head, "retry-after: 1\n"));
	assert_int_equal(h2_get(s.c, "/release"), 200);
	assert_int_equal(h2_wait(s.c, first), 200);
	assert_int_equal(h2_wait(s.c, second), 200);
	assert_int_equal(fixture_metric(s.f, METRIC_HTTP_OVERLOADED), 1);
	scene_close(&s);
}

/* A stream that the client resets is gone alone; a connection takes all of its own. */
static void
test_gone(void **state)
{
	struct scene s = scene_open((struct server_config){ 0 });
	struct h2_client *other = scene_client(&s);
	int32_t ids[3];

	for (int i = 0; i < 3; i++)
		ids[i] = h2_send(s.c, &hold);
	h2_flush(s.c);
	fixture_await(s.f, METRIC_HTTP_IN_FLIGHT, 3);
	nghttp2_submit_rst_stream(s.c->session, 0, ids[1], NGHTTP2_CANCEL);
	h2_flush(s.c);
	fixture_await(s.f, METRIC_HTTP_GONE, 1);
	assert_int_equal(fixture_metric(s.f, METRIC_HTTP_IN_FLIGHT), 3);
	assert_int_equal(h2_get(s.c, "/query"), 200);
	h2_close(s.c);
	fixture_await(s.f, METRIC_HTTP_GONE, 3);
	assert_int_equal(h2_get(other, "/release"), 200);
	assert_string_equal(h2_reply(other, 1)->body, "gone 3");
	s.c = other;
	scene_close(&s);
}

/* A body that never ends, too long, or one that stops: the connection stays. */
static void
test_bodies(void **state)
{
	static char big[70000];
	struct scene s = scene_open((struct server_config){ .max_body = 2000,
	    .request_timeout_ms = 200 });
	struct h2_ask ask = { .method = "POST", .path = "/echo", .body = big };
	int32_t id;

	memset(big, 'b', sizeof(big) - 1);
	id = h2_send(s.c, &ask);
	assert_int_equal(h2_wait(s.c, id), 413);
	ask.name = "content-length";
	ask.value = "69999";
	id = h2_send(s.c, &ask);
	assert_int_equal(h2_wait(s.c, id), 413);
	assert_string_equal(h2_reply(s.c, id)->body, "{\"detail\":\"the body is too large\"}");
	ask.name = "expect";
	ask.value = "tea";
	id = h2_send(s.c, &ask);
	assert_int_equal(h2_wait(s.c, id), 417);
	ask = (struct h2_ask){ .method = "POST", .path = "/echo", .body = "ab", .unfinished = true };
	id = h2_send(s.c, &ask);
	assert_int_equal(h2_wait(s.c, id), 408);
	assert_int_equal(h2_reply(s.c, id)->error, NGHTTP2_NO_ERROR);
	ask = (struct h2_ask){ .method = "POST", .path = "/echo", .body = big, .body_len = 2000 };
	/* More than the connection's window in all: what was refused was given back. */
	for (int i = 0; i < 1000; i++) {
		id = h2_send(s.c, &ask);
		assert_int_equal(h2_wait(s.c, id), 200);
		assert_int_equal(h2_reply(s.c, id)->body_len, 2000);
	}
	scene_close(&s);
}

static void
test_large_head(void **state)
{
	static char large[4000];
	struct scene s = scene_open((struct server_config){ .max_head = 2000 });
	int32_t id;

	memset(large, 'h', sizeof(large) - 1);
	id = h2_send(s.c, &(struct h2_ask){ .method = "GET", .path = "/query", .name = "x-a",
	    .value = large });
	assert_int_equal(h2_wait(s.c, id), 431);
	assert_int_equal(h2_get(s.c, "/query"), 200);
	scene_close(&s);
}

/* A megabyte is more than a client's window; others are answered meanwhile. */
static void
test_big_replies(void **state)
{
	struct scene s = scene_open((struct server_config){ 0 });
	int32_t ids[8];

	for (int i = 0; i < 8; i++)
		ids[i] = h2_send(s.c, &(struct h2_ask){ .method = "GET", .path = "/big" });
	assert_int_equal(h2_get(s.c, "/query"), 200);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(h2_wait(s.c, ids[i]), 200);
		assert_int_equal(h2_reply(s.c, ids[i])->body_len, 1 << 20);
	}
	scene_close(&s);
}

/* Who asks and does not read is let go after the write timeout. */
static void
test_never_reads(void **state)
{
	struct scene s = scene_open((struct server_config){ .write_timeout_ms = 200 });
	struct h2_client *other = scene_client(&s);

	for (int i = 0; i < 20; i++)
		h2_send(s.c, &(struct h2_ask){ .method = "GET", .path = "/big" });
	nghttp2_session_set_local_window_size(s.c->session, 0, 0, 1 << 24);
	h2_flush(s.c);
	for (int i = 0; i < 20; i++) {
		usleep(20000);
		assert_int_equal(h2_get(other, "/query"), 200);
	}
	h2_wait_gone(s.c);
	for (int32_t id = 1; id < 40; id += 2)
		assert_true(h2_reply(s.c, id)->body_len < 1 << 20);
	h2_close(other);
	scene_close(&s);
}

static void
test_idle(void **state)
{
	struct scene s = scene_open((struct server_config){ .idle_timeout_ms = 200 });
	int32_t held = h2_send(s.c, &hold);
	struct h2_client *other;

	/* One with an exchange is not idle. */
	h2_flush(s.c);
	fixture_await(s.f, METRIC_HTTP_IN_FLIGHT, 1);
	usleep(400000);
	other = scene_client(&s);
	assert_int_equal(h2_get(other, "/release"), 200);
	assert_int_equal(h2_wait(s.c, held), 200);
	h2_wait_gone(s.c);
	assert_int_equal(s.c->goaways, 1);
	assert_int_equal(s.c->goaway_error, NGHTTP2_NO_ERROR);
	h2_close(other);
	scene_close(&s);
}

/* What is open is answered, and so is what was asked before the client knew. */
static void
test_drain(void **state)
{
	struct scene s = scene_open((struct server_config){ 0 });
	struct h2_client *idle = scene_client(&s);
	int32_t held = h2_send(s.c, &hold), release;

	h2_flush(s.c);
	fixture_await(s.f, METRIC_HTTP_IN_FLIGHT, 1);
	assert_int_equal(h2_get(idle, "/query"), 200);
	release = h2_send(s.c, &(struct h2_ask){ .method = "GET", .path = "/release" });
	fixture_drain(s.f);
	while (s.c->goaways == 0 && h2_turn(s.c))
		;
	h2_wait_gone(idle);
	assert_true(idle->goaways > 0);
	assert_int_equal(h2_wait(s.c, held), 200);
	assert_int_equal(h2_wait(s.c, release), 200);
	h2_wait_gone(s.c);
	assert_true(s.c->goaways > 0);
	assert_int_equal(s.c->goaway_error, NGHTTP2_NO_ERROR);
	h2_close(s.c);
	h2_close(idle);
	pthread_join(s.f->thread, NULL);
	server_free(s.f->server);
	fixture_free(s.f);
	peer_free(&s.peer);
}

/* The server goes while exchanges are open; they are replied to afterwards. */
static void
test_freed(void **state)
{
	struct scene s = scene_open((struct server_config){ 0 });

	for (int i = 0; i < 3; i++)
		h2_send(s.c, &hold);
	h2_flush(s.c);
	fixture_await(s.f, METRIC_HTTP_IN_FLIGHT, 3);
	fixture_join(s.f);
	server_free(s.f->server);
	assert_int_equal(s.f->gone_count, 3);
	for (int i = 0; i < 3; i++)
		exchange_reply(s.f->held[i], 200, NULL, "{}", 2, NULL, 0);
	fixture_free(s.f);
	h2_close(s.c);
	peer_free(&s.peer);
}

static void
ping(struct h2_client *c)
{
	nghttp2_submit_ping(c->session, 0, NULL);
}

static void
settings(struct h2_client *c)
{
	nghttp2_submit_settings(c->session, 0, NULL, 0);
}

static void
window(struct h2_client *c)
{
	nghttp2_submit_window_update(c->session, 0, 0, 1);
}

static void
reset(struct h2_client *c)
{
	int32_t id = h2_send(c, &hold);

	h2_flush(c);
	nghttp2_submit_rst_stream(c->session, 0, id, NGHTTP2_CANCEL);
}

/* Frames that carry no request are worth so much patience and no more. */
static void
test_floods(void **state)
{
	static void (*const floods[])(struct h2_client *) = { ping, settings, window };

	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		struct scene s = scene_open((struct server_config){ 0 });
		struct h2_client *other = scene_client(&s);
		bool ended = false;

		for (int n = 0; n < 100000 && !ended; n++) {
			floods[i](s.c);
			ended = n % 100 == 99 && (!h2_flush(s.c) || s.c->gone);
			/* Its answers are read now and then, or it would only be stalled. */
			if (n % 1000 == 999 && i < 2)
				h2_turn(s.c);
		}
		h2_wait_gone(s.c);
		assert_true(s.c->gone);
		assert_int_equal(h2_get(other, "/query"), 200);
		h2_close(other);
		scene_close(&s);
	}
}

/* Requests taken back are counted until their handlers let go, and not for ever borne. */
static void
test_rapid_reset(void **state)
{
	struct scene s = scene_open((struct server_config){ .max_in_flight = 100 });
	struct h2_client *other = scene_client(&s);

	for (int n = 0; n < 40000 && !s.c->gone; n++) {
		reset(s.c);
		if (!h2_flush(s.c))
			break;
	}
	h2_wait_gone(s.c);
	assert_true(fixture_metric(s.f, METRIC_HTTP_IN_FLIGHT) <= 100);
	assert_int_equal(h2_get(other, "/release"), 200);
	h2_close(other);
	scene_close(&s);
}

static void
test_not_http2(void **state)
{
	static const char text[] = "GET /query HTTP/1.1\r\nHost: x\r\n\r\n";
	struct scene s = scene_open((struct server_config){ 0 });
	char byte;

	SSL_write(s.c->ssl, text, sizeof(text) - 1);
	while (SSL_read(s.c->ssl, &byte, 1) > 0)
		;
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_streams),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_streams_refused),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_large_head),
		cmocka_unit_test(test_big_replies),
		cmocka_unit_test(test_never_reads),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_freed),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_rapid_reset),
		cmocka_unit_test(test_not_http2),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
