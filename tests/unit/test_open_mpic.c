/*
 * Perspectives of Open MPIC's make: what they are asked, what their results are
 * worth, and the header fields that go with a call.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "coordinator/call_headers.h"
#include "coordinator/open_mpic.h"

#define OURS ",\"trace_identifier\":\"t\",\"nonce\":\"00\",\"deadline_ms\":900}"
#define THEIRS ",\"trace_identifier\":\"t\"}"

static struct buf
text_of(const char *s)
{
	struct buf b = BUF_INIT(CHECK_REQUEST_MAX);

	buf_adds(&b, s);
	return b;
}

/* ---- what is asked ---- */

static const struct {
	enum check_type type;
	const char *body, *sent, *why;
} requests[] = {
	{ CHECK_CAA, "{\"domain_or_ip_target\":\"a.com\",\"check_type\":\"caa\","
	    "\"caa_check_parameters\":{\"certificate_type\":\"s-mime\",\"caa_domains\":[\"ca1.com\"],"
	    "\"allow_lookup_failure\":true,\"account_uris\":[\"u:1\"],\"validation_methods\":"
	    "[\"dns-01\"]},\"ignore_rfc8657\":true" OURS,
	    "{\"domain_or_ip_target\":\"a.com\",\"caa_check_parameters\":{\"certificate_type\":"
	    "\"s-mime\",\"caa_domains\":[\"ca1.com\"],\"allow_lookup_failure\":false}" THEIRS, NULL },
	{ CHECK_CAA, "{\"domain_or_ip_target\":\"a.com\",\"check_type\":\"caa\","
	    "\"caa_check_parameters\":null,\"nonce\":\"00\"}",
	    "{\"domain_or_ip_target\":\"a.com\",\"caa_check_parameters\":null,"
	    "\"trace_identifier\":null}", NULL },
	{ CHECK_DCV, "{\"domain_or_ip_target\":\"a.com\",\"check_type\":\"dcv\","
	    "\"dcv_check_parameters\":{\"validation_method\":\"dns-change\",\"challenge_value\":"
	    "\"v\",\"dns_record_type\":\"TXT\",\"require_exact_match\":true}" OURS,
	    "{\"domain_or_ip_target\":\"a.com\",\"dcv_check_parameters\":{\"validation_method\":"
	    "\"dns-change\",\"require_exact_case\":true,\"challenge_value\":\"v\","
	    "\"dns_record_type\":\"TXT\",\"dns_name_prefix\":null,\"require_exact_match\":true}"
	    THEIRS, NULL },
	{ CHECK_DCV, "{\"domain_or_ip_target\":\"a.com\",\"dcv_check_parameters\":"
	    "{\"validation_method\":\"dns-persistent\",\"issuer_domain_names\":[\"ca1.com\"],"
	    "\"expected_account_uris\":[\"https://a/1\"]}" OURS,
	    "{\"domain_or_ip_target\":\"a.com\",\"dcv_check_parameters\":{\"validation_method\":"
	    "\"dns-persistent\",\"require_exact_case\":false,\"issuer_domain_names\":[\"ca1.com\"],"
	    "\"expected_account_uri\":\"https://a/1\"}" THEIRS, NULL },
	{ CHECK_DCV, "{\"domain_or_ip_target\":\"a.com\",\"dcv_check_parameters\":"
	    "{\"validation_method\":\"dns-persistent\",\"issuer_domain_names\":[\"ca1.com\"],"
	    "\"expected_account_uris\":[\"https://a/1\",\"https://a/2\"]}" OURS, NULL,
	    "single expected_account_uri" },
	{ CHECK_DCV, "{\"domain_or_ip_target\":\"a.com\",\"dcv_check_parameters\":"
	    "{\"validation_method\":\"dns-persistent\",\"issuer_domain_names\":[\"ca1.com\"],"
	    "\"expected_account_uri\":\"https://a/1\",\"expected_account_uris\":[\"https://a/2\"]}"
	    OURS, NULL, "single expected_account_uri" },
	{ CHECK_DCV, "{\"domain_or_ip_target\":\"a.com\",\"dcv_check_parameters\":"
	    "{\"validation_method\":\"dns-account-01\",\"key_authorization_hash\":\"h\","
	    "\"account_uri\":\"https://a/1\"}" OURS, NULL, "dns-account-01 has no parameters" },
};

