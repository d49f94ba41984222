/* poll.h, agreement.h: which remotes corroborate what the primary saw. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "coordinator/agreement.h"
#include "coordinator/poll.h"

#define ONE	"\"https://ca/1\""
#define TWO	"\"https://ca/2\""
#define SEEN(list)	",\"records_seen\":[" list "]"
#define MATCHED(text)	",\"matched\":" text
#define RELIED(text)	",\"relied_on\":" text

static const struct perspective primary = { .code = "here", .rir = RIR_ARIN, .primary = true },
    remote = { .code = "there", .rir = RIR_APNIC };

/* A result with these members in its details; NULL: a check that did not pass. */
static void
hear(struct corroborator *c, enum check_type type, const char *details)
{
	char text[2048];
	struct buf reply = BUF_INIT(CHECK_RESULT_MAX);
	const struct corroborator_asked asked = { .nonce = "n", .target = "a.com",
		.compared = true };

	snprintf(text, sizeof(text), "{\"check_completed\":true,\"check_passed\":%s,"
	    "\"check_type\":\"%s\",\"perspective_code\":\"%s\",\"nonce\":\"n\","
	    "\"domain_or_ip_target\":\"a.com\",\"details\":{%s%s}}",
	    details != NULL ? "true" : "false", check_type_name(type), c->perspective->code,
	    type == CHECK_DCV ? "\"validation_method\":\"dns-persistent\"" :
	    "\"caa_record_present\":true", details != NULL ? details : "");
	buf_adds(&reply, text);
	corroborator_judge(c, &asked, 200, &reply);
	buf_free(&reply);
	assert_int_equal(c->passed, details != NULL);
}

static const struct {
	const char *primary, *remote;	/* details, in addition */
	bool fixed, agree;
} rows[] = {
	{ RELIED(ONE), RELIED(ONE), false, true },
	{ RELIED(ONE), RELIED(ONE), true, true },
	{ RELIED(ONE), RELIED(TWO), false, false },
	/* Whatever the request says: they cannot both be right. */
	{ RELIED(ONE), RELIED(TWO), true, false },
	{ RELIED(ONE), RELIED("\"HTTPS://ca/1\""), false, false },
	/* It saw the primary's record, and preferred another. */
	{ RELIED(ONE) MATCHED("\"r1\""), RELIED(TWO) MATCHED("\"r2\"") SEEN("\"r2\",\"r1\""),
	    false, true },
	{ RELIED(ONE) MATCHED("\"r1\""), RELIED(TWO) MATCHED("\"r2\"") SEEN("\"r2\""), false,
	    false },
	{ RELIED(ONE) MATCHED("\"r1\""), RELIED(TWO) SEEN("\"r1\""), true, false },
	/* One of them does not say. */
	{ RELIED(ONE), "", true, true },
	{ "", RELIED(ONE), true, true },
	{ "", "", true, true },
	{ "", "", false, false },
	{ RELIED(ONE), "", false, false },
	{ RELIED(ONE) MATCHED("\"r1\""), SEEN("\"r1\""), false, true },
	{ RELIED(ONE) MATCHED("\"r1\""), SEEN("\"r2\",\"r1\""), false, true },
	{ RELIED(ONE) MATCHED("\"r1\""), SEEN("\"r2\""), false, false },
	{ RELIED(ONE) MATCHED("\"r1\""), SEEN(""), false, false },
	/* What the primary relied on is one of these: all must have been seen. */
	{ SEEN("\"r1\""), RELIED(ONE) SEEN("\"r1\",\"r2\""), false, true },
	{ SEEN("\"r1\",\"r2\""), RELIED(ONE) SEEN("\"r1\""), false, false },
	{ SEEN("\"r1\",\"r2\""), SEEN("\"r2\",\"r1\""), false, true },
	{ SEEN(""), SEEN(""), false, false },
	/* Lists that are none. */
	{ SEEN("1"), SEEN("1"), false, false },
	{ ",\"records_seen\":{}", ",\"records_seen\":{}", false, false },
	{ ",\"records_seen\":null", ",\"records_seen\":\"r1\"", false, false },
};

static struct poll
poll_of(struct corroborator c[2], enum check_type type)
{
	struct poll poll = { .type = type, .corroborators = c, .primary = &c[1],
		.ballot = { .perspectives = 1, .required = 1, .regions = 1, .has_primary = true } };

	corroborator_init(&c[0], &remote, type, DCV_DNS_PERSISTENT);
	corroborator_init(&c[1], &primary, type, DCV_DNS_PERSISTENT);
	return poll;
}

static void
drop(struct corroborator c[2])
{
	corroborator_free(&c[0]);
	corroborator_free(&c[1]);
}

