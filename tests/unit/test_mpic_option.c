/* mpic_option.h: the option's data, octet by octet. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mpic_option.h"

static const uint8_t climb[MPIC_OPTION_QUERY_LEN + 1] = {
	MPIC_OPTION_VERSION, MPIC_CLIMB, MPIC_FLAG_PROVE, 40,
	0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 0xff,
};

static void
test_encode(void **state)
{
	struct mpic_option o = { .operation = MPIC_CLIMB, .flags = MPIC_FLAG_PROVE,
	    .name_cap = 40, .nonce = 0xfedcba9876543210 };
	uint8_t out[MPIC_OPTION_QUERY_LEN];

	mpic_option_encode(&o, out);
	assert_memory_equal(out, climb, sizeof(out));
}

static void
test_decode(void **state)
{
	struct mpic_option o;

	assert_true(mpic_option_decode(&o, climb, MPIC_OPTION_QUERY_LEN));
	assert_int_equal(o.operation, MPIC_CLIMB);
	assert_int_equal(o.flags, MPIC_FLAG_PROVE);
	assert_int_equal(o.name_cap, 40);
	assert_true(o.nonce == 0xfedcba9876543210);
	/* a later version's tail */
	assert_true(mpic_option_decode(&o, climb, sizeof(climb)));
}

static void
test_decode_short(void **state)
{
	struct mpic_option o;

	for (size_t len = 0; len < MPIC_OPTION_QUERY_LEN; len++)
		assert_false(mpic_option_decode(&o, climb, len));
	assert_false(mpic_option_decode(&o, NULL, 0));
}

/* Each version and each operation there could be. */
static void
test_decode_known_only(void **state)
{
	struct mpic_option o;
	uint8_t data[MPIC_OPTION_QUERY_LEN];

	for (unsigned int i = 0; i < 256; i++) {
		memcpy(data, climb, sizeof(data));
		data[0] = (uint8_t)i;
		assert_int_equal(mpic_option_decode(&o, data, sizeof(data)), i == MPIC_OPTION_VERSION);
		memcpy(data, climb, sizeof(data));
		data[1] = (uint8_t)i;
		assert_int_equal(mpic_option_decode(&o, data, sizeof(data)),
		    i >= MPIC_LOOKUP && i <= MPIC_STATS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_short),
		cmocka_unit_test(test_decode_known_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