static void
test_requests(void **state)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct buf body = text_of(requests[i].body), out = BUF_INIT(CHECK_REQUEST_MAX);
		const char *why = NULL;
		bool ok = open_mpic_request(requests[i].type, &body, &out, &why);

		assert_int_equal(ok, requests[i].sent != NULL);
		if (ok)
			assert_string_equal(out.data, requests[i].sent);
		else if (strstr(why, requests[i].why) == NULL)
			fail_msg("%s", why);
		buf_free(&body);
		buf_free(&out);
	}
}

/* ---- what a result is worth ---- */

#define ASK(target, members) "{\"domain_or_ip_target\":\"" target "\",\"caa_check_parameters\":" \
	"{\"caa_domains\":[\"ca1.com\"]" members "}}"
#define SAW(records) "true,\"found_at\":\"a.com\",\"records_seen\":" records

/* `details`: caa_record_present and on. `problem` NONE: it suffices. */
static const struct {
	const char *body, *details;
	enum problem problem;
	const char *why;
} results[] = {
	{ ASK("a.com", ""), "false", PROBLEM_NONE, NULL },
	{ ASK("a.com", ""), "null", PROBLEM_DNS_FAILED, "whether there is a CAA record" },
	{ ASK("a.com", ""), "true", PROBLEM_PERSPECTIVE_REPLY, "and not which" },
	{ ASK("a.com", ""), SAW("[]"), PROBLEM_PERSPECTIVE_REPLY, "and not which" },
	{ ASK("a.com", ""), SAW("[1]"), PROBLEM_PERSPECTIVE_REPLY, "what is no record" },
	{ ASK("a.com", ""), SAW("[\"0 issue \\\"ca1.com\\\"\"]"), PROBLEM_NONE, NULL },
	{ ASK("a.com", ""), SAW("[\"0 issue ca1.com\"]"), PROBLEM_NONE, NULL },
	{ ASK("a.com", ""), SAW("[\"0 issue \\\"ca\\\\049.com\\\"\"]"), PROBLEM_NONE, NULL },
	{ ASK("a.com", ""), SAW("[\"128 tbs \\\"x\\\"\", \"0 issue \\\"ca1.com\\\"\"]"),
	    PROBLEM_CAA_FORBIDS, "unknown tag is marked critical: 128 tbs" },
	{ ASK("a.com", ""), SAW("[\"0 issue \\\"ca2.com\\\"\"]"), PROBLEM_CAA_FORBIDS,
	    "other issuers only" },
	{ ASK("a.com", ""), SAW("[\"0 issuewild \\\"ca2.com\\\"\"]"), PROBLEM_NONE, NULL },
	{ ASK("*.a.com", ""), SAW("[\"0 issue \\\"ca1.com\\\"\", \"0 issuewild \\\";\\\"\"]"),
	    PROBLEM_CAA_FORBIDS, "forbids every issuer" },
	/* RFC 8657, of which that project knows nothing. */
	{ ASK("a.com", ""), SAW("[\"0 issue \\\"ca1.com; accounturi=u:1\\\"\"]"),
	    PROBLEM_CAA_FORBIDS, "another account" },
	{ ASK("a.com", ",\"account_uris\":[\"u:1\"]"),
	    SAW("[\"0 issue \\\"ca1.com; accounturi=u:1\\\"\"]"), PROBLEM_NONE, NULL },
	{ ASK("a.com", ",\"account_uris\":[\"u:2\"]"),
	    SAW("[\"0 issue \\\"ca1.com; accounturi=u:1\\\"\"]"), PROBLEM_CAA_FORBIDS,
	    "another account only: 0 issue \"ca1.com; accounturi=u:1\"" },
	{ ASK("a.com", ",\"validation_methods\":[\"dns-01\"]"),
	    SAW("[\"0 issue \\\"ca1.com; validationmethods=http-01\\\"\"]"), PROBLEM_CAA_FORBIDS,
	    "other validation methods" },
	{ "{\"domain_or_ip_target\":\"a.com\",\"caa_check_parameters\":{\"caa_domains\":"
	    "[\"ca1.com\"]},\"ignore_rfc8657\":true}",
	    SAW("[\"0 issue \\\"ca1.com; accounturi=u:1\\\"\"]"), PROBLEM_NONE, NULL },
	/* What is no record. */
	{ ASK("a.com", ""), SAW("[\"\"]"), PROBLEM_PERSPECTIVE_REPLY, "no CAA record" },
	{ ASK("a.com", ""), SAW("[\"256 issue \\\"ca1.com\\\"\"]"), PROBLEM_PERSPECTIVE_REPLY, NULL },
	{ ASK("a.com", ""), SAW("[\"-1 issue \\\"ca1.com\\\"\"]"), PROBLEM_PERSPECTIVE_REPLY, NULL },
	{ ASK("a.com", ""), SAW("[\"0 is-sue \\\"ca1.com\\\"\"]"), PROBLEM_PERSPECTIVE_REPLY, NULL },
	{ ASK("a.com", ""), SAW("[\"0 issue \\\"ca1.com\"]"), PROBLEM_PERSPECTIVE_REPLY, NULL },
	{ ASK("a.com", ""), SAW("[\"0 issue \\\"ca1.com\\\" x\"]"), PROBLEM_PERSPECTIVE_REPLY, NULL },
	{ ASK("a.com", ""), SAW("[\"0 issue \\\"\\\\256\\\"\"]"), PROBLEM_PERSPECTIVE_REPLY, NULL },
	{ ASK("a.com", ""), SAW("[\"0 issue \\\"\\\\1\\\"\"]"), PROBLEM_PERSPECTIVE_REPLY, NULL },
	{ ASK("a.com", ""), SAW("[\"0 issue \\\"a\\\\\"]"), PROBLEM_PERSPECTIVE_REPLY, NULL },
	{ ASK("a.com", ""), SAW("[\"\\\\\\\\# 2 0000\"]"), PROBLEM_PERSPECTIVE_REPLY, NULL },
};

