/* check.h: one codec for both ends, Open MPIC's shapes included. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <json-c/json.h>

#include "buf.h"
#include "check.h"

static bool
decode(struct check_result *r, const char *text, struct json_faults *faults)
{
	json_faults_init(faults);
	return check_result_decode(r, CHECK_CAA, text, strlen(text), faults);
}

static void
test_request_open_mpic(void **state)
{
	static const char text[] = "{\"domain_or_ip_target\":\"c1.com\",\"caa_check_parameters\":"
	    "{\"certificate_type\":\"s-mime\",\"caa_domains\":[\"CA1.com\"],"
	    "\"allow_lookup_failure\":true},\"trace_identifier\":null}";
	struct json_faults faults;
	struct check_request r;

	json_faults_init(&faults);
	assert_true(check_request_decode(&r, CHECK_CAA, text, strlen(text), &faults));
	assert_string_equal(r.domain_or_ip_target, "c1.com");
	assert_int_equal(r.caa.certificate_type, CHECK_S_MIME);
	assert_int_equal(r.caa.caa_domains.count, 1);
	assert_string_equal(r.caa.caa_domains.items[0], "CA1.com");
	assert_true(r.caa.allow_lookup_failure.value);
	assert_null(r.trace_identifier);
	assert_null(r.nonce);
	assert_false(r.deadline_ms.set);
	check_request_free(&r);
}

static void
test_request_round_trip(void **state)
{
	struct buf text = BUF_INIT(CHECK_REQUEST_MAX), again = BUF_INIT(CHECK_REQUEST_MAX);
	struct check_request r = { .type = CHECK_CAA, .domain_or_ip_target = "*.example.com",
		.trace_identifier = "t \"1\"", .nonce = "00ff", .deadline_ms = { true, 1500 },
		.caa = { .set = true, .account_uris = { true, 1, { "acct:a@b" } },
		    .validation_methods = { true, 2, { "dns-01", "ca-tbr-7" } } } };
	struct json_faults faults;
	struct check_request back;

	json_faults_init(&faults);
	check_request_encode(&r, &text);
	assert_true(check_request_decode(&back, CHECK_CAA, text.data, text.len, &faults));
	check_request_encode(&back, &again);
	assert_string_equal(text.data, again.data);
	assert_false(back.caa.caa_domains.set);
	assert_int_equal(back.deadline_ms.value, 1500);
	check_request_free(&back);
	buf_free(&text);
	buf_free(&again);
}

static const struct {
	const char *text, *path, *issue;
} bad_requests[] = {
	{ "{}", "domain_or_ip_target", "missing" },
	{ "{\"domain_or_ip_target\":1}", "domain_or_ip_target", "string_type" },
	{ "{\"domain_or_ip_target\":\"a\",\"check_type\":\"dcv\"}", "check_type", "enum" },
	{ "{\"domain_or_ip_target\":\"a\",\"deadline_ms\":0}", "deadline_ms",
	    "greater_than_equal" },
	{ "{\"domain_or_ip_target\":\"a\",\"deadline_ms\":120001}", "deadline_ms",
	    "less_than_equal" },
	{ "{\"domain_or_ip_target\":\"a\",\"nonce\":\"\"}", "nonce", "string_too_short" },
	{ "{\"domain_or_ip_target\":\"a\",\"caa_check_parameters\":{\"certificate_type\":"
	    "\"tls\"}}", "caa_check_parameters.certificate_type", "enum" },
	{ "{\"domain_or_ip_target\":\"a\",\"caa_check_parameters\":{\"caa_domains\":[2]}}",
	    "caa_check_parameters.caa_domains.0", "string_type" },
	{ "{\"domain_or_ip_target\":\"a\"", "26", "json_invalid" },
};

static void
test_request_faults(void **state)
{
	for (size_t i = 0; i < sizeof(bad_requests) / sizeof(bad_requests[0]); i++) {
		const char *text = bad_requests[i].text;
		struct json_faults faults;
		struct check_request r;

		json_faults_init(&faults);
		assert_false(check_request_decode(&r, CHECK_CAA, text, strlen(text), &faults));
		assert_int_equal(faults.count, 1);
		assert_string_equal(faults.list[0].path, bad_requests[i].path);
		assert_string_equal(faults.list[0].issue, bad_requests[i].issue);
		check_request_free(&r);
	}
}

static void
test_request_dcv(void **state)
{
	static const char text[] = "{\"domain_or_ip_target\":\"c1.com\",\"check_type\":\"dcv\","
	    "\"dcv_check_parameters\":{\"validation_method\":\"acme-http-01\","
	    "\"require_exact_case\":true,\"token\":\"ACME_TOKEN\",\"key_authorization\":"
	    "\"k.a\",\"http_headers\":null},\"trace_identifier\":null}";
	struct buf out = BUF_INIT(CHECK_REQUEST_MAX);
	struct json_faults faults;
	struct check_request r;

	json_faults_init(&faults);
	assert_true(check_request_decode(&r, CHECK_DCV, text, sizeof(text) - 1, &faults));
	assert_int_equal(r.dcv.method, DCV_ACME_HTTP_01);
	assert_string_equal(r.dcv.token, "ACME_TOKEN");
	check_request_encode(&r, &out);
	assert_string_equal(out.data, text);
	buf_free(&out);
	check_request_free(&r);
	assert_false(check_request_decode(&r, CHECK_DCV, "{}", 2, &faults));
	assert_int_equal(faults.count, 2);
	assert_string_equal(faults.list[1].path, "dcv_check_parameters");
	check_request_free(&r);
}

/* As seen from Open MPIC's checker. */
static void
test_result_open_mpic(void **state)
{
	static const char permitted[] = "{\"check_completed\":true,\"check_passed\":true,"
	    "\"errors\":null,\"timestamp_ns\":1725822089205545500,\"check_type\":\"caa\","
	    "\"details\":{\"caa_record_present\":true,\"found_at\":\"c1.com\","
	    "\"records_seen\":[\"0 issue \\\"ca1.com\\\"\"]}}";
	static const char denied[] = "{\"check_completed\":true,\"check_passed\":false,"
	    "\"errors\":null,\"timestamp_ns\":1,\"check_type\":\"caa\",\"details\":"
	    "{\"caa_record_present\":true,\"found_at\":\"c1.com\",\"records_seen\":[]}}";
	static const char failed[] = "{\"check_completed\":false,\"check_passed\":false,"
	    "\"errors\":[{\"error_type\":\"mpic_error:caa_checker:lookup\",\"error_message\":"
	    "\"no luck\"}],\"timestamp_ns\":1,\"check_type\":\"caa\",\"details\":"
	    "{\"caa_record_present\":null,\"found_at\":null,\"records_seen\":null}}";
	struct json_faults faults;
	struct check_result r;

	assert_true(decode(&r, permitted, &faults));
	assert_true(r.check_completed && r.check_passed);
	assert_int_equal(r.timestamp_ns, 1725822089205545500);
	assert_string_equal(r.caa.found_at, "c1.com");
	assert_int_equal(r.problem.problem, PROBLEM_NONE);
	assert_int_equal(r.elapsed_ms, -1);
	assert_int_equal(r.caa.dnssec_status, CHECK_DNSSEC_UNKNOWN);
	assert_null(r.perspective_code);
	check_result_free(&r);
	assert_true(decode(&r, denied, &faults));
	assert_int_equal(r.problem.problem, PROBLEM_CAA_FORBIDS);
	check_result_free(&r);
	assert_true(decode(&r, failed, &faults));
	assert_int_equal(r.problem.problem, PROBLEM_DNS_FAILED);
	assert_string_equal(r.problem.message, "no luck");
	check_result_free(&r);
}

