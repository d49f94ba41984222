/* Files of other parts of the machine: what of them is shown, and that they can spoil nothing. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include <cmocka.h>

#include "failing_malloc.h"
#include "httpcheck/status_file.h"

static char folder[] = "/tmp/test_status_file.XXXXXX";
static char paths[3][64];
static char *items[] = { paths[0], paths[1], paths[2] };
static const struct option_strings files = { items, 3 };

static void
write_file(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
expect(const char *notices, const char *metrics)
{
	struct buf out = BUF_INIT(65536);

	status_notices(&files, &out);
	assert_string_equal(out.data != NULL ? out.data : "", notices);
	buf_reset(&out);
	status_metrics(&files, &out);
	assert_string_equal(out.data != NULL ? out.data : "", metrics);
	buf_free(&out);
}

static void
test_all_absent(void **state)
{
	expect("", "");
}

static void
test_lines(void **state)
{
	static const struct {
		const char *text, *notices, *metrics;
	} rows[] = {
		{ "# notice it \"fell\" back\n", "\"it \\\"fell\\\" back\"", "" },
		{ "# notice a\n# notice b", "\"a\",\"b\"", "" },
		{ "# HELP mpic_x X.\n# TYPE mpic_x gauge\nmpic_x 1\n", "",
		    "# HELP mpic_x X.\n# TYPE mpic_x gauge\nmpic_x 1\n" },
		{ "mpic_x{version=\"2026.11.22-1\"} 1\n", "", "mpic_x{version=\"2026.11.22-1\"} 1\n" },
		{ "mpic_x -1.5e3\n", "", "mpic_x -1.5e3\n" },
		/* what would spoil the reply, or pass for another's */
		{ "go_threads 1\n", "", "" },
		{ "mpic_x\n", "", "" },
		{ "mpic_x 1 2 x\n", "", "" },
		{ "mpic_x one\n", "", "" },
		{ "mpic_x nan\n", "", "" },
		{ "mpic_x{version=\"1\" 1\n", "", "" },
		{ "mpic_X 1\n", "", "" },
		{ "# HELP other X.\n# TYPE other gauge\n#\n", "", "" },
		{ "# notice \x1b[2Jnothing\n# notice \xff\n", "", "" },
		{ "# notice a\r\n", "", "" },
		{ "#notice a\n", "", "" },
		{ "", "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(paths[1], rows[i].text, strlen(rows[i].text));
		expect(rows[i].notices, rows[i].metrics);
	}
	unlink(paths[1]);
}

static void
test_files_in_their_order(void **state)
{
	write_file(paths[2], "# notice second\nmpic_b 2\n", 25);
	write_file(paths[0], "mpic_a 1\n# notice first\n", 24);
	expect("\"first\",\"second\"", "mpic_a 1\nmpic_b 2\n");
	unlink(paths[0]);
	unlink(paths[2]);
}

static void
test_what_is_no_small_file(void **state)
{
	char large[STATUS_FILE_MAX + 1];

	memset(large, '\n', sizeof(large));
	memcpy(large, "mpic_a 1", 8);
	write_file(paths[0], large, sizeof(large));
	expect("", "");
	write_file(paths[0], large, sizeof(large) - 1);
	expect("", "mpic_a 1\n");
	/* what a symbolic link points to is another's */
	assert_int_equal(symlink(paths[0], paths[1]), 0);
	expect("", "mpic_a 1\n");
	unlink(paths[1]);
	/* nor is there waiting for who never writes */
	assert_int_equal(mkfifo(paths[1], 0600), 0);
	expect("", "mpic_a 1\n");
	unlink(paths[1]);
	assert_int_equal(mkdir(paths[1], 0700), 0);
	expect("", "mpic_a 1\n");
	rmdir(paths[1]);
	unlink(paths[0]);
}

/* Without memory it says less, or fails, and never wrongly. */
static void
test_memory_that_runs_out(void **state)
{
	write_file(paths[0], "# notice first\nmpic_a 1\n", 24);
	for (unsigned fail = 1; fail < 8; fail++) {
		struct buf out = BUF_INIT(65536);

		failing_malloc_after((long)fail - 1);
		status_notices(&files, &out);
		failing_malloc_after(-1);
		assert_true(out.failed || out.len == 0 || strcmp(out.data, "\"first\"") == 0);
		buf_free(&out);
	}
	unlink(paths[0]);
}

static int
setup(void **state)
{
	if (mkdtemp(folder) == NULL)
		return -1;
	for (size_t i = 0; i < 3; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%zu", folder, i);
	return 0;
}

static int
teardown(void **state)
{
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_absent),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_files_in_their_order),
		cmocka_unit_test(test_what_is_no_small_file),
		cmocka_unit_test(test_memory_that_runs_out),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
