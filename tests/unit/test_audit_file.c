/* audit_file.h: torn files, full disks, rotation; and audit.h's lines of an attempt. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>
#include <sys/resource.h>

#include "audit_reader.h"
#include "coordinator/audit.h"
#include "failing_malloc.h"
#include "json_writer.h"
#include "log.h"
#include "monotonic.h"

static struct audit_file *
start(const struct audit_log *log)
{
	struct audit_file *f = audit_file_new(log->dir, "c", 0, AUDIT_SYNC_NONE);

	assert_non_null(f);
	return f;
}

/* Lines as long as those of an attempt. */
static bool
put(struct audit_file *f, size_t lines)
{
	struct buf *out = audit_file_begin(f);

	for (size_t i = 0; i < lines; i++) {
		audit_file_line_begin(f, "result");
		json_add_string(out, ",\"target\":", "www.example.com");
		audit_file_line_end(f);
	}
	return audit_file_commit(f);
}

static enum audit_blame
verify_paths(const char *const *paths, size_t count, struct audit_verifier *v)
{
	enum audit_blame blame;
	struct buf texts[4];

	for (size_t i = 0; i < count; i++) {
		texts[i] = BUF_INIT(1024 * 1024);
		audit_log_read(paths[i], &texts[i]);
	}
	blame = audit_log_verify(texts, count, NULL, v, NULL);
	for (size_t i = 0; i < count; i++)
		buf_free(&texts[i]);
	return blame;
}

static enum audit_blame
verify(const struct audit_log *log, struct audit_verifier *v)
{
	const char *path = log->path;

	return verify_paths(&path, 1, v);
}

static void
test_goes_on(void **state)
{
	struct audit_verifier v;
	struct audit_log log;
	struct audit_file *f;

	audit_log_init(&log);
	for (int i = 0; i < 3; i++) {
		f = start(&log);
		assert_true(audit_file_ready(f));
		assert_true(put(f, 7));
		assert_true(put(f, 1));
		assert_int_equal(audit_file_lines(f), 9);
		audit_file_free(f);
	}
	assert_int_equal(verify(&log, &v), AUDIT_GOOD);
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
	f = start(&log);
	assert_true(put(f, 2));
	audit_file_free(f);
	audit_log_read(log.path, &whole);
	last = whole.len - 1;
	while (whole.data[last - 1] != '\n')
		last--;
	for (size_t len = 0; len <= whole.len; len += len < last ? 40 : 1) {
		audit_log_write(log.path, whole.data, len);
		f = start(&log);
		assert_true(audit_file_ready(f));
		assert_true(put(f, 1));
		audit_file_free(f);
		buf_reset(&again);
		audit_log_read(log.path, &again);
		assert_memory_equal(again.data, whole.data, len);
		if (verify(&log, &v) != AUDIT_GOOD)
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
	audit_file_free(start(&log));
	audit_log_read(log.path, &text);
	buf_adds(&text, "{\"seq\":2,\"prev\n{\"seq\":2,\"pr");
	buf_add(&text, "\0\0\0", 3);	/* as a file system leaves them after a power cut */
	audit_log_write(log.path, text.data, text.len);
	f = start(&log);
	assert_true(put(f, 1));
	audit_file_free(f);
	assert_int_equal(verify(&log, &v), AUDIT_GOOD);
	assert_int_equal(v.torn, 1);
	assert_int_equal(v.lines, 3);
	/* What was told to be torn cannot be edited either. */
	buf_reset(&text);
	audit_log_read(log.path, &text);
	*strstr(text.data, "prev\n") = 'q';
	audit_log_write(log.path, text.data, text.len);
	assert_int_equal(verify(&log, &v), AUDIT_TORN);
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
	f = start(&log);
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
		f = start(&log);
		audit_log_read(log.path, &text);
		limit_files(text.len + more);
		assert_false(put(f, 2));
		assert_false(audit_file_ready(f));
		assert_non_null(strstr(audit_file_fault(f), "cannot write"));
		assert_false(put(f, 2));
		audit_file_tick(f);
		assert_false(audit_file_ready(f));
		limit_files(RLIM_INFINITY);
		audit_file_tick(f);
		assert_true(audit_file_ready(f));
		assert_string_equal(audit_file_fault(f), "");
		assert_true(put(f, 2));
		assert_int_equal(audit_file_unrecorded(f), 2);
		audit_file_free(f);
		assert_int_equal(verify(&log, &v), AUDIT_GOOD);
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
	f = start(&log);
	assert_false(audit_file_ready(f));
	assert_non_null(strstr(audit_file_fault(f), "No space left on device"));
	assert_false(put(f, 1));
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
	assert_false(put(f, 1));
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
	f = start(&log);
	other = start(&log);
	assert_false(audit_file_ready(other));
	assert_non_null(strstr(audit_file_fault(other), "another process writes it"));
	audit_file_free(f);
	audit_file_tick(other);
	assert_true(put(other, 1));
	audit_file_free(other);
	assert_int_equal(verify(&log, &v), AUDIT_GOOD);
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
	f = start(&log);
	assert_true(put(f, 3));
	audit_file_reopen(f);		/* not moved: nothing happens */
	assert_int_equal(rename(log.path, first), 0);
	assert_true(put(f, 1));		/* before the signal */
	audit_file_reopen(f);
	assert_true(put(f, 2));
	/* Killed between the rename and the signal: the next process finds where it left off. */
	assert_int_equal(rename(log.path, second), 0);
	audit_file_free(f);
	f = start(&log);
	assert_true(put(f, 1));
	audit_file_free(f);
	assert_int_equal(verify_paths(paths, 3, &v), AUDIT_GOOD);
	assert_int_equal(v.lines, 1 + 4 + 1 + 2 + 1 + 1);
	assert_int_equal(v.first_seq, 1);
	/* A file in the middle is missing. */
	paths[1] = log.path;
	assert_int_equal(verify_paths(paths, 2, &v), AUDIT_THIS);
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
	f = start(&log);
	assert_int_equal(rename(log.path, moved), 0);
	audit_log_write(log.path, "what is this?\n", 14);
	audit_file_reopen(f);
	assert_true(audit_file_ready(f));
	assert_true(put(f, 2));
	audit_file_free(f);
	assert_int_equal(verify_paths(paths, 1, &v), AUDIT_GOOD);
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
		assert_true(put(f, 1));
		audit_file_tick(f);
		assert_true(put(f, 1));
		audit_file_free(f);
		assert_int_equal(verify(&log, &v), AUDIT_GOOD);
		audit_log_remove(&log);
	}
}

