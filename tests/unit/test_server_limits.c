/* What the server allows and for how long: load, silence, connections, and its own end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "h1_client.h"

static const char hold[] = "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
static const char release[] = "GET /release HTTP/1.1\r\nHost: x\r\n\r\n";

/* Two are held; the third is turned away at once, an uncounted route is not. */
static void
test_overload(void **state)
{
	struct fixture *f = fixture_start(fixture_plain);
	struct h1_client *c[3];

	for (int i = 0; i < 3; i++)
		c[i] = h1_open(f, NULL);
	h1_send(c[0], hold);
	h1_send(c[1], hold);
	fixture_await(f, METRIC_HTTP_IN_FLIGHT, 2);
	assert_int_equal(h1_ask(c[2], hold), 503);
	assert_non_null(strstr(c[2]->in, "Retry-After: 1\r\n"));
	assert_string_equal(c[2]->body, "{\"detail\":\"too many requests in flight\"}");
	assert_int_equal(h1_ask(c[2], release), 200);
	assert_int_equal(h1_reply(c[0]), 200);
	assert_int_equal(h1_reply(c[1]), 200);
	assert_int_equal(h1_ask(c[2],
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), 200);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_OVERLOADED), 1);
	for (int i = 0; i < 3; i++)
		h1_close(c[i]);
	fixture_stop(f);
}

/* The exchange of a client that left stays counted until its handler replies. */
static void
test_gone(void **state)
{
	struct fixture *f = fixture_start(fixture_plain);
	struct h1_client *c = h1_open(f, NULL), *other = h1_open(f, NULL);

	h1_send(c, hold);
	fixture_await(f, METRIC_HTTP_IN_FLIGHT, 1);
	h1_close(c);
	fixture_await(f, METRIC_HTTP_GONE, 1);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_IN_FLIGHT), 1);
	assert_int_equal(h1_ask(other, release), 200);
	assert_string_equal(other->body, "gone 1");
	assert_int_equal(fixture_metric(f, METRIC_HTTP_IN_FLIGHT), 0);
	h1_close(other);
	fixture_stop(f);
}

/* Neither silence nor a byte now and then keeps a request open; an idle one ends too. */
static void
test_slow(void **state)
{
	static const char *const starts[] = { "G", "GET /query HTTP/1.1\r\nHost: x\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab" };
	struct fixture *f = fixture_start(fixture_plain);
	struct h1_client *c;

	for (size_t i = 0; i < 3; i++) {
		c = h1_open(f, NULL);
		h1_send(c, starts[i]);
		for (int k = 0; k < 5; k++) {
			usleep(30000);
			h1_send(c, "x");
		}
		assert_int_equal(h1_reply(c), 408);
		assert_true(h1_closed(c));
		h1_close(c);
	}
	c = h1_open(f, NULL);
	assert_true(h1_closed(c));
	h1_close(c);
	fixture_stop(f);
}

/* A drain waits for what is held, closes what is idle and accepts nothing new. */
static void
test_drain(void **state)
{
	struct fixture *f = fixture_start(fixture_plain);
	struct h1_client *held = h1_open(f, NULL), *idle = h1_open(f, NULL);
	struct h1_client *c = h1_open(f, NULL), *other = h1_open(f, NULL);

	assert_int_equal(h1_ask(idle, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	h1_send(held, hold);
	fixture_await(f, METRIC_HTTP_IN_FLIGHT, 1);
	h1_send(c, "GET /qu");
	assert_int_equal(h1_ask(other, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	fixture_drain(f);
	assert_true(h1_closed(idle));
	assert_true(h1_closed(other));
	assert_int_equal(h1_ask(c, "ery HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_non_null(strstr(c->in, "Connection: close\r\n"));
	assert_true(h1_closed(c));
	h1_close(held);
	fixture_await(f, METRIC_HTTP_GONE, 1);
	/* The loop has nothing left but the held exchange: from here it is ours. */
	fixture_join(f);
	server_free(f->server);
	assert_int_equal(f->gone_count, 1);
	exchange_reply(f->held[0], 200, NULL, "{}", 2, NULL, 0);
	h1_close(idle);
	h1_close(other);
	h1_close(c);
	fixture_free(f);
}

static void
test_connection_limit(void **state)
{
	struct server_config cfg = fixture_plain;
	struct fixture *f;
	struct h1_client *c[3];

	cfg.max_connections = 2;
	f = fixture_start(cfg);
	for (int i = 0; i < 3; i++)
		c[i] = h1_open(f, NULL);
	h1_send(c[2], "GET /query HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(h1_ask(c[0], "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_CONNECTIONS_TOTAL), 2);
	h1_close(c[0]);
	assert_int_equal(h1_reply(c[2]), 200);
	h1_close(c[1]);
	h1_close(c[2]);
	fixture_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_connection_limit),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
