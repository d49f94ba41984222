/* Replies in parts and exchanges within another, over both protocols: slow clients, and gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "h1_client.h"
#include "h2_client.h"

#define POST(path) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static const struct server_config config = { .plain = true, .max_in_flight = 4,
	.max_body = 2000, .max_large_body = 300000, .write_timeout_ms = 300,
	.max_unsent = 200000 };

/* What came, until it ends with `end`. */
static void
h1_await(struct h1_client *c, const char *end)
{
	size_t n = strlen(end);

	while (c->len < n || strcmp(c->in + c->len - n, end) != 0)
		if (h1_read(c) <= 0)
			fail_msg("it ended with: %s", c->in);
}

static void
h1_forget(struct h1_client *c)
{
	c->len = c->used = 0;
	c->in[0] = '\0';
}

static const char *
h1_said(struct h1_client *c, const char *request)
{
	assert_int_equal(h1_ask(c, request), 200);
	c->body[c->used - (size_t)(c->body - c->in)] = '\0';
	return c->body;
}

/* ---- HTTP/1.1 ---- */

/* Each part is there before the next is made; then the connection goes on. */
static void
test_h1_parts(void **state)
{
	struct fixture *f = fixture_start(config);
	struct h1_client *c = h1_open(f, NULL), *other = h1_open(f, NULL);

	h1_send(c, POST("/parts"));
	h1_await(c, "\r\n\r\n6\r\nfirst\n\r\n");
	assert_non_null(strstr(c->in, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(c->in, "Content-Type: text/plain\r\n"));
	assert_non_null(strstr(c->in, "Transfer-Encoding: chunked\r\n"));
	assert_non_null(strstr(c->in, "X-Parts: yes\r\n"));
	assert_null(strstr(c->in, "Content-Length"));
	assert_string_equal(h1_said(other, "POST /part HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"
	    "second part"), "sent");
	h1_await(c, "b\r\nsecond part\r\n");
	assert_string_equal(h1_said(other, POST("/part")), "sent");	/* of nothing */
	assert_string_equal(h1_said(other, GET("/end")), "gone 0");
	h1_await(c, "second part\r\n0\r\n\r\n");
	h1_forget(c);
	assert_int_equal(h1_ask(c, GET("/query")), 200);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_IN_FLIGHT), 0);
	h1_close(c);
	h1_close(other);
	fixture_stop(f);
}

/* What is pipelined behind a reply in parts waits for its end. */
static void
test_h1_pipelined(void **state)
{
	struct fixture *f = fixture_start(config);
	struct h1_client *c = h1_open(f, NULL), *other = h1_open(f, NULL);

	h1_send(c, POST("/parts") GET("/query"));
	h1_await(c, "first\n\r\n");
	assert_string_equal(h1_said(other, GET("/end")), "gone 0");
	h1_await(c, "none|none");
	assert_non_null(strstr(c->in, "0\r\n\r\nHTTP/1.1 200 OK\r\n"));
	h1_close(c);
	h1_close(other);
	fixture_stop(f);
}

/* A client that knows no chunks reads until the end of the connection. */
static void
test_h1_old(void **state)
{
	struct fixture *f = fixture_start(config);
	struct h1_client *c = h1_open(f, NULL), *other = h1_open(f, NULL);

	h1_send(c, "POST /parts HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
	h1_await(c, "\r\n\r\nfirst\n");
	assert_null(strstr(c->in, "Transfer-Encoding"));
	assert_non_null(strstr(c->in, "Connection: close\r\n"));
	assert_string_equal(h1_said(other, GET("/end")), "gone 0");
	assert_int_equal(h1_read(c), 0);
	h1_close(c);
	h1_close(other);
	fixture_stop(f);
}

static void
test_h1_gone(void **state)
{
	struct fixture *f = fixture_start(config);
	struct h1_client *c = h1_open(f, NULL), *other = h1_open(f, NULL);

	h1_send(c, POST("/parts"));
	h1_await(c, "first\n\r\n");
	h1_close(c);
	fixture_await(f, METRIC_HTTP_GONE, 1);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_IN_FLIGHT), 1);
	assert_string_equal(h1_said(other, POST("/part")), "not sent");
	assert_string_equal(h1_said(other, GET("/end")), "gone 1");
	assert_int_equal(fixture_metric(f, METRIC_HTTP_IN_FLIGHT), 0);
	h1_close(other);
	fixture_stop(f);
}

