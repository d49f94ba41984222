/*
 * How much is let in: rates, turns and what workers share. That callers take
 * turns is shown over many random arrivals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "coordinator/admission.h"
#include "coordinator/rate.h"
#include "monotonic.h"

#define MS	UINT64_C(1000000)
#define S	UINT64_C(1000000000)

/* ---- rates ---- */

/* At times in ms: whether a request is let in, and how long it has to wait if not. */
static const struct {
	double per_second;
	size_t burst;
	struct { uint64_t at_ms; int64_t wait_ms; } asked[8];	/* wait 0: let in; -1: end */
} rates[] = {
	{ 1, 1, { { 0, 0 }, { 0, 1000 }, { 999, 1 }, { 1000, 0 }, { 1001, 999 }, { 5000, 0 },
		{ 5000, 1000 }, { 0, -1 } } },
	{ 10, 3, { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 100 }, { 100, 0 }, { 100, 100 }, { 350, 0 },
		{ 350, 0 } } },
	{ 0.5, 2, { { 0, 0 }, { 0, 0 }, { 1999, 1 }, { 2000, 0 }, { 2000, 2000 }, { 0, -1 } } },
	{ RATE_LEAST, 1, { { 0, 0 }, { 1, 9999999 }, { 10000000, 0 }, { 0, -1 } } },
};

static void
test_rate(void **state)
{
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const struct rate rate = rate_of(rates[i].per_second, rates[i].burst);
		uint64_t next = 0, wait, base = 1000 * S;

		for (size_t k = 0; k < 8 && rates[i].asked[k].wait_ms >= 0; k++) {
			bool taken = rate_take(&rate, base + rates[i].asked[k].at_ms * MS, &next, &wait);

			assert_int_equal(taken, rates[i].asked[k].wait_ms == 0);
			if (!taken)
				assert_int_equal(wait / MS, rates[i].asked[k].wait_ms);
		}
	}
}

/* Whoever asks without pause gets the rate and one burst, no more and hardly less. */
static void
test_rate_over_time(void **state)
{
	srandom(4);
	for (int round = 0; round < 50; round++) {
		size_t burst = 1 + (size_t)random() % 20, taken = 0;
		double per_second = 1 + (double)(random() % 200);
		const struct rate rate = rate_of(per_second, burst);
		uint64_t next = 0, wait, now = S;

		while (now < 11 * S) {
			taken += rate_take(&rate, now, &next, &wait);
			now += (uint64_t)random() % (2 * MS);
		}
		assert_true((double)taken <= 10 * per_second + (double)burst + 1);
		/* Without a burst each waits for the next arrival, a millisecond later. */
		assert_true((double)taken >= (burst > 1 ? 9.7 : 8) * per_second);
	}
}

/* ---- turns ---- */

#define CALLERS	7
#define EACH	40

struct waiting {
	struct turn turn;	/* first */
	unsigned caller;
	uint64_t number;	/* of arrivals of this caller's */
	uint64_t served_before;
	size_t place;		/* in its line when it came, from 1 */
};

/*
 * The bound of fairness: with `place` - 1 of its own caller's before it, a request
 * is served after at most `place` rounds of all callers, whatever they bring.
 */
static void
test_turns_are_fair(void **state)
{
	struct turns *t = turns_new(CALLERS);
	uint64_t served = 0, came[CALLERS] = { 0 }, last[CALLERS] = { 0 };
	size_t in_line[CALLERS] = { 0 }, refused[CALLERS] = { 0 };

	turns_limit(t, CALLERS * EACH, EACH);
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		/* Caller 0 is greedy: it brings nine of ten. More come than are served. */
		unsigned who = random() % 10 != 0 ? 0 : (unsigned)random() % CALLERS;
		struct waiting *w;

		if (random() % 5 < 3) {
			w = calloc(1, sizeof(*w));
			w->caller = who;
			w->number = ++came[who];
			w->served_before = served;
			w->place = in_line[who] + 1;
			if (turns_add(t, who, &w->turn)) {
				in_line[who]++;
			} else {
				assert_int_equal(in_line[who], EACH);
				refused[who]++;
				free(w);
			}
			continue;
		}
		w = (struct waiting *)turns_next(t);
		if (w == NULL)
			continue;
		served++;
		in_line[w->caller]--;
		assert_true(w->number > last[w->caller]);
		last[w->caller] = w->number;
		assert_true(served - w->served_before <= w->place * CALLERS);
		free(w);
	}
	/* The greedy one was refused much, the others, who ask for less than their share, nothing. */
	assert_true(refused[0] > 10000);
	for (int who = 1; who < CALLERS; who++)
		assert_int_equal(refused[who], 0);
	for (struct waiting *w; (w = (struct waiting *)turns_next(t)) != NULL;)
		free(w);
	assert_int_equal(turns_count(t), 0);
	turns_free(t);
}

