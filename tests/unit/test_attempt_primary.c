/* Requests with a primary: what it determines, what corroborates it, and who is asked when. */
#include "attempt_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing_malloc.h"

#define RELIED(text)	DCV_RESULT("true", HTTP_01 ",\"relied_on\":\"" text "\"")

/* The call to the primary for this check that was made last. */
static size_t
primary_call(enum check_type type)
{
	size_t i = call_count;

	while (i-- > 0)
		if (calls[i] != NULL && call_members[i] == N && calls[i]->type == type)
			return i;
	fail_msg("the primary was not asked");
	return 0;
}

static void
remotes_reply(size_t count, const char *text)
{
	for (size_t i = 0; i < call_count && count > 0; i++)
		if (calls[i] != NULL && call_members[i] != N) {
			reply(i, text);
			count--;
		}
}

static int64_t
deadline_of(size_t call)
{
	return atoll(strstr(calls[call]->body->text.data, "\"deadline_ms\":") + 14);
}

/* ---- together ---- */

static void
test_all_pass(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup_primary(NULL);
		corroborate(&pool, &asking, &x);
		assert_int_equal(call_count, N + 1);
		if (first == 1)
			reply(primary_call(CHECK_CAA), PASSED);
		remotes_reply(N, PASSED);
		if (first == 0) {
			/* Enough remotes, but nothing that they corroborate yet. */
			assert_int_equal(x.replies, 0);
			assert_int_equal(hearings[HEARD], 0);
			reply(primary_call(CHECK_CAA), PASSED);
		}
		assert_over(&x, 200, ANSWER_VALID, 1);
		assert_int_equal(hearings[HEARD], N + 1);
		assert_int_equal(votes[VOTE_PASSED], N + 1);
		assert_int_equal(disagreements, 0);
		assert_int_equal(strncmp(results, "primary:p6=passed p", 19), 0);
	}
}

/* Its failing decides at once, whatever the others say. */
static void
test_the_primary_fails(void **state)
{
	struct exchange x = { 0 };

	pool.limits.max_attempts = 1;
	corroborate(&pool, &asking, &x);
	remotes_reply(2, PASSED);
	reply(primary_call(CHECK_CAA), FORBIDDEN);
	assert_int_equal(x.replies, 0);
	event_base_dispatch(pool.asker.base);
	assert_over(&x, 200, ANSWER_NOT_VALID, 1);
	assert_int_equal(votes[VOTE_APART], 2);
	assert_int_equal(votes[VOTE_CANCELLED], N - 2);
	assert_int_equal(disagreements, 1);	/* the primary, against two */
	assert_non_null(strstr(results, "primary:p6=caa-forbids"));
	assert_non_null(strstr(results, "=not-corroborating"));
}

/* Enough remotes that fail decide, too, and the primary need not be heard. */
static void
test_remotes_fail(void **state)
{
	struct exchange x = { 0 };

	pool.limits.max_attempts = 1;
	corroborate(&pool, &asking, &x);
	remotes_reply(3, FORBIDDEN);
	event_base_dispatch(pool.asker.base);
	assert_over(&x, 200, ANSWER_NOT_VALID, 1);
	assert_non_null(strstr(results, "primary:p6=cancelled"));
	assert_int_equal(disagreements, 0);
}

/* Neither the deadline nor a broken call of the primary's makes a verdict of the others'. */
static void
test_no_result_of_the_primary(void **state)
{
	for (int late = 0; late < 2; late++) {
		struct exchange x = { 0 };
		struct call *call;

		teardown(NULL);
		setup_primary(NULL);
		pool.limits.default_deadline_ms = 40;
		corroborate(&pool, &asking, &x);
		remotes_reply(N, PASSED);
		assert_int_equal(x.replies, 0);
		if (late == 1) {
			event_base_dispatch(pool.asker.base);
			assert_non_null(strstr(results, "primary:p6=perspective-timeout"));
		} else {
			call = calls[primary_call(CHECK_CAA)];
			call->problem = PROBLEM_PERSPECTIVE_UNREACHABLE;
			call->message = "gone";
			call->done(call);
			assert_non_null(strstr(results, "primary:p6=perspective-unreachable"));
		}
		assert_over(&x, 200, ANSWER_NOT_VALID, 1);
		assert_int_equal(votes[VOTE_PASSED], 0);
		assert_int_equal(votes[VOTE_APART], N);
		assert_int_equal(disagreements, 0);
	}
}

