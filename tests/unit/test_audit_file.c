/* audit_file.h: torn files, full disks, rotation. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>

#include "audit_writer.h"
#include "log.h"

static void
test_goes_on(void **state)
{
	struct audit_verifier v;
	struct audit_log log;
	struct audit_file *f;

	audit_log_init(&log);
	for (int i = 0; i < 3; i++) {
		f = audit_log_start(&log);
		assert_true(audit_file_ready(f));
		assert_true(audit_log_put(f, 7));
		assert_true(audit_log_put(f, 1));
		assert_int_equal(audit_file_lines(f), 9);
		audit_file_free(f);
	}
	assert_int_equal(audit_log_verify_file(&log, &v), AUDIT_GOOD);
	assert_int_equal(v.lines, 27);
	audit_log_remove(&log);
}

/* As kill -9 may leave it: whatever is there of the last line stays, and the chain goes on. */
static void
test_torn_at_every_byte(void **state)
{
	struct buf whole = BUF_INIT(65536), again = BUF_INIT(65536);
	struct audit_verifier v;
	struct audit_log log;
	struct audit_file *f;
	size_t last;

	audit_log_init(&log);
	f = audit_log_start(&log);
	assert_true(audit_log_put(f, 2));
	audit_file_free(f);
	audit_log_read(log.path, &whole);
	last = whole.len - 1;
	while (whole.data[last - 1] != '\n')
		last--;
	for (size_t len = 0; len <= whole.len; len += len < last ? 40 : 1) {
		audit_log_write(log.path, whole.data, len);
		f = audit_log_start(&log);
		assert_true(audit_file_ready(f));
		assert_true(audit_log_put(f, 1));
		audit_file_free(f);
		buf_reset(&again);
		audit_log_read(log.path, &again);
		assert_memory_equal(again.data, whole.data, len);
		if (audit_log_verify_file(&log, &v) != AUDIT_GOOD)
			fail_msg("cut at byte %zu: %s", len, again.data);
		if (len > last)
			assert_int_equal(v.torn, len + 1 < whole.len);
	}
	buf_free(&whole);
	buf_free(&again);
	audit_log_remove(&log);
}

/* The line that tells of a torn one is itself torn. */
static void
test_torn_twice(void **state)
{
	struct buf text = BUF_INIT(65536);
	struct audit_verifier v;
	struct audit_log log;
	struct audit_file *f;

	audit_log_init(&log);
	audit_file_free(audit_log_start(&log));
	audit_log_read(log.path, &text);
	buf_adds(&text, "{\"seq\":2,\"prev\n{\"seq\":2,\"pr");
	buf_add(&text, "\0\0\0", 3);	/* as a file system leaves them after a power cut */
	audit_log_write(log.path, text.data, text.len);
	f = audit_log_start(&log);
	assert_true(audit_log_put(f, 1));
	audit_file_free(f);
	assert_int_equal(audit_log_verify_file(&log, &v), AUDIT_GOOD);
	assert_int_equal(v.torn, 1);
	assert_int_equal(v.lines, 3);
	/* What was told to be torn cannot be edited either. */
	buf_reset(&text);
	audit_log_read(log.path, &text);
	*strstr(text.data, "prev\n") = 'q';
	audit_log_write(log.path, text.data, text.len);
	assert_int_equal(audit_log_verify_file(&log, &v), AUDIT_TORN);
	buf_free(&text);
	audit_log_remove(&log);
}

