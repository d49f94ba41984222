/* coordinator/request.h: what is decided, and every fault by its field. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "buf.h"
#include "coordinator/question.h"
#include "coordinator/request.h"
#include "open_mpic.h"

static struct mpic_limits limits = { .perspectives = 6, .default_perspectives = 6,
	.max_attempts = 3, .default_deadline_ms = 20000, .max_deadline_ms = 60000,
	.own_caa_domains = true };

static bool
decode(struct mpic_request *r, const char *text, struct json_faults *faults)
{
	json_faults_init(faults);
	limits.rules = policy_at(open_mpic(), 0);
	return mpic_request_decode(r, &limits, text, strlen(text), faults);
}

#define C "{\"check_type\":\"caa\",\"domain_or_ip_target\":\"c1.com\""
#define O(members) C ",\"orchestration_parameters\":{" members "}}"
#define P(members) C ",\"caa_check_parameters\":{" members "}}"

/* What a request that is served comes to. */
static const struct {
	const char *text;
	size_t perspectives, quorum, attempts, cohort;
	int64_t deadline_ms;
} good[] = {
	{ C "}", 6, 4, 1, 0, 20000 },
	{ C ",\"orchestration_parameters\":null,\"caa_check_parameters\":null,"
	    "\"trace_identifier\":null}", 6, 4, 1, 0, 20000 },
	{ C ",\"of_tomorrow\":{\"x\":[1]}}", 6, 4, 1, 0, 20000 },
	{ O("\"perspective_count\":2"), 2, 1, 1, 0, 20000 },
	{ O("\"perspective_count\":5"), 5, 4, 1, 0, 20000 },
	{ O("\"perspective_count\":5,\"quorum_count\":5"), 5, 5, 1, 0, 20000 },
	{ O("\"perspective_count\":null,\"quorum_count\":null,\"max_attempts\":null,"
	    "\"cohort_for_single_attempt\":null"), 6, 4, 1, 0, 20000 },
	{ O("\"quorum_count\":6"), 6, 6, 1, 0, 20000 },
	{ O("\"quorum_count\":4"), 6, 4, 1, 0, 20000 },
	{ O("\"max_attempts\":2"), 6, 4, 2, 0, 20000 },
	{ O("\"max_attempts\":100"), 6, 4, 3, 0, 20000 },
	{ O("\"max_attempts\":0"), 6, 4, 1, 0, 20000 },
	{ O("\"max_attempts\":3,\"cohort_for_single_attempt\":2"), 6, 4, 1, 2, 20000 },
	{ C ",\"deadline_ms\":100}", 6, 4, 1, 0, 100 },
	{ C ",\"deadline_ms\":100000}", 6, 4, 1, 0, 60000 },
};

static void
test_good(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct json_faults faults;
		struct mpic_request r;

		if (!decode(&r, good[i].text, &faults))
			fail_msg("%s: %s %s", good[i].text, faults.list[0].path,
			    faults.list[0].message);
		assert_int_equal(r.perspectives, good[i].perspectives);
		assert_int_equal(r.quorum, good[i].quorum);
		assert_int_equal(r.attempts, good[i].attempts);
		assert_int_equal(r.cohort, good[i].cohort);
		assert_int_equal(r.deadline_ms, good[i].deadline_ms);
		assert_string_equal(target_text(&r.target), "c1.com");
		mpic_request_free(&r);
	}
}

#define T(target) "{\"check_type\":\"caa\",\"domain_or_ip_target\":\"" target "\"}"

