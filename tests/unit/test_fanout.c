/* The fan-out with a perspective that behaves, and with none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing_malloc.h"
#include "fanout_fixture.h"
#include "monotonic.h"

#define MANY	3000

static void
assert_says(const struct ask *a, enum problem problem, const char *text)
{
	assert_true(a->done);
	if (a->call.problem != problem || strstr(a->message, text) == NULL)
		fail_msg("problem %d instead of %d: %s", a->call.problem, problem, a->message);
}

static void
assert_answered(const struct ask *a, size_t len)
{
	if (!a->done || a->call.problem != PROBLEM_NONE || a->call.status != 200)
		fail_msg("status %ld: %s", a->call.status, a->message);
	assert_int_equal(a->call.reply.len, len);
}

static const enum fan_peer peers[] = { FAN_HTTP2, FAN_HTTP1, FAN_PLAIN };

static void
test_answers(void **state)
{
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		struct fan *f = fan_new(state, peers[i], "test");
		struct ask a;

		for (int round = 0; round < 3; round++) {
			ask_now(&a, f, "1000");
			assert_answered(&a, 1000);
			ask_free(&a);
			ask_now(&a, f, "0");
			assert_answered(&a, 0);
			ask_free(&a);
		}
		ask_now(&a, f, "busy");
		assert_says(&a, PROBLEM_OVERLOADED, "it answered 503, \"too much to do\"");
		ask_free(&a);
		ask_now(&a, f, "262145");
		assert_says(&a, PROBLEM_PERSPECTIVE_REPLY, "more than 262144 bytes");
		ask_free(&a);
		ask_now(&a, f, "262144");
		assert_answered(&a, 262144);
		ask_free(&a);
		assert_true(fan_connections(f) <= 2);
		assert_true((fanout_expires_s(f->fanout, 0) > 0) == (peers[i] != FAN_PLAIN));
		fan_free(f);
	}
}

static void
assert_trace_arrives(struct fan *f, const struct trace *trace, const char *tracestate)
{
	size_t before = f->ended;
	char expected[TRACEPARENT_TEXT + TRACESTATE_MAX + 1], parent[TRACEPARENT_TEXT];
	struct ask a;

	trace_text(trace, parent);
	snprintf(expected, sizeof(expected), "%s %s", parent[0] != '\0' ? parent : "-",
	    tracestate != NULL ? tracestate : "-");
	ask_start_traced(&a, f, "trace", 20000, trace, tracestate);
	fan_await(f, &f->ended, before + 1);
	assert_string_equal(a.call.reply.data, expected);
	ask_free(&a);
}

/* A call's trace goes with that call alone, whatever carries it. */
static void
test_trace(void **state)
{
	struct random_pool random = { .left = 0 };
	const struct trace none = { .flags = 0 };
	struct trace trace;

	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		struct fan *f = fan_new(state, peers[i], "test");

		for (int round = 0; round < 3; round++) {
			assert_true(trace_draw(&trace, &random));
			assert_trace_arrives(f, &trace, NULL);
			assert_trace_arrives(f, &trace, "rojo=1,congo=2");
			assert_trace_arrives(f, &none, NULL);
		}
		fan_free(f);
	}
}

/* More than one connection takes; none is opened before it is needed. */
static void
test_many(void **state)
{
	struct fan *f = fan_new(state, FAN_HTTP2, "test");
	struct ask *asks = calloc(MANY, sizeof(*asks));

	for (size_t i = 0; i < 900; i++)
		ask_start(&asks[i], f, "hold");
	fan_await(f, &f->held_count, 900);
	assert_int_equal(fan_connections(f), 1);
	for (size_t i = 900; i < MANY; i++)
		ask_start(&asks[i], f, "hold");
	fan_await(f, &f->held_count, MANY);
	assert_int_equal(fan_connections(f), 3);
	fan_release(f);
	fan_await(f, &f->ended, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_answered(&asks[i], 2);
		ask_free(&asks[i]);
	}
	free(asks);
	fan_free(f);
}

/* Beyond four connections calls wait, and who waits can be given up. */
static void
test_line(void **state)
{
	struct fan *f = fan_new(state, FAN_HTTP1, "test");
	struct ask asks[6];

	for (size_t i = 0; i < 6; i++)
		ask_start(&asks[i], f, "hold");
	fan_await(f, &f->held_count, 2);
	fan_run(f, 50);
	assert_int_equal(f->held_count, 2);
	ask_give_up(&asks[0]);
	assert_string_equal(asks[0].message, "connected, no answer came");
	ask_give_up(&asks[3]);
	assert_string_equal(asks[3].message, "no connection was free");
	while (f->ended < 4) {
		fan_release(f);
		fan_run(f, 10);
	}
	for (size_t i = 0; i < 6; i++) {
		assert_true(asks[i].done == (i != 0 && i != 3));
		ask_free(&asks[i]);
	}
	fan_free(f);
}