/* ---- lines of an attempt ---- */

#define MEMBERS	6

/* An attempt that is over, at MEMBERS perspectives; the last failed. */
struct made {
	struct perspective perspectives[MEMBERS];
	struct corroborator corroborators[MEMBERS];
	struct poll poll;
	struct attempt attempt;
	struct question question;
};

static void
made_init(struct made *m, const struct mpic_check_type *type)
{
	static char code[MEMBERS][4] = { "p0", "p1", "p2", "p3", "p4", "p5" };

	*m = (struct made){ .question = { .type = type, .method = DCV_ACME_HTTP_01,
		.section = "3.2.2.4.19", .target = "www.example.com", .trace = "t-1\n" } };
	m->poll = (struct poll){ .type = type->checks[0], .outcome = QUORUM_REACHED,
		.corroborators = m->corroborators, .ballot = { .perspectives = MEMBERS, .required = 4 } };
	m->attempt = (struct attempt){ .number = 1, .count = MEMBERS, .poll_count = 1,
		.started_ns = monotonic_ns(), .polls = &m->poll };
	for (size_t i = 0; i < MEMBERS; i++) {
		m->perspectives[i] = (struct perspective){ .code = code[i], .rir = RIR_ARIN };
		corroborator_init(&m->corroborators[i], &m->perspectives[i], type->checks[0],
		    DCV_ACME_HTTP_01);
		m->corroborators[i].completed = m->corroborators[i].passed = true;
		m->corroborators[i].dnssec_status = CHECK_DNSSEC_SECURE;
		m->poll.ballot.votes[i] = VOTE_PASSED;
	}
	corroborator_fail(&m->corroborators[5], PROBLEM_NO_MATCH, "\"another\"\ntoken");
	m->poll.ballot.votes[5] = VOTE_FAILED;
}

static const struct audit_context context = { "open-mpic", "urn:mpic:caller", 0xabc };

static const char *
text_of(struct json_object *line, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(line, key, &value) ? json_object_get_string(value) : "";
}

static void
expect(struct json_object *line, const char *key, const char *value)
{
	assert_string_equal(text_of(line, key), value);
}