/* Whichever comes first. */
static void
test_agreement(void **state)
{
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t row = i / 2;
		struct corroborator c[2];
		struct poll poll = poll_of(c, CHECK_DCV);
		bool fixed = rows[row].fixed;

		hear(&c[0], CHECK_DCV, rows[row].remote);
		hear(&c[1], CHECK_DCV, rows[row].primary);
		if (i % 2 == 0)
			assert_false(poll_count(&poll, &c[0], false, fixed));
		assert_true(poll_count(&poll, &c[1], false, fixed));
		assert_true(poll_count(&poll, &c[0], false, fixed));
		poll_close(&poll);
		if ((poll_vote(&poll, &c[0]) == VOTE_PASSED) != rows[row].agree ||
		    (poll.outcome == QUORUM_REACHED) != rows[row].agree)
			fail_msg("row %zu", row);
		assert_true(c[0].passed);
		if (!rows[row].agree) {
			assert_int_equal(poll_vote(&poll, &c[0]), VOTE_APART);
			assert_int_equal(c[0].problem, PROBLEM_NOT_CORROBORATING);
			assert_non_null(strstr(c[0].sentence, "there passed on \""));
			assert_non_null(strstr(c[0].sentence, "the primary, here, on \""));
		} else {
			assert_int_equal(c[0].problem, PROBLEM_NONE);
		}
		drop(c);
	}
}

/* A value as long as may be does not break the sentence, nor a character in it. */
static void
test_long_values(void **state)
{
	struct corroborator c[2];
	struct poll poll = poll_of(c, CHECK_DCV);
	char details[900] = ",\"relied_on\":\"a";

	for (size_t i = 0; i < 400; i++)
		strcat(details, "\u00fc");
	strcat(details, "\"");
	hear(&c[0], CHECK_DCV, details);
	hear(&c[1], CHECK_DCV, RELIED(ONE));
	assert_true(poll_count(&poll, &c[1], false, false));
	assert_true(poll_count(&poll, &c[0], false, false));
	assert_non_null(strstr(c[0].sentence, "\u00fc\", and the primary, here, on \"https://ca/1\""));
	drop(c);
}

/* Of CAA permission is enough. */
static void
test_caa(void **state)
{
	struct corroborator c[2];
	struct poll poll = poll_of(c, CHECK_CAA);

	hear(&c[0], CHECK_CAA, SEEN("\"0 issue \\\"ca1.com\\\"\""));
	hear(&c[1], CHECK_CAA, SEEN("\"0 issue \\\"ca2.com\\\"\""));
	assert_true(poll_count(&poll, &c[1], false, false));
	assert_true(poll_count(&poll, &c[0], false, false));
	poll_close(&poll);
	assert_int_equal(poll.outcome, QUORUM_REACHED);
	drop(c);
}

/* A primary that has no pass: nothing corroborates. */
static void
test_no_pass_of_the_primary(void **state)
{
	static const struct {
		bool heard, cancelled;
		const char *says;
	} ends[] = {
		{ true, false, "the primary, here, did not pass" },
		{ false, false, "the primary, here, came to no result" },
		{ false, true, "the primary, here, came to no result" },
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct corroborator c[2];
		struct poll poll = poll_of(c, CHECK_DCV);

		hear(&c[0], CHECK_DCV, RELIED(ONE));
		if (ends[i].heard)
			hear(&c[1], CHECK_DCV, NULL);
		else
			corroborator_fail(&c[1], PROBLEM_PERSPECTIVE_TIMEOUT, "late");
		assert_true(poll_count(&poll, &c[1], ends[i].cancelled, false));
		assert_true(poll_count(&poll, &c[0], false, false));
		poll_close(&poll);
		assert_int_equal(poll.outcome, QUORUM_MISSED);
		assert_int_equal(quorum_passed(&poll.ballot), 0);
		assert_int_equal(poll_vote(&poll, &c[0]), VOTE_APART);
		assert_non_null(strstr(c[0].sentence, ends[i].says));
		drop(c);
	}
}

/* What did not pass, or was cancelled, need not wait for the primary. */
static void
test_no_pass_of_the_remote(void **state)
{
	struct corroborator c[2];
	struct poll poll = poll_of(c, CHECK_DCV);

	hear(&c[0], CHECK_DCV, NULL);
	assert_true(poll_count(&poll, &c[0], false, true));
	assert_int_equal(poll_vote(&poll, &c[0]), VOTE_FAILED);
	hear(&c[1], CHECK_DCV, RELIED(ONE));
	assert_true(poll_count(&poll, &c[1], false, true));
	poll_close(&poll);
	drop(c);
	poll = poll_of(c, CHECK_DCV);
	corroborator_fail(&c[0], PROBLEM_CANCELLED, "late");
	assert_true(poll_count(&poll, &c[0], true, true));
	assert_int_equal(poll_vote(&poll, &c[0]), VOTE_CANCELLED);
	poll_close(&poll);
	/* Nobody decided: that is no quorum. */
	assert_int_equal(poll.outcome, QUORUM_MISSED);
	drop(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_caa),
		cmocka_unit_test(test_no_pass_of_the_primary),
		cmocka_unit_test(test_no_pass_of_the_remote),
	};

	return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
