#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "appliance/enrol/enrol_due.h"

#define DAY	INT64_C(86400)

static void
test_a_third(void **state)
{
	const struct lifetime l = { 100 * DAY, 145 * DAY };

	assert_false(lifetime_due(&l, 100 * DAY));
	assert_false(lifetime_due(&l, 130 * DAY));
	assert_true(lifetime_due(&l, 130 * DAY + 1));
	assert_true(lifetime_due(&l, 200 * DAY));
	assert_false(lifetime_over(&l, 145 * DAY - 1));
	assert_true(lifetime_over(&l, 145 * DAY));
}

/* A clock that is behind. */
static void
test_before_it_begins(void **state)
{
	const struct lifetime l = { 100 * DAY, 145 * DAY };

	assert_false(lifetime_due(&l, 0));
	assert_false(lifetime_over(&l, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_third),
		cmocka_unit_test(test_before_it_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
