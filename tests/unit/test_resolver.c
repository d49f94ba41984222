/* resolver.h: questions over TCP, against a stand-in for Unbound. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "log.h"
#include "monotonic.h"
#include "resolver.h"
#include "stand_in.h"

#define PATIENCE_MS	5000	/* a test that takes longer hangs */
#define ASKED_MAX	5000

/* One question and what came of it. */
struct asked {
	struct world *world;
	struct resolver_query *query;
	struct asked *cancels;	/* when this one ends */
	char label[16];
	unsigned int ends;
	enum problem problem;
	char text[512];		/* the evidence, or the message */
	uint64_t took_ms, started_ns;
};

struct world {
	struct event_base *base;
	struct stand_in *server;
	struct resolver *resolver;
	struct asked asked[ASKED_MAX];
	size_t count, ended;
};

static uint64_t
ms_since(uint64_t start_ns)
{
	return (monotonic_ns() - start_ns) / 1000000;
}

static void
on_done(void *arg, const struct resolver_answer *answer)
{
	struct asked *a = arg;

	a->ends++;
	a->world->ended++;
	a->problem = answer->problem;
	a->took_ms = ms_since(a->started_ns);
	if (a->cancels != NULL) {
		resolver_cancel(a->cancels->query);
		a->cancels->query = NULL;
	}
	if (answer->problem == PROBLEM_NONE) {
		assert_null(answer->message);
		snprintf(a->text, sizeof(a->text), "%.*s", (int)answer->evidence_len,
		    answer->evidence);
	} else {
		assert_null(answer->evidence);
		snprintf(a->text, sizeof(a->text), "%s", answer->message);
	}
}

static struct asked *
ask(struct world *w, int64_t deadline_ms)
{
	struct dns_question q = { .type = DNS_TYPE_CAA, .option.operation = MPIC_CLIMB };
	struct asked *a = &w->asked[w->count];

	assert_true(w->count < ASKED_MAX);
	snprintf(a->label, sizeof(a->label), "n%zu", w->count++);
	snprintf(q.name.text, sizeof(q.name.text), "%s.example.com", a->label);
	q.name.len = strlen(q.name.text);
	a->world = w;
	a->started_ns = monotonic_ns();
	a->query = resolver_ask(w->resolver, &q, deadline_ms, on_done, a);
	assert_non_null(a->query);
	assert_int_equal(a->ends, 0);	/* never from within */
	return a;
}

/* Turns the loop for a time. */
static void
run_ms(struct world *w, uint64_t ms)
{
	uint64_t start = monotonic_ns();
	struct timeval tick = { .tv_usec = 2000 };

	do {
		event_base_loopexit(w->base, &tick);
		event_base_dispatch(w->base);
	} while (ms_since(start) < ms);
}

/* Turns the loop until so many questions have ended. */
static void
run_until(struct world *w, size_t ended)
{
	uint64_t start = monotonic_ns();

	while (w->ended < ended) {
		run_ms(w, 0);
		if (ms_since(start) > PATIENCE_MS)
			fail_msg("%zu of %zu questions ended", w->ended, ended);
	}
}

/* Turns the loop until the server has read so many questions. */
static void
run_until_asked(struct world *w, size_t questions)
{
	uint64_t start = monotonic_ns();

	while (stand_in_questions(w->server) < questions) {
		run_ms(w, 0);
		if (ms_since(start) > PATIENCE_MS)
			fail_msg("%zu of %zu questions arrived", stand_in_questions(w->server),
			    questions);
	}
}

static void
assert_answered(const struct asked *a)
{
	assert_int_equal(a->ends, 1);
	assert_int_equal(a->problem, PROBLEM_NONE);
	assert_string_equal(a->text, a->label);
}

