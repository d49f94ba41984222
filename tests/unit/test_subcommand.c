/* A program that is several: which row is run and with what, and what is the program's own. */
#include <config.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "subcommand.h"

#define TEXT_MAX	4096

static int ran_argc;
static char **ran_argv;

static int
run_walk(int argc, char **argv)
{
	ran_argc = argc;
	ran_argv = argv;
	return 7;
}

static int
run_sleep(int argc, char **argv)
{
	ran_argc = argc;
	ran_argv = argv;
	return 1;
}

static const struct subcommand rows[] = {
	{ "walk", run_walk, "Go on foot." },
	{ "sleep-long", run_sleep, "Do nothing." },
};
static const struct subcommand_table table = { "beast", rows, 2 };

static const char help[] =
    "usage: beast COMMAND ...\n\n"
    "  walk        Go on foot.\n"
    "  sleep-long  Do nothing.\n\n"
    "  beast COMMAND --help says more; beast --version the version.\n";

static void
test_rows(void **state)
{
	char *walk[] = { "/usr/bin/beast", "walk", "--version", "far", NULL };
	char *sleep[] = { "beast", "sleep-long", NULL };

	ran_argc = 0;
	assert_int_equal(subcommand_run(&table, 4, walk), 7);
	assert_int_equal(ran_argc, 3);
	assert_ptr_equal(ran_argv, walk + 1);

	assert_int_equal(subcommand_run(&table, 2, sleep), 1);
	assert_int_equal(ran_argc, 1);
	assert_ptr_equal(ran_argv, sleep + 1);
}

/* ---- what the program says itself ---- */

struct capture {
	FILE *stream;
	int saved, ends[2];
	char text[TEXT_MAX];
};

static void
capture_start(struct capture *c, FILE *stream)
{
	c->stream = stream;
	assert_int_equal(pipe2(c->ends, O_NONBLOCK), 0);
	fflush(stream);
	c->saved = dup(fileno(stream));
	dup2(c->ends[1], fileno(stream));
}

static void
capture_end(struct capture *c)
{
	ssize_t n;

	fflush(c->stream);
	dup2(c->saved, fileno(c->stream));
	n = read(c->ends[0], c->text, sizeof(c->text) - 1);
	c->text[n > 0 ? n : 0] = '\0';
	close(c->saved);
	close(c->ends[0]);
	close(c->ends[1]);
}

/* That the program ends with `status` and has written this, and no more. */
static void
assert_says(const char *argument, int status, const char *output, const char *errors)
{
	char *argv[] = { "beast", (char *)argument, NULL };
	struct capture out, err;
	int ended;

	capture_start(&out, stdout);
	capture_start(&err, stderr);
	ended = subcommand_run(&table, argument != NULL ? 2 : 1, argv);
	capture_end(&err);
	capture_end(&out);
	assert_int_equal(ended, status);
	assert_string_equal(out.text, output);
	assert_string_equal(err.text, errors);
}

static void
test_own(void **state)
{
	static const char *const asked[] = { "--help", "-h" }, *const version[] = { "--version", "-V" };

	ran_argc = 0;
	for (size_t i = 0; i < 2; i++) {
		assert_says(asked[i], SUBCOMMAND_DONE, help, "");
		assert_says(version[i], SUBCOMMAND_DONE, "beast " PACKAGE_VERSION "\n", "");
	}
	assert_int_equal(ran_argc, 0);
}

/* No row is meant by a part of its name, nor by more than it. */
static void
test_nothing_meant(void **state)
{
	static const char *const wrong[] = { "fly", "wal", "walks", "WALK", "--walk" };
	char expected[TEXT_MAX];

	ran_argc = 0;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(expected, sizeof(expected), "beast: there is no command %s\n%s", wrong[i], help);
		assert_says(wrong[i], SUBCOMMAND_USAGE, "", expected);
	}
	assert_says(NULL, SUBCOMMAND_USAGE, "", help);
	assert_says("", SUBCOMMAND_USAGE, "", help);
	assert_int_equal(ran_argc, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_nothing_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
