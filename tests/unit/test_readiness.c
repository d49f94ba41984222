/* Whose time it is while an appliance is not ready, and when a version on trial has failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "appliance/boot/readiness.h"

#define LIMIT_MS	300000

static enum readiness
looks(struct readiness_account *a, int64_t *now_ms, int64_t seconds, int status, bool notice)
{
	enum readiness found = READINESS_READY;

	for (int64_t i = 0; i < seconds; i++) {
		*now_ms += 1000;
		found = readiness_look(a, *now_ms, status, notice);
	}
	return found;
}

static void
test_ready(void **state)
{
	struct readiness_account a = { .limit_ms = LIMIT_MS };

	assert_int_equal(readiness_look(&a, 5000, 200, false), READINESS_READY);
}

static void
test_its_own_time_runs_out(void **state)
{
	struct readiness_account a = { .limit_ms = LIMIT_MS };
	int64_t now_ms = 5000;

	readiness_look(&a, now_ms, 0, false);
	assert_int_equal(looks(&a, &now_ms, 299, 0, false), READINESS_OWN);
	assert_int_equal(looks(&a, &now_ms, 1, 503, false), READINESS_OVER);
	/* late is better than never, where nothing was on trial */
	assert_int_equal(looks(&a, &now_ms, 1, 200, false), READINESS_READY);
}

static void
test_the_operators_time_does_not_count(void **state)
{
	struct readiness_account a = { .limit_ms = LIMIT_MS };
	int64_t now_ms = 5000;

	readiness_look(&a, now_ms, 0, false);
	assert_int_equal(looks(&a, &now_ms, 200, 0, false), READINESS_OWN);
	assert_int_equal(looks(&a, &now_ms, 86400, 0, true), READINESS_OPERATOR);
	assert_int_equal(looks(&a, &now_ms, 99, 0, false), READINESS_OWN);
	assert_int_equal(looks(&a, &now_ms, 1, 0, false), READINESS_OVER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_its_own_time_runs_out),
		cmocka_unit_test(test_the_operators_time_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