static void
assert_failed(const struct asked *a, enum problem problem, const char *says)
{
	assert_int_equal(a->ends, 1);
	assert_int_equal(a->problem, problem);
	if (strstr(a->text, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", a->text, says);
}

static struct world *
world_new(enum stand_in_script script, size_t connections, size_t share)
{
	struct world *w = calloc(1, sizeof(*w));
	struct resolver_config cfg = { .called = "the stand-in",
		.connections = connections, .share = share };

	assert_non_null(w);
	w->base = event_base_new();
	w->server = stand_in_new(w->base, script);
	cfg.address = stand_in_address(w->server);
	w->resolver = resolver_new(w->base, &cfg);
	assert_non_null(w->resolver);
	return w;
}

/* Every question ended exactly once, or was cancelled. */
static void
world_free(struct world *w)
{
	resolver_free(w->resolver);
	stand_in_free(w->server);
	event_base_free(w->base);
	for (size_t i = 0; i < w->count; i++)
		assert_int_equal(w->asked[i].ends, w->asked[i].query != NULL);
	free(w);
}

static void
test_answer(void **state)
{
	struct world *w = world_new(ANSWER, 0, 0);
	struct asked *a = ask(w, 1000);

	run_until(w, 1);
	assert_answered(a);
	a = ask(w, 1000);
	run_until(w, 2);
	assert_answered(a);
	assert_int_equal(stand_in_connections(w->server), 1);
	world_free(w);
}

static void
test_out_of_order(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);

	for (int i = 0; i < 500; i++)
		ask(w, 3000);
	run_until_asked(w, 500);
	assert_int_equal(w->ended, 0);
	stand_in_release(w->server);
	run_until(w, 500);
	for (size_t i = 0; i < 500; i++)
		assert_answered(&w->asked[i]);
	assert_int_equal(stand_in_connections(w->server), 1);
	world_free(w);
}

static void
test_octet_by_octet(void **state)
{
	struct world *w = world_new(DRIBBLE, 0, 0);
	struct asked *first = ask(w, 1000), *second = ask(w, 1000);

	run_until(w, 2);
	assert_answered(first);
	assert_answered(second);
	world_free(w);
}

/* Another connection is opened when those there are have their share, and no more than allowed. */
static void
test_shares(void **state)
{
	struct world *w = world_new(HOLD, 3, 10);

	for (int i = 0; i < 10; i++)
		ask(w, 3000);
	run_until_asked(w, 10);
	run_ms(w, 20);
	assert_int_equal(stand_in_connections(w->server), 1);
	for (int i = 0; i < 200; i++) {
		ask(w, 3000);
		run_ms(w, 0);
	}
	run_until_asked(w, 210);
	assert_int_equal(stand_in_connections(w->server), 3);
	stand_in_release(w->server);
	run_until(w, 210);
	world_free(w);
}

/* Unbound reloaded: questions under way are asked again, and nobody notices. */
static void
test_broken_once(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);

	for (int i = 0; i < 50; i++)
		ask(w, 3000);
	run_until_asked(w, 50);
	stand_in_script(w->server, BREAK_ONCE);
	ask(w, 3000);
	run_until(w, 51);
	for (size_t i = 0; i < 51; i++)
		assert_answered(&w->asked[i]);
	assert_int_equal(stand_in_connections(w->server), 2);
	assert_int_equal(stand_in_questions(w->server), 102);
	world_free(w);
}

static void
test_broken_twice(void **state)
{
	struct world *w = world_new(BREAK, 1, 0);
	struct asked *a = ask(w, 3000), *b;

	run_until(w, 1);
	assert_failed(a, PROBLEM_RESOLVER_UNREACHABLE, "the stand-in broke the connection twice");
	assert_int_equal(stand_in_questions(w->server), 2);
	stand_in_script(w->server, ANSWER);
	b = ask(w, 3000);
	run_until(w, 2);
	assert_answered(b);
	world_free(w);
}

/* Of two that end together, the end of the first cancels the second. */
static void
test_cancel_lost(void **state)
{
	struct world *w = world_new(BREAK, 1, 0);
	struct asked *first = ask(w, 3000), *second = ask(w, 3000), *after;

	first->cancels = second;
	run_until(w, 1);
	assert_failed(first, PROBLEM_RESOLVER_UNREACHABLE, "the stand-in broke the connection twice");
	assert_int_equal(second->ends, 0);
	stand_in_script(w->server, ANSWER);
	after = ask(w, 3000);
	run_until(w, 2);
	assert_answered(after);
	world_free(w);
}

static void
test_garbage_once(void **state)
{
	struct world *w = world_new(GARBAGE_ONCE, 1, 0);
	struct asked *a = ask(w, 3000);

	run_until(w, 1);
	assert_answered(a);
	assert_int_equal(stand_in_connections(w->server), 2);
	world_free(w);
}

