/* buf.h: caps, the sticky error, JSON strings, memory that runs out. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "failing_malloc.h"

static void
test_add(void **state)
{
	struct buf b = BUF_INIT(64);

	buf_adds(&b, "one");
	buf_addc(&b, ' ');
	buf_add(&b, "two\0three", 3);
	buf_addf(&b, " %d", 3);
	buf_add(&b, NULL, 0);
	assert_string_equal(b.data, "one two 3");
	assert_int_equal(b.len, 9);
	assert_false(b.failed);
	buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.max, 64);
	buf_free(&b);
}

static void
test_cap_is_exact(void **state)
{
	struct buf b = BUF_INIT(8);

	buf_adds(&b, "12345678");
	assert_false(b.failed);
	assert_int_equal(b.len, 8);
	assert_int_equal(b.data[8], '\0');
	buf_addc(&b, '9');
	assert_true(b.failed);
	assert_int_equal(b.len, 8);
	buf_free(&b);
}

static void
test_error_is_sticky(void **state)
{
	struct buf b = BUF_INIT(8);

	buf_adds(&b, "1234");
	buf_adds(&b, "56789");
	assert_true(b.failed);
	buf_adds(&b, "5");
	buf_addf(&b, "%s", "5");
	buf_addc(&b, '5');
	buf_add_json(&b, "5", 1);
	assert_string_equal(b.data, "1234");
	buf_reset(&b);
	assert_false(b.failed);
	assert_string_equal(b.data, "");
	buf_adds(&b, "5");
	assert_string_equal(b.data, "5");
	buf_free(&b);
}

static void
test_huge_length(void **state)
{
	struct buf b = BUF_INIT(8);

	buf_adds(&b, "1234");
	buf_add(&b, "x", SIZE_MAX);
	assert_true(b.failed);
	buf_reset(&b);
	buf_adds(&b, "1234");
	buf_add(&b, "x", SIZE_MAX - 2);
	assert_true(b.failed);
	buf_free(&b);
}

static void
test_grows(void **state)
{
	struct buf b = BUF_INIT(100000);

	for (int i = 0; i < 100000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	assert_false(b.failed);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	buf_free(&b);
}

static void
test_take(void **state)
{
	struct buf b = BUF_INIT(8);
	char *s;

	s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
	buf_adds(&b, "1234");
	s = buf_take(&b);
	assert_string_equal(s, "1234");
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	free(s);
	buf_adds(&b, "123456789");
	assert_null(buf_take(&b));
	assert_null(b.data);
}

static void
test_json(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *json;
	} cases[] = {
#define C(bytes, json) { bytes, sizeof(bytes) - 1, json }
		C("", "\"\""),
		C("plain", "\"plain\""),
		C("a\"b\\c/", "\"a\\\"b\\\\c/\""),
		C("\0\n\x1f\x7f", "\"\\u0000\\u000a\\u001f\\u007f\""),
		C("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""),
		/* Overlong, surrogate, above U+10FFFF, cut, stray. */
		C("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""),
		C("\xe0\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
		C("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
		C("\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
		C("a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""),
		C("\xff" "a\x80z", "\"\xef\xbf\xbd" "a\xef\xbf\xbdz\""),
#undef C
	};
	struct buf b = BUF_INIT(256);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&b);
		buf_add_json(&b, cases[i].bytes, cases[i].len);
		assert_string_equal(b.data, cases[i].json);
	}
	buf_free(&b);
}

/* Every octet at every place among plain ones. */
static void
test_json_places(void **state)
{
	static const char plain[] = "!#$%&'()*+,-./:;<=>?@[]^";
	enum { LEN = sizeof(plain) - 1 };
	struct buf b = BUF_INIT(256);

	for (unsigned octet = 0; octet < 256; octet++)
		for (size_t at = 0; at < LEN; at++) {
			char text[LEN], expected[64], sign[8];

			if (octet >= 0x80)
				strcpy(sign, "\xef\xbf\xbd");
			else if (octet < ' ' || octet == 0x7f)
				snprintf(sign, sizeof(sign), "\\u%04x", octet);
			else
				snprintf(sign, sizeof(sign), "%s%c",
				    octet == '"' || octet == '\\' ? "\\" : "", (int)octet);
			memcpy(text, plain, LEN);
			text[at] = (char)octet;
			snprintf(expected, sizeof(expected), "\"%.*s%s%s\"", (int)at, plain, sign,
			    plain + at + 1);
			buf_reset(&b);
			buf_add_json(&b, text, LEN);
			assert_string_equal(b.data, expected);
		}
	buf_free(&b);
}

/* What does not fit is no string, and what stands before it still ends. */
static void
test_json_full(void **state)
{
	static const struct {
		const char *text;
		size_t max, len;
		bool whole;
	} rows[] = {
		{ "plain", 7, 7, true }, { "plain", 6, 0, false },
		{ "a\n", 9, 9, true }, { "a\n", 8, 8, false }, { "a\n", 7, 2, false },
		{ "a\n", 2, 0, false }, { "\"", 4, 4, true }, { "\"", 3, 3, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = BUF_INIT(rows[i].max);

		buf_add_json(&b, rows[i].text, strlen(rows[i].text));
		assert_int_equal(b.len, rows[i].len);
		assert_true(b.failed == !rows[i].whole);
		if (b.data != NULL)
			assert_int_equal(strlen(b.data), b.len);
		buf_free(&b);
	}
}

/* Across growing, where what is copied moves meanwhile. */
static void
test_again(void **state)
{
	struct buf b = BUF_INIT(200);
	char expected[201] = { 0 };

	buf_add_again(&b, 0, 1);
	assert_int_equal(b.len, 0);
	memset(expected, 'a', 50);
	memset(expected + 50, 'b', 50);
	memcpy(expected + 100, expected, 100);
	buf_add(&b, expected, 100);
	buf_add_again(&b, 0, 100);
	assert_false(b.failed);
	assert_string_equal(b.data, expected);
	buf_add_again(&b, 150, 51);	/* not there */
	assert_int_equal(b.len, 200);
	assert_false(b.failed);
	buf_add_again(&b, 0, 1);	/* no room */
	assert_true(b.failed);
	assert_int_equal(b.len, 200);
	buf_free(&b);
}

static void
test_no_memory(void **state)
{
	struct buf b = BUF_INIT(100000);
	char *s = NULL;

	failing_malloc_after(0);
	buf_adds(&b, "x");
	assert_true(b.failed);
	assert_null(b.data);
	assert_null(buf_take(&b));
	buf_free(&b);
	for (long n = 1; n < 8; n++) {
		failing_malloc_after(n);
		for (int i = 0; i < 100000; i++)
			buf_addf(&b, "%d", i % 10);
		assert_true(b.failed);
		assert_int_equal(b.data[b.len], '\0');
		assert_int_equal(strlen(b.data), b.len);
		s = buf_take(&b);
		assert_null(s);
	}
	failing_malloc_after(-1);
}

static void
test_numbers(void **state)
{
	struct buf b = BUF_INIT(64);

	buf_add_uint(&b, 0);
	buf_addc(&b, ' ');
	buf_add_uint(&b, 1005);
	buf_addc(&b, ' ');
	buf_add_uint(&b, UINT64_MAX);
	assert_string_equal(b.data, "0 1005 18446744073709551615");
	buf_free(&b);
}

/* What was formatted past the cap is not left behind. */
static void
test_addf_past_the_cap(void **state)
{
	struct buf b = BUF_INIT(10);

	buf_adds(&b, "12345");
	buf_addf(&b, "%s", "abcdefgh");
	assert_true(b.failed);
	assert_string_equal(b.data, "12345");
	assert_int_equal(b.len, 5);
	buf_free(&b);
}

static void
test_escaped(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *expected;
	} rows[] = {
		{ "", 0, "" },
		{ "plain \\ \"text\"", 14, "plain \\ \"text\"" },
		{ "b\xc3\xbc" "cher", 7, "b\xc3\xbc" "cher" },
		{ "a\nb", 3, "a\\010b" },
		{ "a\0b", 3, "a\\000b" },
		{ "\x7f", 1, "\\127" },
		{ "\xff\\x", 3, "\\255\\092x" },
		{ "\xc3", 1, "\\195" },
		{ "\xc2\x85", 2, "\\194\\133" },
		{ "\xc2\xa0", 2, "\xc2\xa0" },
		{ "\xc3\xbc\x01", 3, "\\195\\188\\001" },
		{ "\xed\xa0\x80", 3, "\\237\\160\\128" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = BUF_INIT(64);

		buf_addc(&b, '>');
		buf_add_escaped(&b, rows[i].text, rows[i].len);
		assert_string_equal(b.data + 1, rows[i].expected);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_cap_is_exact),
		cmocka_unit_test(test_error_is_sticky),
		cmocka_unit_test(test_huge_length),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_places),
		cmocka_unit_test(test_json_full),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_addf_past_the_cap),
		cmocka_unit_test(test_escaped),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
