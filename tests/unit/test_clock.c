/* Whether a clock can be relied on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/clock/clock.h"

#define NOV_2026	INT64_C(1795305600)	/* 2026-11-22T00:00:00Z */
#define DEC_2036	INT64_C(2112134400)	/* 2036-12-06: more than ten years later */

static const struct {
	struct clock_seen seen;
	const char *why;	/* NULL: it can */
} cases[] = {
	{ { false, true, NOV_2026, NOV_2026 }, NULL },
	{ { false, true, NOV_2026 + 86400, NOV_2026 }, NULL },
	{ { true, false, NOV_2026, NOV_2026 }, NULL },
	{ { true, true, NOV_2026, 0 }, NULL },
	{ { false, false, NOV_2026, NOV_2026 }, "clock: no NTP server has told the time yet\n" },
	{ { false, true, NOV_2026 - 1, NOV_2026 }, "clock: it is set to 2026-11-21T23:59:59Z, before "
	    "this image was made, 2026-11-22T00:00:00Z: what the NTP servers tell is wrong\n" },
	{ { true, false, 0, NOV_2026 }, "clock: it is set to 1970-01-01T00:00:00Z, before this image "
	    "was made, 2026-11-22T00:00:00Z: the hypervisor's time is wrong\n" },
	{ { true, false, DEC_2036, NOV_2026 }, "clock: it is set to 2036-12-06T00:00:00Z, more than "
	    "ten years after this image was made: after 2036-11-21T10:12:00Z: the hypervisor's time "
	    "is wrong\n" },
	/* an image of unknown date */
	{ { true, false, 1767225599, 0 }, "clock: it is set to 2025-12-31T23:59:59Z, before this image "
	    "was made, 2026-01-01T00:00:00Z: the hypervisor's time is wrong\n" },
	{ { true, false, 1767225599, 86400 }, "clock: it is set to 2025-12-31T23:59:59Z, before this "
	    "image was made, 2026-01-01T00:00:00Z: the hypervisor's time is wrong\n" },
	{ { true, false, INT64_MAX, 0 }, "clock: it is set to 9223372036854775807 s after 1970, more "
	    "than ten years after this image was made: after 2036-01-01T10:12:00Z: the hypervisor's "
	    "time is wrong\n" },
};

static void
test_clock(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf why = BUF_INIT(1024);
		bool ok = clock_reliable(&cases[i].seen, &why);

		assert_int_equal(ok, cases[i].why == NULL);
		if (!ok)
			assert_string_equal(why.data, cases[i].why);
		buf_free(&why);
	}
}

/* As files of httpcheck's status_files. */
static void
test_status(void **state)
{
	static const struct {
		struct clock_seen seen;
		const char *begins, *ends;
	} statuses[] = {
		{ { false, true, NOV_2026, NOV_2026 }, "# HELP mpic_clock_unsynchronized ",
		    "\nmpic_clock_unsynchronized 0\n" },
		{ { true, false, NOV_2026, NOV_2026 }, "# HELP mpic_clock_unsynchronized ",
		    "\nmpic_clock_unsynchronized 0\n" },
		{ { false, false, NOV_2026, NOV_2026 }, "# notice clock: no NTP server has told the "
		    "time for hours\n# HELP ", "\nmpic_clock_unsynchronized 1\n" },
		{ { true, false, 0, NOV_2026 }, "# notice clock: it is set to 1970-01-01T00:00:00Z, ",
		    "\nmpic_clock_unsynchronized 1\n" },
	};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct buf text = BUF_INIT(4096);

		clock_status(&statuses[i].seen, &text);
		assert_memory_equal(text.data, statuses[i].begins, strlen(statuses[i].begins));
		assert_string_equal(text.data + text.len - strlen(statuses[i].ends),
		    statuses[i].ends);
		buf_free(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