/* A request and all its faults: "path issue", joined by commas. */
static const struct {
	const char *text, *faults;
} bad[] = {
	{ "", "0 json_invalid" },
	{ "{", "1 json_invalid" },
	{ "[]", " model_attributes_type" },
	{ "{}", "domain_or_ip_target missing,check_type missing" },
	{ "{\"domain_or_ip_target\":\"c1.com\"}", "check_type missing" },
	{ "{\"check_type\":\"caa\"}", "domain_or_ip_target missing" },
	{ "{\"check_type\":\"CAA\",\"domain_or_ip_target\":\"c1.com\"}",
	    "check_type literal_error" },
	{ "{\"check_type\":7,\"domain_or_ip_target\":7}",
	    "domain_or_ip_target string_type,check_type string_type" },
	{ "{\"check_type\":\"DCV\",\"domain_or_ip_target\":\"c1.com\"}",
	    "check_type literal_error" },
	/* Targets. */
	{ T(""), "domain_or_ip_target string_too_short" },
	{ T("192.0.2.1"), "domain_or_ip_target invalid-target" },
	{ T("2001:db8::1"), "domain_or_ip_target invalid-target" },
	{ T("c1.com."), "domain_or_ip_target invalid-target" },
	{ T("a..b"), "domain_or_ip_target invalid-target" },
	{ T("a b.com"), "domain_or_ip_target invalid-target" },
	{ T("a_b.com"), "domain_or_ip_target invalid-target" },
	{ T("xn--a.com"), "domain_or_ip_target invalid-target" },
	{ T("*"), "domain_or_ip_target invalid-target" },
	{ T("a.*.com"), "domain_or_ip_target invalid-target" },
	{ T("c1.com\\u0000.org"), "domain_or_ip_target string_nul" },
	/* Counts: quorum_count is checked whether or not perspective_count was given. */
	{ O("\"perspective_count\":1"),
	    "orchestration_parameters.perspective_count invalid-perspective-count" },
	{ O("\"perspective_count\":7"),
	    "orchestration_parameters.perspective_count invalid-perspective-count" },
	{ O("\"perspective_count\":-2,\"quorum_count\":99"),
	    "orchestration_parameters.perspective_count invalid-perspective-count" },
	{ O("\"perspective_count\":\"6\""),
	    "orchestration_parameters.perspective_count int_type" },
	{ O("\"perspective_count\":6.0"),
	    "orchestration_parameters.perspective_count int_type" },
	{ O("\"quorum_count\":1"),
	    "orchestration_parameters.quorum_count invalid-quorum-count" },
	{ O("\"quorum_count\":0"),
	    "orchestration_parameters.quorum_count invalid-quorum-count" },
	{ O("\"quorum_count\":7"),
	    "orchestration_parameters.quorum_count invalid-quorum-count" },
	{ O("\"perspective_count\":5,\"quorum_count\":3"),
	    "orchestration_parameters.quorum_count invalid-quorum-count" },
	{ O("\"perspective_count\":2,\"quorum_count\":0"),
	    "orchestration_parameters.quorum_count invalid-quorum-count" },
	{ O("\"max_attempts\":-1"), "orchestration_parameters.max_attempts greater_than_equal" },
	{ O("\"cohort_for_single_attempt\":0"),
	    "orchestration_parameters.cohort_for_single_attempt greater_than_equal" },
	{ C ",\"orchestration_parameters\":3}", "orchestration_parameters model_attributes_type" },
	{ C ",\"deadline_ms\":0}", "deadline_ms greater_than_equal" },
	{ C ",\"trace_identifier\":1}", "trace_identifier string_type" },
	/* CAA parameters. */
	{ P("\"certificate_type\":\"x\""), "caa_check_parameters.certificate_type enum" },
	{ P("\"caa_domains\":\"ca1.com\""), "caa_check_parameters.caa_domains list_type" },
	{ P("\"caa_domains\":[\"ca1.com\",\"c a\",\"\"]"),
	    "caa_check_parameters.caa_domains.2 string_too_short" },
	{ P("\"caa_domains\":[\"ca1.com\",\"c a\",\"b\xc3\xbc.com\"]"),
	    "caa_check_parameters.caa_domains.1 invalid-caa-domain,"
	    "caa_check_parameters.caa_domains.2 invalid-caa-domain" },
	{ P("\"allow_lookup_failure\":1"), "caa_check_parameters.allow_lookup_failure bool_type" },
	{ P("\"account_uris\":[1]"), "caa_check_parameters.account_uris.0 string_type" },
	{ P("\"validation_methods\":{}"), "caa_check_parameters.validation_methods list_type" },
	/* All at once. */
	{ "{\"check_type\":\"caa\",\"domain_or_ip_target\":\"-\",\"orchestration_parameters\":"
	    "{\"quorum_count\":1,\"max_attempts\":true},\"caa_check_parameters\":{\"caa_domains\":"
	    "[3]}}", "orchestration_parameters.max_attempts int_type,"
	    "domain_or_ip_target invalid-target,caa_check_parameters.caa_domains.0 string_type,"
	    "orchestration_parameters.quorum_count invalid-quorum-count" },
};