static void
test_turns_order(void **state)
{
	struct turns *t = turns_new(3);
	struct turn a[4], b[2], c;
	const struct turn *expected[] = { &a[0], &b[0], &c, &a[1], &b[1], &a[3] };

	turns_limit(t, 7, 4);
	for (int i = 0; i < 4; i++) {
		a[i].until_ns = 100;
		assert_true(turns_add(t, 0, &a[i]));
	}
	assert_true(turns_full(t, 0));
	assert_false(turns_full(t, 1));
	b[0].until_ns = b[1].until_ns = c.until_ns = 200;
	assert_true(turns_add(t, 1, &b[0]) && turns_add(t, 1, &b[1]) && turns_add(t, 2, &c));
	assert_true(turns_full(t, 2));
	turns_remove(t, &a[2]);		/* its caller vanished */
	for (size_t i = 0; i < 6; i++)
		assert_ptr_equal(turns_next(t), expected[i]);
	assert_null(turns_next(t));
	turns_free(t);
}

static void
test_turns_late(void **state)
{
	struct turns *t = turns_new(2);
	struct turn a = { .until_ns = 300 }, b = { .until_ns = 100 }, c = { .until_ns = 200 };

	turns_limit(t, 3, 3);
	assert_true(turns_add(t, 0, &a) && turns_add(t, 0, &b) && turns_add(t, 1, &c));
	assert_null(turns_late(t, 99));
	assert_ptr_equal(turns_late(t, 100), &b);
	assert_null(turns_late(t, 199));
	assert_ptr_equal(turns_late(t, 1000), &a);
	assert_ptr_equal(turns_late(t, 1000), &c);
	assert_null(turns_late(t, 1000));
	assert_int_equal(turns_count(t), 0);
	turns_free(t);
}

/* ---- admission ---- */

static const struct option_strings nothing;
static const struct caller free_caller = { .name = "free", .identities = &nothing,
	.check_types = &nothing, .burst = 1 };

static struct event_base *base;
static struct admission_shared *shared;
static struct ticket *turned[16], *late[16];
static size_t turned_count, late_count;

static void
on_turn(struct ticket *t)
{
	turned[turned_count++] = t;
}

static void
on_late(struct ticket *t)
{
	late[late_count++] = t;
}

static const struct ticket_calls calls = { on_turn, on_late };

static int
setup(void **state)
{
	base = event_base_new();
	shared = admission_shared_new(3);
	turned_count = late_count = 0;
	return base == NULL || shared == NULL;
}

static int
teardown(void **state)
{
	admission_shared_free(shared);
	event_base_free(base);
	return 0;
}

static struct admission *
worker(unsigned index, size_t at_once, size_t waiting, size_t each)
{
	const struct admission_limits limits = { at_once, waiting, each };
	struct admission *a = admission_new(base, shared, index, &limits);

	assert_non_null(a);
	return a;
}

static enum admittance
enter(struct admission *a, const struct caller *caller, size_t cell, struct ticket *t)
{
	int64_t retry_s = 0;
	enum admittance came = admission_enter(a, caller, cell, t, &calls, monotonic_ns() + 3600 * S,
	    &retry_s);

	assert_int_equal(came != ADMISSION_OK, retry_s > 0);
	return came;
}

