#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base64.h"

/* RFC 4648 10. */
static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
	{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };

static void
test_known(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf text = BUF_INIT(64), bytes = BUF_INIT(64);

		assert_true(base64_encode(rows[i][0], strlen(rows[i][0]), &text));
		assert_string_equal(text.data != NULL ? text.data : "", rows[i][1]);
		assert_true(base64_decode(rows[i][1], strlen(rows[i][1]), &bytes));
		assert_string_equal(bytes.data != NULL ? bytes.data : "", rows[i][0]);
		buf_free(&text);
		buf_free(&bytes);
	}
}

static void
test_wrong(void **state)
{
	static const char *const wrong[] = { "Z", "Zg", "Zg=", "Zg===", "=", "====", "Zg==Zg==", "Z===",
		"Zm9v=", "Zm9v-", "Zm9v_", "Zh==", "Zm9=", "Zg=a", "!" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf bytes = BUF_INIT(64);

		if (base64_decode(wrong[i], strlen(wrong[i]), &bytes))
			fail_msg("%s", wrong[i]);
		buf_free(&bytes);
	}
}

static void
test_blanks_and_caps(void **state)
{
	struct buf bytes = BUF_INIT(6), few = BUF_INIT(5), nul = BUF_INIT(8);

	assert_true(base64_decode(" Zm9v\r\n\tYm Fy\n", 14, &bytes));
	assert_string_equal(bytes.data, "foobar");
	assert_false(base64_decode("Zm9vYmFy", 8, &few));
	assert_false(base64_decode("Zm9v\0\0\0\0", 8, &nul));
	assert_false(base64_encode("foobar", 6, &few));
	buf_free(&bytes);
	buf_free(&few);
	buf_free(&nul);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_blanks_and_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
