/* coordinator/response.h: answers on domain control, alone and together with CAA. */
#include "response_fixture.h"

#include <string.h>

#define RESULT_BEGINS "{\"check_completed\":true,\"check_passed\":true,\"errors\":null," \
	"\"timestamp_ns\":0,\"check_type\":"
#define RESULT_ENDS ",\"perspective_code\":null,\"nonce\":null," \
	"\"domain_or_ip_target\":null,\"problem\":null," \
	"\"elapsed_ms\":null,\"evidence\":null}"
#define GONE_BEGINS "{\"check_completed\":false,\"check_passed\":false,\"errors\":" \
	"[{\"error_type\":\"mpic_error:coordinator:remote_check\",\"error_message\":\"gone\"}]," \
	"\"timestamp_ns\":0,\"check_type\":"
#define GONE_ENDS ",\"perspective_code\":\"aws:eu-central-1\",\"nonce\":null," \
	"\"domain_or_ip_target\":null,\"problem\":" \
	"{\"code\":\"perspective-unreachable\",\"message\":\"gone\",\"fault\":\"perspective\"," \
	"\"retryable\":true},\"elapsed_ms\":null,\"evidence\":null}"
#define ECHO(check_type) "{\"mpic_completed\":false,\"request_orchestration_parameters\":null," \
	"\"check_type\":\"" check_type "\",\"domain_or_ip_target\":\"C1.com\"," \
	"\"trace_identifier\":null,\"dcv_check_parameters\":"
#define ACTUAL ",\"actual_orchestration_parameters\":{\"perspective_count\":2," \
	"\"quorum_count\":2,\"attempt_count\":1},\"is_valid\":"
#define FIRST ",\"perspectives\":[{\"perspective_code\":\"aws:us-east-1\",\"check_response\":"
#define SECOND ",\"rir\":\"ARIN\"},{\"perspective_code\":\"aws:eu-central-1\",\"check_response\":"
#define LAST ",\"rir\":\"RIPE NCC\"}],\"previous_attempt_results\":null"

/* Whole answers: one perspective that passed, one that could not be reached. */
static const struct {
	struct check_dcv_parameters parameters;
	const char *echo, *passed, *gone;
} answers[] = {
	{ { .set = true, .method = DCV_ACME_HTTP_01, .token = "t", .key_authorization = "t.k" },
	    "{\"validation_method\":\"acme-http-01\",\"require_exact_case\":true,\"token\":\"t\","
	    "\"key_authorization\":\"t.k\",\"http_headers\":null}",
	    "{\"validation_method\":\"acme-http-01\",\"response_history\":null,\"response_url\":null,"
	    "\"response_status_code\":null,\"response_page\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":\"secure\",\"resolved_ip\":null,\"addresses_tried\":[]}",
	    "{\"validation_method\":\"acme-http-01\",\"response_history\":null,\"response_url\":null,"
	    "\"response_status_code\":null,\"response_page\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":null,\"resolved_ip\":null,\"addresses_tried\":[]}" },
	{ { .set = true, .method = DCV_ACME_DNS_01, .key_authorization_hash = "h",
		.dns_record_type = DCV_TXT },
	    "{\"validation_method\":\"acme-dns-01\",\"require_exact_case\":true,"
	    "\"key_authorization_hash\":\"h\"}",
	    "{\"validation_method\":\"acme-dns-01\",\"records_seen\":null,\"response_code\":null,"
	    "\"ad_flag\":null,\"found_at\":null,\"cname_chain\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":\"secure\"}",
	    "{\"validation_method\":\"acme-dns-01\",\"records_seen\":null,\"response_code\":null,"
	    "\"ad_flag\":null,\"found_at\":null,\"cname_chain\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":null}" },
	{ { .set = true, .method = DCV_ACME_TLS_ALPN_01, .key_authorization_hash = "h" },
	    "{\"validation_method\":\"acme-tls-alpn-01\",\"require_exact_case\":false,"
	    "\"key_authorization_hash\":\"h\"}",
	    "{\"validation_method\":\"acme-tls-alpn-01\",\"common_name\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":\"secure\",\"resolved_ip\":null,\"addresses_tried\":[]}",
	    "{\"validation_method\":\"acme-tls-alpn-01\",\"common_name\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":null,\"resolved_ip\":null,\"addresses_tried\":[]}" },
};

