/* Requests and memory: it may run out anywhere, and a request in flight is small. */
#include "attempt_fixture.h"

#include <malloc.h>
#include <string.h>

#include "failing_malloc.h"

/* Of the coordinator's 40 MB with 1,000 requests in flight; calls and exchanges not counted. */
#define REQUEST_BYTES	4352
#define REQUEST_BYTES_2	(REQUEST_BYTES * 7 / 4)	/* of two checks */

/* ---- memory that runs out ---- */

static void
no_memory_to_start(const char *text)
{
	unsigned not_asked = 0;
	long after = 0;

	for (;; after++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		ask = text;
		failing_malloc_after(after);
		corroborate(&pool, &asking, &x);
		failing_malloc_after(-1);
		if (x.replies == 0) {
			x.gone(&x, x.gone_arg);
			break;
		}
		assert_over(&x, 503, ANSWER_FAILED, (unsigned)attempts);
		assert_true(attempts <= 1);
		if (attempts == 1) {
			assert_string_equal(outcome, "not-asked");
			assert_null(strstr(results, "=aborted"));
			not_asked++;
		}
	}
	/* Texts, request, cohort, calls, body: each of them failed once. */
	assert_true(after >= 5);
	assert_true(not_asked >= 3);
}

static void
test_no_memory_to_start(void **state)
{
	no_memory_to_start(ask_caa);
	no_memory_to_start(ask_dcv);
	no_memory_to_start(ask_both);
}

/* The attempt was asked: its record must not suffer, and no memory is never a pass. */
static void
test_no_memory_to_end(void **state)
{
	for (long after = 0; after < 40; after++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		corroborate(&pool, &asking, &x);
		for (size_t i = 0; i < N; i++) {
			failing_malloc_after(i == 3 ? after : -1);
			reply(i, i < 3 ? FORBIDDEN : PASSED);
		}
		for (size_t i = N; i < N + N && i < call_count; i++)
			reply(i, FORBIDDEN);
		failing_malloc_after(-1);
		assert_int_equal(x.replies, 1);
		assert_int_equal(records, attempts);
		assert_int_equal(answers[ANSWER_VALID], 0);
		assert_true(x.status == 503 || answers[ANSWER_NOT_VALID] == 1);
	}
}

/* ---- what a request costs while it waits ---- */

static void
memory_of_a_request(const char *text, size_t most)
{
	static struct exchange x[MANY + 1];
	size_t before, waiting;

	ask = text;
	/* libcrypto's and libc's own first. */
	corroborate(&pool, &asking, &x[MANY]);
	x[MANY].gone(&x[MANY], x[MANY].gone_arg);
	call_count = 0;
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < MANY; i++)
		corroborate(&pool, &asking, &x[i]);
	waiting = (mallinfo2().uordblks - before) / MANY;
	print_message("a request that waits for six perspectives: %zu bytes\n", waiting);
	/* A sanitizer's malloc counts nothing. */
	assert_true(waiting <= most);
	for (size_t i = 0; i < MANY; i++)
		x[i].gone(&x[i], x[i].gone_arg);
	/* libevent keeps its heap of timers, malloc a few chunks of each size. */
	assert_true(mallinfo2().uordblks <= before + MANY * 2 * sizeof(void *) + 4096);
	call_count = 0;
}

static void
test_memory_of_a_request(void **state)
{
	memory_of_a_request(ask_caa, REQUEST_BYTES);
	memory_of_a_request(ask_dcv, REQUEST_BYTES);
	memory_of_a_request(ask_both, REQUEST_BYTES_2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_memory_to_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory_to_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_of_a_request, setup, teardown),
	};

	return cmocka_run_group_tests_name("attempt_memory", tests, NULL, NULL);
}