/* All of it arrives, and never more than a part of it waits. */
static void
test_h1_flood(void **state)
{
	struct fixture *f = fixture_start(config);
	struct h1_client *c = h1_open(f, NULL);
	size_t parts = 0, total = 0;

	h1_send(c, POST("/flood"));
	for (;;) {
		if (h1_read(c) <= 0)
			fail_msg("after %zu bytes", total);
		total += c->len;
		for (const char *at = c->in; (at = strstr(at, "\r\n10000\r\n")) != NULL; at++)
			parts++;
		if (strstr(c->in, "\r\n0\r\n\r\n") != NULL)
			break;
		/* what could begin something looked for */
		if (c->len > 16) {
			memmove(c->in, c->in + c->len - 8, 9);
			total -= 8;
			c->len = 8;
		}
	}
	assert_true(total > FLOOD && total < FLOOD + 4096);
	assert_int_equal(parts, FLOOD / FLOOD_PART);
	assert_true(f->most_unsent < 2 * FLOOD_PART);
	h1_close(c);
	fixture_stop(f);
}

/* One that takes a byte now and then is let go: what waits has its time to leave, once. */
static void
test_h1_slow(void **state)
{
	struct fixture *f = fixture_start(config);
	struct h1_client *c = h1_open(f, NULL), *other = h1_open(f, NULL);
	char byte;

	h1_send(c, POST("/flood"));
	for (int i = 0; fixture_metric(f, METRIC_HTTP_GONE) == 0; i++) {
		assert_int_equal(h1_ask(other, GET("/query")), 200);
		assert_true(i < 500);
		assert_true(read(c->fd, &byte, 1) == 1);
		usleep(10000);
	}
	assert_int_equal(fixture_metric(f, METRIC_HTTP_IN_FLIGHT), 0);
	h1_close(c);
	h1_close(other);
	fixture_stop(f);
}

/* A handler without regard is stopped by the cap, and its client's connection ends. */
static void
test_h1_spill(void **state)
{
	struct fixture *f = fixture_start(config);
	struct h1_client *c = h1_open(f, NULL);

	h1_send(c, POST("/spill"));
	fixture_await(f, METRIC_HTTP_GONE, 1);
	while (h1_read(c) > 0)
		;
	assert_null(strstr(c->in, "0\r\n\r\n"));
	h1_close(c);
	assert_true(f->most_unsent <= config.max_unsent);
	fixture_stop(f);
}

/* ---- HTTP/2 ---- */

struct scene {
	struct fixture *f;
	struct tls_peer peer;
	struct h2_client *c;
};

static struct scene
scene_open(void)
{
	struct server_config cfg = config;
	struct scene s;

	cfg.plain = false;
	s.f = fixture_start_tls(cfg);
	s.peer = peer_make(&fixture_files.client, FIXTURE_PERSPECTIVE);
	s.c = h2_open(&s.f->at.addr, s.f->at.len, &s.peer);
	return s;
}

static void
scene_close(struct scene *s)
{
	h2_close(s->c);
	peer_free(&s->peer);
	fixture_stop(s->f);
}

static void
h2_await(struct h2_client *c, int32_t id, const char *body)
{
	struct h2_reply *r = h2_reply(c, id);

	h2_flush(c);
	while (r->body == NULL || strcmp(r->body, body) != 0)
		assert_true(h2_turn(c));
	assert_false(r->closed);
}

