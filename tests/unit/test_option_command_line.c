/* A program's command line and the file that it names, read at its start and on SIGHUP. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option_fixture.h"

static bool
check_workers(void *config, struct buf *faults)
{
	const struct config *c = config;

	if (c->workers != 9)
		buf_adds(faults, "expected nine workers\n");
	return c->workers == 9;
}

static void
test_command_line(void **state)
{
	char path[] = "/tmp/test_option_command_line.XXXXXX";
	char *argv[] = { "mpic-test", "-c", path, "--set=workers=9", "-Dplain=false", NULL };
	struct config c = { .workers = 0 };
	struct option_table checked = table;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, whole, strlen(whole)), strlen(whole));
	close(fd);
	checked.check = check_workers;
	assert_int_equal(option_command_line(&checked, 5, argv, &c), -1);
	assert_int_equal(c.workers, 9);
	assert_false(c.plain);
	option_free(&table, &c);
	argv[3] = "--set=workers=8";
	c = (struct config){ .workers = 0 };
	assert_int_equal(option_command_line(&checked, 5, argv, &c), 2);
	unlink(path);
	c = (struct config){ .workers = 0 };
	assert_int_equal(option_command_line(&table, 5, argv, &c), 2);
}

static void
file_put(int fd, const char *text)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
}

/* What a running program makes of its file on SIGHUP. */
static void
test_read_again(void **state)
{
	char path[] = "/tmp/test_option_command_line.XXXXXX";
	char *argv[] = { "mpic-test", "-c", path, "--set=workers=9", NULL };
	struct config running = { .workers = 0 }, again = { .workers = 0 };
	struct option fixed[OPTION_FIXTURE_COUNT];
	struct option_table checked = table;
	struct buf faults = BUF_INIT(1024), kept = BUF_INIT(1024);
	int fd = mkstemp(path);

	memcpy(fixed, table.rows, sizeof(fixed));
	for (size_t i = 0; i < 5; i++)
		fixed[i].flags |= OPTION_FIXED;
	checked.rows = fixed;
	checked.check = check_workers;
	file_put(fd, whole);
	assert_int_equal(option_command_line(&checked, 4, argv, &running), -1);
	/* The same once more; -D's as before. */
	assert_true(option_read_again(&checked, 4, argv, &running, &again, &faults, &kept));
	assert_int_equal(again.workers, 9);
	assert_int_equal(kept.len, 0);
	option_free(&checked, &again);
	/* Another file: what is fixed stays, and is named; the rest is new. */
	file_put(fd, "listen: '127.0.0.1:1'\nworkers: 3\nsecret: klmnopqrst\n");
	again = (struct config){ .workers = 0 };
	assert_true(option_read_again(&checked, 4, argv, &running, &again, &faults, &kept));
	assert_string_equal(kept.data, "listen, plain, key");
	assert_int_equal(again.listen.addr.ss_family, running.listen.addr.ss_family);
	assert_string_equal(again.key, "/etc/key.pem");
	assert_true(again.key != running.key);
	assert_true(again.plain);
	assert_string_equal(again.secret, "klmnopqrst");
	assert_int_equal(again.places.count, 0);
	option_free(&checked, &again);
	/* A bad one. */
	file_put(fd, "nonsense: 1\n");
	again = (struct config){ .workers = 0 };
	assert_false(option_read_again(&checked, 4, argv, &running, &again, &faults, &kept));
	assert_true(faults.len > 0);
	option_free(&checked, &again);
	option_free(&checked, &running);
	close(fd);
	unlink(path);
	buf_free(&faults);
	buf_free(&kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
