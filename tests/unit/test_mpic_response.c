/* coordinator/response.h: Open MPIC's shape to the letter, ours after it. */
#include "response_fixture.h"

#include <string.h>

#include "coordinator/verdict.h"

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
	    "\"indeterminate\",\"elapsed_ms\":12,\"trace_id\":null,\"problem\":null" RULES_OF_3;
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
	{ "ppu", "2/3", NULL, true, true },
	{ "pff", "1/3", "caa-forbids", true, false },
	{ "fff", "0/3", "caa-forbids", true, false },
	{ "puu", "1/3", "perspective-unreachable", false, false },
	{ "ffu", "0/3", "caa-forbids", true, false },
	{ "fuu", "0/3", "perspective-unreachable", false, false },
	/* What was not awaited is no failing, and is not why. */
	{ "ppc", "2/3", NULL, true, true },
	{ "pcf", "1/3", "caa-forbids", true, false },
	{ "ucu", "0/3", "perspective-unreachable", false, false },
	{ "fcu", "0/3", "caa-forbids", true, false },
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

/* Neither pass nor fail, and visible as such: of one check, and of one of two. */
static void
test_cancelled(void **state)
{
	struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536), text = BUF_INIT(65536);

	encode(&q, (const char *[]){ "pcp" }, 1, &out);
	assert_non_null(strstr(out.data, "{\"perspective_code\":\"aws:eu-central-1\","
	    "\"check_response\":{\"check_completed\":false,\"check_passed\":false,\"errors\":"
	    "[{\"error_type\":\"mpic_error:coordinator:remote_check\",\"error_message\":"
	    "\"too late\"}],"));
	assert_non_null(strstr(out.data, "\"problem\":{\"code\":\"cancelled\",\"message\":"
	    "\"too late\",\"fault\":\"coordinator\",\"retryable\":true}"));
	assert_non_null(strstr(out.data, "\"rir\":\"RIPE NCC\",\"cancelled\":true}"));
	assert_null(strstr(out.data, "\"rir\":\"ARIN\",\"cancelled\""));
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_YES);
	assert_non_null(strstr(text.data, "aws:eu-central-1         cancelled "));
	buf_reset(&out);
	q = request_for("dcv_with_caa");
	encode(&q, (const char *[]){ "ppp/ppc" }, 1, &out);
	assert_non_null(strstr(out.data, "\"rir\":\"APNIC\",\"cancelled\":true}"));
	assert_null(strstr(out.data, "\"rir\":\"RIPE NCC\",\"cancelled\""));
	buf_free(&out);
	buf_free(&text);
}

/* ---- with a primary ---- */

static const struct {
	const char *votes, *quorum, *problem, *says;
	bool completed, valid;
} determined[] = {
	{ "p:ppp", "3/3", NULL, NULL, true, true },
	{ "p:ppf", "2/3", NULL, NULL, true, true },
	{ "p:pff", "1/3", "caa-forbids", "1 of 3 remote perspectives corroborated; 2 needed. ", true,
	    false },
	{ "f:aaa", "0/3", "caa-forbids", "the primary, aws:sa-east-1, did not pass: no means no", true,
	    false },
	{ "f:ppp", "3/3", "caa-forbids", "the primary, aws:sa-east-1, did not pass: no means no", true,
	    false },
	{ "u:aaa", "0/3", "perspective-unreachable",
	    "the primary, aws:sa-east-1, came to no result: gone", false, false },
	{ "p:paa", "1/3", "not-corroborating", "1 of 3 remote perspectives corroborated; 2 needed. "
	    "aws:eu-central-1: not the same", true, false },
	{ "p:paf", "1/3", "not-corroborating", "not the same", true, false },
	{ "p:ppa", "2/3", NULL, NULL, true, true },
	{ "c:fff", "0/3", "caa-forbids", "0 of 3 remote", true, false },
	{ "f:...", "0/3", "caa-forbids", "the primary, ", true, false },
};

