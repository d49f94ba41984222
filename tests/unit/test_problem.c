/* problem.h: the table is whole and its codes are usable as keys. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "problem_advice.h"

static void
test_codes(void **state)
{
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		const char *code = problem_code(p);

		assert_non_null(code);
		assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz-"), strlen(code));
		/* Two rows with one code would not both come back. */
		assert_int_equal(problem_from_code(code), p);
	}
	assert_null(problem_code(PROBLEM_NONE));
}

static void
test_unknown_code(void **state)
{
	assert_int_equal(problem_from_code(""), PROBLEM_NONE);
	assert_int_equal(problem_from_code("no-such-problem"), PROBLEM_NONE);
	assert_int_equal(problem_from_code("CAA-FORBIDS"), PROBLEM_NONE);
}

static void
test_faults(void **state)
{
	assert_string_equal(fault_name(FAULT_TARGET), "target");
	assert_string_equal(fault_name(FAULT_PERSPECTIVE), "perspective");
	assert_string_equal(fault_name(FAULT_COORDINATOR), "coordinator");
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++)
		assert_non_null(fault_name(problem_fault(p)));
}

/* A verdict or a proven forgery does not change by asking again. */
static void
test_meaning(void **state)
{
	assert_false(problem_retryable(PROBLEM_CAA_FORBIDS));
	assert_null(problem_error_type(PROBLEM_CAA_FORBIDS, false));
	assert_int_equal(problem_fault(PROBLEM_CAA_FORBIDS), FAULT_TARGET);
	assert_false(problem_retryable(PROBLEM_DNS_BOGUS));
	assert_true(problem_retryable(PROBLEM_DNS_TIMEOUT));
	assert_int_equal(problem_fault(PROBLEM_PERSPECTIVE_UNREACHABLE), FAULT_PERSPECTIVE);
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++)
		for (int dcv = 0; dcv <= 1; dcv++)
			if (problem_error_type(p, dcv) != NULL)
				assert_int_equal(strncmp(problem_error_type(p, dcv), "mpic_error:", 11), 0);
	assert_string_equal(problem_error_type(PROBLEM_DNS_BOGUS, false),
	    "mpic_error:caa_checker:lookup");
	assert_string_equal(problem_error_type(PROBLEM_DNS_BOGUS, true),
	    "mpic_error:dcv_checker:lookup");
	assert_string_equal(problem_error_type(PROBLEM_HTTP_STATUS, true), "mpic_error:http");
	/* What Open MPIC has no error for is a verdict. */
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++)
		if (problem_error_type(p, true) == NULL)
			assert_true(problem_completed(p));
}

/* Each is told of in words of its own: whole sentences, on which a customer can act. */
static void
test_advice(void **state)
{
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		const char *cause = problem_cause(p), *advice = problem_advice(p);

		if (cause == NULL || advice == NULL)
			fail_msg("lib/problem_advice.c has no row for %s", problem_code(p));
		assert_int_equal(cause[strlen(cause) - 1], '.');
		assert_int_equal(advice[strlen(advice) - 1], '.');
		for (int q = PROBLEM_NONE + 1; q < p; q++)
			if (strcmp(cause, problem_cause(q)) == 0)
				fail_msg("%s and %s have one cause", problem_code(p), problem_code(q));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_unknown_code),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_advice),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
