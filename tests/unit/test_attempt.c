/* The course of a request: each attempt leaves one record, whatever its perspectives do. */
#include "attempt_fixture.h"

#include <string.h>
#include <unistd.h>

static void
test_all_answer(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
	for (size_t i = 0; i < N; i++)
		reply(i, PASSED);
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_string_equal(outcome, "valid");
	assert_int_equal(hearings[HEARD], N);
}

/* The second attempt asks anew and takes over nothing. */
static void
test_two_attempts(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
	for (size_t i = 0; i < N; i++)
		reply(i, i < 3 ? PASSED : FORBIDDEN);
	assert_int_equal(records, 1);
	assert_string_equal(outcome, "not-valid");
	for (size_t i = N; i < N + N; i++)
		reply(i, i < N + 3 ? FORBIDDEN : PASSED);
	assert_over(&x, 200, ANSWER_NOT_VALID, 2);
	assert_string_equal(outcome, "not-valid");
}

static void
test_certain_before_all_answer(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
	for (size_t i = 0; i < N - 1; i++)
		reply(i, PASSED);
	assert_int_equal(x.replies, 0);
	event_base_dispatch(pool.asker.base);
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_non_null(strstr(results, "=cancelled"));
	assert_int_equal(hearings[NOT_AWAITED], 1);
}

/* At the deadline it is a failure, whether or not it could still have mattered. */
static void
test_unanswered_at_the_deadline(void **state)
{
	for (size_t passed = 3; passed < N; passed++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		pool.limits.default_deadline_ms = 40;
		pool.asker.linger_ms = 60000;
		corroborate(&pool, &asking, &x);
		for (size_t i = 0; i < passed; i++)
			reply(i, PASSED);
		event_base_dispatch(pool.asker.base);
		assert_over(&x, 200, passed >= 4 ? ANSWER_VALID : ANSWER_NOT_VALID, 1);
		assert_non_null(strstr(results, "=perspective-timeout"));
		assert_null(strstr(results, "=cancelled"));
		assert_int_equal(hearings[NOT_IN_TIME], N - passed);
	}
}

/* Only we cancel: a perspective that says so of itself has failed. */
static void
test_a_perspective_cancels_nothing(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
	for (size_t i = 0; i < N; i++)
		reply(i, i > 0 ? PASSED : "{\"check_completed\":false,\"check_passed\":false,"
		    "\"check_type\":\"caa\",\"problem\":{\"code\":\"cancelled\",\"message\":\"\"}}");
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_non_null(strstr(results, "=internal"));
	assert_null(strstr(results, "=cancelled"));
}

/* What had been answered until then is in the record; who was not awaited is "aborted". */
static void
test_caller_vanishes(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
	reply(0, PASSED);
	x.gone(&x, x.gone_arg);
	assert_over(&x, 503, ANSWER_ABORTED, 1);
	assert_string_equal(outcome, "aborted");
	assert_non_null(strstr(results, "=passed"));
	assert_non_null(strstr(results, "=aborted"));
	for (size_t i = 0; i < N; i++)
		assert_null(calls[i]);
}

static void
test_calls_that_cannot_start(void **state)
{
	struct exchange x = { 0 };

	calls_fail = true;
	corroborate(&pool, &asking, &x);
	assert_over(&x, 200, ANSWER_NOT_VALID, 2);
	assert_int_equal(hearings[NOT_HEARD], 2 * N);
}

/* ---- domain control, alone and with CAA ---- */

static void
test_dcv(void **state)
{
	struct exchange x = { 0 };

	ask = ask_dcv;
	corroborate(&pool, &asking, &x);
	assert_int_equal(call_count, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(calls[i]->type, CHECK_DCV);
		assert_null(strstr(calls[i]->body->text.data, "caa_check_parameters"));
		reply(i, control);
	}
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_string_equal(outcomes, "dcv valid");
	assert_string_equal(method, "acme-http-01 3.2.2.4.19 ");
}

/* A checker that answers for another method has been asked something else. */
static void
test_another_method(void **state)
{
	struct exchange x = { 0 };

	ask = ask_dcv;
	corroborate(&pool, &asking, &x);
	reply(0, DCV_RESULT("true", "\"validation_method\":\"acme-dns-01\""));
	reply(1, DCV_RESULT("true", "\"validation_method\":\"of-tomorrow\""));
	reply(2, DCV_RESULT("true", "\"validation_method\":null"));
	reply(3, DCV_RESULT("true", ""));
	reply(4, "{\"check_completed\":true,\"check_passed\":true,\"check_type\":\"dcv\"}");
	reply(5, control);
	assert_int_equal(records, 1);
	assert_non_null(strstr(results, "perspective-reply"));
	assert_non_null(strstr(results, "result-mismatch"));
	assert_null(strstr(results + (strstr(results, "passed") - results) + 1, "passed"));
	for (size_t i = N; i < 2 * N; i++)
		reply(i, control);
	assert_string_equal(outcomes, "dcv not-valid,dcv valid");
	assert_over(&x, 200, ANSWER_VALID, 2);
}