static struct json_object *
line_of(const struct buf *text, size_t number)
{
	const char *at = text->data;
	char line[4096];

	while (number-- > 0)
		at = strchr(at, '\n') + 1;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	return json_tokener_parse(line);
}

static void
test_lines(void **state)
{
	struct buf text = BUF_INIT(65536);
	struct json_object *line;
	struct audit_log log;
	struct audit_file *f;
	struct made m;

	audit_log_init(&log);
	f = start(&log);
	made_init(&m, mpic_check_type_find("dcv"));
	assert_true(audit_attempt(f, &m.attempt, &m.question, &context, RECORD_DECIDED));
	assert_int_equal(audit_file_lines(f), 8);
	audit_log_read(log.path, &text);
	line = line_of(&text, 6);
	expect(line, "event", "result");
	expect(line, "perspective", "p5");
	expect(line, "rir", "ARIN");
	expect(line, "result", "failed");
	expect(line, "problem", "no-match");
	expect(line, "message", "\"another\"\ntoken");
	expect(line, "target", "www.example.com");
	expect(line, "method", "acme-http-01");
	expect(line, "section", "3.2.2.4.19");
	expect(line, "rules", "TLS BR 2.2.6");
	expect(line, "request", "0000000000000abc");
	json_object_put(line);
	line = line_of(&text, 7);
	expect(line, "event", "verdict");
	expect(line, "quorum", "5/6");
	expect(line, "quorum_count", "4");
	expect(line, "is_valid", "true");
	expect(line, "outcome", "decided");
	expect(line, "trace_identifier", "t-1\n");
	expect(line, "caller", "urn:mpic:caller");
	expect(line, "policy", "open-mpic");
	json_object_put(line);
	corroborator_free(&m.corroborators[5]);
	audit_file_free(f);
	buf_free(&text);
	audit_log_remove(&log);
}

/* Never valid unless decided; and without memory there was no poll. */
static void
test_lines_of_no_verdict(void **state)
{
	struct buf text = BUF_INIT(65536);
	struct json_object *line;
	struct audit_log log;
	struct audit_file *f;
	struct made m;

	audit_log_init(&log);
	f = start(&log);
	made_init(&m, mpic_check_type_find("caa"));
	m.poll.ballot.votes[0] = VOTE_PENDING;
	m.poll.ballot.votes[1] = VOTE_CANCELLED;
	corroborator_fail(&m.corroborators[1], PROBLEM_CANCELLED, "late");
	assert_true(audit_attempt(f, &m.attempt, &m.question, &context, RECORD_ABORTED));
	m.attempt.polls = NULL;
	assert_true(audit_attempt(f, &m.attempt, &m.question, &context, RECORD_NOT_ASKED));
	assert_int_equal(audit_file_lines(f), 1 + 7 + 1);
	audit_log_read(log.path, &text);
	line = line_of(&text, 1);
	expect(line, "result", "aborted");
	expect(line, "section", "3.2.2.8");
	json_object_put(line);
	line = line_of(&text, 2);
	expect(line, "result", "cancelled");
	expect(line, "problem", "cancelled");
	expect(line, "message", "late");
	json_object_put(line);
	line = line_of(&text, 7);
	expect(line, "outcome", "aborted");
	expect(line, "quorum", "3/6");
	expect(line, "is_valid", "false");
	json_object_put(line);
	line = line_of(&text, 8);
	expect(line, "outcome", "not-asked");
	expect(line, "quorum", "0/6");
	expect(line, "is_valid", "false");
	json_object_put(line);
	corroborator_free(&m.corroborators[1]);
	corroborator_free(&m.corroborators[5]);
	audit_file_free(f);
	buf_free(&text);
	audit_log_remove(&log);
}

