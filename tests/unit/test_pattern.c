/* pattern.h: what is found, what is no pattern, and that no search takes long. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "monotonic.h"
#include "pattern.h"

#define PAGE	((size_t)64 * 1024)
#define LONGEST_MS 150	/* PATTERN_TIME_MS, compilation, and a busy machine */

static enum pattern_outcome
search(const char *pattern, const char *subject)
{
	return pattern_search(pattern, subject, strlen(subject));
}

static void
test_found(void **state)
{
	assert_int_equal(search("token-[0-9]+", "<p>token-42</p>"), PATTERN_FOUND);
	assert_int_equal(search("^token", "<p>token"), PATTERN_NOT_FOUND);
	assert_int_equal(search("", ""), PATTERN_FOUND);
	assert_int_equal(search("(?i)TOKEN", "token"), PATTERN_FOUND);
	assert_int_equal(search("a(?=b)", "ab"), PATTERN_FOUND);
	assert_int_equal(search("^\\w+$", "b\xc3\xbc" "cher"), PATTERN_FOUND);
	/* a NUL is a character like others */
	assert_int_equal(pattern_search("b", "a\0b", 3), PATTERN_FOUND);
}

/* Octets that are not UTF-8 match nothing, and do not hide what stands beside them. */
static void
test_not_utf8(void **state)
{
	assert_int_equal(search("token", "\xff\xfetoken\x80"), PATTERN_FOUND);
	assert_int_equal(search("^.$", "\xff"), PATTERN_NOT_FOUND);
	assert_int_equal(search("a.b", "a\xff" "b"), PATTERN_NOT_FOUND);
	assert_int_equal(search("token", "\xff\xfe\x80"), PATTERN_NOT_FOUND);
	assert_int_equal(search("\xc3\xbc", "\xc3"), PATTERN_NOT_FOUND);
}

static void
test_no_pattern(void **state)
{
	static const char *const faulty[] = {
		"(", "[", "a{2,1}", "*a", "(?<n>a)(?<n>b)", "\\C", "\xff", "(?P<", "\\",
	};

	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		struct buf why = BUF_INIT(256);

		if (pattern_valid(faulty[i], &why))
			fail_msg("%s is taken", faulty[i]);
		assert_non_null(strstr(why.data, "is no regular expression: "));
		assert_false(pattern_valid(faulty[i], NULL));
		assert_int_equal(search(faulty[i], "a"), PATTERN_INVALID);
		buf_free(&why);
	}
	assert_true(pattern_valid("token-[0-9a-f]{8}", NULL));
}

/* One step of \X counts flags back to the page's begin: no limit ends it. */
static void
test_no_clusters(void **state)
{
	static const char *const taken[] = { "\\\\X", "X", "\\x58", "[\\\\X]", "\\cAX" };
	static const char *const refused[] = {
		"\\X", "a\\X+", "\\X*\\d", "\\\\\\X", "(?#\\)\\X", "\\Q\\\\E\\X", "\\c\\\\X",
	};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		assert_true(pattern_valid(taken[i], NULL));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct buf why = BUF_INIT(256);

		if (pattern_valid(refused[i], &why))
			fail_msg("%s is taken", refused[i]);
		assert_string_equal(why.data, "holds \\X, one step of which may take longer than a search may");
		assert_int_equal(search(refused[i], "a"), PATTERN_INVALID);
		buf_free(&why);
	}
}

/* Patterns that take exponential or quadratic time, over a page of the kind they are worst at. */
static void
test_time(void **state)
{
	static const struct {
		const char *pattern;
		char fill;
	} rows[] = {
		{ "(a+)+$", 'a' }, { "(a|aa)+$", 'a' }, { "(a*)*b", 'a' }, { "(.*)*x", 'a' },
		{ ".*.*.*.*x", 'a' }, { "(a+)+b", 'a' }, { "^(([a-z])+.)+[A-Z]([a-z])+$", 'a' },
		{ "(?=(a+))a*b\\1", 'a' }, { "(?R)?a+b", 'a' }, { "((a{0,99}){0,99}){0,9}b", 'a' },
		{ "(\\w+\\s?)*$", 'a' }, { "(x+x+)+y", 'x' }, { "a*a*a*a*a*a*b", 'a' },
	};
	char *page = malloc(PAGE);

	assert_non_null(page);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t started, ms;

		memset(page, rows[i].fill, PAGE);
		page[PAGE - 1] = '!';
		started = monotonic_ns();
		assert_int_not_equal(pattern_search(rows[i].pattern, page, PAGE), PATTERN_FOUND);
		ms = (monotonic_ns() - started) / 1000000;
		if (ms > LONGEST_MS)
			fail_msg("%s took %d ms", rows[i].pattern, (int)ms);
	}
	free(page);
}

static void
test_limit_is_told(void **state)
{
	char *page = malloc(PAGE);

	assert_non_null(page);
	memset(page, 'a', PAGE);
	page[PAGE - 1] = '!';
	assert_int_equal(pattern_search("(a|aa)+$", page, PAGE), PATTERN_LIMIT);
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_no_pattern),
		cmocka_unit_test(test_no_clusters),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_limit_is_told),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