static void
test_results(void **state)
{
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		struct buf body = text_of(results[i].body), why = BUF_INIT(CHECK_MESSAGE_MAX);
		enum problem problem = PROBLEM_NONE;
		struct json_faults faults;
		struct check_result r;
		char text[1024];
		bool ok;

		snprintf(text, sizeof(text), "{\"check_completed\":true,\"check_passed\":true,"
		    "\"check_type\":\"caa\",\"details\":{\"caa_record_present\":%s}}",
		    results[i].details);
		json_faults_init(&faults);
		if (!check_result_decode(&r, CHECK_CAA, text, strlen(text), &faults))
			fail_msg("%s", text);
		ok = open_mpic_suffices(CHECK_CAA, &body, &r, &problem, &why);
		if (ok != (results[i].problem == PROBLEM_NONE) || (!ok &&
		    problem != results[i].problem) || (results[i].why != NULL &&
		    strstr(why.data, results[i].why) == NULL))
			fail_msg("%zu: %s: %s", i, text, why.data != NULL ? why.data : "");
		/* What did not pass needs no second look. */
		r.check_passed = false;
		assert_true(open_mpic_suffices(CHECK_CAA, &body, &r, &problem, &why));
		check_result_free(&r);
		buf_free(&body);
		buf_free(&why);
	}
}

/* ---- header fields ---- */