static void
assert_faults(const struct mpic_limits *by, const char *text, const char *expected)
{
	struct buf got = BUF_INIT(4096);
	struct json_faults faults;
	struct mpic_request r;

	json_faults_init(&faults);
	assert_int_equal(mpic_request_decode(&r, by, text, strlen(text), &faults),
	    expected[0] == '\0');
	for (size_t k = 0; k < faults.count; k++)
		buf_addf(&got, "%s%s %s", k > 0 ? "," : "", faults.list[k].path,
		    faults.list[k].issue);
	assert_string_equal(got.data != NULL ? got.data : "", expected);
	buf_free(&got);
	mpic_request_free(&r);
}

static void
test_bad(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_faults(&limits, bad[i].text, bad[i].faults);
}

/* A coordinator that has no issuer domain names of its own. */
static const struct {
	const char *text, *faults;
} unnamed[] = {
	{ P("\"caa_domains\":[\"ca1.com\"]"), "" },
	{ C "}", "caa_check_parameters.caa_domains missing" },
	{ C ",\"caa_check_parameters\":null}", "caa_check_parameters.caa_domains missing" },
	{ P(""), "caa_check_parameters.caa_domains missing" },
	{ P("\"caa_domains\":null"), "caa_check_parameters.caa_domains missing" },
	{ P("\"caa_domains\":[]"), "caa_check_parameters.caa_domains missing" },
	/* What is wrong with it is said once. */
	{ P("\"caa_domains\":\"ca1.com\""), "caa_check_parameters.caa_domains list_type" },
	{ P("\"caa_domains\":[7]"), "caa_check_parameters.caa_domains.0 string_type" },
	{ C ",\"caa_check_parameters\":7}", "caa_check_parameters model_attributes_type" },
	{ P("\"certificate_type\":7"), "caa_check_parameters.certificate_type enum,"
	    "caa_check_parameters.caa_domains missing" },
};

static void
test_no_issuer_domain_names(void **state)
{
	struct mpic_limits without = limits;

	without.own_caa_domains = false;
	for (size_t i = 0; i < sizeof(unnamed) / sizeof(unnamed[0]); i++)
		assert_faults(&without, unnamed[i].text, unnamed[i].faults);
}

/* ---- domain control ---- */

#define DCV(type, target, parameters) "{\"check_type\":\"" type "\",\"domain_or_ip_target\":\"" \
	target "\",\"dcv_check_parameters\":{" parameters "}}"
#define METHOD(name) "\"validation_method\":\"" name "\""
#define HTTP_01 METHOD("acme-http-01") ",\"token\":\"t\",\"key_authorization\":\"t.k\""
#define DNS_01 METHOD("acme-dns-01") ",\"key_authorization_hash\":\"h\""
#define PTR METHOD("reverse-address-lookup") ",\"challenge_value\":\"c1.com\""
#define WEBSITE(value) METHOD("website-change") ",\"http_token_path\":\"a/value.txt\"," \
	"\"challenge_value\":\"" value "\""

