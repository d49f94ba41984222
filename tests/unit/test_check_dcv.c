/* check_dcv.h: parameters of every method, there and back, and every fault named. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "buf.h"
#include "check.h"

#define HEX	"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define BASE64	"LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
#define ISSUERS	",\"issuer_domain_names\":[\"ca1.com\"]"
#define ONE	",\"expected_account_uri\":\"https://ca1.com/acct/1\""

static struct json_faults faults;

/* The object stays with the caller, who puts it. */
static bool
read_parameters(struct check_dcv_parameters *p, const char *text, struct json_object **object)
{
	json_faults_init(&faults);
	*object = json_document_parse(text, strlen(text), &faults);
	if (*object == NULL)
		fail_msg("no JSON: %s", text);
	*p = (struct check_dcv_parameters){ .set = false };
	return check_dcv_parameters_read(p, *object, "p", &faults);
}

/* ---- there and back ---- */

static const char *const whole[] = {
	"{\"validation_method\":\"acme-http-01\",\"require_exact_case\":true,\"token\":\"a-_9\","
	    "\"key_authorization\":\"a-_9.x\",\"http_headers\":{\"X-A\":\"b \\\"c\\\"\",\"X-B\":\"\"}}",
	"{\"validation_method\":\"website-change\",\"require_exact_case\":false,"
	    "\"challenge_value\":\"v\",\"http_token_path\":\"a/b.txt\",\"url_scheme\":\"https\","
	    "\"http_headers\":null,\"match_regex\":\"^v\"}",
	"{\"validation_method\":\"acme-tls-alpn-01\",\"require_exact_case\":false,"
	    "\"key_authorization_hash\":\"" HEX "\"}",
	"{\"validation_method\":\"acme-dns-01\",\"require_exact_case\":true,"
	    "\"key_authorization_hash\":\"" BASE64 "\"}",
	"{\"validation_method\":\"dns-account-01\",\"require_exact_case\":true,"
	    "\"key_authorization_hash\":\"" BASE64 "\",\"account_uri\":\"https://ca1.com/a/1\"}",
	"{\"validation_method\":\"dns-change\",\"require_exact_case\":true,\"challenge_value\":\"v\","
	    "\"dns_record_type\":\"TXT\",\"dns_name_prefix\":\"_a.b\",\"require_exact_match\":true}",
	"{\"validation_method\":\"dns-persistent\",\"require_exact_case\":false"
	    ISSUERS ONE ",\"expected_account_uris\":[\"acct:a@b.c\",\"x:y\"]}",
	"{\"validation_method\":\"contact-email-txt\",\"require_exact_case\":false,"
	    "\"challenge_value\":\"a@b.c\"}",
	"{\"validation_method\":\"contact-phone-txt\",\"require_exact_case\":false,"
	    "\"challenge_value\":\"+1 555\"}",
	"{\"validation_method\":\"contact-email-caa\",\"require_exact_case\":false,"
	    "\"challenge_value\":\"a@b.c\"}",
	"{\"validation_method\":\"contact-phone-caa\",\"require_exact_case\":false,"
	    "\"challenge_value\":\"+1 555\"}",
	"{\"validation_method\":\"ip-address\",\"require_exact_case\":false,"
	    "\"challenge_value\":\"2001:DB8::1\",\"dns_record_type\":\"AAAA\",\"dns_name_prefix\":null}",
	"{\"validation_method\":\"reverse-address-lookup\",\"require_exact_case\":false,"
	    "\"challenge_value\":\"a.com.\"}",
};

static void
test_there_and_back(void **state)
{
	assert_int_equal(sizeof(whole) / sizeof(whole[0]), DCV_METHOD_COUNT);
	for (size_t i = 0; i < DCV_METHOD_COUNT; i++) {
		struct buf out = BUF_INIT(4096);
		struct check_dcv_parameters p;
		struct json_object *object;

		if (!read_parameters(&p, whole[i], &object))
			fail_msg("%s: %s: %s", whole[i], faults.list[0].path,
			    faults.list[0].message);
		assert_true(p.set);
		assert_int_equal(p.method, i);
		check_dcv_parameters_encode(&p, &out);
		assert_string_equal(out.data, whole[i]);
		json_object_put(object);
		buf_free(&out);
	}
}

