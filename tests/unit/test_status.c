#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/status.h"

#define DAY_S	INT64_C(86400)
#define NOW_S	(20000 * DAY_S)
/* RFC 8037 A.1. */
#define KEY	"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct perspective plain = { .code = "a" }, enrolled = { .code = "b",
	.verify_enrolled = true }, gateway = { .code = "c", .gateway = true };
#define WELL .reachable = true, .ready = true, .told = true

static const struct {
	struct inspected row;
	const char *care;
} rows[] = {
	{ { .perspective = &plain, WELL }, "" },
	{ { .perspective = &plain, .error = "nobody" }, "\"it cannot be reached: nobody\"" },
	{ { .perspective = &plain, .reachable = true, .error = "Unbound" },
	    "\"it is not ready: Unbound\"" },
	{ { .perspective = &gateway, .reachable = true, .hidden = true, .error = "404" }, "" },
	{ { .perspective = &gateway, .error = "nobody" }, "\"it cannot be reached: nobody\"" },
	{ { .perspective = &gateway, .reachable = true, .error = "Unbound" },
	    "\"it is not ready: Unbound\"" },
	{ { .perspective = &gateway, .reachable = true, .hidden = true, .error = "404",
	    .expires_s = NOW_S + DAY_S }, "\"its certificate ends in 1 days\"" },
	{ { .perspective = &plain, WELL, .expires_s = NOW_S + 14 * DAY_S }, "" },
	{ { .perspective = &plain, WELL, .expires_s = NOW_S + 14 * DAY_S - 1 },
	    "\"its certificate ends in 13 days\"" },
	/* A quarter of twenty days. */
	{ { .perspective = &plain, WELL, .begins_s = NOW_S - 15 * DAY_S, .expires_s = NOW_S + 5 * DAY_S },
	    "" },
	{ { .perspective = &plain, WELL, .begins_s = NOW_S - 15 * DAY_S,
	    .expires_s = NOW_S + 5 * DAY_S - 2 }, "\"its certificate ends in 4 days\"" },
	{ { .perspective = &plain, WELL, .expires_s = NOW_S - 1 },
	    "\"its certificate ends in -1 days\"" },
	{ { .perspective = &plain, WELL, .clock_ms = 2000 }, "" },
	{ { .perspective = &plain, WELL, .clock_ms = 2001 }, "\"its clock is 2001 ms ahead of ours\"" },
	{ { .perspective = &plain, WELL, .clock_ms = -3000 }, "\"its clock is 3000 ms behind ours\"" },
	{ { .perspective = &plain, WELL, .notices = "\"x\"" }, "\"it has notices\"" },
	{ { .perspective = &enrolled, WELL, .signing_key = KEY, .certified_key = KEY }, "" },
	{ { .perspective = &enrolled, WELL, .signing_key = "/etc/passwd", .certified_key = KEY },
	    "\"it does not sign with the key that verify_key has\"" },
	{ { .perspective = &enrolled, WELL },
	    "\"it does not sign with the key that verify_key has\"" },
	{ { .perspective = &plain, .error = "x", .expires_s = NOW_S + DAY_S },
	    "\"it cannot be reached: x\",\"its certificate ends in 1 days\"" },
};

static void
test_care(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf care = BUF_INIT(4096);
		size_t count = status_judge(&rows[i].row, NOW_S, &care);

		assert_string_equal(care.data != NULL ? care.data : "", rows[i].care);
		assert_int_equal(count > 0, rows[i].care[0] != '\0');
		buf_free(&care);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_care),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