/* A request, the method it comes to if it has no faults, and all of them if it has. */
static const struct {
	const char *text;
	int method;
	const char *faults;
} dcv[] = {
	{ DCV("dcv", "c1.com", HTTP_01), DCV_ACME_HTTP_01, "" },
	{ DCV("dcv", "192.0.2.1", HTTP_01), DCV_ACME_HTTP_01, "" },
	{ DCV("dcv", "2001:db8::1", HTTP_01), DCV_ACME_HTTP_01, "" },
	{ DCV("dcv", "*.c1.com", DNS_01), DCV_ACME_DNS_01, "" },
	{ DCV("dcv", "192.0.2.1", PTR), DCV_REVERSE_ADDRESS_LOOKUP, "" },
	{ DCV("dcv", "1.2.0.192.in-addr.arpa", PTR), DCV_REVERSE_ADDRESS_LOOKUP, "" },
	{ DCV("dcv", "c1.com", WEBSITE("challenge")), DCV_WEBSITE_CHANGE, "" },
	/* Parameters of another check are not read. */
	{ "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"c1.com\",\"caa_check_parameters\":7,"
	    "\"dcv_check_parameters\":{" HTTP_01 "}}", DCV_ACME_HTTP_01, "" },
	{ DCV("dcv_with_caa", "c1.com", HTTP_01), DCV_ACME_HTTP_01, "" },
	{ DCV("dcv_with_caa", "*.c1.com", DNS_01), DCV_ACME_DNS_01, "" },
	/* Without or with others. */
	{ "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"c1.com\"}", -1,
	    "dcv_check_parameters missing" },
	{ "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"c1.com\","
	    "\"dcv_check_parameters\":null}", -1, "dcv_check_parameters missing" },
	{ "{\"check_type\":\"dcv\",\"dcv_check_parameters\":[]}", -1,
	    "domain_or_ip_target missing,dcv_check_parameters model_attributes_type" },
	{ DCV("dcv", "c1.com", ""), -1, "dcv_check_parameters.validation_method missing" },
	{ DCV("dcv", "c1.com", METHOD("http-01")), -1,
	    "dcv_check_parameters.validation_method enum" },
	{ DCV("dcv", "c1.com", METHOD("acme-http-01")), -1, "dcv_check_parameters.token missing,"
	    "dcv_check_parameters.key_authorization missing" },
	/* Targets that the method does not validate. */
	{ DCV("dcv", "*.c1.com", HTTP_01), -1, "domain_or_ip_target invalid-target" },
	{ DCV("dcv", "192.0.2.1", DNS_01), -1, "domain_or_ip_target invalid-target" },
	{ DCV("dcv", "c1.com", PTR), -1, "domain_or_ip_target invalid-target" },
	{ DCV("dcv", "c1..com", HTTP_01), -1, "domain_or_ip_target invalid-target" },
	{ DCV("dcv", "*.c1.com", METHOD("website-change")), -1,
	    "dcv_check_parameters.challenge_value missing,"
	    "dcv_check_parameters.http_token_path missing,domain_or_ip_target invalid-target" },
	{ DCV("dcv", "c1.com", METHOD("website-change")), -1,
	    "dcv_check_parameters.challenge_value missing,"
	    "dcv_check_parameters.http_token_path missing" },
	{ DCV("dcv", "c1.com", WEBSITE("Value")), -1,
	    "dcv_check_parameters.challenge_value value-in-request" },
	/* An address has no CAA records. */
	{ DCV("dcv_with_caa", "192.0.2.1", HTTP_01), -1, "check_type invalid-check-type" },
	{ DCV("dcv_with_caa", "2001:db8::1", HTTP_01), -1, "check_type invalid-check-type" },
	{ DCV("dcv_with_caa", "1.2.0.192.in-addr.arpa", PTR), -1, "check_type invalid-check-type" },
	/* Of both, and of the counts, all at once. */
	{ "{\"check_type\":\"dcv_with_caa\",\"domain_or_ip_target\":\"*.c1.com\","
	    "\"orchestration_parameters\":{\"quorum_count\":1},"
	    "\"caa_check_parameters\":{\"caa_domains\":[3]},"
	    "\"dcv_check_parameters\":{" METHOD("acme-http-01") ",\"token\":\"../x\"}}", -1,
	    "dcv_check_parameters.key_authorization missing,"
	    "dcv_check_parameters.token invalid-token,domain_or_ip_target invalid-target,"
	    "caa_check_parameters.caa_domains.0 string_type,"
	    "orchestration_parameters.quorum_count invalid-quorum-count" },
};