/* The same token, not any: three of six are too few. */
static void
test_something_else(void **state)
{
	for (size_t same = 3; same <= 4; same++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup_primary(NULL);
		pool.limits.max_attempts = 1;
		ask = ask_dcv;
		corroborate(&pool, &asking, &x);
		remotes_reply(same, RELIED("one"));
		remotes_reply(N - same, RELIED("two"));
		reply(primary_call(CHECK_DCV), RELIED("one"));
		assert_over(&x, 200, same == 4 ? ANSWER_VALID : ANSWER_NOT_VALID, 1);
		assert_int_equal(votes[VOTE_PASSED], same + 1);
		assert_int_equal(votes[VOTE_APART], N - same);
		assert_int_equal(disagreements, N - same);
		assert_non_null(strstr(results, "=not-corroborating"));
	}
}

static void
test_a_retry_asks_it_anew(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
	reply(primary_call(CHECK_CAA), FORBIDDEN);
	remotes_reply(N, PASSED);
	assert_int_equal(call_count, 2 * (N + 1));
	remotes_reply(N, PASSED);
	assert_int_equal(x.replies, 0);
	reply(primary_call(CHECK_CAA), PASSED);
	assert_over(&x, 200, ANSWER_VALID, 2);
}

static void
test_caller_vanishes(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
	remotes_reply(N, PASSED);
	x.gone(&x, x.gone_arg);
	assert_over(&x, 503, ANSWER_ABORTED, 1);
	assert_non_null(strstr(results, "primary:p6=aborted"));
	for (size_t i = 0; i < call_count; i++)
		assert_null(calls[i]);
}

/* ---- the primary first ---- */

static void
test_first(void **state)
{
	struct exchange x = { 0 };
	char nonce[64];
	int64_t had;

	pool.primary_first = true;
	ask = ask_both;
	corroborate(&pool, &asking, &x);
	assert_int_equal(call_count, 2);
	snprintf(nonce, sizeof(nonce), "%.42s", strstr(calls[0]->body->text.data, "\"nonce\":"));
	had = deadline_of(0);
	usleep(30000);
	reply(primary_call(CHECK_DCV), control);
	assert_int_equal(call_count, 2);
	reply(primary_call(CHECK_CAA), PASSED);
	assert_int_equal(call_count, 2 + 2 * N);
	/* The attempt's nonce, and the time that is left. */
	for (size_t i = 2; i < call_count; i++)
		if (calls[i]->type == CHECK_DCV) {
			assert_non_null(strstr(calls[i]->body->text.data, nonce));
			assert_true(deadline_of(i) < had && deadline_of(i) > had - 10000);
		}
	reply_check(2, CHECK_DCV, N, 0);
	reply_check(2, CHECK_CAA, N, 0);
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_string_equal(outcomes, "dcv valid,caa valid");
}

/* One check that it does not pass is enough for nobody else to be asked. */
static void
test_first_fails(void **state)
{
	for (int caa = 0; caa < 2; caa++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup_primary(NULL);
		pool.primary_first = true;
		pool.limits.max_attempts = 1;
		ask = ask_both;
		corroborate(&pool, &asking, &x);
		if (caa == 0)
			reply(primary_call(CHECK_DCV), no_control);
		else
			reply(primary_call(CHECK_CAA), FORBIDDEN);
		assert_int_equal(x.replies, 0);
		/* The other check of its is waited for, but not for ever. */
		event_base_dispatch(pool.asker.base);
		assert_over(&x, 200, ANSWER_NOT_VALID, 1);
		assert_int_equal(call_count, 2);
		assert_string_equal(outcomes, "dcv not-valid,caa not-valid");
		assert_non_null(strstr(results, "p0=not-asked"));
		assert_int_equal(votes[VOTE_CANCELLED], 1);
		assert_int_equal(hearings[NOT_AWAITED] + hearings[HEARD], 2);
	}
}