/* Both checks are asked of everybody before anybody answers, each under its own nonce. */
static void
test_both_at_once(void **state)
{
	const char *nonces[2] = { NULL, NULL };
	struct exchange x = { 0 };
	unsigned types[CHECK_TYPE_COUNT] = { 0 };

	ask = ask_both;
	corroborate(&pool, &asking, &x);
	assert_int_equal(call_count, 2 * N);
	for (size_t i = 0; i < call_count; i++) {
		enum check_type type = calls[i]->type;
		const char *text = calls[i]->body->text.data;
		const char *nonce = strstr(text, "\"nonce\":");

		types[type]++;
		assert_non_null(nonce);
		assert_true(nonces[type] == NULL || nonces[type] == nonce);
		nonces[type] = nonce;
		assert_non_null(strstr(text, "\"deadline_ms\":"));
		assert_true((strstr(text, "dcv_check_parameters") != NULL) == (type == CHECK_DCV));
		assert_true((strstr(text, "caa_check_parameters") != NULL) == (type == CHECK_CAA));
	}
	assert_int_equal(types[CHECK_DCV], N);
	assert_int_equal(types[CHECK_CAA], N);
	assert_memory_not_equal(nonces[CHECK_DCV], nonces[CHECK_CAA], 42);
	for (size_t i = 0; i < 2 * N; i++)
		reply(i, calls[i]->type == CHECK_DCV ? control : PASSED);
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_string_equal(outcomes, "dcv valid,caa valid");
	assert_string_equal(method, "");
	assert_int_equal(hearings[HEARD], 2 * N);
}

/* Neither a yes nor a no of one check ends the waiting for the other. */
static void
test_waits_for_both(void **state)
{
	for (int caa = 0; caa < 2; caa++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		ask = ask_both;
		corroborate(&pool, &asking, &x);
		reply_check(0, CHECK_CAA, caa == 1 ? N : 0, caa == 1 ? 0 : N);
		reply_check(0, CHECK_DCV, 3, 0);
		usleep(30000);
		event_base_loop(pool.asker.base, EVLOOP_NONBLOCK);
		assert_int_equal(x.replies, 0);
		assert_int_equal(records, 0);
		reply_check(0, CHECK_DCV, 2, 0);
		assert_int_equal(records, 0);
		event_base_loop(pool.asker.base, EVLOOP_ONCE);
		assert_int_equal(records, 2);
		assert_string_equal(outcomes, caa == 1 ? "dcv valid,caa valid" :
		    "dcv valid,caa not-valid");
		if (caa == 1)
			assert_over(&x, 200, ANSWER_VALID, 1);
		else
			x.gone(&x, x.gone_arg);
	}
}

/* A retry repeats both, also the one that had passed. */
static void
test_retry_of_both(void **state)
{
	struct exchange x = { 0 };

	ask = ask_both;
	corroborate(&pool, &asking, &x);
	reply_check(0, CHECK_DCV, N, 0);
	reply_check(0, CHECK_CAA, 0, N);
	assert_int_equal(call_count, 4 * N);
	assert_string_equal(outcomes, "dcv valid,caa not-valid");
	reply_check(2 * N, CHECK_DCV, 0, N);
	reply_check(2 * N, CHECK_CAA, N, 0);
	assert_over(&x, 200, ANSWER_NOT_VALID, 2);
	assert_string_equal(outcomes, "dcv valid,caa not-valid,dcv not-valid,caa valid");
}

static void
test_caller_of_both_vanishes(void **state)
{
	struct exchange x = { 0 };

	ask = ask_both;
	corroborate(&pool, &asking, &x);
	reply_check(0, CHECK_DCV, N, 0);
	reply_check(0, CHECK_CAA, 1, 1);
	x.gone(&x, x.gone_arg);
	assert_over(&x, 503, ANSWER_ABORTED, 1);
	assert_string_equal(outcomes, "dcv aborted,caa aborted");
	assert_non_null(strstr(results, "=caa-forbids"));
	for (size_t i = 0; i < 2 * N; i++)
		assert_null(calls[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_attempts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_certain_before_all_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unanswered_at_the_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_perspective_cancels_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caller_vanishes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls_that_cannot_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dcv, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_method, setup, teardown),
		cmocka_unit_test_setup_teardown(test_both_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits_for_both, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry_of_both, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caller_of_both_vanishes, setup, teardown),
	};

	return cmocka_run_group_tests_name("attempt", tests, NULL, NULL);
}
