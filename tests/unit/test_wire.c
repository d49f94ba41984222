/* wire.h: the reader and the writer at their ends. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "wire.h"

static void
test_read(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'a', 'b' };
	struct wire_reader r;

	wire_reader_init(&r, bytes, sizeof(bytes));
	assert_int_equal(wire_u8(&r), 0x01);
	assert_int_equal(wire_u16(&r), 0x0203);
	assert_int_equal(wire_u32(&r), 0x04050607);
	assert_true(wire_u64(&r) == 0x08090a0b0c0d0e0fULL);
	assert_false(wire_done(&r));
	assert_int_equal(wire_left(&r), 2);
	assert_memory_equal(wire_bytes(&r, 2), "ab", 2);
	assert_true(wire_done(&r));
	assert_non_null(wire_bytes(&r, 0));
	assert_true(wire_done(&r));
}

/* Each kind of read, one octet short, spoils everything after it. */
static void
test_read_short(void **state)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	for (int kind = 0; kind < 5; kind++) {
		static const size_t sizes[] = { 1, 2, 4, 8, 3 };
		struct wire_reader r;
		uint64_t v = 0;

		wire_reader_init(&r, bytes, sizes[kind] - 1);
		switch (kind) {
		case 0: v = wire_u8(&r); break;
		case 1: v = wire_u16(&r); break;
		case 2: v = wire_u32(&r); break;
		case 3: v = wire_u64(&r); break;
		case 4: assert_null(wire_bytes(&r, 3)); break;
		}
		assert_true(v == 0);
		assert_true(r.bad);
		assert_int_equal(wire_left(&r), 0);
		assert_int_equal(wire_u8(&r), 0);
		assert_null(wire_bytes(&r, 0));
		assert_false(wire_done(&r));
	}
}

static void
test_read_huge(void **state)
{
	static const uint8_t bytes[4] = { 0 };
	struct wire_reader r;

	wire_reader_init(&r, bytes, sizeof(bytes));
	assert_null(wire_bytes(&r, SIZE_MAX));
	assert_true(r.bad);
}

static void
test_read_nothing(void **state)
{
	struct wire_reader r;

	wire_reader_init(&r, NULL, 0);
	assert_true(wire_done(&r));
	assert_non_null(wire_bytes(&r, 0));
	assert_int_equal(wire_u8(&r), 0);
	assert_false(wire_done(&r));
}

static void
test_sub(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4 };
	struct wire_reader r, sub;

	wire_reader_init(&r, bytes, sizeof(bytes));
	wire_u8(&r);
	sub = wire_sub(&r, 2);
	assert_int_equal(wire_u8(&r), 4);
	assert_int_equal(wire_u16(&sub), 0x0203);
	assert_true(wire_done(&sub));
	assert_int_equal(wire_u8(&sub), 0);
	assert_true(sub.bad);
	assert_true(wire_done(&r));
	sub = wire_sub(&r, 1);
	assert_true(sub.bad);
	assert_true(r.bad);
	assert_int_equal(wire_u32(&sub), 0);
}

static void
test_write(void **state)
{
	uint8_t bytes[17];
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	wire_put_u8(&w, 0x01);
	wire_put_u16(&w, 0x0203);
	wire_put_u32(&w, 0x04050607);
	wire_put_u64(&w, 0x08090a0b0c0d0e0fULL);
	wire_put_bytes(&w, "a", 1);
	wire_put_bytes(&w, NULL, 0);
	assert_int_equal(wire_written(&w), 16);
	assert_false(w.bad);
	assert_memory_equal(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" "a", 16);
	wire_put_u16(&w, 1);
	assert_true(w.bad);
	wire_put_u8(&w, 1);
	assert_int_equal(wire_written(&w), 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_short),
		cmocka_unit_test(test_read_huge),
		cmocka_unit_test(test_read_nothing),
		cmocka_unit_test(test_sub),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