/* The primary's line is first, and remotes that were not asked have none. */
static void
test_lines_of_a_primary(void **state)
{
	const struct perspective here = { .code = "here", .rir = RIR_LACNIC, .primary = true };
	struct buf text = BUF_INIT(65536);
	struct corroborator primary;
	struct json_object *line;
	struct audit_log log;
	struct audit_file *f;
	struct made m;

	audit_log_init(&log);
	f = start(&log);
	made_init(&m, mpic_check_type_find("dcv"));
	corroborator_init(&primary, &here, CHECK_DCV, DCV_ACME_HTTP_01);
	primary.completed = primary.passed = true;
	primary.relied_on = strdup("one");
	m.poll.primary = &primary;
	m.poll.ballot.has_primary = m.attempt.has_primary = true;
	m.poll.ballot.primary = VOTE_PASSED;
	m.poll.ballot.votes[4] = VOTE_APART;
	m.corroborators[4].relied_on = strdup("two");
	corroborator_set_apart(&m.corroborators[4], "two is not one");
	assert_true(audit_attempt(f, &m.attempt, &m.question, &context, RECORD_DECIDED));
	m.attempt.remotes_not_asked = true;
	m.poll.ballot = (struct ballot){ .perspectives = MEMBERS, .required = 4,
		.has_primary = true, .primary = VOTE_FAILED };
	corroborator_fail(&primary, PROBLEM_NO_MATCH, "not here");
	poll_close(&m.poll);
	assert_true(audit_attempt(f, &m.attempt, &m.question, &context, RECORD_DECIDED));
	assert_int_equal(audit_file_lines(f), 1 + 1 + 7 + 1 + 1);
	audit_log_read(log.path, &text);
	line = line_of(&text, 1);
	expect(line, "perspective", "here");
	expect(line, "role", "primary");
	expect(line, "result", "passed");
	expect(line, "relied_on", "one");
	json_object_put(line);
	line = line_of(&text, 6);
	expect(line, "perspective", "p4");
	expect(line, "role", "remote");
	expect(line, "result", "not-corroborating");
	expect(line, "problem", "not-corroborating");
	expect(line, "message", "two is not one");
	expect(line, "relied_on", "two");
	json_object_put(line);
	line = line_of(&text, 8);
	expect(line, "quorum", "4/6");
	expect(line, "primary", "passed");
	expect(line, "remotes", "");
	json_object_put(line);
	line = line_of(&text, 9);
	expect(line, "result", "failed");
	expect(line, "role", "primary");
	json_object_put(line);
	line = line_of(&text, 10);
	expect(line, "event", "verdict");
	expect(line, "primary", "failed");
	expect(line, "remotes", "not-asked");
	expect(line, "quorum", "0/6");
	expect(line, "is_valid", "false");
	json_object_put(line);
	for (size_t i = 0; i < MEMBERS; i++)
		corroborator_free(&m.corroborators[i]);
	corroborator_free(&primary);
	audit_file_free(f);
	buf_free(&text);
	audit_log_remove(&log);
}

/* Memory that runs out anywhere: no crash, no line lost unseen, and it recovers. */
static void
test_no_memory(void **state)
{
	struct audit_verifier v;
	struct audit_log log;
	struct audit_file *f;
	struct made m;
	bool done;

	for (long left = 0; left < 12; left++) {
		audit_log_init(&log);
		made_init(&m, mpic_check_type_find("caa"));
		failing_malloc_after(left);
		f = audit_file_new(log.dir, "c", 0, AUDIT_SYNC_NONE);
		done = f != NULL && audit_attempt(f, &m.attempt, &m.question, &context,
		    RECORD_DECIDED);
		failing_malloc_after(-1);
		if (f != NULL) {
			audit_file_tick(f);
			assert_true(audit_file_ready(f));
			assert_int_equal(audit_file_unrecorded(f), !done);
			assert_true(put(f, 1));
			audit_file_free(f);
			assert_int_equal(verify(&log, &v), AUDIT_GOOD);
			assert_int_equal(v.unrecorded, !done);
		}
		corroborator_free(&m.corroborators[5]);
		audit_log_remove(&log);
	}
}

/* What an attempt costs; a machine that runs tests is slow at times. */
static void
test_cost(void **state)
{
	struct audit_log log;
	struct audit_file *f;
	struct timespec a, b;
	struct made m;
	double us;

	audit_log_init(&log);
	f = start(&log);
	made_init(&m, mpic_check_type_find("caa"));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < 10000; i++)
		assert_true(audit_attempt(f, &m.attempt, &m.question, &context, RECORD_DECIDED));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	us = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 1e3 / 10000;
	print_message("%.1f us CPU an attempt of six perspectives\n", us);
	assert_true(us < 500);
	corroborator_free(&m.corroborators[5]);
	audit_file_free(f);
	audit_log_remove(&log);
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
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_of_no_verdict),
		cmocka_unit_test(test_lines_of_a_primary),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_cost),
	};

	/* The refusals tested are logged as errors, hundreds of them. */
	log_init("test_audit_file", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
