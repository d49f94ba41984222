/* The body of a batch taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/batch_split.h"

#define MAX 3

static const struct {
	const char *text;
	bool lines;
	const char *parts[MAX + 1];	/* none: it is at fault */
	const char *issue;
} rows[] = {
	{ "[{\"a\":1},{\"b\":[2]}]", false, { "{\"a\":1}", "{\"b\":[2]}" }, NULL },
	{ " \r\n[ 1 , \"x]\\\"\" ,\tnull ] \n", false, { "1", "\"x]\\\"\"", "null" }, NULL },
	{ "[[1],[],{}]", false, { "[1]", "[]", "{}" }, NULL },
	{ "[\"\"]", false, { "\"\"" }, NULL },
	{ "{\"a\":1}\n{\"b\":2}\n", false, { "{\"a\":1}", "{\"b\":2}" }, NULL },
	{ "{\"a\":1}", false, { "{\"a\":1}" }, NULL },
	{ "\n\r\n \t{\"a\":1}\r\n\n  \n{\n", false, { "{\"a\":1}", "{" }, NULL },
	{ "[1]\n[2]\n", true, { "[1]", "[2]" }, NULL },
	{ "[1,\n2]", true, { "[1,", "2]" }, NULL },
	{ "x\n\xff", false, { "x", "\xff" }, NULL },
	{ "", false, { NULL }, "too_short" },
	{ " \n\t\r\n", false, { NULL }, "too_short" },
	{ "[]", false, { NULL }, "too_short" },
	{ "[1,2,3,4]", false, { NULL }, "too_long" },
	{ "1\n2\n3\n4\n5", false, { NULL }, "too_long" },
	{ "[1,2", false, { NULL }, "json_invalid" },
	{ "[1]\n[2]\n", false, { NULL }, "json_invalid" },
	{ "[\"\xff\"]", false, { NULL }, "json_invalid" },
	{ "[1,,2]", false, { NULL }, "json_invalid" },
};

static void
test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_faults faults;
		struct batch_parts parts;
		size_t count = 0;
		bool ok;

		json_faults_init(&faults);
		ok = batch_split(&parts, rows[i].text, strlen(rows[i].text), rows[i].lines, MAX,
		    &faults);
		if (ok != (rows[i].issue == NULL))
			fail_msg("row %zu: %s", i, ok ? "split" : faults.list[0].message);
		if (!ok)
			assert_string_equal(faults.list[0].issue, rows[i].issue);
		while (rows[i].parts[count] != NULL)
			count++;
		if (ok)
			assert_int_equal(parts.count, count);
		for (size_t k = 0; ok && k < count; k++) {
			assert_int_equal(parts.list[k].len, strlen(rows[i].parts[k]));
			assert_memory_equal(rows[i].text + parts.list[k].at, rows[i].parts[k],
			    parts.list[k].len);
		}
		batch_parts_free(&parts);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests_name("batch_split", tests, NULL, NULL);
}
