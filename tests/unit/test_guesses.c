#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/guesses.h"

#define SECOND_NS UINT64_C(1000000000)

static void
test_ten_and_one_every_ten_seconds(void **state)
{
	static struct guesses g;
	const char *peer = "192.0.2.1:4711";
	uint64_t now = 1000 * SECOND_NS;
	int64_t wait_s = 0;

	for (int i = 0; i < 10; i++) {
		assert_true(guesses_allowed(&g, peer, now, &wait_s));
		guesses_count(&g, peer, now);
	}
	assert_false(guesses_allowed(&g, peer, now, &wait_s));
	assert_in_range(wait_s, 10, 11);
	assert_false(guesses_allowed(&g, peer, now + 9 * SECOND_NS, &wait_s));
	assert_in_range(wait_s, 1, 2);
	assert_true(guesses_allowed(&g, peer, now + 10 * SECOND_NS, &wait_s));
	/* Asking alone costs nothing. */
	assert_true(guesses_allowed(&g, peer, now + 10 * SECOND_NS, &wait_s));
	/* Another port is no other address. */
	guesses_count(&g, "192.0.2.1:1", now + 10 * SECOND_NS);
	assert_false(guesses_allowed(&g, peer, now + 10 * SECOND_NS, &wait_s));
}

static void
exhaust(struct guesses *g, const char *peer)
{
	for (int i = 0; i < 10; i++)
		guesses_count(g, peer, SECOND_NS);
}

static void
test_networks(void **state)
{
	static struct guesses g = { .seed = 1 };
	int64_t wait_s;

	exhaust(&g, "[2001:db8::1]:1");
	assert_false(guesses_allowed(&g, "[2001:db8::ffff:2]:9", SECOND_NS, &wait_s));
	assert_true(guesses_allowed(&g, "[2001:db8:0:1::1]:1", SECOND_NS, &wait_s));
	assert_true(guesses_allowed(&g, "192.0.2.1:1", SECOND_NS, &wait_s));
	/* What is no address counts as well. */
	exhaust(&g, "urn:mpic:perspective:a");
	assert_false(guesses_allowed(&g, "urn:mpic:perspective:a", SECOND_NS, &wait_s));
	assert_true(guesses_allowed(&g, "urn:mpic:perspective:b", SECOND_NS, &wait_s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_and_one_every_ten_seconds),
		cmocka_unit_test(test_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