/* It passed one check and fails the other: no remote's word makes that valid. */
static void
test_first_passes_one(void **state)
{
	struct exchange x = { 0 };

	pool.primary_first = true;
	pool.limits.max_attempts = 1;
	ask = ask_both;
	corroborate(&pool, &asking, &x);
	reply(primary_call(CHECK_DCV), control);
	reply(primary_call(CHECK_CAA), FORBIDDEN);
	assert_over(&x, 200, ANSWER_NOT_VALID, 1);
	assert_int_equal(call_count, 2);
	assert_string_equal(outcomes, "dcv not-valid,caa not-valid");
}

static void
test_first_is_late(void **state)
{
	struct exchange x = { 0 };

	pool.primary_first = true;
	pool.limits.default_deadline_ms = 40;
	corroborate(&pool, &asking, &x);
	event_base_dispatch(pool.asker.base);
	assert_over(&x, 200, ANSWER_NOT_VALID, 1);
	assert_int_equal(call_count, 1);
	assert_int_equal(hearings[NOT_IN_TIME], 1);
	assert_non_null(strstr(results, "primary:p6=perspective-timeout p"));
	assert_non_null(strstr(results, "=not-asked"));
}

/* Each attempt begins with it again. */
static void
test_first_again(void **state)
{
	struct exchange x = { 0 };

	pool.primary_first = true;
	corroborate(&pool, &asking, &x);
	reply(primary_call(CHECK_CAA), FORBIDDEN);
	assert_int_equal(call_count, 2);
	assert_int_equal(call_members[1], N);
	reply(1, PASSED);
	assert_int_equal(call_count, 2 + N);
	remotes_reply(N, PASSED);
	assert_over(&x, 200, ANSWER_VALID, 2);
}

static void
test_caller_vanishes_first(void **state)
{
	for (int passed = 0; passed < 2; passed++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup_primary(NULL);
		pool.primary_first = true;
		corroborate(&pool, &asking, &x);
		if (passed == 1)
			reply(0, PASSED);
		x.gone(&x, x.gone_arg);
		assert_over(&x, 503, ANSWER_ABORTED, 1);
		assert_non_null(strstr(results, passed == 1 ? "primary:p6=passed" :
		    "primary:p6=aborted"));
		assert_non_null(strstr(results, passed == 1 ? "p0=aborted" : "p0=not-asked"));
		for (size_t i = 0; i < call_count; i++)
			assert_null(calls[i]);
	}
}

/* Calls that end at once, of the primary and of the others. */
static void
test_calls_that_cannot_start(void **state)
{
	for (int passed = 0; passed < 2; passed++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup_primary(NULL);
		pool.primary_first = true;
		pool.limits.max_attempts = 1;
		calls_fail = passed == 0;
		corroborate(&pool, &asking, &x);
		calls_fail = true;
		if (passed == 1)
			reply(0, PASSED);
		assert_over(&x, 200, ANSWER_NOT_VALID, 1);
		assert_int_equal(hearings[NOT_HEARD], passed == 1 ? N : 1);
	}
}

/* ---- memory that runs out ---- */

/* Between the primary's pass and the asking of the others, too: never a verdict without them. */
static void
test_no_memory(void **state)
{
	for (int first = 0; first < 2; first++)
		for (long after = 0; after < 60; after++) {
			struct exchange x = { 0 };

			teardown(NULL);
			setup_primary(NULL);
			pool.primary_first = first == 1;
			pool.limits.max_attempts = 1;
			ask = ask_dcv;
			corroborate(&pool, &asking, &x);
			failing_malloc_after(after);
			reply(primary_call(CHECK_DCV), RELIED("one"));
			failing_malloc_after(-1);
			remotes_reply(3, RELIED("one"));
			remotes_reply(3, RELIED("two"));
			assert_int_equal(x.replies, 1);
			assert_int_equal(records, attempts);
			assert_int_equal(answers[ANSWER_VALID], 0);
		}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_primary, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_all_pass),
		TEST(test_the_primary_fails),
		TEST(test_remotes_fail),
		TEST(test_no_result_of_the_primary),
		TEST(test_something_else),
		TEST(test_a_retry_asks_it_anew),
		TEST(test_caller_vanishes),
		TEST(test_first),
		TEST(test_first_fails),
		TEST(test_first_passes_one),
		TEST(test_first_is_late),
		TEST(test_first_again),
		TEST(test_caller_vanishes_first),
		TEST(test_calls_that_cannot_start),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests_name("attempt_primary", tests, NULL, NULL);
}