static void
test_dcv(void **state)
{
	for (size_t i = 0; i < sizeof(dcv) / sizeof(dcv[0]); i++) {
		struct json_faults faults;
		struct mpic_request r;

		assert_faults(&limits, dcv[i].text, dcv[i].faults);
		if (decode(&r, dcv[i].text, &faults)) {
			assert_int_equal(r.dcv.method, dcv[i].method);
			assert_true(mpic_check_type_has(r.check_type, CHECK_DCV));
		}
		mpic_request_free(&r);
	}
}

/* dcv_with_caa needs an issuer domain name as CAA alone does; domain control does not. */
static void
test_dcv_without_issuer_domain_names(void **state)
{
	struct mpic_limits without = limits;

	without.own_caa_domains = false;
	assert_faults(&without, DCV("dcv", "c1.com", HTTP_01), "");
	assert_faults(&without, DCV("dcv_with_caa", "c1.com", HTTP_01),
	    "caa_check_parameters.caa_domains missing");
}

static void
test_check_type_names_all_three(void **state)
{
	struct json_faults faults;
	struct mpic_request r;

	assert_false(decode(&r, DCV("http", "c1.com", HTTP_01), &faults));
	assert_string_equal(faults.list[0].message,
	    "expected \"caa\", \"dcv\" or \"dcv_with_caa\", found \"http\"");
	mpic_request_free(&r);
	assert_false(decode(&r, DCV("dcv_with_caa", "192.0.2.1", HTTP_01), &faults));
	assert_memory_equal(faults.list[0].message, "expected \"dcv\": ", 16);
	mpic_request_free(&r);
}

/* ---- what the perspectives are asked ---- */

static const struct caa_defaults no_defaults = { NULL, 0 };

/* The body of the request's last check under the policy open-mpic. */
static char *
last_body(const char *text, struct buf *out)
{
	struct json_faults faults;
	struct mpic_request r;
	struct question q;

	assert_true(decode(&r, text, &faults));
	assert_true(question_init(&q, &r, &no_defaults));
	buf_reset(out);
	buf_add(out, q.bodies[q.type->count - 1].text, q.bodies[q.type->count - 1].len);
	question_free(&q);
	mpic_request_free(&r);
	return out->data;
}

#define WITH_CAA(members) "{\"check_type\":\"dcv_with_caa\",\"domain_or_ip_target\":\"C1.com\"," \
	"\"caa_check_parameters\":{\"caa_domains\":[\"ca1.com\"]" members "}," \
	"\"dcv_check_parameters\":{" HTTP_01 "}}"
#define ASKED(methods, ends) "{\"domain_or_ip_target\":\"c1.com\",\"check_type\":\"caa\"," \
	"\"caa_check_parameters\":{\"certificate_type\":\"tls-server\",\"caa_domains\":" \
	"[\"ca1.com\"],\"allow_lookup_failure\":false" methods "}" ends ",\"trace_identifier\":null}"

/* RFC 8657: the labels of the method used are ours to add, where they bind anybody. */
static void
test_labels(void **state)
{
	struct buf body = BUF_INIT(65536);

	assert_string_equal(last_body(WITH_CAA(""), &body),
	    ASKED("", ",\"ignore_rfc8657\":true"));
	assert_string_equal(last_body(WITH_CAA(",\"account_uris\":[\"x:1\"]"), &body),
	    ASKED(",\"account_uris\":[\"x:1\"],\"validation_methods\":[\"http-01\","
	    "\"ca-tbr-19\"]", ""));
	assert_string_equal(last_body(WITH_CAA(",\"validation_methods\":[\"dns-01\"]"), &body),
	    ASKED(",\"validation_methods\":[\"dns-01\",\"http-01\",\"ca-tbr-19\"]", ""));
	buf_free(&body);
}

