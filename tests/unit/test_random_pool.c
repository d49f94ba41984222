/* random_pool.h: every byte handed out once, and nothing without randomness. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "random_pool.h"

int __wrap_RAND_bytes(unsigned char *out, int len);

/* In place of OpenSSL's: counts up, so that a byte handed out twice shows. */
static unsigned int calls;
static uint64_t next;
static bool broken;

int
__wrap_RAND_bytes(unsigned char *out, int len)
{
	calls++;
	for (int i = 0; i + (int)sizeof(next) <= len; i += (int)sizeof(next), next++)
		memcpy(out + i, &next, sizeof(next));
	return broken ? 0 : 1;
}

static void
test_once(void **state)
{
	struct random_pool pool = { .left = 0 };
	bool seen[200] = { false };
	uint64_t value;

	calls = 0;
	next = 0;
	for (int i = 0; i < 190; i++) {
		assert_true(random_pool_take(&pool, &value, sizeof(value)));
		assert_true(value < 200 && !seen[value]);
		seen[value] = true;
	}
	assert_int_equal(calls, 3);
}

/* What was handed out is gone from the pool; what does not fit is drawn anew. */
static void
test_wiped(void **state)
{
	static const uint8_t zero[RANDOM_POOL_SIZE];
	struct random_pool pool = { .left = 0 };
	uint8_t out[RANDOM_POOL_SIZE];

	next = 1;
	assert_true(random_pool_take(&pool, out, 40));
	assert_memory_equal(pool.bytes + pool.left, zero, 40);
	assert_int_equal(pool.left, RANDOM_POOL_SIZE - 40);
	calls = 0;
	assert_true(random_pool_take(&pool, out, RANDOM_POOL_SIZE));
	assert_int_equal(calls, 1);
	assert_int_equal(pool.left, 0);
	assert_memory_equal(pool.bytes, zero, RANDOM_POOL_SIZE);
}

static void
test_none(void **state)
{
	struct random_pool pool = { .left = 0 };
	uint8_t out[RANDOM_POOL_SIZE + 1];

	broken = true;
	assert_false(random_pool_take(&pool, out, 8));
	assert_false(random_pool_take(&pool, out, 8));
	broken = false;
	assert_true(random_pool_take(&pool, out, 8));
	assert_false(random_pool_take(&pool, out, sizeof(out)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
