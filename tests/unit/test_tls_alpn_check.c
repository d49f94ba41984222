/* tls_alpn_check.h: the verdict over a handshake and its certificate. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "httpcheck/tls_alpn_check.h"

#define HEX	"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define BASE64	"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
#define NAME	"a.example.com"

static struct fetch_outcome
good(void)
{
	struct fetch_outcome o = {
		.tls_version = "TLSv1.3", .alpn = true,
		.certificate = {
			.present = true, .parsed = true, .name_count = 1,
			.names = { { FETCH_DNS_NAME, NAME } },
			.acme_count = 1, .acme_critical = true,
			.acme = { 0x04, 0x20 }, .acme_len = 34,
		},
	};

	for (size_t i = 0; i < 32; i++)
		o.certificate.acme[2 + i] = (uint8_t)(i + 1);
	return o;
}

static struct fetch_outcome
named(enum fetch_name_kind kind, const char *text)
{
	struct fetch_outcome o = good();

	o.certificate.names[0].kind = kind;
	o.certificate.names[0].text = text;
	return o;
}

static enum problem
judge(const char *target, const char *hash, const struct fetch_outcome *o)
{
	struct check_dcv_parameters p = { .set = true, .method = DCV_ACME_TLS_ALPN_01,
		.key_authorization_hash = hash };
	struct check_result r;
	struct target t;

	assert_true(target_parse(&t, target, strlen(target), NULL));
	check_result_init(&r, CHECK_DCV);
	tls_alpn_check_judge(&p, &t, o, &r);
	assert_int_equal(r.check_passed, r.problem.problem == PROBLEM_NONE);
	assert_true(r.check_passed ? r.check_completed : *r.problem.message != '\0');
	if (r.problem.problem == PROBLEM_NO_MATCH && o->certificate.acme[0] == 4)
		assert_non_null(strstr(r.problem.message, o->certificate.acme_len > 0 ?
		    "acmeIdentifier is 04" : "acmeIdentifier is empty, and not"));
	if (r.check_passed)
		assert_string_equal(r.dcv.matched, hash);
	else
		assert_null(r.dcv.matched);
	assert_ptr_equal(r.dcv.relied_on, r.dcv.matched);
	return r.problem.problem;
}

static void
test_passes(void **state)
{
	struct fetch_outcome o = good();

	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NONE);
	assert_int_equal(judge(NAME, BASE64, &o), PROBLEM_NONE);
	o.tls_version = "TLSv1.2";
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NONE);
	o = named(FETCH_DNS_NAME, "A.Example.COM");
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NONE);
	o = named(FETCH_IP_ADDRESS, "192.0.2.1");
	assert_int_equal(judge("192.0.2.1", HEX, &o), PROBLEM_NONE);
	o = named(FETCH_IP_ADDRESS, "2001:db8::1");
	assert_int_equal(judge("2001:DB8:0::1", HEX, &o), PROBLEM_NONE);
}

static void
test_handshake(void **state)
{
	struct fetch_outcome o = good();

	o.alpn = false;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_ALPN_NOT_NEGOTIATED);
	o = good();
	o.tls_version = "TLSv1.1";
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_TLS_FAILED);
	o.tls_version = NULL;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_TLS_FAILED);
	o = good();
	o.certificate.present = false;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_CERTIFICATE_MALFORMED);
	o = good();
	o.certificate.parsed = false;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_CERTIFICATE_MALFORMED);
}

static void
test_names(void **state)
{
	static const char *const others[] = { "b.example.com", "example.com", "*.example.com",
		"a.example.com.", "xa.example.com", "a.example.com.evil", "", NULL };
	struct fetch_outcome o = good();

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		o = named(FETCH_DNS_NAME, others[i]);
		assert_int_equal(judge(NAME, HEX, &o), PROBLEM_SAN_NOT_TARGET);
	}
	o = good();
	o.certificate.name_count = 0;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NOT_ONE_SAN);
	o.certificate.name_count = 2;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NOT_ONE_SAN);
	o.certificate.name_count = 1000;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NOT_ONE_SAN);
	o = named(FETCH_OTHER_NAME, NULL);
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_SAN_NOT_DNS_NAME);
	assert_int_equal(judge("192.0.2.1", HEX, &o), PROBLEM_SAN_NOT_IP_ADDRESS);
	o = named(FETCH_IP_ADDRESS, "192.0.2.1");
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_SAN_NOT_DNS_NAME);
	assert_int_equal(judge("192.0.2.2", HEX, &o), PROBLEM_SAN_NOT_TARGET);
	assert_int_equal(judge("::ffff:192.0.2.1", HEX, &o), PROBLEM_SAN_NOT_TARGET);
	/* an address as a name, and its reverse name, are no iPAddress */
	o = named(FETCH_DNS_NAME, "192.0.2.1");
	assert_int_equal(judge("192.0.2.1", HEX, &o), PROBLEM_SAN_NOT_IP_ADDRESS);
	o = named(FETCH_DNS_NAME, "1.2.0.192.in-addr.arpa");
	assert_int_equal(judge("192.0.2.1", HEX, &o), PROBLEM_SAN_NOT_IP_ADDRESS);
	o = named(FETCH_IP_ADDRESS, NULL);
	assert_int_equal(judge("192.0.2.1", HEX, &o), PROBLEM_SAN_NOT_TARGET);
	o = named(FETCH_IP_ADDRESS, "nonsense");
	assert_int_equal(judge("192.0.2.1", HEX, &o), PROBLEM_SAN_NOT_TARGET);
}

static void
test_identifier(void **state)
{
	struct fetch_outcome o = good();

	o.certificate.acme_count = 0;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NO_ACME_IDENTIFIER);
	o.certificate.acme_count = 2;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_CERTIFICATE_MALFORMED);
	o = good();
	o.certificate.acme_critical = false;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_ACME_IDENTIFIER_NOT_CRITICAL);
	for (size_t i = 0; i < 34; i++) {
		o = good();
		o.certificate.acme[i] ^= 1;
		assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NO_MATCH);
	}
	o = good();
	o.certificate.acme_len = 33;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NO_MATCH);
	o.certificate.acme_len = 35;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NO_MATCH);
	o.certificate.acme_len = 0;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NO_MATCH);
	/* the bare digest, without its OCTET STRING */
	o = good();
	memmove(o.certificate.acme, o.certificate.acme + 2, 32);
	o.certificate.acme_len = 32;
	assert_int_equal(judge(NAME, HEX, &o), PROBLEM_NO_MATCH);
	o = good();
	assert_int_equal(judge(NAME, "nonsense", &o), PROBLEM_INTERNAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_identifier),
	};

	return cmocka_run_group_tests_name("tls_alpn_check", tests, NULL, NULL);
}
