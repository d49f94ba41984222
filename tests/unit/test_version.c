/* Versions of images: which there are, and their order, which is the boot loader's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/update/version.h"

static void
test_valid(void **state)
{
	static const char *const good[] = { "0", "1", "2026.11.22", "2026.11.22-1", "1-0",
		"999999999.999999999-999999999" };
	static const char *const bad[] = { "", ".", "-", "1.", "1-", ".1", "-1", "1..2", "1--2", "1-2-3",
		"1-2.3", "1.2~rc1", "v1", "1 ", " 1", "1\n", "1+3", "1.0000000001", "1/2", "1,2",
		"1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.11" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!version_valid(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (version_valid(bad[i]))
			fail_msg("%s", bad[i]);
}

static void
test_order(void **state)
{
	/* each is older than the next */
	static const char *const ascending[] = { "0", "1", "1-0", "1-1", "1-2", "1-10", "1.0", "1.1", "1.1-9",
		"1.1.1", "1.2", "1.10", "2", "2026.9.30-1", "2026.11.2-1", "2026.11.22", "2026.11.22-1",
		"2026.11.22-2", "2026.11.22-10", "2026.11.22.1", "2027.1.1" };
	const size_t count = sizeof(ascending) / sizeof(ascending[0]);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int found = version_compare(ascending[i], ascending[j]);

			if ((found > 0) - (found < 0) != (i > j) - (i < j))
				fail_msg("%s, %s: %d", ascending[i], ascending[j], found);
		}
}

/* Zeroes at the beginning of a number make another text, not another version. */
static void
test_equal(void **state)
{
	assert_int_equal(version_compare("2026.01.05-1", "2026.1.5-1"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
