/* coordinator/response.h: Open MPIC's shape to the letter, ours after it; verdict.h reads it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <json-c/json.h>

#include "coordinator/response.h"
#include "coordinator/verdict.h"

#define N 3

static struct perspective fleet[N] = {
	{ .code = "aws:us-east-1", .rir = RIR_ARIN },
	{ .code = "aws:eu-central-1", .rir = RIR_RIPE_NCC },
	{ .code = "aws:ap-south-1", .rir = RIR_APNIC },
};

/* An attempt whose perspectives voted so: p passed, f forbidden, e could not be reached. */
static void
attempt_make(struct attempt *a, struct corroborator *c, size_t number, const char *votes)
{
	*a = (struct attempt){ .number = number, .count = strlen(votes), .corroborators = c,
		.ballot = { .perspectives = strlen(votes), .required = 2 } };
	for (size_t i = 0; i < a->count; i++) {
		struct buf raw = BUF_INIT(CHECK_RESULT_MAX);
		struct check_result r;

		corroborator_init(&c[i], &fleet[i], CHECK_CAA);
		check_result_init(&r, CHECK_CAA);
		r.check_completed = r.check_passed = true;
		r.caa.dnssec_status = CHECK_DNSSEC_SECURE - (int)i;
		if (votes[i] == 'f')
			check_result_fail(&r, PROBLEM_CAA_FORBIDS, "no means no");
		else if (votes[i] == 'e')
			check_result_fail(&r, PROBLEM_PERSPECTIVE_UNREACHABLE, "gone");
		check_result_encode(&r, &raw);
		corroborator_take(&c[i], &r, &raw);
		a->ballot.votes[i] = corroborator_vote(&c[i]);
		a->ballot.rirs[i] = fleet[i].rir;
	}
	a->outcome = quorum_outcome(&a->ballot);
}

static void
attempt_drop(struct attempt *a)
{
	for (size_t i = 0; i < a->count; i++)
		corroborator_free(&a->corroborators[i]);
}

static struct mpic_request
request_plain(void)
{
	return (struct mpic_request){ .domain_or_ip_target = "C1.com", .perspectives = N,
		.quorum = 2 };
}

static void
encode(const struct mpic_request *q, const char *const *votes, size_t attempts,
    struct buf *out)
{
	struct attempt a[4];
	struct corroborator c[4][N];
	struct buf echo = BUF_INIT(4096);
	struct mpic_response r = { NULL, a, attempts, 12 };

	mpic_echo_encode(q, &echo);
	r.echo = echo.data;
	for (size_t i = 0; i < attempts; i++)
		attempt_make(&a[i], c[i], i + 1, votes[i]);
	mpic_response_encode(&r, out);
	for (size_t i = 0; i < attempts; i++)
		attempt_drop(&a[i]);
	buf_free(&echo);
}

static struct json_object *
member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("there is no %s", key);
	return value;
}

static void
test_shape(void **state)
{
	static const char begins[] = "{\"mpic_completed\":true,"
	    "\"request_orchestration_parameters\":null,\"check_type\":\"caa\","
	    "\"domain_or_ip_target\":\"C1.com\",\"trace_identifier\":null,"
	    "\"caa_check_parameters\":null,\"actual_orchestration_parameters\":"
	    "{\"perspective_count\":3,\"quorum_count\":2,\"attempt_count\":1},"
	    "\"is_valid\":true,\"perspectives\":[{\"perspective_code\":\"aws:us-east-1\",\"check_response\":"
	    "{\"check_completed\":true,\"check_passed\":true,\"errors\":null,\"timestamp_ns\":0,"
	    "\"check_type\":\"caa\",\"details\":{";
	static const char ends[] = ",\"rir\":\"APNIC\"}],"
	    "\"previous_attempt_results\":null,\"quorum\":\"3/3\",\"dnssec_status\":"
	    "\"indeterminate\",\"elapsed_ms\":12,\"problem\":null}";
	const struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536);

	encode(&q, (const char *[]){ "ppp" }, 1, &out);
	assert_memory_equal(out.data, begins, sizeof(begins) - 1);
	assert_string_equal(out.data + out.len - (sizeof(ends) - 1), ends);
	buf_free(&out);
}

static void
test_echo(void **state)
{
	struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536);

	q.orchestration.set = true;
	q.orchestration.perspective_count = (struct json_int){ true, 3 };
	q.trace_identifier = "t-1";
	q.caa.set = true;
	q.caa.caa_domains = (struct json_list){ true, 1, { "ca1.com" } };
	encode(&q, (const char *[]){ "ppp" }, 1, &out);
	assert_non_null(strstr(out.data, "\"request_orchestration_parameters\":"
	    "{\"perspective_count\":3,\"quorum_count\":null,\"max_attempts\":null,"
	    "\"cohort_for_single_attempt\":null}"));
	assert_non_null(strstr(out.data, "\"trace_identifier\":\"t-1\""));
	assert_non_null(strstr(out.data, "\"caa_check_parameters\":{\"certificate_type\":"
	    "\"tls-server\",\"caa_domains\":[\"ca1.com\"],\"allow_lookup_failure\":false}"));
	buf_free(&out);
}