/* Bodies of the size of evidence, to many at once: none may wait for another. */
static void
test_large(void **state)
{
	static const char *const sizes[] = { "6000", "60000", "250000" };
	struct ask *asks = calloc(240, sizeof(*asks));
	struct fan *f = fan_new(state, FAN_HTTP2, "test");

	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < 240; i++)
			ask_start(&asks[i], f, sizes[k]);
		fan_await(f, &f->ended, 240 * (k + 1));
		for (size_t i = 0; i < 240; i++) {
			assert_answered(&asks[i], strtoul(sizes[k], NULL, 10));
			ask_free(&asks[i]);
		}
	}
	free(asks);
	fan_free(f);
}

/* A large request, too. */
static void
test_large_request(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct fan *f = fan_new(state, peers[i], "test");
		char body[60001];
		struct ask a;

		memset(body, '0', 60000);
		memcpy(body + 59997, "777", 4);
		ask_now(&a, f, body);
		assert_answered(&a, 777);
		ask_free(&a);
		fan_free(f);
	}
}

static void
test_give_up(void **state)
{
	struct fan *f = fan_new(state, FAN_HTTP2, "test");
	struct ask asks[3], early;

	ask_start(&early, f, "hold");
	ask_give_up(&early);
	assert_string_equal(early.message, "the connection was not established");
	for (size_t i = 0; i < 3; i++)
		ask_start(&asks[i], f, "hold");
	fan_await(f, &f->held_count, 3);
	ask_give_up(&asks[1]);
	assert_string_equal(asks[1].message, "connected, no answer came");
	fan_await(f, &f->gone, 1);
	/* One that has not even left. */
	ask_free(&asks[1]);
	ask_start(&asks[1], f, "hold");
	ask_give_up(&asks[1]);
	fan_release(f);
	fan_await(f, &f->ended, 2);
	fan_run(f, 20);
	assert_answered(&asks[0], 2);
	assert_answered(&asks[2], 2);
	assert_false(asks[1].done);
	assert_int_equal(f->gone, 1);
	assert_int_equal(fan_connections(f), 1);
	for (size_t i = 0; i < 3; i++)
		ask_free(&asks[i]);
	ask_free(&early);
	fan_free(f);
}

static void
test_limit(void **state)
{
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		struct fan *f = fan_new(state, peers[i], "test");
		struct ask a = { .done = false };

		ask_start(&a, f, "hold");
		ask_give_up(&a);
		ask_free(&a);
		ask_start(&a, f, "hold");
		ask_give_up(&a);
		a.call.limit_ms = 100;
		fanout_call(f->fanout, 0, CHECK_CAA, &a.call);
		fan_await(f, &f->ended, 1);
		assert_says(&a, PROBLEM_PERSPECTIVE_UNREACHABLE, "no answer from test at ");
		ask_free(&a);
		fan_free(f);
	}
}

/* What a call waits in line is part of its limit. */
static void
test_limit_in_line(void **state)
{
	struct fan *f = fan_new(state, FAN_PLAIN, "test");
	struct ask asks[3];
	uint64_t start = monotonic_ns();

	/* Of the connections there are two. */
	for (size_t i = 0; i < 3; i++)
		ask_start_limited(&asks[i], f, "hold", i < 2 ? 400 : 600);
	fan_await(f, &f->ended, 3);
	assert_in_range((monotonic_ns() - start) / 1000000, 500, 850);
	for (size_t i = 0; i < 3; i++)
		ask_free(&asks[i]);
	fan_free(f);
}

static void
on_drained(void *arg)
{
	++*(size_t *)arg;
}

/* The perspective is replaced while calls are under way: none is lost. */
static void
test_drain(void **state)
{
	struct fan *f = fan_new(state, FAN_HTTP2, "test");
	struct server *old = f->server;
	struct ask asks[60];
	size_t drained = 0;

	for (size_t i = 0; i < 30; i++)
		ask_start(&asks[i], f, "hold");
	fan_await(f, &f->held_count, 30);
	server_drain(old, on_drained, &drained);
	fan_server(f, FAN_HTTP2);
	/* Those before the GOAWAY is here, and those after. */
	for (size_t i = 30; i < 45; i++)
		ask_start(&asks[i], f, "100");
	fan_run(f, 30);
	for (size_t i = 45; i < 60; i++)
		ask_start(&asks[i], f, "100");
	fan_await(f, &f->ended, 30);
	assert_int_equal(drained, 0);
	fan_release(f);
	fan_await(f, &f->ended, 60);
	fan_await(f, &drained, 1);
	for (size_t i = 0; i < 60; i++) {
		assert_answered(&asks[i], i < 30 ? 2 : 100);
		ask_free(&asks[i]);
	}
	server_free(old);
	fan_free(f);
}

