/* The draft's requests as ours, and our answers as the draft's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "coordinator/draft.h"

#define TEXT_MAX 65536

/* ---- requests ---- */

static const struct {
	const char *text;
	const char *ours;	/* or, of one at fault, what its error begins with */
	bool ok;
} requests[] = {
	{ "{\"method\":\"caa\",\"domain\":\"some.example.com\"}",
	    "{\"check_type\":\"caa\",\"domain_or_ip_target\":\"some.example.com\"}", true },
	{ "{\"method\":\"http-acme\",\"domain_or_ip\":\"a.com\",\"token\":\"t\","
	    "\"key_authorization\":\"t.k\"}",
	    "{\"check_type\":\"dcv_with_caa\",\"domain_or_ip_target\":\"a.com\","
	    "\"dcv_check_parameters\":{\"validation_method\":\"acme-http-01\",\"token\":\"t\","
	    "\"key_authorization\":\"t.k\"}}", true },
	/* false by default where CAA means nothing */
	{ "{\"method\":\"http-acme\",\"domain_or_ip\":\"2001:db8::1\",\"token\":\"t\","
	    "\"key_authorization\":\"t.k\"}",
	    "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"2001:db8::1\","
	    "\"dcv_check_parameters\":{\"validation_method\":\"acme-http-01\",\"token\":\"t\","
	    "\"key_authorization\":\"t.k\"}}", true },
	{ "{\"method\":\"http-acme\",\"domain_or_ip\":\"a.com\",\"token\":\"t\","
	    "\"key_authorization\":\"t.k\",\"caa_check\":false,\"more\":1}",
	    "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"a.com\","
	    "\"dcv_check_parameters\":{\"validation_method\":\"acme-http-01\",\"token\":\"t\","
	    "\"key_authorization\":\"t.k\"}}", true },
	{ "{\"method\":\"dns\",\"domain\":\"*.a.com\",\"record-type\":\"TXT\",\"prefix\":\"\","
	    "\"expected\":\"\\\"x\\\"\"}",
	    "{\"check_type\":\"dcv_with_caa\",\"domain_or_ip_target\":\"*.a.com\","
	    "\"dcv_check_parameters\":{\"validation_method\":\"dns-change\","
	    "\"dns_record_type\":\"TXT\",\"dns_name_prefix\":\"\",\"challenge_value\":\"\\\"x\\\"\","
	    "\"require_exact_match\":true}}", true },
	{ "{\"method\":\"dns\",\"domain\":\"a.com\",\"record-type\":\"CAA\",\"prefix\":\"_a\","
	    "\"expected\":\"x\",\"caa\":false}",
	    "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"a.com\","
	    "\"dcv_check_parameters\":{\"validation_method\":\"dns-change\","
	    "\"dns_record_type\":\"CAA\",\"dns_name_prefix\":\"_a\",\"challenge_value\":\"x\","
	    "\"require_exact_match\":true}}", true },
	{ "{}", "method: ", false },
	{ "{\"method\":\"tls-alpn\"}", "method: expected one of ", false },
	{ "{\"method\":\"caa\",\"domain_or_ip\":\"a.com\"}", "domain: ", false },
	{ "{\"method\":\"http-acme\"}", "domain_or_ip: ", false },
	{ "{\"method\":\"dns\",\"domain\":\"a.com\",\"record_type\":\"TXT\",\"prefix\":\"\","
	    "\"expected\":\"x\"}", "record-type: ", false },
	{ "[]", "expected an object", false },
	{ "{", "1: ", false },
};

static void
test_requests(void **state)
{
	static const char refused[] = "{\"success\":false,\"perspectives\":{},\"error\":\"";

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct buf out = BUF_INIT(TEXT_MAX);
		struct json_faults faults;
		bool ok;

		json_faults_init(&faults);
		ok = draft_request_translate(requests[i].text, strlen(requests[i].text), &out,
		    &faults);
		if (ok != requests[i].ok)
			fail_msg("%s", requests[i].text);
		if (ok) {
			assert_string_equal(out.data, requests[i].ours);
		} else {
			buf_reset(&out);
			draft_faults_encode(&faults, &out);
			assert_memory_equal(out.data, refused, strlen(refused));
			if (strstr(out.data, requests[i].ours) == NULL)
				fail_msg("%s: %s", requests[i].text, out.data);
		}
		buf_free(&out);
	}
}

/* ---- answers ---- */

#define SAW(code, passed, at, found, records) \
	"{\"perspective_code\":\"" code "\",\"check_response\":" \
	RESULT("caa", passed, at, found, records) "}"
#define RESULT(type, passed, at, found, records) \
	"{\"check_type\":\"" type "\",\"check_completed\":true,\"check_passed\":" passed \
	",\"details\":{\"found_at\":" at "},\"evidence\":{\"found\":" found \
	",\"lookups\":[{\"records\":" records "}]}}"
#define BOTH(code, dcv, caa) "{\"perspective_code\":\"" code "\",\"check_response\":{" \
	"\"check_type\":\"dcv\",\"check_passed\":" dcv "},\"caa_check_response\":" \
	RESULT("caa", caa, "null", "-1", "null") "}"