static void
test_h2_parts(void **state)
{
	struct scene s = scene_open();
	int32_t id = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/parts" }), part;

	h2_await(s.c, id, "first\n");
	assert_int_equal(h2_reply(s.c, id)->status, 200);
	assert_non_null(strstr(h2_reply(s.c, id)->head, "x-parts: yes\n"));
	assert_null(strstr(h2_reply(s.c, id)->head, "content-length"));
	part = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/part", .body = "next" });
	assert_int_equal(h2_wait(s.c, part), 200);
	h2_await(s.c, id, "first\nnext");
	assert_int_equal(h2_get(s.c, "/end"), 200);
	assert_int_equal(h2_wait(s.c, id), 200);
	assert_int_equal(h2_reply(s.c, id)->error, 0);
	assert_string_equal(h2_reply(s.c, id)->body, "first\nnext");
	assert_int_equal(fixture_metric(s.f, METRIC_HTTP_IN_FLIGHT), 0);
	scene_close(&s);
}

static void
test_h2_gone(void **state)
{
	struct scene s = scene_open();
	int32_t id = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/parts" }), part;

	h2_await(s.c, id, "first\n");
	nghttp2_submit_rst_stream(s.c->session, 0, id, NGHTTP2_CANCEL);
	h2_flush(s.c);
	fixture_await(s.f, METRIC_HTTP_GONE, 1);
	part = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/part", .body = "next" });
	assert_int_equal(h2_wait(s.c, part), 200);
	assert_string_equal(h2_reply(s.c, part)->body, "not sent");
	assert_int_equal(h2_get(s.c, "/end"), 200);
	assert_int_equal(fixture_metric(s.f, METRIC_HTTP_IN_FLIGHT), 0);
	scene_close(&s);
}

static void
test_h2_flood(void **state)
{
	struct scene s = scene_open();
	int32_t ids[3];

	for (int i = 0; i < 3; i++)
		ids[i] = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/flood" });
	for (int i = 0; i < 3; i++) {
		assert_int_equal(h2_wait(s.c, ids[i]), 200);
		assert_int_equal(h2_reply(s.c, ids[i])->body_len, FLOOD);
	}
	assert_true(s.f->most_unsent <= 2 * FLOOD_PART);
	scene_close(&s);
}

/* The client reads, but gives no more room: the stream ends, and the connection does not. */
static void
test_h2_no_window(void **state)
{
	struct scene s = scene_open();
	int32_t id;

	h2_give_no_room(s.c);
	id = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/flood" });
	h2_wait(s.c, id);
	assert_int_equal(h2_reply(s.c, id)->body_len, 65535);
	assert_int_equal(h2_reply(s.c, id)->error, NGHTTP2_CANCEL);
	assert_int_equal(fixture_metric(s.f, METRIC_HTTP_GONE), 1);
	assert_int_equal(fixture_metric(s.f, METRIC_HTTP_IN_FLIGHT), 0);
	h2_wait(s.c, h2_send(s.c, &(struct h2_ask){ .method = "HEAD", .path = "/query" }));
	scene_close(&s);
}

static void
test_h2_spill(void **state)
{
	struct scene s = scene_open();
	int32_t id = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/spill" });

	h2_wait(s.c, id);
	assert_int_equal(h2_reply(s.c, id)->error, NGHTTP2_INTERNAL_ERROR);
	assert_int_equal(fixture_metric(s.f, METRIC_HTTP_GONE), 1);
	assert_int_equal(h2_get(s.c, "/query"), 200);
	scene_close(&s);
}

/* ---- bodies larger than most ---- */