static void
test_garbage(void **state)
{
	static const enum stand_in_script scripts[] = { GARBAGE, STRANGER };

	for (size_t i = 0; i < 2; i++) {
		struct world *w = world_new(scripts[i], 1, 0);
		struct asked *a = ask(w, 3000);

		run_until(w, 1);
		assert_failed(a, PROBLEM_RESOLVER_UNREACHABLE, "twice");
		world_free(w);
	}
}

static void
test_no_option(void **state)
{
	struct world *w = world_new(BARE, 1, 0);
	struct asked *a = ask(w, 3000);

	run_until(w, 1);
	assert_failed(a, PROBLEM_RESOLVER_NO_EVIDENCE, "without evidence");
	assert_int_equal(stand_in_connections(w->server), 1);	/* it is a good reply otherwise */
	world_free(w);
}

static void
test_deadline(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);
	struct asked *a = ask(w, 100), *b = ask(w, 3000);

	run_until(w, 1);
	assert_failed(a, PROBLEM_DNS_TIMEOUT, "name servers of n0.example.com within 100 ms");
	assert_in_range(a->took_ms, 95, 250);
	/* the late reply is no other question's */
	stand_in_release(w->server);
	run_until(w, 2);
	assert_answered(b);
	stand_in_script(w->server, ANSWER);
	b = ask(w, 1000);
	run_until(w, 3);
	assert_answered(b);
	assert_int_equal(stand_in_connections(w->server), 1);
	world_free(w);
}

/* Whose silence is it? */
static void
test_silent_name_servers(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);
	struct asked *a = ask(w, 1900);

	run_until(w, 1);
	assert_failed(a, PROBLEM_DNS_TIMEOUT, "name servers of n0.example.com within 1900 ms");
	assert_in_range(stand_in_pulses(w->server), 1, 3);
	world_free(w);
}

static void
test_silent_resolver(void **state)
{
	struct world *w = world_new(HUNG, 1, 0);
	struct asked *early = ask(w, 400), *late = ask(w, 1600);

	run_until(w, 2);
	assert_failed(early, PROBLEM_DNS_TIMEOUT, "within 400 ms");	/* too early to tell */
	assert_failed(late, PROBLEM_RESOLVER_UNREACHABLE, "the stand-in does not answer");
	/* It comes back, on the same connection. */
	stand_in_script(w->server, ANSWER);
	late = ask(w, 1000);
	run_until(w, 3);
	assert_answered(late);
	world_free(w);
}

/* Where answers come, nobody is asked for signs of life. */
static void
test_no_pulse_where_answers_come(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);

	for (int i = 0; i < 30; i++) {
		ask(w, 4000);
		run_until_asked(w, (size_t)i + 1);
		run_ms(w, 80);
		stand_in_release(w->server);
		run_until(w, (size_t)i + 1);
	}
	assert_int_equal(stand_in_pulses(w->server), 0);
	world_free(w);
}

static void
test_cancel(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);
	struct asked *early = ask(w, 1000), *kept = ask(w, 1000), *late = ask(w, 1000);

	resolver_cancel(early->query);	/* before it was sent */
	early->query = NULL;
	run_until_asked(w, 2);
	resolver_cancel(late->query);	/* while it is being answered */
	late->query = NULL;
	stand_in_release(w->server);
	run_until(w, 1);
	run_ms(w, 20);
	assert_answered(kept);
	world_free(w);
}

/* Replies that never come must not use the connections up. */
static void
test_dropped_questions(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);
	struct asked *a;

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 1100; i++)
			ask(w, 200);
		run_until(w, w->count);
	}
	for (size_t i = 0; i < w->count; i++)
		assert_int_equal(w->asked[i].problem, PROBLEM_DNS_TIMEOUT);
	stand_in_script(w->server, ANSWER);
	a = ask(w, 1000);
	run_until(w, w->count);
	assert_answered(a);
	assert_in_range(stand_in_connections(w->server), 2, 5);
	world_free(w);
}