/* Votes, and what is said of them. */
static const struct {
	const char *votes, *quorum, *problem;
	bool completed, valid;
} verdicts[] = {
	{ "ppp", "3/3", NULL, true, true },
	{ "ppf", "2/3", NULL, true, true },
	{ "ppe", "2/3", NULL, true, true },
	{ "pff", "1/3", "caa-forbids", true, false },
	{ "fff", "0/3", "caa-forbids", true, false },
	{ "pee", "1/3", "perspective-unreachable", false, false },
	{ "ffe", "0/3", "caa-forbids", true, false },
	{ "fee", "0/3", "perspective-unreachable", false, false },
};

static void
test_verdicts(void **state)
{
	const struct mpic_request q = request_plain();

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		struct buf out = BUF_INIT(65536);
		struct json_object *o, *problem;

		encode(&q, &verdicts[i].votes, 1, &out);
		o = json_tokener_parse(out.data);
		assert_non_null(o);
		assert_int_equal(json_object_get_boolean(member(o, "is_valid")),
		    verdicts[i].valid);
		assert_int_equal(json_object_get_boolean(member(o, "mpic_completed")),
		    verdicts[i].completed);
		assert_string_equal(json_object_get_string(member(o, "quorum")),
		    verdicts[i].quorum);
		problem = member(o, "problem");
		if (verdicts[i].problem == NULL)
			assert_null(problem);
		else
			assert_string_equal(json_object_get_string(member(problem, "code")),
			    verdicts[i].problem);
		json_object_put(o);
		buf_free(&out);
	}
}

static void
test_attempts(void **state)
{
	const struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536);
	struct json_object *o, *previous;

	encode(&q, (const char *[]){ "fff", "eep", "ppp" }, 3, &out);
	o = json_tokener_parse(out.data);
	previous = member(o, "previous_attempt_results");
	assert_int_equal(json_object_array_length(previous), 2);
	assert_int_equal(json_object_array_length(json_object_array_get_idx(previous, 1)), 3);
	assert_int_equal(json_object_get_int(member(member(o,
	    "actual_orchestration_parameters"), "attempt_count")), 3);
	assert_true(json_object_get_boolean(member(o, "is_valid")));
	json_object_put(o);
	buf_free(&out);
}

static void
test_refusal(void **state)
{
	struct buf out = BUF_INIT(4096);

	mpic_refusal_encode("The coordinator could not construct a cohort of size 4", "a.b", "k",
	    "because", &out);
	assert_string_equal(out.data, "{\"error\":\"The coordinator could not construct a cohort "
	    "of size 4\",\"validation_issues\":[{\"issue_type\":\"k\",\"message\":\"The "
	    "coordinator could not construct a cohort of size 4: because\",\"type\":\"k\",\"loc\":"
	    "[\"body\",\"a\",\"b\"],\"msg\":\"The coordinator could not construct a cohort of "
	    "size 4: because\"}]}");
	buf_free(&out);
}

/* ---- the command-line tool's reading of it ---- */

static void
test_read_by_tool(void **state)
{
	const struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536), text = BUF_INIT(65536);

	encode(&q, (const char *[]){ "ppf" }, 1, &out);
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_YES);
	assert_non_null(strstr(text.data, "yes  caa C1.com  quorum 2/3"));
	assert_non_null(strstr(text.data, "no means no"));
	buf_reset(&out);
	buf_reset(&text);
	encode(&q, (const char *[]){ "fff" }, 1, &out);
	assert_int_equal(verdict_read(422, out.data, out.len, &text), VERDICT_NO);
	buf_free(&out);
	buf_free(&text);
}

static const struct {
	long status;
	const char *text, *says;
} unreadable[] = {
	{ 200, "", "no JSON" },
	{ 200, "[]", "none of a coordinator's" },
	{ 200, "{\"is_valid\":true}", "none of a coordinator's" },
	{ 200, "{\"is_valid\":true,\"domain_or_ip_target\":\"a\",\"check_type\":\"caa\","
	    "\"perspectives\":3}", "none of a coordinator's" },
	{ 400, "{\"error\":\"bad\",\"validation_issues\":[{\"message\":\"m\",\"loc\":[\"body\","
	    "\"a\",0]}]}", "a.0: m" },
	{ 403, "{\"detail\":\"not you\"}", "not you" },
	{ 503, "{}", "no reason given" },
	{ 400, "{\"error\":\"\x1b[2J\"}", "status 400" },
	{ 400, "{\"error\":\"\\u001b[2J\"}", "?[2J" },
	{ 400, "{\"error\":\"x\",\"validation_issues\":[1,null,{\"loc\":3}]}", "x" },
};

static void
test_unreadable_by_tool(void **state)
{
	for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++) {
		struct buf text = BUF_INIT(65536);

		assert_int_equal(verdict_read(unreadable[i].status, unreadable[i].text,
		    strlen(unreadable[i].text), &text), VERDICT_ERROR);
		if (strstr(text.data, unreadable[i].says) == NULL)
			fail_msg("%s", text.data);
		buf_free(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_read_by_tool),
		cmocka_unit_test(test_unreadable_by_tool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
