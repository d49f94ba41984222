/* The fan-out with a perspective whose HTTP is ill or hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "fanout_fixture.h"
#include "h2_rogue.h"

#define CALLS	20

static const struct scenario {
	enum rogue_script script;
	enum problem problem;	/* of all calls */
	size_t requests;	/* so many a call, at most */
	const char *says;
} scenarios[] = {
	{ ROGUE_NONE, PROBLEM_NONE, 1, "" },
	{ ROGUE_INTERIM, PROBLEM_NONE, 1, "" },
	{ ROGUE_ONE, PROBLEM_NONE, 1, "" },
	{ ROGUE_EARLY, PROBLEM_NONE, 1, "" },
	/* Not looked at: asked again. */
	{ ROGUE_REFUSE, PROBLEM_PERSPECTIVE_UNREACHABLE, 3, "REFUSED_STREAM" },
	{ ROGUE_CUT, PROBLEM_PERSPECTIVE_UNREACHABLE, 3, "closed the connection" },
	{ ROGUE_CUT_FIRST, PROBLEM_NONE, 2, "" },
	{ ROGUE_GOAWAY_FIRST, PROBLEM_NONE, 2, "" },
	/* Silent, even when probed. */
	{ ROGUE_MUTE, PROBLEM_PERSPECTIVE_UNREACHABLE, 3, "no longer answers a PING" },
	/* Looked at and spoilt. */
	{ ROGUE_RESET, PROBLEM_PERSPECTIVE_UNREACHABLE, 1, "INTERNAL_ERROR" },
	{ ROGUE_SHORT, PROBLEM_PERSPECTIVE_UNREACHABLE, 1, "PROTOCOL_ERROR" },
	/* No HTTP/2. */
	{ ROGUE_GARBAGE, PROBLEM_PERSPECTIVE_UNREACHABLE, 1, "SETTINGS" },
	{ ROGUE_NO_SETTINGS, PROBLEM_PERSPECTIVE_UNREACHABLE, 1, "no answer from test" },
	{ ROGUE_FLOOD, PROBLEM_PERSPECTIVE_UNREACHABLE, 3, "frame after frame of no use" },
	{ ROGUE_INTERIM_FLOOD, PROBLEM_PERSPECTIVE_UNREACHABLE, 3, "frame after frame of no use" },
	{ ROGUE_PADDING_FLOOD, PROBLEM_PERSPECTIVE_UNREACHABLE, 3, "frame after frame of no use" },
	/* Greets, takes nothing and closes, however often it is asked; a reset if we had written. */
	{ ROGUE_NEVER_CUT, PROBLEM_PERSPECTIVE_UNREACHABLE, 3, "no answer from test" },
};

static void
check_scenario(void **state, const struct scenario *s)
{
	struct fan *f = fan_new(state, FAN_NOBODY, "test");
	struct rogue *r = rogue_new(f->base, f->fd, &f->made->server, s->script);
	struct ask asks[CALLS];

	for (size_t i = 0; i < CALLS; i++)
		ask_start(&asks[i], f, "hello");
	fan_await(f, &f->ended, CALLS);
	for (size_t i = 0; i < CALLS; i++) {
		if (asks[i].call.problem != s->problem ||
		    strstr(asks[i].message, s->says) == NULL)
			fail_msg("script %d: problem %d: %s", s->script, asks[i].call.problem,
			    asks[i].message);
		ask_free(&asks[i]);
	}
	if (*rogue_requests(r) > CALLS * s->requests)
		fail_msg("script %d: %zu requests", s->script, *rogue_requests(r));
	rogue_free(r);
	fan_free(f);
}

static void
test_scenarios(void **state)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		check_scenario(state, &scenarios[i]);
}

/* A reply of which something came is not asked for again. */
static void
test_cut_reply(void **state)
{
	static const enum rogue_script scripts[] = { ROGUE_CUT_REPLY, ROGUE_NUMBERLESS };

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct fan *f = fan_new(state, FAN_NOBODY, "test");
		struct rogue *r = rogue_new(f->base, f->fd, &f->made->server, scripts[i]);
		struct ask a;

		ask_now(&a, f, "hello");
		assert_int_equal(a.call.problem, PROBLEM_PERSPECTIVE_UNREACHABLE);
		assert_int_equal(*rogue_requests(r), 1);
		ask_free(&a);
		rogue_free(r);
		fan_free(f);
	}
}

/* Whoever sends without a pause leaves others their turns of the loop. */
static void
test_babble(void **state)
{
	struct fan *f = fan_new(state, FAN_NOBODY, "test");
	struct rogue *r = rogue_new(f->base, f->fd, &f->made->server, ROGUE_BABBLE);
	size_t turns = 0;
	struct ask a;

	ask_start(&a, f, "hello");
	fan_await(f, rogue_requests(r), 1);
	for (; !a.done; turns++)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(a.call.problem, PROBLEM_NONE);
	if (turns < 4)
		fail_msg("a megabyte in %zu turns", turns);
	ask_free(&a);
	rogue_free(r);
	fan_free(f);
}

/* Headers that are too many end the stream or the connection, not us. */
static void
test_headers(void **state)
{
	struct fan *f = fan_new(state, FAN_NOBODY, "test");
	struct rogue *r = rogue_new(f->base, f->fd, &f->made->server, ROGUE_HEADERS);
	struct ask a;

	ask_now(&a, f, "hello");
	assert_true(a.call.problem == PROBLEM_NONE ||
	    a.call.problem == PROBLEM_PERSPECTIVE_UNREACHABLE);
	ask_free(&a);
	rogue_free(r);
	fan_free(f);
}