static void
result_fill(struct check_result *r)
{
	static const char *const records[] = { "0 issue \"ca1.com\"" }, *const names[] = { "a" };

	check_result_init(r, CHECK_CAA);
	r->check_completed = r->check_passed = true;
	r->timestamp_ns = 42;
	r->elapsed_ms = 7;
	r->perspective_code = "aws:us-east-1";
	r->nonce = "beef";
	r->target = "a.example";
	r->caa.caa_record_present = (struct json_bool){ true, true };
	r->caa.found_at = "a";
	r->caa.records_seen = (struct check_strings){ records, 1 };
	r->caa.looked_up = (struct check_strings){ names, 1 };
	r->caa.dnssec_status = CHECK_DNSSEC_SECURE;
	r->caa.reason = "authorised";
	r->caa.deciding_record = records[0];
	r->evidence = "{\"deep\":[[1]],\"evidence\":2}";
	r->evidence_len = strlen(r->evidence);
}

static void
test_result_encode(void **state)
{
	struct buf text = BUF_INIT(CHECK_RESULT_MAX);
	struct check_result r;

	result_fill(&r);
	check_result_encode(&r, &text);
	assert_string_equal(text.data, "{\"check_completed\":true,\"check_passed\":true,"
	    "\"errors\":null,\"timestamp_ns\":42,\"check_type\":\"caa\",\"details\":"
	    "{\"caa_record_present\":true,\"found_at\":\"a\",\"records_seen\":"
	    "[\"0 issue \\\"ca1.com\\\"\"],\"dnssec_status\":\"secure\",\"reason\":"
	    "\"authorised\",\"deciding_record\":\"0 issue \\\"ca1.com\\\"\",\"looked_up\":"
	    "[\"a\"]},\"perspective_code\":\"aws:us-east-1\",\"nonce\":\"beef\","
	    "\"domain_or_ip_target\":\"a.example\",\"problem\":null,"
	    "\"elapsed_ms\":7,\"evidence\":{\"deep\":[[1]],\"evidence\":2}}");
	buf_free(&text);
}

