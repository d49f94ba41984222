/* What is printed of options: --dump, the sample file, the manual page. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "option_fixture.h"

/* What --dump prints reads back as the same, but for secrets. */
static void
test_dump(void **state)
{
	struct config c = { .workers = 0 }, again = { .workers = 0 };
	struct buf faults = BUF_INIT(4096), first = BUF_INIT(4096), second = BUF_INIT(4096);

	option_defaults(&table, &c, &faults);
	assert_true(option_parse(&table, &c, "f", whole, strlen(whole), &faults));
	option_dump(&table, &c, &first);
	assert_null(strstr(first.data, "abcdefghij"));
	assert_non_null(strstr(first.data, "# secret: is set and not shown\n"));
	assert_non_null(strstr(first.data, "  - code: \"aa\"\n    url: \"https://x\"\n"));
	assert_non_null(strstr(first.data, "\nresidence:\n  street: \"Long Lane\"\n  number: 1\n"
	    "  doors: [\"front\", \"back\"]\n"));
	assert_true(option_parse(&table, &again, "d", first.data, first.len, &faults));
	again.secret = strdup("abcdefghij");
	option_dump(&table, &again, &second);
	assert_string_equal(first.data, second.data);
	option_free(&table, &c);
	option_free(&table, &again);
	buf_free(&first);
	buf_free(&second);
	buf_free(&faults);
}

/* The sample is good as it is, and with every option's mark of a comment taken away. */
static void
test_sample(void **state)
{
	struct config c = { .workers = 0 };
	struct buf faults = BUF_INIT(4096), sample = BUF_INIT(16384), open = BUF_INIT(16384);

	option_sample(&table, &sample);
	assert_true(option_parse(&table, &c, "s", sample.data, sample.len, &faults));
	for (const char *line = sample.data; *line != '\0';) {
		size_t len = strcspn(line, "\n") + 1;

		bool item = strncmp(line, "#  - ", 5) == 0 ||
		    (strncmp(line, "#    ", 5) == 0 && line[5] != ' ') ||
		    (strncmp(line, "#  ", 3) == 0 && line[3] != ' ');

		if (item || (len > 1 && line[0] == '#' && line[1] != ' '))
			buf_add(&open, line + 1, len - 1);
		line += len;
	}
	option_parse(&table, &c, "s", open.data, open.len, &faults);
	assert_int_equal(c.timeout_ms, 5000);
	assert_string_equal(c.identities.items[0], "urn:mpic:coordinator");
	assert_int_equal(c.places.count, 1);
	assert_string_equal(faults.data, "s:10: places[0].code: expected a string of 1 to 32 "
	    "bytes, found \"\"\ns:15: residence.street: expected a string, found \"\"\n");
	option_free(&table, &c);
	buf_free(&faults);
	buf_free(&sample);
	buf_free(&open);
}

static void
test_manual(void **state)
{
	struct buf out = BUF_INIT(16384);

	option_man(&table, &out);
	assert_non_null(strstr(out.data, ".It Cm timeout\nHow long to wait.\n"
	    "An integer from 1 to 60000 (ms); default 5000.\n"));
	buf_free(&out);
}

/* Lines as mdoc wants them: none too long, a sentence's end is a line's, nothing means anything. */
static void
test_man_text(void **state)
{
	static const struct {
		const char *text, *lines;
	} texts[] = {
		{ "One. Two (or so.) Three", "One.\nTwo (or so.)\nThree\n" },
		{ ".dot 'quote' back\\slash", "\\&.dot 'quote' back\\eslash\n" },
		{ "'begins", "\\&'begins\n" },
		{ "Default 1.5 or a.b, ...", "Default 1.5 or a.b, ...\n" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb .c",
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb .c\n" },
		{ "", "\n" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = BUF_INIT(1024);

		option_man_text(texts[i].text, &out);
		assert_string_equal(out.data, texts[i].lines);
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_man_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