/* Who takes no stream keeps calls waiting, until they are given up or over. */
static void
test_never(void **state)
{
	struct fan *f = fan_new(state, FAN_NOBODY, "test");
	struct rogue *r = rogue_new(f->base, f->fd, &f->made->server, ROGUE_NEVER);
	struct ask early, late[2];

	/* Sent before the perspective said so. */
	ask_start(&early, f, "hello");
	fan_run(f, 100);
	for (size_t i = 0; i < 2; i++)
		ask_start(&late[i], f, "hello");
	fan_run(f, 200);
	ask_give_up(&late[0]);
	assert_string_equal(late[0].message, "no connection was free");
	ask_give_up(&late[1]);
	if (!early.done)
		ask_give_up(&early);
	assert_true(*rogue_connections(r) <= 4);
	ask_free(&late[0]);
	ask_free(&late[1]);
	ask_free(&early);
	rogue_free(r);
	fan_free(f);
}

/* An idle connection to a perspective that has vanished is found out before it is needed. */
static void
test_vanished(void **state)
{
	struct fan *f = fan_new(state, FAN_NOBODY, "test");
	struct rogue *r = rogue_new(f->base, f->fd, &f->made->server, ROGUE_VANISH_FIRST);
	struct ask a;

	ask_now(&a, f, "hello");
	assert_int_equal(a.call.problem, PROBLEM_NONE);
	ask_free(&a);
	fan_run(f, 40 * FAN_TICK_MS);
	assert_int_equal(*rogue_connections(r), 1);
	ask_now(&a, f, "hello");
	assert_int_equal(a.call.problem, PROBLEM_NONE);
	assert_int_equal(a.call.retries, 0);
	assert_int_equal(*rogue_connections(r), 2);
	ask_free(&a);
	rogue_free(r);
	fan_free(f);
}

/* Refused by one connection that is full or closing, taken by the next. */
static void
test_given_up_in_retry(void **state)
{
	struct fan *f = fan_new(state, FAN_NOBODY, "test");
	struct rogue *r = rogue_new(f->base, f->fd, &f->made->server, ROGUE_MUTE);
	struct ask asks[CALLS];

	for (size_t i = 0; i < CALLS; i++)
		ask_start(&asks[i], f, "hello");
	fan_await(f, rogue_connections(r), 2);
	for (size_t i = 0; i < CALLS; i++) {
		ask_give_up(&asks[i]);
		ask_free(&asks[i]);
	}
	fan_run(f, 100);
	assert_int_equal(f->ended, 0);
	rogue_free(r);
	fan_free(f);
}

/* ---- HTTP/1.1 ---- */

/* Says so much in turn, a reply a request, on connections it keeps. */
struct reciter {
	const char *const *replies;
	size_t connections, next;
};

static void
on_request(struct bufferevent *bev, void *arg)
{
	static const char end[] = "\r\n\r\nhello";
	struct evbuffer *in = bufferevent_get_input(bev);
	struct reciter *r = arg;
	const char *reply;

	if (evbuffer_search(in, end, sizeof(end) - 1, NULL).pos < 0)
		return;
	evbuffer_drain(in, evbuffer_get_length(in));
	reply = r->replies[r->next++];
	bufferevent_write(bev, reply, strlen(reply));
}

static void
on_end(struct bufferevent *bev, short what, void *arg)
{
	bufferevent_free(bev);
}

static void
on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int len,
    void *arg)
{
	struct bufferevent *bev = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
	    BEV_OPT_CLOSE_ON_FREE);
	struct reciter *r = arg;

	r->connections++;
	bufferevent_setcb(bev, on_request, NULL, on_end, r);
	bufferevent_enable(bev, EV_READ);
}

/*
 * A reply whose first field is folded: libcurl 7.88 took that for more of the last
 * field that its handle had read, of the reply before, and had freed. Whether a
 * libcurl takes such a reply at all is its affair; one call's is none of the next.
 */
static void
test_folded_first(void **state)
{
	static const char good[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 2\r\n\r\nok";
	static const char folded[] = "HTTP/1.1 200 OK\r\n folded: yes\r\n"
	    "Content-Length: 2\r\n\r\nok";
	static const char *const replies[] = { good, good, folded, good };
	struct reciter r = { .replies = replies };
	struct fan *f = fan_new(state, FAN_PLAIN, "test");
	struct evconnlistener *listener;

	server_free(f->server);
	f->server = NULL;
	listener = evconnlistener_new(f->base, on_connection, &r, 0, 0, f->fd);
	assert_non_null(listener);
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct ask a;

		ask_now(&a, f, "hello");
		if (replies[i] == good || a.call.problem == PROBLEM_NONE) {
			assert_int_equal(a.call.problem, PROBLEM_NONE);
			assert_int_equal(a.call.reply.len, 2);
		} else {
			assert_int_equal(a.call.problem, PROBLEM_PERSPECTIVE_UNREACHABLE);
		}
		ask_free(&a);
		if (i < 2)
			assert_int_equal(r.connections, 1);
	}
	assert_in_range(r.connections, 1, 2);
	evconnlistener_free(listener);
	fanout_free(f->fanout);
	f->fanout = NULL;
	fan_run(f, 20);
	fan_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_cut_reply),
		cmocka_unit_test(test_babble),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_given_up_in_retry),
		cmocka_unit_test(test_folded_first),
	};

	return cmocka_run_group_tests(tests, fan_group_setup, fan_group_teardown);
}
