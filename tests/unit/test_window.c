/* When an appliance restarts: within the window, each perspective at a moment of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "appliance/update/window.h"

#define DAY	INT64_C(86400)
#define HOUR	INT64_C(3600)
#define NOON	(INT64_C(20600) * DAY + 12 * HOUR)	/* of a day in 2026 */

static const char *const codes[] = { "aws:eu-central-1", "aws:us-east-2", "gcp:asia-east1",
	"gcp:southamerica-east1", "azure:uksouth", "azure:australiaeast" };
#define CODES	(sizeof(codes) / sizeof(codes[0]))

static struct window
window_of(const char *text, int64_t spread_min)
{
	struct window w = { .spread_min = spread_min };

	if (text != NULL)
		assert_true(window_parse(&w, text));
	return w;
}

static void
test_parse(void **state)
{
	static const char *const bad[] = { "", "02:00", "2:00-4:00", "02:00-04:00 ", "24:00-01:00",
		"02:60-04:00", "02:00-24:01", "02:00_04:00", "0200-0400xxx", "aa:bb-cc:dd",
		"02:00-02:00", "-2:00-04:00" };
	struct window w = window_of("22:30-04:05", 60);

	assert_int_equal(w.from_min, 22 * 60 + 30);
	assert_int_equal(w.to_min, 4 * 60 + 5);
	w = window_of("00:00-24:00", 60);
	assert_true(w.set && w.from_min == 0 && w.to_min == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (window_parse(&w, bad[i]))
			fail_msg("%s", bad[i]);
}

/* Within the first spread minutes of the window that begins next. */
static void
expect_within(const struct window *w, int64_t since_s, int64_t from_s, int64_t to_s)
{
	for (size_t i = 0; i < CODES; i++) {
		int64_t at = window_restart_s(w, codes[i], since_s, since_s);

		if (at < from_s || at >= to_s)
			fail_msg("%s: %lld is not within %lld and %lld", codes[i], (long long)at,
			    (long long)from_s, (long long)to_s);
	}
}

static void
test_in_the_window(void **state)
{
	struct window w = window_of("02:00-04:00", 120);

	expect_within(&w, NOON, NOON + 14 * HOUR, NOON + 16 * HOUR);
	/* over midnight */
	w = window_of("23:00-01:00", 120);
	expect_within(&w, NOON, NOON + 11 * HOUR, NOON + 13 * HOUR);
	/* no more than the spread, nor than the window has */
	w = window_of("02:00-04:00", 30);
	expect_within(&w, NOON, NOON + 14 * HOUR, NOON + 14 * HOUR + 1800);
	w = window_of("02:00-02:10", 60);
	expect_within(&w, NOON, NOON + 14 * HOUR, NOON + 14 * HOUR + 600);
}

static void
test_at_any_time(void **state)
{
	struct window w = window_of(NULL, 60);

	expect_within(&w, NOON, NOON, NOON + HOUR);
	w = window_of(NULL, 0);
	expect_within(&w, NOON, NOON, NOON + 1);
	/* it does not begin anew at each look */
	w = window_of(NULL, 60);
	assert_int_equal(window_restart_s(&w, codes[0], NOON, NOON),
	    window_restart_s(&w, codes[0], NOON, NOON + 12345));
}

/* A machine that was off at its moment takes the next day's, one that is a little late its own. */
static void
test_a_missed_moment(void **state)
{
	const struct window w = window_of("02:00-04:00", 120);
	int64_t at = window_restart_s(&w, codes[0], NOON, NOON);

	assert_int_equal(window_restart_s(&w, codes[0], NOON, at), at);
	assert_int_equal(window_restart_s(&w, codes[0], NOON, at + WINDOW_MISSED_S), at);
	assert_int_equal(window_restart_s(&w, codes[0], NOON, at + WINDOW_MISSED_S + 1), at + DAY);
	assert_int_equal(window_restart_s(&w, codes[0], NOON, at + 3 * DAY), at + 3 * DAY);
	/* what came after the moment of the day waits for the next */
	assert_int_equal(window_restart_s(&w, codes[0], at + 1, at + 1), at + DAY);
}

/* Of many codes no moment of the window has much more than its part. */
static void
test_spread_evenly(void **state)
{
	const struct window w = window_of("02:00-04:00", 120);
	unsigned parts[12] = { 0 };
	char code[32];

	for (int i = 0; i < 1200; i++) {
		snprintf(code, sizeof(code), "aws:region-%d", i);
		parts[(window_restart_s(&w, code, NOON, NOON) - NOON - 14 * HOUR) / 600]++;
	}
	for (size_t i = 0; i < 12; i++)
		assert_in_range(parts[i], 60, 150);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_in_the_window),
		cmocka_unit_test(test_at_any_time),
		cmocka_unit_test(test_a_missed_moment),
		cmocka_unit_test(test_spread_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