static void
run(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
test_waits_for_its_turn(void **state)
{
	struct admission *a = worker(0, 2, 4, 3);
	struct ticket in[2], greedy[3], other, one_more;
	int64_t retry_s = 0;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(enter(a, &free_caller, 0, &in[i]), ADMISSION_OK);
		assert_int_equal(in[i].state, TICKET_IN);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(enter(a, &free_caller, 0, &greedy[i]), ADMISSION_OK);
		assert_int_equal(greedy[i].state, TICKET_WAITS);
	}
	assert_int_equal(enter(a, &free_caller, 0, &one_more), ADMISSION_FULL);
	assert_int_equal(enter(a, &free_caller, 1, &other), ADMISSION_OK);
	assert_int_equal(enter(a, &free_caller, 2, &one_more), ADMISSION_FULL);
	assert_int_equal(admission_knock(a, &free_caller, 2, &retry_s), ADMISSION_FULL);
	assert_true(retry_s >= 1);
	assert_int_equal(admission_waiting(a), 4);
	run();
	assert_int_equal(turned_count, 0);
	/* Not from within: whoever ends may be in the middle of something. */
	admission_leave(a, &in[0]);
	admission_leave(a, &in[1]);
	assert_int_equal(turned_count, 0);
	/* And nobody overtakes those that wait. */
	assert_int_equal(enter(a, &free_caller, 2, &one_more), ADMISSION_FULL);
	run();
	assert_int_equal(turned_count, 2);
	assert_ptr_equal(turned[0], &greedy[0]);
	assert_ptr_equal(turned[1], &other);
	admission_leave(a, &greedy[1]);		/* it vanished */
	admission_leave(a, &other);
	run();
	assert_ptr_equal(turned[2], &greedy[2]);
	admission_leave(a, &greedy[0]);
	admission_leave(a, &greedy[2]);
	run();
	assert_int_equal(turned_count, 3);
	assert_int_equal(enter(a, &free_caller, 0, &one_more), ADMISSION_OK);
	assert_int_equal(one_more.state, TICKET_IN);
	admission_leave(a, &one_more);
	admission_free(a);
}

static void
test_too_late(void **state)
{
	struct admission *a = worker(0, 1, 4, 4);
	struct ticket in, waiting[2];
	int64_t retry_s;

	assert_int_equal(enter(a, &free_caller, 0, &in), ADMISSION_OK);
	assert_int_equal(enter(a, &free_caller, 0, &waiting[0]), ADMISSION_OK);
	assert_int_equal(admission_enter(a, &free_caller, 0, &waiting[1], &calls,
	    monotonic_ns() + 30 * MS, &retry_s), ADMISSION_OK);
	for (int i = 0; i < 100 && late_count == 0; i++)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(late_count, 1);
	assert_ptr_equal(late[0], &waiting[1]);
	assert_true(monotonic_ns() - waiting[1].since_ns >= 30 * MS);
	assert_int_equal(waiting[1].state, TICKET_NONE);
	admission_leave(a, &waiting[1]);
	admission_leave(a, &in);
	run();
	assert_ptr_equal(turned[0], &waiting[0]);
	admission_leave(a, &waiting[0]);
	admission_free(a);
}