static void
test_result_round_trip(void **state)
{
	struct buf text = BUF_INIT(CHECK_RESULT_MAX);
	struct json_faults faults;
	struct check_result r, back;

	result_fill(&r);
	r.private_root = true;
	check_result_encode(&r, &text);
	assert_true(decode(&back, text.data, &faults));
	assert_true(back.private_root);
	assert_string_equal(back.perspective_code, "aws:us-east-1");
	assert_string_equal(back.nonce, "beef");
	assert_string_equal(back.target, "a.example");
	assert_int_equal(back.elapsed_ms, 7);
	assert_int_equal(back.caa.dnssec_status, CHECK_DNSSEC_SECURE);
	assert_true(back.check_passed);
	check_result_free(&back);
	buf_free(&text);
}

/* Every problem goes out and comes back; errors only where Open MPIC has one. */
static void
test_result_problems(void **state)
{
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		struct buf text = BUF_INIT(CHECK_RESULT_MAX);
		struct json_faults faults;
		struct check_result r, back;

		check_result_init(&r, CHECK_CAA);
		check_result_fail(&r, p, "saw %d at %s", p, "x");
		check_result_encode(&r, &text);
		assert_int_equal(strstr(text.data, "\"errors\":null") == NULL,
		    problem_error_type(p, false) != NULL);
		assert_true(decode(&back, text.data, &faults));
		assert_int_equal(back.problem.problem, p);
		assert_string_equal(back.problem.message, r.problem.message);
		assert_false(back.check_passed);
		assert_int_equal(back.check_completed, problem_completed(p));
		check_result_free(&back);
		buf_free(&text);
	}
}

static void
test_result_unknown_problem(void **state)
{
	struct json_faults faults;
	struct check_result r;

	assert_true(decode(&r, "{\"check_completed\":true,\"check_passed\":false,\"check_type\":"
	    "\"caa\",\"problem\":{\"code\":\"of-tomorrow\",\"message\":\"m\"}}", &faults));
	assert_int_equal(r.problem.problem, PROBLEM_INTERNAL);
	check_result_free(&r);
}

static const char *const bad_results[] = {
	"", "[]", "null", "{}", "{\"check_completed\":true}",
	"{\"check_completed\":true,\"check_passed\":\"yes\",\"check_type\":\"caa\"}",
	"{\"check_completed\":true,\"check_passed\":true}",
	"{\"check_completed\":true,\"check_passed\":true,\"check_type\":\"dcv\"}",
	"{\"check_completed\":true,\"check_passed\":false,\"check_passed\":true,"
	    "\"check_type\":\"caa\"}",
	"{\"check_completed\":true,\"check_passed\":true,\"check_type\":\"caa\","
	    "\"evidence\":{},\"evidence\":{}}",
	"{\"check_completed\":true,\"check_passed\":true,\"check_type\":\"caa\","
	    "\"evidence\":{\"a\":NaN}}",
	"{\"check_completed\":true,\"check_passed\":true,\"check_type\":\"caa\","
	    "\"evidence\":{\"a\":\"\xff\"}}",
	"{\"check_completed\":true,\"check_passed\":true,\"check_type\":\"caa\","
	    "\"evidence\":{}} trailing",
};

static void
test_result_faults(void **state)
{
	for (size_t i = 0; i < sizeof(bad_results) / sizeof(bad_results[0]); i++) {
		struct json_faults faults;
		struct check_result r;

		if (decode(&r, bad_results[i], &faults))
			fail_msg("taken: %s", bad_results[i]);
		assert_true(faults.count > 0);
		check_result_free(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_open_mpic),
		cmocka_unit_test(test_request_round_trip),
		cmocka_unit_test(test_request_faults),
		cmocka_unit_test(test_request_dcv),
		cmocka_unit_test(test_result_open_mpic),
		cmocka_unit_test(test_result_encode),
		cmocka_unit_test(test_result_round_trip),
		cmocka_unit_test(test_result_problems),
		cmocka_unit_test(test_result_unknown_problem),
		cmocka_unit_test(test_result_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