static void
test_not_set(void **state)
{
	struct check_dcv_parameters p = { .set = false };
	struct buf out = BUF_INIT(64);

	check_dcv_parameters_encode(&p, &out);
	assert_string_equal(out.data, "null");
	buf_free(&out);
}

/* ---- faults ---- */

#define METHOD(name, more) "{\"validation_method\":\"" name "\"" more "}"
#define HTTP(more)	METHOD("acme-http-01", ",\"token\":\"t\",\"key_authorization\":\"t.x\"" more)
#define PAGE(path, more) METHOD("website-change", ",\"challenge_value\":\"v\"," \
	"\"http_token_path\":\"" path "\"" more)
#define TLS(hash)	METHOD("acme-tls-alpn-01", ",\"key_authorization_hash\":\"" hash "\"")
#define CHANGE(more)	METHOD("dns-change", ",\"challenge_value\":\"v\"" more)
#define DNS01(more)	METHOD("acme-dns-01", ",\"key_authorization_hash\":\"x\"" more)
#define TXT		",\"dns_record_type\":\"TXT\""

/* The faults of each text, "member issue" joined by semicolons; "" for none. */
static const struct {
	const char *text, *faults;
} rows[] = {
	{ "{}", "validation_method missing" },
	{ METHOD("no-such", ",\"token\":1"), "validation_method enum;token string_type" },
	/* all at once */
	{ METHOD("website-change", ",\"challenge_value\":1,\"url_scheme\":\"ftp\","
	    "\"match_regex\":\"(\",\"http_headers\":{\"Host\":\"x\"}"), "challenge_value string_type;"
	    "url_scheme enum;http_headers.Host invalid-header;http_token_path missing;"
	    "match_regex invalid-regex" },
	/* what is required */
	{ METHOD("acme-http-01", ""), "token missing;key_authorization missing" },
	{ METHOD("website-change", ""), "challenge_value missing;http_token_path missing" },
	{ METHOD("acme-tls-alpn-01", ""), "key_authorization_hash missing" },
	{ METHOD("acme-dns-01", ""), "key_authorization_hash missing" },
	{ METHOD("dns-account-01", ""), "key_authorization_hash missing;account_uri missing" },
	{ METHOD("dns-change", ""), "challenge_value missing;dns_record_type missing" },
	{ METHOD("dns-persistent", ""), "issuer_domain_names missing;expected_account_uri missing" },
	{ METHOD("contact-email-txt", ""), "challenge_value missing" },
	{ METHOD("contact-phone-txt", ""), "challenge_value missing" },
	{ METHOD("contact-email-caa", ""), "challenge_value missing" },
	{ METHOD("contact-phone-caa", ""), "challenge_value missing" },
	{ METHOD("ip-address", ""), "challenge_value missing;dns_record_type missing" },
	{ METHOD("reverse-address-lookup", ""), "challenge_value missing" },
	/* tokens and digests */
	{ HTTP(""), "" },
	{ METHOD("acme-http-01", ",\"token\":\"../x\",\"key_authorization\":\"k\""),
	    "token invalid-token" },
	{ METHOD("acme-http-01", ",\"token\":\"a%2fb\",\"key_authorization\":\"k\""),
	    "token invalid-token" },
	{ METHOD("acme-http-01", ",\"token\":\"\",\"key_authorization\":\"k\""),
	    "token string_too_short" },
	{ TLS(HEX), "" },
	{ TLS("2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"), "" },
	{ TLS(BASE64), "" },
	{ TLS(BASE64 "="), "" },
	{ TLS(BASE64 "=="), "key_authorization_hash invalid-digest" },
	{ TLS("abc"), "key_authorization_hash invalid-digest" },
	{ TLS("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"), "key_authorization_hash invalid-digest" },
	{ TLS("LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCR"), "key_authorization_hash invalid-digest" },
	{ TLS("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b982g"),
	    "key_authorization_hash invalid-digest" },
	/* paths */
	{ PAGE("value.txt", ""), "" },
	{ PAGE("a/b.c/d..e/...", ""), "" },
	{ PAGE("a%20b", ""), "" },
	{ PAGE("a/", ""), "" },
	{ PAGE("../x", ""), "http_token_path invalid-path" },
	{ PAGE("..", ""), "http_token_path invalid-path" },
	{ PAGE(".", ""), "http_token_path invalid-path" },
	{ PAGE("a/../b", ""), "http_token_path invalid-path" },
	{ PAGE("a/./b", ""), "http_token_path invalid-path" },
	{ PAGE("a/..", ""), "http_token_path invalid-path" },
	{ PAGE("%2e%2e/x", ""), "http_token_path invalid-path" },
	{ PAGE("%2E./x", ""), "http_token_path invalid-path" },
	{ PAGE("a/.%2e/b", ""), "http_token_path invalid-path" },
	{ PAGE("%2e", ""), "http_token_path invalid-path" },
	{ PAGE("..%2fx", ""), "http_token_path invalid-path" },
	{ PAGE("a%5c..%5cb", ""), "http_token_path invalid-path" },
	{ PAGE("a%00b", ""), "http_token_path invalid-path" },
	{ PAGE("a\\\\..\\\\b", ""), "http_token_path invalid-path" },
	{ PAGE("/a", ""), "http_token_path invalid-path" },
	{ PAGE("//host/a", ""), "http_token_path invalid-path" },
	{ PAGE("a//b", ""), "http_token_path invalid-path" },
	{ PAGE("a?b=c", ""), "http_token_path invalid-path" },
	{ PAGE("a#b", ""), "http_token_path invalid-path" },
	{ PAGE("a b", ""), "http_token_path invalid-path" },
	{ PAGE("a\\r\\nX: y", ""), "http_token_path invalid-path" },
	{ PAGE("a%2", ""), "http_token_path invalid-path" },
	{ PAGE("a%zz", ""), "http_token_path invalid-path" },
	{ PAGE("b\u00fccher", ""), "http_token_path invalid-path" },
	{ PAGE("", ""), "http_token_path string_too_short" },
	/* values */
	{ METHOD("website-change", ",\"challenge_value\":\" \\t\",\"http_token_path\":\"a\""),
	    "challenge_value invalid-value" },
	{ METHOD("dns-change", ",\"challenge_value\":\" \"" TXT), "challenge_value invalid-value" },
	/* pages */
	{ PAGE("a", ",\"match_regex\":\"(\""), "match_regex invalid-regex" },
	{ PAGE("a", ",\"match_regex\":\"\""), "" },
	{ PAGE("a", ",\"url_scheme\":\"ftp\""), "url_scheme enum" },
	{ PAGE("a", ",\"require_exact_case\":1"), "require_exact_case bool_type" },
	/* headers */
	{ HTTP(",\"http_headers\":{}"), "" },
	{ HTTP(",\"http_headers\":{\"X-Probe\":\"a\\tb\",\"user-agent\":\"me\"}"), "" },
	{ HTTP(",\"http_headers\":[]"), "http_headers object" },
	{ HTTP(",\"http_headers\":{\"Host\":\"x\"}"), "http_headers.Host invalid-header" },
	{ HTTP(",\"http_headers\":{\"hOST\":\"x\"}"), "http_headers.hOST invalid-header" },
	{ HTTP(",\"http_headers\":{\"Connection\":\"x\",\"TE\":\"x\"}"),
	    "http_headers.Connection invalid-header;http_headers.TE invalid-header" },
	{ HTTP(",\"http_headers\":{\"Accept-Encoding\":\"gzip\"}"),
	    "http_headers.Accept-Encoding invalid-header" },
	{ HTTP(",\"http_headers\":{\"X\":\"a\\r\\nHost: b\"}"), "http_headers.X invalid-header" },
	{ HTTP(",\"http_headers\":{\"X\":\"a\\u0000b\"}"), "http_headers.X invalid-header" },
	{ HTTP(",\"http_headers\":{\"X Y\":\"a\"}"), "http_headers.X Y invalid-header" },
	{ HTTP(",\"http_headers\":{\"X:Y\":\"a\"}"), "http_headers.X:Y invalid-header" },
	{ HTTP(",\"http_headers\":{\"\":\"a\"}"), "http_headers. invalid-header" },
	{ HTTP(",\"http_headers\":{\"X\":1}"), "http_headers.X invalid-header" },
	{ METHOD("acme-tls-alpn-01", ",\"key_authorization_hash\":\"" HEX "\","
	    "\"http_headers\":{\"Host\":\"x\"}"), "" },	/* not a member it takes */
	/* DNS */
	{ CHANGE(",\"dns_record_type\":\"TXT\""), "" },
	{ CHANGE(",\"dns_record_type\":\"A\""), "dns_record_type enum" },
	{ CHANGE(",\"dns_record_type\":\"MX\""), "dns_record_type enum" },
	{ CHANGE(TXT ",\"dns_name_prefix\":\"_a.b-c.D_\""), "" },
	{ CHANGE(TXT ",\"dns_name_prefix\":\"_a.\""), "dns_name_prefix invalid-prefix" },
	{ CHANGE(TXT ",\"dns_name_prefix\":\".a\""), "dns_name_prefix invalid-prefix" },
	{ CHANGE(TXT ",\"dns_name_prefix\":\"a b\""), "dns_name_prefix invalid-prefix" },
	{ CHANGE(TXT ",\"dns_name_prefix\":\"*\""), "dns_name_prefix invalid-prefix" },
	{ CHANGE(TXT ",\"dns_name_prefix\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
	    "dns_name_prefix invalid-prefix" },
	{ DNS01(TXT), "" },
	{ DNS01(",\"dns_record_type\":\"CNAME\""), "dns_record_type enum" },
	{ DNS01(",\"dns_name_prefix\":\"_acme-challenge\""), "" },
	{ DNS01(",\"dns_name_prefix\":\"\""), "" },
	{ DNS01(",\"dns_name_prefix\":\"_other\""), "dns_name_prefix enum" },
	{ METHOD("contact-email-caa", ",\"challenge_value\":\"a\",\"dns_name_prefix\":\"x\""),
	    "dns_name_prefix enum" },
	{ METHOD("contact-email-caa", ",\"challenge_value\":\"a\"" TXT), "dns_record_type enum" },
	{ METHOD("ip-address", ",\"challenge_value\":\"a.com\",\"dns_record_type\":\"A\""),
	    "challenge_value invalid-address" },
	{ METHOD("ip-address", ",\"challenge_value\":\"1.2.3.4\",\"dns_record_type\":\"PTR\""),
	    "dns_record_type enum" },
	{ METHOD("reverse-address-lookup", ",\"challenge_value\":\"a\",\"dns_name_prefix\":\"_x\""),
	    "dns_name_prefix enum" },
	{ METHOD("reverse-address-lookup", ",\"challenge_value\":\"a\",\"dns_name_prefix\":null"), "" },
	{ METHOD("reverse-address-lookup", ",\"challenge_value\":\"a b\""),
	    "challenge_value invalid-name" },
	{ METHOD("reverse-address-lookup", ",\"challenge_value\":\"a.com..\""),
	    "challenge_value invalid-name" },
	{ METHOD("reverse-address-lookup", ",\"challenge_value\":\".\""),
	    "challenge_value invalid-name" },
	{ METHOD("dns-account-01", ",\"key_authorization_hash\":\"x\",\"account_uri\":\"acct\""),
	    "account_uri invalid-uri" },
	{ METHOD("dns-account-01", ",\"key_authorization_hash\":\"x\",\"account_uri\":\"a:b c\""),
	    "account_uri invalid-uri" },
	/* persistent */
	{ METHOD("dns-persistent", ISSUERS ONE), "" },
	{ METHOD("dns-persistent", ISSUERS ",\"expected_account_uris\":[\"x:y\"]"), "" },
	{ METHOD("dns-persistent", ISSUERS ",\"expected_account_uris\":[]"),
	    "expected_account_uri missing" },
	{ METHOD("dns-persistent", ISSUERS ",\"expected_account_uris\":[\"x:y\",\"1\",\"x\"]"),
	    "expected_account_uris invalid-uri;expected_account_uris invalid-uri" },
	{ METHOD("dns-persistent", ISSUERS ",\"expected_account_uri\":\"nothing\""),
	    "expected_account_uri invalid-uri" },
	{ METHOD("dns-persistent", ONE ",\"issuer_domain_names\":[]"),
	    "issuer_domain_names missing" },
	{ METHOD("dns-persistent", ONE ",\"issuer_domain_names\":[\"ca1.com\",\"c a\"]"),
	    "issuer_domain_names invalid-name" },
	{ METHOD("dns-persistent", ONE ",\"issuer_domain_names\":\"ca1.com\""),
	    "issuer_domain_names list_type" },
};

static void
test_faults(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf got = BUF_INIT(4096);
		struct check_dcv_parameters p;
		struct json_object *object;
		bool good = read_parameters(&p, rows[i].text, &object);

		buf_addc(&got, '>');
		for (size_t k = 0; k < faults.count; k++)
			buf_addf(&got, "%s%s %s", k > 0 ? ";" : "", faults.list[k].path + 2,
			    faults.list[k].issue);
		if (strcmp(got.data + 1, rows[i].faults) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", rows[i].text, got.data + 1,
			    rows[i].faults);
		assert_int_equal(good, faults.count == 0);
		json_object_put(object);
		buf_free(&got);
	}
}