/* One rate and one concurrency over all workers; what a dead worker held is gone. */
static void
test_workers_share(void **state)
{
	struct admission *a = worker(0, 8, 8, 8), *b = worker(1, 8, 8, 8);
	const struct caller three = { .name = "three", .identities = &nothing,
		.check_types = &nothing, .burst = 1, .concurrency = 3 };
	const struct caller slow = { .name = "slow", .identities = &nothing,
		.check_types = &nothing, .rate = 0.01, .burst = 2 };
	struct ticket t[4];
	int64_t retry_s = 0;

	assert_int_equal(enter(a, &three, 5, &t[0]), ADMISSION_OK);
	assert_int_equal(enter(b, &three, 5, &t[1]), ADMISSION_OK);
	assert_int_equal(enter(b, &three, 5, &t[2]), ADMISSION_OK);
	assert_int_equal(enter(a, &three, 5, &t[3]), ADMISSION_CONCURRENCY);
	assert_int_equal(admission_knock(a, &three, 5, &retry_s), ADMISSION_CONCURRENCY);
	assert_int_equal(admission_knock(a, &three, 6, &retry_s), ADMISSION_OK);
	/* The second worker dies, and comes back. */
	admission_free(b);
	b = worker(1, 8, 8, 8);
	assert_int_equal(enter(a, &three, 5, &t[1]), ADMISSION_OK);
	assert_int_equal(enter(b, &three, 5, &t[2]), ADMISSION_OK);
	assert_int_equal(enter(b, &three, 5, &t[3]), ADMISSION_CONCURRENCY);
	admission_leave(a, &t[0]);
	assert_int_equal(enter(b, &three, 5, &t[3]), ADMISSION_OK);

	assert_int_equal(admission_knock(a, &slow, 7, &retry_s), ADMISSION_OK);
	assert_int_equal(admission_knock(b, &slow, 7, &retry_s), ADMISSION_OK);
	assert_int_equal(admission_knock(a, &slow, 7, &retry_s), ADMISSION_RATE);
	assert_in_range(retry_s, 99, 100);
	assert_int_equal(admission_knock(b, &slow, 7, &retry_s), ADMISSION_RATE);
	assert_int_equal(admission_knock(b, &slow, 8, &retry_s), ADMISSION_OK);
	admission_free(a);
	admission_free(b);
}

#define PROCESSES	3
#define KNOCKS		200000

/* Processes that ask at once keep one rate: what is let in, all together, is the burst. */
static void
test_one_rate_of_many_processes(void **state)
{
	const struct caller caller = { .name = "c", .identities = &nothing,
		.check_types = &nothing, .rate = RATE_LEAST, .burst = 1000 };
	int status, ends[2], total = 0, taken;

	assert_int_equal(pipe(ends), 0);
	for (unsigned w = 0; w < PROCESSES; w++) {
		if (fork() == 0) {
			struct admission *a = worker(w, 8, 8, 8);
			int64_t retry_s;

			taken = 0;
			for (int i = 0; i < KNOCKS; i++)
				taken += admission_knock(a, &caller, 0, &retry_s) == ADMISSION_OK;
			_exit(write(ends[1], &taken, sizeof(taken)) != sizeof(taken));
		}
	}
	for (unsigned w = 0; w < PROCESSES; w++) {
		assert_true(wait(&status) > 0 && status == 0);
		assert_int_equal(read(ends[0], &taken, sizeof(taken)), sizeof(taken));
		total += taken;
	}
	assert_int_equal(total, 1000);
	close(ends[0]);
	close(ends[1]);
}

/* The more are in, the earlier each is to end; never by more than a quarter of its time. */
static void
test_reserve(void **state)
{
	struct admission *a = worker(0, 1000, 0, 0);
	struct ticket t[1000];

	assert_int_equal(admission_reserve_ns(a, 20 * S), 0);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(enter(a, &free_caller, 0, &t[i]), ADMISSION_OK);
	assert_in_range(admission_reserve_ns(a, 20 * S), 100 * MS, 300 * MS);
	assert_int_equal(admission_reserve_ns(a, 100 * MS), 25 * MS);
	assert_int_equal(admission_reserve_ns(a, 0), 0);
	for (size_t i = 0; i < 1000; i++)
		admission_leave(a, &t[i]);
	admission_free(a);
}

/* A caller whose name has no cell has no limits that could hold: it is not let in. */
static void
test_no_cell(void **state)
{
	struct admission *a = worker(0, 8, 8, 8);
	int64_t retry_s;

	assert_int_equal(admission_knock(a, &free_caller, SIZE_MAX, &retry_s), ADMISSION_FULL);
	admission_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_over_time),
		cmocka_unit_test(test_turns_are_fair),
		cmocka_unit_test(test_turns_order),
		cmocka_unit_test(test_turns_late),
		cmocka_unit_test_setup_teardown(test_waits_for_its_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_workers_share, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_rate_of_many_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reserve, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_cell, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