/* Gone without a word, between calls and under a call. */
static void
test_restart(void **state)
{
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		struct fan *f = fan_new(state, peers[i], "test");
		struct ask a;

		for (int round = 0; round < 3; round++) {
			ask_now(&a, f, "10");
			assert_answered(&a, 10);
			ask_free(&a);
			server_free(f->server);
			fan_server(f, peers[i]);
		}
		fan_free(f);
	}
}

/* It speaks HTTP/1.1, and after an upgrade HTTP/2. */
static void
test_upgrade(void **state)
{
	struct fan *f = fan_new(state, FAN_HTTP1, "test");
	struct ask asks[8];

	ask_now(&asks[0], f, "10");
	assert_answered(&asks[0], 10);
	ask_free(&asks[0]);
	server_free(f->server);
	f->server = NULL;
	close(f->fd);
	ask_now(&asks[0], f, "10");
	assert_int_equal(asks[0].call.problem, PROBLEM_PERSPECTIVE_UNREACHABLE);
	ask_free(&asks[0]);
	fan_listen(f);
	fan_server(f, FAN_HTTP2);
	for (size_t i = 0; i < 8; i++)
		ask_start(&asks[i], f, "hold");
	fan_await(f, &f->held_count, 8);
	fan_release(f);
	fan_await(f, &f->ended, 10);
	for (size_t i = 0; i < 8; i++)
		ask_free(&asks[i]);
	fan_free(f);
}

static void
test_identity(void **state)
{
	struct fan *f = fan_new(state, FAN_HTTP2, "other");
	struct ask a;

	ask_now(&a, f, "10");
	assert_says(&a, PROBLEM_PERSPECTIVE_IDENTITY, "is not other: its certificate says "
	    "\"urn:mpic:perspective:test\"");
	ask_free(&a);
	fan_free(f);
}

static void
test_nobody(void **state)
{
	struct fan *f = fan_new(state, FAN_NOBODY, "test");
	struct ask asks[50];

	/* Accepted by the kernel, and no more. */
	for (size_t i = 0; i < 50; i++)
		ask_start(&asks[i], f, "10");
	fan_run(f, 50);
	ask_give_up(&asks[0]);
	assert_string_equal(asks[0].message, "the connection was not established");
	fan_await(f, &f->ended, 49);
	for (size_t i = 0; i < 50; i++) {
		if (i > 0)
			assert_says(&asks[i], PROBLEM_PERSPECTIVE_UNREACHABLE, "no answer from");
		ask_free(&asks[i]);
	}
	close(f->fd);
	f->fd = -1;
	for (size_t i = 0; i < 50; i++)
		ask_start(&asks[i], f, "10");
	fan_await(f, &f->ended, 99);
	for (size_t i = 0; i < 50; i++) {
		assert_says(&asks[i], PROBLEM_PERSPECTIVE_UNREACHABLE, "no answer from test");
		ask_free(&asks[i]);
	}
	fan_free(f);
}

/* Whatever allocation fails, on either side, each call ends once and the next go well. */
static void
test_out_of_memory(void **state)
{
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
		for (long after = 0; after < 40; after++) {
			struct fan *f = fan_new(state, peers[i], "test");
			struct ask asks[3];

			if (after % 2 != 0) {
				ask_now(&asks[0], f, "10");
				ask_free(&asks[0]);
			}
			for (size_t k = 0; k < 3; k++) {
				/* The first two are the body's. */
				failing_malloc_after(2 + after);
				ask_start(&asks[k], f, "5000");
				fan_run(f, 5);
				failing_malloc_after(-1);
			}
			fan_await(f, &f->ended, 3 + (size_t)(after % 2));
			for (size_t k = 0; k < 3; k++)
				ask_free(&asks[k]);
			ask_now(&asks[0], f, "10");
			assert_answered(&asks[0], 10);
			ask_free(&asks[0]);
			fan_free(f);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_large_request),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_in_line),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, fan_group_setup, fan_group_teardown);
}