/* Open MPIC's members and ours, whatever else the caller sent. */
static void
test_body_of_dcv(void **state)
{
	struct buf body = BUF_INIT(65536);

	assert_string_equal(last_body(DCV("dcv", "*.C1.com", DNS_01 ",\"token\":\"t\",\"x\":[1]"),
	    &body), "{\"domain_or_ip_target\":\"*.c1.com\",\"check_type\":\"dcv\","
	    "\"dcv_check_parameters\":{\"validation_method\":\"acme-dns-01\","
	    "\"require_exact_case\":true,\"key_authorization_hash\":\"h\"},"
	    "\"trace_identifier\":null}");
	buf_free(&body);
}

static void
test_messages_begin_as_open_mpics(void **state)
{
	struct json_faults faults;
	struct mpic_request r;

	assert_false(decode(&r, O("\"quorum_count\":3"), &faults));
	assert_memory_equal(faults.list[0].message, "Invalid quorum count: 3", 23);
	mpic_request_free(&r);
	assert_false(decode(&r, O("\"perspective_count\":9"), &faults));
	assert_memory_equal(faults.list[0].message, "Invalid perspective count: 9", 28);
	mpic_request_free(&r);
}

/* ---- the rules of a day ---- */

static const char tls[] = "{ name: tls, document: TLS BR, version: 2.2.6, rows: ["
    "{ rule: remotes, from: 2026-06-15, section: 3.2.2.9, value: 4 }, "
    "{ rule: remotes, from: 2026-12-15, section: 3.2.2.9, value: 5 }, "
    "{ rule: may_fail, section: 3.2.2.9, remotes: 2, value: 1 }, "
    "{ rule: may_fail, section: 3.2.2.9, remotes: 6, value: 2 }, "
    "{ rule: retired, from: 2026-03-15, section: 3.2.2.4.8, method: ip-address } ] }";

#define LAST_OF_4	(1797292800 - 1)	/* 2026-12-14T23:59:59Z */
#define FIRST_OF_5	1797292800
#define DEMAND		"Invalid perspective count: 4. TLS BR 2.2.6 section 3.2.2.9, from 2026-12-15: " \
	"at least 5 remote perspectives, 4 asked"

/* `fault` NULL: it is served, with so many. */
static const struct {
	int64_t at_s;
	const char *text;
	size_t fleet, usual, perspectives;
	const char *fault;
} under[] = {
	{ LAST_OF_4, C "}", 6, 6, 6, NULL },
	{ LAST_OF_4, C "}", 6, 2, 4, NULL },
	{ FIRST_OF_5, C "}", 6, 2, 5, NULL },
	{ LAST_OF_4, O("\"perspective_count\":4"), 6, 6, 4, NULL },
	{ FIRST_OF_5, O("\"perspective_count\":4"), 6, 6, 0, DEMAND },
	{ FIRST_OF_5, O("\"perspective_count\":5"), 6, 6, 5, NULL },
	{ FIRST_OF_5, O("\"perspective_count\":7"), 6, 6, 0,
	    "Invalid perspective count: 7. Expected 5 to 6" },
	{ FIRST_OF_5, O("\"perspective_count\":1"), 6, 6, 0,
	    "Invalid perspective count: 1. Expected 5 to 6" },
	{ LAST_OF_4, O("\"quorum_count\":3"), 6, 6, 0, "Invalid quorum count: 3. TLS BR 2.2.6 "
	    "section 3.2.2.9: of 6 remote perspectives or more at most 2 may fail to corroborate; "
	    "expected 4 to 6 of 6, 3 asked" },
	{ LAST_OF_4, O("\"perspective_count\":4,\"quorum_count\":2"), 6, 6, 0,
	    "Invalid quorum count: 2. TLS BR 2.2.6 section 3.2.2.9: of 2 remote perspectives or more "
	    "at most 1 may fail to corroborate; expected 3 to 4 of 4, 2 asked" },
	/* A fleet that is too small: what would be enough is decided, though nobody has it. */
	{ LAST_OF_4, C "}", 3, 3, 4, NULL },
	{ FIRST_OF_5, O("\"perspective_count\":5"), 4, 4, 5, NULL },
	{ FIRST_OF_5, O("\"perspective_count\":4"), 4, 4, 0, DEMAND },
};