static const struct {
	const char *line;
	bool open;
	const char *name, *value, *why;
} lines[] = {
	{ "X-Caller: ca 1 ", true, "x-caller", "ca 1", NULL },
	{ "X-Caller:ca", true, "x-caller", "ca", NULL },
	{ "X-API-Key: s3cret\r", false, "x-api-key", "s3cret", NULL },
	{ "Authorization: Bearer a:b", false, "authorization", "Bearer a:b", NULL },
	{ "X-API-Key: s3cret", true, NULL, NULL, "belongs into headers_file" },
	{ "authorization: s3cret", true, NULL, NULL, "belongs into headers_file" },
	{ "Cookie: s3cret", true, NULL, NULL, "belongs into headers_file" },
	{ "Host: s3cret", false, NULL, NULL, "the call itself sets" },
	{ "content-length: 3", false, NULL, NULL, "the call itself sets" },
	{ "no colon s3cret", false, NULL, NULL, "expected Name: value" },
	{ "a b: s3cret", false, NULL, NULL, "field name" },
	{ ": s3cret", false, NULL, NULL, "field name" },
	{ "X-A: ", false, NULL, NULL, "after the colon" },
	{ "X-A: s3cret\x01", false, NULL, NULL, "after the colon" },
};

static void
test_headers(void **state)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct call_headers *h = call_headers_new();
		const char *why = call_headers_add(h, lines[i].line, strlen(lines[i].line),
		    lines[i].open);

		if ((why == NULL) != (lines[i].why == NULL))
			fail_msg("%s: %s", lines[i].line, why != NULL ? why : "taken");
		assert_int_equal(h->count, lines[i].why == NULL);
		if (why == NULL) {
			assert_string_equal(h->list[0].name, lines[i].name);
			assert_string_equal(h->list[0].value, lines[i].value);
			assert_non_null(call_headers_add(h, lines[i].line, strlen(lines[i].line),
			    lines[i].open));
		} else {
			assert_non_null(strstr(why, lines[i].why));
			assert_null(strstr(why, "s3cret"));
		}
		call_headers_free(h);
	}
	call_headers_free(NULL);
}

static bool
read_file(struct call_headers *h, const char *text, size_t len, struct buf *faults)
{
	char path[] = "/tmp/test_open_mpic.XXXXXX";
	int fd = mkstemp(path);
	bool ok;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	ok = call_headers_read(h, path, faults);
	unlink(path);
	return ok;
}

static void
test_headers_file(void **state)
{
	static const char good[] = "# of the gateway\n\nX-API-Key: s3cret\r\nX-B: 2";
	static const char bad[] = "X-A: 1\ns3cret\n";
	struct call_headers *h = call_headers_new();
	struct buf faults = BUF_INIT(4096);
	char *longest;

	assert_true(read_file(h, good, sizeof(good) - 1, &faults));
	assert_int_equal(h->count, 2);
	assert_string_equal(h->list[0].value, "s3cret");
	assert_string_equal(h->list[1].name, "x-b");
	assert_false(read_file(h, bad, sizeof(bad) - 1, &faults));
	assert_non_null(strstr(faults.data, ":2: expected Name: value"));
	assert_null(strstr(faults.data, "s3cret"));
	/* What is too long is no two lines. */
	longest = malloc(2 * CALL_HEADER_MAX);
	memset(longest, 'y', 2 * CALL_HEADER_MAX);
	memcpy(longest, "X-C: ", 5);
	memcpy(longest + CALL_HEADER_MAX + 1, "X-D: ", 5);
	buf_reset(&faults);
	assert_false(read_file(h, longest, 2 * CALL_HEADER_MAX, &faults));
	assert_non_null(strstr(faults.data, ":1: expected at most 4096 bytes"));
	buf_reset(&faults);
	assert_false(call_headers_read(h, "/nonexistent", &faults));
	assert_non_null(strstr(faults.data, "/nonexistent"));
	free(longest);
	buf_free(&faults);
	call_headers_free(h);
}

/* As many as there is room for, and no more. */
static void
test_headers_many(void **state)
{
	struct call_headers *h = call_headers_new();
	char line[32];

	for (int i = 0; i < CALL_HEADERS_MAX; i++) {
		snprintf(line, sizeof(line), "X-%d: 1", i);
		assert_null(call_headers_add(h, line, strlen(line), true));
	}
	assert_non_null(call_headers_add(h, "X-N: 1", 6, true));
	assert_int_equal(h->count, CALL_HEADERS_MAX);
	call_headers_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_headers_file),
		cmocka_unit_test(test_headers_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