static void
test_file_of_another_kind(void **state)
{
	char *big = malloc(5 * 1024 * 1024);
	struct audit_log log;
	struct audit_file *f;

	audit_log_init(&log);
	memset(big, 'x', 5 * 1024 * 1024);
	audit_log_write(log.path, big, 5 * 1024 * 1024);
	f = audit_log_start(&log);
	assert_false(audit_file_ready(f));
	assert_non_null(strstr(audit_file_fault(f), "its last 4 MiB have no line of an audit log"));
	audit_file_free(f);
	free(big);
	audit_log_remove(&log);
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A disk that is full after so many more bytes, at each of them; then there is space again. */
static void
test_full(void **state)
{
	struct audit_verifier v;
	struct audit_log log;
	struct buf text = BUF_INIT(65536);
	struct audit_file *f;

	for (rlim_t more = 0; more < 300; more += 7) {
		audit_log_init(&log);
		f = audit_log_start(&log);
		audit_log_read(log.path, &text);
		limit_files(text.len + more);
		assert_false(audit_log_put(f, 2));
		assert_false(audit_file_ready(f));
		assert_non_null(strstr(audit_file_fault(f), "cannot write"));
		assert_false(audit_log_put(f, 2));
		audit_file_tick(f);
		assert_false(audit_file_ready(f));
		limit_files(RLIM_INFINITY);
		audit_file_tick(f);
		assert_true(audit_file_ready(f));
		assert_string_equal(audit_file_fault(f), "");
		assert_true(audit_log_put(f, 2));
		assert_int_equal(audit_file_unrecorded(f), 2);
		audit_file_free(f);
		assert_int_equal(audit_log_verify_file(&log, &v), AUDIT_GOOD);
		assert_int_equal(v.unrecorded, 2);
		buf_reset(&text);
		audit_log_remove(&log);
	}
	buf_free(&text);
}

static void
test_dev_full(void **state)
{
	struct audit_log log;
	struct audit_file *f;

	audit_log_init(&log);
	assert_int_equal(symlink("/dev/full", log.path), 0);
	f = audit_log_start(&log);
	assert_false(audit_file_ready(f));
	assert_non_null(strstr(audit_file_fault(f), "No space left on device"));
	assert_false(audit_log_put(f, 1));
	assert_int_equal(unlink(log.path), 0);
	audit_file_free(f);
	audit_log_remove(&log);
}

static void
test_no_directory(void **state)
{
	struct audit_file *f = audit_file_new("/nonexistent", "c", 0, AUDIT_SYNC_INTERVAL);

	assert_non_null(f);
	assert_false(audit_file_ready(f));
	assert_false(audit_log_put(f, 1));
	audit_file_tick(f);
	audit_file_reopen(f);
	assert_string_equal(audit_file_fault(f), "cannot open: /nonexistent/audit-c-0.jsonl: "
	    "No such file or directory");
	audit_file_free(f);
}

static void
test_locked(void **state)
{
	struct audit_verifier v;
	struct audit_log log;
	struct audit_file *f, *other;

	audit_log_init(&log);
	f = audit_log_start(&log);
	other = audit_log_start(&log);
	assert_false(audit_file_ready(other));
	assert_non_null(strstr(audit_file_fault(other), "another process writes it"));
	audit_file_free(f);
	audit_file_tick(other);
	assert_true(audit_log_put(other, 1));
	audit_file_free(other);
	assert_int_equal(audit_log_verify_file(&log, &v), AUDIT_GOOD);
	audit_log_remove(&log);
}

static void
test_rotation(void **state)
{
	char first[128], second[128];
	const char *paths[] = { first, second, NULL };
	struct audit_verifier v;
	struct audit_log log;
	struct audit_file *f;

	audit_log_init(&log);
	paths[2] = log.path;
	snprintf(first, sizeof(first), "%s-20261120", log.path);
	snprintf(second, sizeof(second), "%s-20261121", log.path);
	f = audit_log_start(&log);
	assert_true(audit_log_put(f, 3));
	audit_file_reopen(f);		/* not moved: nothing happens */
	assert_int_equal(rename(log.path, first), 0);
	assert_true(audit_log_put(f, 1));		/* before the signal */
	audit_file_reopen(f);
	assert_true(audit_log_put(f, 2));
	/* Killed between the rename and the signal: the next process finds where it left off. */
	assert_int_equal(rename(log.path, second), 0);
	audit_file_free(f);
	f = audit_log_start(&log);
	assert_true(audit_log_put(f, 1));
	audit_file_free(f);
	assert_int_equal(audit_log_verify_paths(paths, 3, &v), AUDIT_GOOD);
	assert_int_equal(v.lines, 1 + 4 + 1 + 2 + 1 + 1);
	assert_int_equal(v.first_seq, 1);
	/* A file in the middle is missing. */
	paths[1] = log.path;
	assert_int_equal(audit_log_verify_paths(paths, 2, &v), AUDIT_THIS);
	audit_log_remove(&log);
}

/* Where a new file cannot be had, the old one goes on. */
static void
test_rotation_in_vain(void **state)
{
	char moved[128];
	struct audit_verifier v;
	struct audit_log log;
	struct audit_file *f;
	const char *paths[] = { moved };

	audit_log_init(&log);
	snprintf(moved, sizeof(moved), "%s.1", log.path);
	f = audit_log_start(&log);
	assert_int_equal(rename(log.path, moved), 0);
	audit_log_write(log.path, "what is this?\n", 14);
	audit_file_reopen(f);
	assert_true(audit_file_ready(f));
	assert_true(audit_log_put(f, 2));
	audit_file_free(f);
	assert_int_equal(audit_log_verify_paths(paths, 1, &v), AUDIT_GOOD);
	assert_int_equal(v.lines, 3);
	audit_log_remove(&log);
}

static void
test_sync(void **state)
{
	struct audit_verifier v;
	struct audit_log log;

	for (int sync = 0; sync < AUDIT_SYNC_COUNT; sync++) {
		struct audit_file *f;

		audit_log_init(&log);
		f = audit_file_new(log.dir, "c", 0, (enum audit_sync)sync);
		assert_true(audit_log_put(f, 1));
		audit_file_tick(f);
		assert_true(audit_log_put(f, 1));
		audit_file_free(f);
		assert_int_equal(audit_log_verify_file(&log, &v), AUDIT_GOOD);
		audit_log_remove(&log);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_torn_at_every_byte),
		cmocka_unit_test(test_torn_twice),
		cmocka_unit_test(test_file_of_another_kind),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_dev_full),
		cmocka_unit_test(test_no_directory),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_rotation_in_vain),
		cmocka_unit_test(test_sync),
	};

	/* The refusals tested are logged as errors, hundreds of them. */
	log_init("test_audit_file", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
