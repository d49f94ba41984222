/* audit.h: the lines of an attempt, what they cost, and memory that runs out. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "audit_writer.h"
#include "coordinator/audit.h"
#include "failing_malloc.h"
#include "log.h"
#include "monotonic.h"

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
	f = audit_log_start(&log);
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
	f = audit_log_start(&log);
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
	f = audit_log_start(&log);
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
			assert_true(audit_log_put(f, 1));
			audit_file_free(f);
			assert_int_equal(audit_log_verify_file(&log, &v), AUDIT_GOOD);
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
	f = audit_log_start(&log);
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
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_of_no_verdict),
		cmocka_unit_test(test_lines_of_a_primary),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_cost),
	};

	log_init("test_audit", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
