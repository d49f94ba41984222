/* Which endpoint a call goes to, and when one is ejected, probed and back: in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "coordinator/balance.h"

#define S	UINT64_C(1000000000)
#define ANY	0

static size_t
begin(struct balance *b)
{
	return balance_begin(b, ANY, false);
}

static void
test_fewest(void **state)
{
	struct balance b;

	balance_init(&b, 3, 3, 2000);
	/* Equal ones in turn. */
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(begin(&b), i % 3);
	/* Then whoever has the fewest. */
	balance_end(&b, 1);
	balance_end(&b, 1);
	balance_end(&b, 2);
	assert_int_equal(begin(&b), 1);
	assert_int_equal(begin(&b), 2);
	assert_int_equal(begin(&b), 1);
	assert_int_equal(begin(&b), 2);
	/* A call that comes again goes to another one. */
	assert_int_equal(balance_begin(&b, 3, false), 2);
	assert_true(balance_begin(&b, 7, false) == BALANCE_NONE);
}

static void
test_ejected(void **state)
{
	struct balance b;

	balance_init(&b, 2, 3, 2000);
	/* Failures with a success between them are not in a row. */
	assert_false(balance_failed(&b, 0, 1));
	assert_false(balance_failed(&b, 0, 2));
	assert_false(balance_succeeded(&b, 0));
	assert_false(balance_failed(&b, 0, 3));
	assert_false(balance_failed(&b, 0, 4));
	assert_int_equal(balance_ejected(&b), 0);
	assert_true(balance_failed(&b, 0, 5));
	assert_false(balance_failed(&b, 0, 6));
	assert_int_equal(balance_ejected(&b), 1);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(begin(&b), 1);
	assert_true(balance_begin(&b, 2, true) == BALANCE_NONE);
	assert_int_equal(balance_begin(&b, 2, false), 0);
	balance_end(&b, 0);
	/* The first success brings it back, and it has three failures before it again. */
	assert_true(balance_succeeded(&b, 0));
	assert_int_equal(begin(&b), 0);
	assert_false(balance_failed(&b, 0, 7));
	assert_false(balance_failed(&b, 0, 8));
	assert_true(balance_failed(&b, 0, 9));
}

/* One that is found dead need not fail time after time. */
static void
test_dead(void **state)
{
	struct balance b;

	balance_init(&b, 2, 3, 2000);
	assert_true(balance_eject(&b, 1, 1 * S));
	assert_false(balance_eject(&b, 1, 2 * S));
	assert_false(balance_failed(&b, 1, 2 * S));
	assert_int_equal(begin(&b), 0);
	assert_int_equal(begin(&b), 0);
	assert_true(balance_probe(&b, 1, 3 * S));
	assert_true(balance_succeeded(&b, 1));
	assert_int_equal(begin(&b), 1);
}

static void
test_all_ejected(void **state)
{
	struct balance b;

	balance_init(&b, 3, 1, 2000);
	assert_true(balance_failed(&b, 1, 1 * S));
	assert_true(balance_failed(&b, 0, 2 * S));
	assert_true(balance_failed(&b, 2, 3 * S));
	/* The one whose failure is longest ago; one after the other, while all fail. */
	for (size_t i = 0; i < 9; i++) {
		static const size_t order[] = { 1, 0, 2 };
		size_t chosen = begin(&b);

		assert_int_equal(chosen, order[i % 3]);
		balance_end(&b, chosen);
		assert_false(balance_failed(&b, chosen, (4 + i) * S));
	}
	assert_true(balance_succeeded(&b, 2));
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(begin(&b), 2);
}

static void
test_probes(void **state)
{
	/* Seconds after the ejection, with 2 s to begin with. */
	static const uint64_t due[] = { 2, 6, 14, 30, 62, 122, 182, 242 };
	struct balance b;

	balance_init(&b, 2, 1, 2000);
	assert_false(balance_probe(&b, 0, 100 * S));
	assert_true(balance_failed(&b, 0, 100 * S));
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		uint64_t at = (100 + due[i]) * S;

		assert_false(balance_probe(&b, 0, at - 1));
		assert_true(balance_probe(&b, 0, at));
		assert_false(balance_probe(&b, 0, at + S / 2));	/* it is under way */
		/* What calls come to meanwhile does not hold it up. */
		assert_false(balance_failed(&b, 0, at));
		balance_probed(&b, 0, at);
	}
	assert_true(balance_succeeded(&b, 0));
	assert_false(balance_probe(&b, 0, 1000 * S));
	assert_true(balance_failed(&b, 0, 1000 * S));
	assert_true(balance_probe(&b, 0, 1002 * S));
	/* A call succeeds while the probe is under way, which then fails. */
	assert_true(balance_succeeded(&b, 0));
	balance_probed(&b, 0, 1003 * S);
	assert_int_equal(balance_ejected(&b), 0);
	assert_true(balance_failed(&b, 0, 1004 * S));
	assert_false(balance_probe(&b, 0, 1006 * S - 1));
	assert_true(balance_probe(&b, 0, 1006 * S));
}

/* Whatever happens: a call has an endpoint, a healthy one while there is one. */
static void
test_random(void **state)
{
	struct balance b;
	size_t under_way[ENDPOINTS_MAX] = { 0 };
	uint64_t now = S;

	srand(1);
	balance_init(&b, ENDPOINTS_MAX, 3, 500);
	for (size_t step = 0; step < 100000; step++) {
		size_t i = (size_t)rand() % ENDPOINTS_MAX;

		now += (uint64_t)rand();
		switch (rand() % 5) {
		case 0:
		case 1:
			i = begin(&b);
			assert_true(i < ENDPOINTS_MAX);
			assert_true(!b.endpoints[i].ejected ||
			    balance_ejected(&b) == ENDPOINTS_MAX);
			for (size_t k = 0; k < ENDPOINTS_MAX; k++)
				assert_true(b.endpoints[i].ejected || b.endpoints[k].ejected ||
				    under_way[i] <= under_way[k]);
			under_way[i]++;
			break;
		case 2:
			if (under_way[i] > 0) {
				balance_end(&b, i);
				under_way[i]--;
			}
			break;
		case 3:
			balance_failed(&b, i, now);
			break;
		default:
			if (rand() % 8 == 0)
				balance_succeeded(&b, i);
			else if (balance_probe(&b, i, now))
				balance_probed(&b, i, now);
		}
		assert_int_equal(b.endpoints[i].under_way, under_way[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fewest),
		cmocka_unit_test(test_ejected),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_all_ejected),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