/* Nor keep those waiting that found the only connection full. */
static void
test_full_of_dropped_questions(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);

	for (int i = 0; i < 4096; i++)
		ask(w, 500);
	for (int i = 0; i < 10; i++)
		ask(w, 4000);
	run_until_asked(w, 4096);
	stand_in_script(w->server, ANSWER);
	run_until(w, 4106);
	for (size_t i = 4096; i < 4106; i++) {
		assert_answered(&w->asked[i]);
		assert_in_range(w->asked[i].took_ms, 400, 2000);
	}
	assert_int_equal(stand_in_connections(w->server), 2);
	world_free(w);
}

/* More than a connection holds wait for room. */
static void
test_more_than_slots(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);

	for (int i = 0; i < 4500; i++)
		ask(w, 4000);
	run_until_asked(w, 4096);
	stand_in_release(w->server);
	run_until_asked(w, 4500);
	stand_in_release(w->server);
	run_until(w, 4500);
	for (size_t i = 0; i < w->count; i++)
		assert_answered(&w->asked[i]);
	assert_int_equal(stand_in_connections(w->server), 1);
	world_free(w);
}

static void
test_nobody_listens(void **state)
{
	struct world *w = world_new(ANSWER, 0, 0);
	struct endpoint address = stand_in_address(w->server);
	struct asked *first, *second, *third;

	stand_in_free(w->server);
	w->server = NULL;
	first = ask(w, 10000);
	run_until(w, 1);
	assert_failed(first, PROBLEM_RESOLVER_UNREACHABLE, "cannot be reached");
	assert_in_range(first->took_ms, 1000, 2600);
	second = ask(w, 10000);	/* now it is known */
	run_until(w, 2);
	assert_failed(second, PROBLEM_RESOLVER_UNREACHABLE, "cannot be reached");
	assert_in_range(second->took_ms, 0, 300);
	w->server = stand_in_new_at(w->base, ANSWER, &address);
	third = ask(w, 10000);
	run_until(w, 3);
	assert_answered(third);
	world_free(w);
}

/* Unbound restarted: it is away for a moment, and questions wait for it. */
static void
test_listens_again(void **state)
{
	struct world *w = world_new(HOLD, 0, 0);
	struct endpoint address = stand_in_address(w->server);
	struct asked *before = ask(w, 4000), *meanwhile;

	run_until_asked(w, 1);
	stand_in_free(w->server);
	w->server = NULL;
	run_ms(w, 300);
	meanwhile = ask(w, 4000);
	run_ms(w, 200);
	assert_int_equal(w->ended, 0);
	w->server = stand_in_new_at(w->base, ANSWER, &address);
	run_until(w, 2);
	assert_answered(before);
	assert_answered(meanwhile);
	world_free(w);
}

static void
test_deadline_while_nobody_listens(void **state)
{
	struct world *w = world_new(ANSWER, 0, 0);
	struct asked *a;

	stand_in_free(w->server);
	w->server = NULL;
	a = ask(w, 150);
	run_until(w, 1);
	assert_failed(a, PROBLEM_RESOLVER_UNREACHABLE, "could not be reached in time");
	assert_in_range(a->took_ms, 145, 300);
	world_free(w);
}

static void
test_free_ends_questions(void **state)
{
	struct world *w = world_new(HOLD, 1, 0);

	ask(w, 5000);
	ask(w, 5000);
	run_until_asked(w, 2);
	ask(w, 5000);	/* not sent yet */
	resolver_free(w->resolver);
	w->resolver = NULL;
	assert_int_equal(w->ended, 3);
	for (size_t i = 0; i < 3; i++)
		assert_failed(&w->asked[i], PROBLEM_RESOLVER_UNREACHABLE, "");
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_octet_by_octet),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_broken_once),
		cmocka_unit_test(test_broken_twice),
		cmocka_unit_test(test_cancel_lost),
		cmocka_unit_test(test_garbage_once),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_no_option),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_silent_name_servers),
		cmocka_unit_test(test_silent_resolver),
		cmocka_unit_test(test_no_pulse_where_answers_come),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_dropped_questions),
		cmocka_unit_test(test_full_of_dropped_questions),
		cmocka_unit_test(test_more_than_slots),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_listens_again),
		cmocka_unit_test(test_deadline_while_nobody_listens),
		cmocka_unit_test(test_free_ends_questions),
	};

	log_init("test_resolver", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