#define LOST(code) "{\"perspective_code\":\"" code "\",\"check_response\":{" \
	"\"check_type\":\"caa\",\"check_completed\":false,\"check_passed\":false,\"evidence\":null}}"

static const struct {
	const char *ours, *theirs;
} answers[] = {
	{ "{\"is_valid\":true,\"perspectives\":[" SAW("a", "true", "\"x.com\"", "0", "[\"AA==\"]") "]}",
	    "{\"success\":true,\"caa\":{\"domain\":\"x.com\",\"records\":[\"AA==\"]},"
	    "\"perspectives\":{\"a\":{\"success\":true}}}" },
	/* what most saw, in whatever order */
	{ "{\"is_valid\":false,\"problem\":{\"message\":\"1 of 3\"},\"perspectives\":["
	    SAW("a", "true", "\"x.com\"", "0", "[\"AA==\"]") ","
	    SAW("b", "false", "\"x.com\"", "0", "[\"BA==\",\"CA==\"]") ","
	    SAW("c", "false", "\"x.com\"", "0", "[\"CA==\",\"BA==\"]") "]}",
	    "{\"success\":false,\"caa\":{\"domain\":\"x.com\",\"records\":[\"BA==\",\"CA==\"]},"
	    "\"perspectives\":{\"a\":{\"success\":true},\"b\":{\"success\":false},"
	    "\"c\":{\"success\":false}},\"error\":\"1 of 3\"}" },
	/* found elsewhere is something else; of those who know, none beats the earliest */
	{ "{\"is_valid\":true,\"perspectives\":[" LOST("a") ","
	    SAW("b", "true", "\"x.com\"", "0", "[\"AA==\"]") ","
	    SAW("c", "true", "\"com\"", "0", "[\"AA==\"]") "]}",
	    "{\"success\":true,\"caa\":{\"domain\":\"x.com\",\"records\":[\"AA==\"]},"
	    "\"perspectives\":{\"a\":{\"success\":false},\"b\":{\"success\":true},"
	    "\"c\":{\"success\":true}}}" },
	/* none, and nobody knows */
	{ "{\"is_valid\":true,\"perspectives\":[" SAW("a", "true", "null", "-1", "null") "]}",
	    "{\"success\":true,\"caa\":{\"domain\":null,\"records\":[]},"
	    "\"perspectives\":{\"a\":{\"success\":true}}}" },
	{ "{\"is_valid\":false,\"perspectives\":[" LOST("a") "]}",
	    "{\"success\":false,\"perspectives\":{\"a\":{\"success\":false}},\"error\":\"not valid\"}" },
	/* both have to pass; the primary is a perspective, too */
	{ "{\"is_valid\":true,\"primary\":" BOTH("p", "true", "true") ",\"perspectives\":["
	    BOTH("a", "true", "false") "," BOTH("b", "false", "true") "]}",
	    "{\"success\":true,\"caa\":{\"domain\":null,\"records\":[]},\"perspectives\":{"
	    "\"p\":{\"success\":true},\"a\":{\"success\":false},\"b\":{\"success\":false}}}" },
	/* evidence is a perspective's own word: what is no list of records tells nothing */
	{ "{\"is_valid\":true,\"perspectives\":["
	    SAW("a", "true", "\"x.com\"", "0", "[null]") ","
	    SAW("b", "true", "\"x.com\"", "0", "[\"AA==\"]") ","
	    SAW("c", "true", "\"x.com\"", "0", "[[1]]") "]}",
	    "{\"success\":true,\"caa\":{\"domain\":\"x.com\",\"records\":[\"AA==\"]},"
	    "\"perspectives\":{\"a\":{\"success\":true},\"b\":{\"success\":true},"
	    "\"c\":{\"success\":true}}}" },
	{ "{\"detail\":\"too many\"}",
	    "{\"success\":false,\"perspectives\":{},\"error\":\"too many\"}" },
	{ "{\"error\":\"request-validation-failed\",\"validation_issues\":[{\"message\":\"m1\","
	    "\"loc\":[\"body\",\"domain_or_ip_target\"]},{\"message\":\"m2\",\"loc\":[\"body\","
	    "\"dcv_check_parameters\",\"challenge_value\"]}]}",
	    "{\"success\":false,\"perspectives\":{},\"error\":\"domain: m1; expected: m2\"}" },
	{ "{\"is_valid\":\"true\"}",
	    "{\"success\":false,\"perspectives\":{},\"error\":\"not valid\"}" },
	{ "{\"is_valid\":trUe,\"perspectives\":[]}", NULL },
	{ "{\"is_valid\":true} x", NULL },
	{ "[]", NULL },
	{ "", NULL },
};

static void
test_answers(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct buf out = BUF_INIT(TEXT_MAX);
		bool ok = draft_response_translate(answers[i].ours, strlen(answers[i].ours), &out);

		if (ok != (answers[i].theirs != NULL))
			fail_msg("%s", answers[i].ours);
		if (ok)
			assert_string_equal(out.data, answers[i].theirs);
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests_name("draft", tests, NULL, NULL);
}