static void
test_large_bodies(void **state)
{
	static char request[400000], body[300001];
	struct fixture *f = fixture_start(config);
	struct h1_client *c;
	struct scene s;
	int32_t id;

	memset(body, 'l', sizeof(body) - 1);
	for (size_t len = 2000; len <= 300000; len += 149000)
		for (int large = 0; large < 2; large++) {
			c = h1_open(f, NULL);
			snprintf(request, sizeof(request), "POST /%s HTTP/1.1\r\nHost: x\r\n"
			    "Content-Length: %zu\r\n\r\n%.*s", large ? "large" : "echo", len,
			    (int)(large || len <= 2000 ? len : 0), body);
			assert_int_equal(h1_ask(c, request), large || len <= 2000 ? 200 : 413);
			h1_close(c);
		}
	c = h1_open(f, NULL);
	assert_int_equal(h1_ask(c, "POST /large HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 300001\r\n\r\n"), 413);
	h1_close(c);
	c = h1_open(f, NULL);
	snprintf(request, sizeof(request), "POST /large HTTP/1.1\r\nHost: x\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n%x\r\n%.*s\r\n0\r\n\r\n", 250000, 250000, body);
	assert_int_equal(h1_ask(c, request), 200);
	assert_int_equal(c->used - (size_t)(c->body - c->in), 250000);
	h1_close(c);
	fixture_stop(f);

	s = scene_open();
	for (int i = 0; i < 6; i++) {
		id = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/large",
		    .body = body, .body_len = 300000 });
		assert_int_equal(h2_wait(s.c, id), 200);
		assert_int_equal(h2_reply(s.c, id)->body_len, 300000);
	}
	id = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/echo", .body = body,
	    .body_len = 300000 });
	assert_int_equal(h2_wait(s.c, id), 413);
	scene_close(&s);
}

/* ---- exchanges within another ---- */

static void
test_within(void **state)
{
	struct fixture *f = fixture_start(config);
	struct h1_client *c = h1_open(f, NULL);
	struct scene s;
	int32_t id;

	assert_string_equal(h1_said(c, "POST /within?a=b HTTP/1.1\r\nHost: x\r\nX-Test: t\r\n"
	    "Content-Length: 7\r\n\r\none\ntwo"),
	    "200 one|a=b|t|plain|2\n200 two|a=b|t|plain|2\nroom");
	assert_int_equal(h1_ask(c, GET("/query")), 200);
	h1_close(c);
	fixture_stop(f);

	s = scene_open();
	id = h2_send(s.c, &(struct h2_ask){ .method = "POST", .path = "/within", .body = "one\n\ntwo",
	    .name = "x-test", .value = "h2" });
	assert_int_equal(h2_wait(s.c, id), 200);
	assert_string_equal(h2_reply(s.c, id)->body, "200 one|none|h2|urn:mpic:coordinator|2\n"
	    "200 |none|h2|urn:mpic:coordinator|2\n200 two|none|h2|urn:mpic:coordinator|2\nroom");
	scene_close(&s);
}

/* Each that is open counts, and each hears that the client has gone. */
static void
test_within_gone(void **state)
{
	struct fixture *f = fixture_start(config);
	struct h1_client *c = h1_open(f, NULL);

	h1_send(c, "POST /within HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\nhold\none\nhold\n");
	fixture_await(f, METRIC_HTTP_IN_FLIGHT, 3);
	h1_close(c);
	fixture_await(f, METRIC_HTTP_GONE, 1);
	for (int ms = 0; fixture_metric(f, METRIC_HTTP_IN_FLIGHT) > 0; ms++) {
		assert_true(ms < 5000);
		usleep(1000);
	}
	fixture_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_h1_parts),
		cmocka_unit_test(test_h1_pipelined),
		cmocka_unit_test(test_h1_old),
		cmocka_unit_test(test_h1_gone),
		cmocka_unit_test(test_h1_flood),
		cmocka_unit_test(test_h1_slow),
		cmocka_unit_test(test_h1_spill),
		cmocka_unit_test(test_h2_parts),
		cmocka_unit_test(test_h2_gone),
		cmocka_unit_test(test_h2_flood),
		cmocka_unit_test(test_h2_no_window),
		cmocka_unit_test(test_h2_spill),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_within_gone),
	};

	return cmocka_run_group_tests_name("server_stream", tests, fixture_setup, fixture_teardown);
}