static void
test_primary(void **state)
{
	const struct mpic_request q = request_plain();

	for (size_t i = 0; i < sizeof(determined) / sizeof(determined[0]); i++) {
		bool asked = strstr(determined[i].votes, "...") == NULL;
		struct buf out = BUF_INIT(65536);
		struct json_object *o, *problem;

		encode(&q, &determined[i].votes, 1, &out);
		o = json_tokener_parse(out.data);
		assert_non_null(o);
		assert_string_equal(json_object_get_string(member(member(o, "primary"),
		    "perspective_code")), "aws:sa-east-1");
		assert_int_equal(json_object_array_length(member(o, "perspectives")), asked ? 3 : 0);
		assert_int_equal(json_object_object_get(o, "remotes") != NULL, !asked);
		assert_null(json_object_object_get(o, "previous_primary_results"));
		assert_int_equal(json_object_get_boolean(member(o, "is_valid")), determined[i].valid);
		assert_int_equal(json_object_get_boolean(member(o, "mpic_completed")),
		    determined[i].completed);
		assert_string_equal(json_object_get_string(member(o, "quorum")), determined[i].quorum);
		problem = member(o, "problem");
		assert_int_equal(problem == NULL, determined[i].problem == NULL);
		if (problem != NULL) {
			assert_string_equal(json_object_get_string(member(problem, "code")),
			    determined[i].problem);
			if (strstr(json_object_get_string(member(problem, "message")),
			    determined[i].says) == NULL)
				fail_msg("%s", json_object_get_string(problem));
		}
		json_object_put(o);
		buf_free(&out);
	}
}

static void
test_primary_of_two_checks(void **state)
{
	const struct mpic_request q = request_for("dcv_with_caa");
	struct buf out = BUF_INIT(65536), text = BUF_INIT(65536);
	struct json_object *o, *of;

	encode(&q, (const char *[]){ "p:.../f:..." }, 1, &out);
	o = json_tokener_parse(out.data);
	of = member(o, "verdicts");
	assert_string_equal(json_object_get_string(member(member(o, "problem"), "code")),
	    "caa-forbids");
	assert_string_equal(json_object_get_string(member(member(member(of, "dcv"), "problem"),
	    "code")), "remotes-not-asked");
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_NO);
	assert_non_null(strstr(text.data, " dcv no  quorum 0/3\n  primary\n  aws:sa-east-1            "
	    "passed "));
	assert_non_null(strstr(text.data, "  remotes were not asked\n"));
	json_object_put(o);
	buf_reset(&out);
	buf_reset(&text);
	encode(&q, (const char *[]){ "p:ppp/f:...", "p:ppa/p:app" }, 2, &out);
	o = json_tokener_parse(out.data);
	assert_int_equal(json_object_array_length(member(o, "previous_primary_results")), 1);
	assert_non_null(strstr(out.data, "\"rir\":\"APNIC\",\"not_corroborating\":{\"dcv\":{\"code\":"
	    "\"not-corroborating\",\"message\":\"not the same\",\"fault\":\"target\","
	    "\"retryable\":true}}}]"));
	assert_non_null(strstr(out.data, "\"rir\":\"ARIN\",\"not_corroborating\":{\"caa\":{"));
	assert_true(json_object_get_boolean(member(o, "is_valid")));
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_YES);
	assert_non_null(strstr(text.data, "  remotes\n"));
	assert_non_null(strstr(text.data, "not the same"));
	json_object_put(o);
	buf_free(&out);
	buf_free(&text);
}

static void
test_attempts(void **state)
{
	const struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536);
	struct json_object *o, *previous;

	encode(&q, (const char *[]){ "fff", "uup", "ppp" }, 3, &out);
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

/* A method whose row has begun: the answer says so. */
static void
test_compliance(void **state)
{
	static const char text[] = "{ name: n, document: D, version: 1, rows: "
	    "[{ rule: retired, from: 2026-03-15, section: 3.2.2.4.8, method: ip-address }] }";
	struct buf out = BUF_INIT(65536), faults = BUF_INIT(1024);
	const struct mpic_request q = request_plain();
	struct policy policy = { .name = NULL };
	const struct rules rules = policy_at(&policy, 0);
	struct made m;
	struct mpic_response r = { .echo = "", .rules = &rules, .attempts = &m.attempt,
		.attempt_count = 1 };
	static const char ends[] = ",\"compliance\":[{\"message\":\"D 1 section 3.2.2.4.8, "
	    "from 2026-03-15: ip-address is not to be relied on\",\"row\":{\"rule\":\"retired\","
	    "\"document\":\"D\",\"version\":\"1\",\"section\":\"3.2.2.4.8\","
	    "\"from\":\"2026-03-15\",\"method\":\"ip-address\"}}]}";

	assert_true(policy_parse(&policy, "p", text, strlen(text), &faults));
	r.retired = &policy.rows[0];
	attempt_make(&m, &q, 1, "ppp");
	mpic_response_encode(&r, &out);
	assert_memory_equal(out.data + out.len - strlen(ends), ends, strlen(ends));
	attempt_drop(&m);
	policy_free(&policy);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_compliance),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_primary),
		cmocka_unit_test(test_primary_of_two_checks),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