static void
test_rules_of_the_day(void **state)
{
	struct policy policy = { .name = NULL };
	struct buf why = BUF_INIT(1024);

	assert_true(policy_parse(&policy, "tls", tls, strlen(tls), &why));
	for (size_t i = 0; i < sizeof(under) / sizeof(under[0]); i++) {
		struct mpic_limits by = limits;
		struct json_faults faults;
		struct mpic_request r;

		by.rules = policy_at(&policy, under[i].at_s);
		by.perspectives = under[i].fleet;
		by.default_perspectives = under[i].usual;
		json_faults_init(&faults);
		if (mpic_request_decode(&r, &by, under[i].text, strlen(under[i].text), &faults) !=
		    (under[i].fault == NULL))
			fail_msg("row %zu", i);
		if (under[i].fault != NULL)
			assert_string_equal(faults.list[0].message, under[i].fault);
		else
			assert_int_equal(r.perspectives, under[i].perspectives);
		mpic_request_free(&r);
	}
	policy_free(&policy);
}

/* A retired method is named, or refused. */
static void
test_retired(void **state)
{
	static const char text[] = "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"c1.com\","
	    "\"dcv_check_parameters\":{\"validation_method\":\"ip-address\","
	    "\"challenge_value\":\"192.0.2.1\",\"dns_record_type\":\"A\"}}";
	struct policy policy = { .name = NULL };
	struct buf why = BUF_INIT(1024);
	struct mpic_limits by = limits;
	struct json_faults faults;
	struct mpic_request r;

	assert_true(policy_parse(&policy, "tls", tls, strlen(tls), &why));
	by.rules = policy_at(&policy, FIRST_OF_5);
	json_faults_init(&faults);
	assert_true(mpic_request_decode(&r, &by, text, strlen(text), &faults));
	assert_ptr_equal(r.retired, &policy.rows[4]);
	mpic_request_free(&r);
	by.refuse_retired = true;
	assert_false(mpic_request_decode(&r, &by, text, strlen(text), &faults));
	assert_int_equal(faults.count, 1);
	assert_string_equal(faults.list[0].path, "dcv_check_parameters.validation_method");
	assert_string_equal(faults.list[0].message, "TLS BR 2.2.6 section 3.2.2.4.8, from 2026-03-15: "
	    "ip-address is not to be relied on");
	mpic_request_free(&r);
	by.rules = policy_at(&policy, 0);
	json_faults_init(&faults);
	assert_true(mpic_request_decode(&r, &by, text, strlen(text), &faults));
	assert_null(r.retired);
	mpic_request_free(&r);
	policy_free(&policy);
}

static void
test_internationalised(void **state)
{
	struct json_faults faults;
	struct mpic_request r;

	assert_true(decode(&r, T("*.B\xc3\xbc" "cher.example"), &faults));
	assert_string_equal(target_text(&r.target), "*.xn--bcher-kva.example");
	assert_string_equal(r.domain_or_ip_target, "*.B\xc3\xbc" "cher.example");
	mpic_request_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_no_issuer_domain_names),
		cmocka_unit_test(test_dcv),
		cmocka_unit_test(test_dcv_without_issuer_domain_names),
		cmocka_unit_test(test_check_type_names_all_three),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_body_of_dcv),
		cmocka_unit_test(test_messages_begin_as_open_mpics),
		cmocka_unit_test(test_rules_of_the_day),
		cmocka_unit_test(test_retired),
		cmocka_unit_test(test_internationalised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