#define UNREACHED_PROBLEM "\"problem\":{\"code\":\"perspective-unreachable\",\"message\":" \
	"\"1 of 2 perspectives corroborated; 2 needed. aws:eu-central-1: gone\",\"fault\":" \
	"\"perspective\",\"retryable\":true}"

static void
test_shape_of_dcv(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct mpic_request q = request_for("dcv");
		struct buf out = BUF_INIT(65536), expected = BUF_INIT(65536);

		q.dcv = answers[i].parameters;
		encode(&q, (const char *[]){ "pu" }, 1, &out);
		buf_addf(&expected, ECHO("dcv") "%s" ACTUAL "false" FIRST RESULT_BEGINS
		    "\"dcv\",\"details\":%s" RESULT_ENDS SECOND GONE_BEGINS "\"dcv\",\"details\":%s"
		    GONE_ENDS LAST ",\"quorum\":\"1/2\",\"dnssec_status\":\"secure\","
		    "\"elapsed_ms\":12,\"trace_id\":null," UNREACHED_PROBLEM RULES_OF_2, answers[i].echo,
		    answers[i].passed, answers[i].gone);
		assert_string_equal(out.data, expected.data);
		buf_free(&out);
		buf_free(&expected);
	}
}

#define CAA_DETAILS(dnssec) "{\"caa_record_present\":null,\"found_at\":null," \
	"\"records_seen\":null,\"dnssec_status\":" dnssec ",\"reason\":null," \
	"\"deciding_record\":null,\"looked_up\":null}"

static void
test_shape_of_dcv_with_caa(void **state)
{
	struct mpic_request q = request_for("dcv_with_caa");
	struct buf out = BUF_INIT(65536), expected = BUF_INIT(65536);

	q.dcv = answers[0].parameters;
	encode(&q, (const char *[]){ "pu/pp" }, 1, &out);
	buf_addf(&expected, ECHO("dcv_with_caa") "%s,\"caa_check_parameters\":null" ACTUAL "false"
	    FIRST RESULT_BEGINS "\"dcv\",\"details\":%s" RESULT_ENDS ",\"caa_check_response\":"
	    RESULT_BEGINS "\"caa\",\"details\":" CAA_DETAILS("\"secure\"") RESULT_ENDS
	    SECOND GONE_BEGINS "\"dcv\",\"details\":%s" GONE_ENDS ",\"caa_check_response\":"
	    RESULT_BEGINS "\"caa\",\"details\":" CAA_DETAILS("\"insecure\"") RESULT_ENDS LAST
	    ",\"verdicts\":{\"dcv\":{\"is_valid\":false,\"quorum\":\"1/2\","
	    "\"dnssec_status\":\"secure\"," UNREACHED_PROBLEM "},\"caa\":{\"is_valid\":true,"
	    "\"quorum\":\"2/2\",\"dnssec_status\":\"insecure\",\"problem\":null}},"
	    "\"quorum\":\"1/2\",\"dnssec_status\":\"insecure\",\"elapsed_ms\":12,\"trace_id\":null,"
	    UNREACHED_PROBLEM RULES_OF_2, answers[0].echo, answers[0].passed, answers[0].gone);
	assert_string_equal(out.data, expected.data);
	buf_free(&out);
	buf_free(&expected);
}