/* ---- what a method makes of a request ---- */

static void
test_fixed_types(void **state)
{
	static const struct {
		const char *text;
		enum dcv_record type;
		bool exact_case;
	} cases[] = {
		{ DNS01(""), DCV_TXT, true },
		{ DNS01(",\"require_exact_case\":false"), DCV_TXT, true },	/* not its to say */
		{ METHOD("contact-email-caa", ",\"challenge_value\":\"a\""), DCV_CAA, false },
		{ METHOD("contact-email-txt", ",\"challenge_value\":\"a\""), DCV_TXT, false },
		{ METHOD("reverse-address-lookup", ",\"challenge_value\":\"a\""), DCV_PTR, false },
		{ CHANGE(TXT), DCV_TXT, true },
		{ CHANGE(TXT ",\"require_exact_case\":false"), DCV_TXT, false },
		{ CHANGE(",\"dns_record_type\":\"CNAME\",\"require_exact_case\":true"), DCV_CNAME,
		    false },
		{ CHANGE(",\"dns_record_type\":\"CAA\",\"require_exact_case\":true"), DCV_CAA, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct check_dcv_parameters p;
		struct json_object *object;

		assert_true(read_parameters(&p, cases[i].text, &object));
		assert_int_equal(p.dns_record_type, cases[i].type);
		assert_int_equal(check_dcv_exact_case(&p), cases[i].exact_case);
		json_object_put(object);
	}
}

static void
test_too_many_headers(void **state)
{
	struct buf text = BUF_INIT(64 * 1024);
	struct check_dcv_parameters p;
	struct json_object *object;

	buf_adds(&text, "{\"validation_method\":\"acme-http-01\",\"token\":\"t\","
	    "\"key_authorization\":\"k\",\"http_headers\":{");
	for (int i = 0; i < CHECK_HEADERS_MAX; i++)
		buf_addf(&text, "\"X-%d\":\"v\",", i);
	buf_adds(&text, "\"X\":\"v\"}}");
	assert_false(read_parameters(&p, text.data, &object));
	assert_string_equal(faults.list[0].path, "p.http_headers");
	assert_string_equal(faults.list[0].issue, "too_long");
	json_object_put(object);
	buf_reset(&text);
	buf_adds(&text, "{\"validation_method\":\"acme-http-01\",\"token\":\"t\","
	    "\"key_authorization\":\"k\",\"http_headers\":{\"X\":\"");
	for (int i = 0; i < CHECK_HEADER_BYTES_MAX; i++)
		buf_addc(&text, 'v');
	buf_adds(&text, "\"}}");
	assert_false(read_parameters(&p, text.data, &object));
	assert_string_equal(faults.list[0].path, "p.http_headers.X");
	json_object_put(object);
	buf_free(&text);
}

/* BR 3.2.2.4.18: nothing of the request may hold what is looked for. */
static void
test_value_in_request(void **state)
{
	static const struct {
		const char *path, *headers, *target;
		bool good;
	} cases[] = {
		{ "a.txt", "{}", "a.com", true },
		{ "x/VALUE.txt", "{}", "a.com", false },
		{ "x/v%61lu%45.txt", "{}", "a.com", false },
		{ "x/v%61lu", "{}", "a.com", true },
		{ "a.txt", "{\"X\":\"the value\"}", "a.com", false },
		{ "a.txt", "{\"X-Value\":\"x\"}", "a.com", false },
		{ "a.txt", "{}", "value.com", false },
		{ "a.txt", "{}", "*.a.com", false },
		{ "a.txt", "{}", "192.0.2.1", true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = BUF_INIT(1024);
		struct check_dcv_parameters p;
		struct json_object *object;
		struct target target;

		buf_addf(&text, "{\"validation_method\":\"website-change\",\"challenge_value\":\"value\","
		    "\"http_token_path\":\"%s\",\"http_headers\":%s}", cases[i].path,
		    cases[i].headers);
		assert_true(read_parameters(&p, text.data, &object));
		assert_true(target_parse(&target, cases[i].target, strlen(cases[i].target), NULL));
		assert_int_equal(check_dcv_target(&p, &target, "t", &faults), cases[i].good);
		assert_int_equal(faults.count, !cases[i].good);
		json_object_put(object);
		buf_free(&text);
	}
}

static void
test_digest(void **state)
{
	uint8_t hex[32], base64[32];

	assert_true(check_dcv_digest(HEX, hex));
	assert_true(check_dcv_digest(BASE64, base64));
	assert_memory_equal(hex, base64, 32);
	assert_int_equal(hex[0], 0x2c);
	assert_int_equal(hex[31], 0x24);
	assert_false(check_dcv_digest("", hex));
}

/* ---- what results rely on ---- */

static void
test_fixed(void **state)
{
	struct check_dcv_parameters p = { .method = DCV_ACME_HTTP_01, .token = "t",
		.key_authorization = "t.k", .key_authorization_hash = "h", .challenge_value = "v",
		.expected_account_uri = "a" };

	for (p.method = 0; p.method < DCV_METHOD_COUNT; p.method++) {
		const char *expected = p.method == DCV_DNS_PERSISTENT ? "a" :
		    p.method == DCV_ACME_HTTP_01 ? "t.k" : p.method == DCV_ACME_DNS_01 ||
		    p.method == DCV_DNS_ACCOUNT_01 || p.method == DCV_ACME_TLS_ALPN_01 ? "h" : "v";

		assert_string_equal(check_dcv_fixed(&p), expected);
	}
	p.method = DCV_DNS_PERSISTENT;
	p.expected_account_uris = (struct json_list){ true, 2, { "a", "a" } };
	assert_string_equal(check_dcv_fixed(&p), "a");
	p.expected_account_uris.items[1] = "A";
	assert_null(check_dcv_fixed(&p));
	p.expected_account_uri = NULL;
	assert_null(check_dcv_fixed(&p));
	p.expected_account_uris.count = 1;
	assert_string_equal(check_dcv_fixed(&p), "a");
}

/* ---- details ---- */

static void
test_dns_details(void **state)
{
	static const char *const seen[] = { "a", "\"b\"" };
	static const char *const chain[] = { "x.com." };
	struct check_dcv_details d = {
		.method = DCV_ACME_DNS_01, .dnssec_status = CHECK_DNSSEC_SECURE, .matched = "a",
		.relied_on = "b",
		.records_seen = { seen, 2 }, .response_code = { true, 0 }, .ad_flag = { true, true },
		.found_at = "n.com", .cname_chain = { chain, 1 },
	}, again;
	struct buf out = BUF_INIT(4096);
	struct json_object *object;

	check_dcv_details_encode(&d, &out);
	assert_string_equal(out.data, "{\"validation_method\":\"acme-dns-01\","
	    "\"records_seen\":[\"a\",\"\\\"b\\\"\"],\"response_code\":0,\"ad_flag\":true,"
	    "\"found_at\":\"n.com\",\"cname_chain\":[\"x.com.\"],\"matched\":\"a\","
	    "\"relied_on\":\"b\","
	    "\"dnssec_status\":\"secure\"}");
	json_faults_init(&faults);
	object = json_document_parse(out.data, out.len, &faults);
	assert_true(check_dcv_details_read(&again, object, "details", &faults));
	assert_int_equal(again.method, DCV_ACME_DNS_01);
	assert_int_equal(again.dnssec_status, CHECK_DNSSEC_SECURE);
	assert_string_equal(again.matched, "a");
	assert_string_equal(again.relied_on, "b");
	assert_int_equal(json_object_array_length(again.records_read), 2);
	assert_string_equal(again.found_at, "n.com");
	json_object_put(object);
	buf_free(&out);
}

static void
test_http_details(void **state)
{
	static const struct check_hop hops[] = { { 302, "http://a.com/", "/b" } };
	static const struct check_dial dials[] = {
		{ .host = "a.com", .address = "1.2.3.4", .port = 80, .outcome = "answered",
		  .connect_us = 5, .tls_us = -1, .first_byte_us = 9, .total_us = 10 },
	};
	char page[CHECK_PAGE_MAX + 50];
	struct check_dcv_details d = {
		.method = DCV_ACME_HTTP_01, .hops = hops, .hop_count = 1,
		.response_url = "http://a.com/b", .response_status_code = { true, 200 },
		.page = (const uint8_t *)page, .page_len = sizeof(page), .resolved_ip = "1.2.3.4",
		.dials = dials, .dial_count = 1,
	};
	struct buf out = BUF_INIT(4096);

	memset(page, 'x', sizeof(page));
	check_dcv_details_encode(&d, &out);
	assert_non_null(strstr(out.data, "\"response_history\":[{\"status_code\":302,\"url\":\"/b\","
	    "\"response_status_code\":302,\"response_url\":\"http://a.com/\"}]"));
	/* the first 100 bytes are 136 of base64 */
	assert_non_null(strstr(out.data, "eHh4eA==\",\"matched\":null,\"relied_on\":null,\"dnssec_status\":null,"
	    "\"resolved_ip\":\"1.2.3.4\""));
	assert_non_null(strstr(out.data, "\"connect_us\":5,\"tls_us\":null,\"first_byte_us\":9"));
	d.page = NULL;
	buf_reset(&out);
	check_dcv_details_encode(&d, &out);
	assert_non_null(strstr(out.data, "\"response_page\":null"));
	buf_free(&out);
}

static void
test_details_read_faults(void **state)
{
	static const char *const faulty[] = {
		"{\"validation_method\":\"other\"}", "{\"matched\":1}", "{\"relied_on\":[]}", "{\"found_at\":[]}", "[]",
	};

	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		struct check_dcv_details d;
		struct json_object *object;

		json_faults_init(&faults);
		object = json_document_parse(faulty[i], strlen(faulty[i]), &faults);
		assert_non_null(object);
		assert_false(check_dcv_details_read(&d, object, "details", &faults));
		assert_int_equal(faults.count, 1);
		json_object_put(object);
	}
	struct check_dcv_details d;

	assert_true(check_dcv_details_read(&d, NULL, "details", &faults));
	assert_int_equal(d.method, DCV_METHOD_COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_not_set),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_fixed_types),
		cmocka_unit_test(test_too_many_headers),
		cmocka_unit_test(test_value_in_request),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_dns_details),
		cmocka_unit_test(test_http_details),
		cmocka_unit_test(test_details_read_faults),
	};

	return cmocka_run_group_tests_name("check_dcv", tests, NULL, NULL);
}