/* Two ballots: each needs two votes of three, from the regions of two RIRs. */
static const struct {
	const char *votes;
	bool dcv, caa, completed;
	const char *quorum, *problem, *says;
} both[] = {
	{ "ppp/ppp", true, true, true, "3/3", NULL, NULL },
	{ "ppf/ppp", true, true, true, "2/3", NULL, NULL },
	{ "ppp/fpp", true, true, true, "2/3", NULL, NULL },
	/* Different ones for each: the two checks are two questions. */
	{ "ppf/fpp", true, true, true, "2/3", NULL, NULL },
	{ "pff/ppp", false, true, true, "1/3", "no-match", "1 of 3" },
	{ "ppp/ffp", true, false, true, "1/3", "caa-forbids", "1 of 3" },
	{ "ppf/fff", true, false, true, "0/3", "caa-forbids", "0 of 3" },
	/* Both fail: domain control comes first. */
	{ "pff/fff", false, false, true, "1/3", "no-match", "1 of 3" },
	/* Enough votes of one check, but two of them from one RIR. */
	{ "pfp/ppp", false, true, true, "2/3", "no-match", "in the service region of one RIR" },
	{ "ppp/pfp", true, false, true, "2/3", "caa-forbids", "in the service region of one RIR" },
	{ "ppf/pfp", true, false, true, "2/3", "caa-forbids", "in the service region of one RIR" },
	/* Votes of one check are none for the other. */
	{ "pff/fpp", false, true, true, "1/3", "no-match", "1 of 3" },
	{ "puu/ppp", false, true, false, "1/3", "perspective-unreachable", "gone" },
	{ "ppp/uup", true, false, false, "1/3", "perspective-unreachable", "gone" },
	{ "ppu/upp", true, true, true, "2/3", NULL, NULL },
};

static bool
is_valid(struct json_object *o)
{
	struct json_object *value;

	return json_object_object_get_ex(o, "is_valid", &value) &&
	    json_object_get_boolean(value);
}

static void
test_two_verdicts(void **state)
{
	enum rir rir = fleet[2].rir;

	fleet[2].rir = fleet[0].rir;
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		struct mpic_request q = request_for("dcv_with_caa");
		struct buf out = BUF_INIT(65536);
		struct json_object *o, *problem;

		q.dcv = answers[0].parameters;
		encode(&q, &both[i].votes, 1, &out);
		o = json_tokener_parse(out.data);
		assert_non_null(o);
		assert_int_equal(is_valid(o), both[i].dcv && both[i].caa);
		assert_int_equal(is_valid(member(member(o, "verdicts"), "dcv")), both[i].dcv);
		assert_int_equal(is_valid(member(member(o, "verdicts"), "caa")), both[i].caa);
		assert_int_equal(json_object_get_boolean(member(o, "mpic_completed")),
		    both[i].completed);
		assert_string_equal(json_object_get_string(member(o, "quorum")), both[i].quorum);
		problem = member(o, "problem");
		if (both[i].problem == NULL) {
			assert_null(problem);
		} else {
			assert_string_equal(json_object_get_string(member(problem, "code")),
			    both[i].problem);
			assert_non_null(strstr(json_object_get_string(member(problem, "message")),
			    both[i].says));
		}
		json_object_put(o);
		buf_free(&out);
	}
	fleet[2].rir = rir;
}

static void
test_attempts_of_dcv_with_caa(void **state)
{
	struct mpic_request q = request_for("dcv_with_caa");
	struct buf out = BUF_INIT(65536);
	struct json_object *o, *previous, *row;

	q.dcv = answers[0].parameters;
	encode(&q, (const char *[]){ "ppp/fff", "fff/ppp" }, 2, &out);
	o = json_tokener_parse(out.data);
	previous = member(o, "previous_attempt_results");
	row = json_object_array_get_idx(json_object_array_get_idx(previous, 0), 2);
	assert_string_equal(json_object_get_string(member(member(row, "caa_check_response"),
	    "check_type")), "caa");
	assert_string_equal(json_object_get_string(member(member(row, "check_response"),
	    "check_type")), "dcv");
	assert_false(is_valid(o));
	json_object_put(o);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape_of_dcv),
		cmocka_unit_test(test_shape_of_dcv_with_caa),
		cmocka_unit_test(test_two_verdicts),
		cmocka_unit_test(test_attempts_of_dcv_with_caa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
