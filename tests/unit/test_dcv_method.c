/* dcv_method.h: the table is consistent, and says what the rules say. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dcv_method.h"

/* Each method's sections, and which targets it takes. */
static const struct row {
	enum dcv_method method;
	const char *name, *section, *ip_section;
	bool wildcard, prune, cname;
} rows[] = {
	{ DCV_ACME_HTTP_01, "acme-http-01", "3.2.2.4.19", "3.2.2.5.6", false, false, false },
	{ DCV_WEBSITE_CHANGE, "website-change", "3.2.2.4.18", "3.2.2.5.1", false, false, false },
	{ DCV_ACME_TLS_ALPN_01, "acme-tls-alpn-01", "3.2.2.4.20", "3.2.2.5.7", false, false,
	    false },
	{ DCV_ACME_DNS_01, "acme-dns-01", "3.2.2.4.7", NULL, true, true, true },
	{ DCV_DNS_ACCOUNT_01, "dns-account-01", "3.2.2.4.21", NULL, true, true, false },
	{ DCV_DNS_CHANGE, "dns-change", "3.2.2.4.7", NULL, true, true, true },
	{ DCV_DNS_PERSISTENT, "dns-persistent", "3.2.2.4.22", "3.2.2.5.8", true, true, false },
	{ DCV_CONTACT_EMAIL_TXT, "contact-email-txt", "3.2.2.4.14", NULL, true, true, true },
	{ DCV_CONTACT_PHONE_TXT, "contact-phone-txt", "3.2.2.4.16", NULL, true, true, true },
	{ DCV_CONTACT_EMAIL_CAA, "contact-email-caa", "3.2.2.4.13", NULL, true, true, true },
	{ DCV_CONTACT_PHONE_CAA, "contact-phone-caa", "3.2.2.4.17", NULL, true, true, true },
	{ DCV_IP_ADDRESS, "ip-address", "3.2.2.4.8", NULL, false, false, false },
	{ DCV_REVERSE_ADDRESS_LOOKUP, "reverse-address-lookup", "3.2.2.5.3", "3.2.2.5.3",
	    false, false, false },
};

static void
assert_same(const char *got, const char *expected)
{
	if (expected == NULL)
		assert_null(got);
	else
		assert_string_equal(got, expected);
}

static struct target
target(const char *text)
{
	struct target t;

	if (!target_parse_adn(&t, text, strlen(text), NULL))
		fail_msg("%s is no target", text);
	return t;
}

static void
test_rows(void **state)
{
	struct target name = target("a.com"), wild = target("*.a.com"), v4 = target("192.0.2.1"),
	    v6 = target("2001:db8::1"), alias = target("_a.b.com"), reverse = target("1.2.0.192.in-addr.arpa");

	assert_int_equal(sizeof(rows) / sizeof(rows[0]), DCV_METHOD_COUNT);
	for (size_t i = 0; i < DCV_METHOD_COUNT; i++) {
		const struct row *row = &rows[i];
		const struct dcv_method_row *got = dcv_method_row(row->method);
		bool reversed = row->method == DCV_REVERSE_ADDRESS_LOOKUP;

		assert_int_equal(row->method, i);
		assert_string_equal(dcv_method_names[i], row->name);
		assert_same(got->section, row->section);
		assert_same(got->ip_section, row->ip_section);
		assert_int_equal(got->wildcard, row->wildcard);
		assert_int_equal(got->prune, row->prune);
		assert_int_equal(got->cname, row->cname);
		assert_int_equal(dcv_method_refuses(row->method, &name) == NULL, !reversed);
		assert_int_equal(dcv_method_refuses(row->method, &wild) == NULL, row->wildcard);
		assert_int_equal(dcv_method_refuses(row->method, &v4) == NULL,
		    row->ip_section != NULL);
		assert_int_equal(dcv_method_refuses(row->method, &v6) == NULL,
		    row->ip_section != NULL);
		/* only a CNAME leads to it */
		assert_int_equal(dcv_method_refuses(row->method, &alias) == NULL, row->cname);
		assert_null(dcv_method_refuses(row->method, &reverse));
		assert_string_equal(dcv_method_section(row->method, &name), row->section);
		assert_same(dcv_method_section(row->method, &v4), row->ip_section);
	}
	assert_null(dcv_method_names[DCV_METHOD_COUNT]);
}

/* What the rest of the code takes for granted of any row. */
static void
test_consistent(void **state)
{
	for (int m = 0; m < DCV_METHOD_COUNT; m++) {
		const struct dcv_method_row *row = dcv_method_row(m);

		assert_int_equal(row->requires & ~row->takes, 0);
		assert_int_equal(row->kind == DCV_DNS, row->records != 0);
		assert_int_equal(row->kind == DCV_DNS, row->prefix != NULL);
		if (row->kind == DCV_DNS && row->ip_section != NULL)
			assert_non_null(row->ip_prefix);
		assert_true(row->cname ? row->prune : true);
		/* the request chooses where the row does not */
		assert_int_equal(row->kind == DCV_DNS && dcv_method_record(m) == DCV_RECORD_COUNT,
		    (row->requires & DCV_P_DNS_RECORD_TYPE) != 0);
	}
}

#define V6_NAME	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.d.0.1.0.0.2.ip6.arpa"

static void
test_reverse_names(void **state)
{
	static const char *const others[] = {
		"in-addr.arpa", "ip6.arpa", "1.in-addr.arpa.com", "xin-addr.arpa", "a.arpa",
		/* of no whole address */
		"2.0.192.in-addr.arpa", "9.1.2.0.192.in-addr.arpa", "x.2.0.192.in-addr.arpa",
		"01.2.0.192.in-addr.arpa", "257.2.0.192.in-addr.arpa", "1.2.0.192.in-addr.arpa.ip6.arpa",
		"1.0.ip6.arpa", "0." V6_NAME, "g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
	};
	static const char *const whole[] = {
		"1.2.0.192.In-Addr.arpa", "0.0.0.255.in-addr.arpa", V6_NAME,
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct target t = target(others[i]);

		assert_non_null(dcv_method_refuses(DCV_REVERSE_ADDRESS_LOOKUP, &t));
	}
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		struct target t = target(whole[i]);

		assert_null(dcv_method_refuses(DCV_REVERSE_ADDRESS_LOOKUP, &t));
	}
}

static void
test_records(void **state)
{
	static const uint16_t types[] = { 16, 5, 257, 1, 28, 12 };

	for (int r = 0; r < DCV_RECORD_COUNT; r++) {
		assert_int_equal(dcv_record_type(r), types[r]);
		assert_non_null(dcv_record_names[r]);
	}
	assert_null(dcv_record_names[DCV_RECORD_COUNT]);
	assert_int_equal(dcv_method_record(DCV_ACME_DNS_01), DCV_TXT);
	assert_int_equal(dcv_method_record(DCV_CONTACT_EMAIL_CAA), DCV_CAA);
	assert_int_equal(dcv_method_record(DCV_REVERSE_ADDRESS_LOOKUP), DCV_PTR);
	assert_int_equal(dcv_method_record(DCV_DNS_CHANGE), DCV_RECORD_COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_consistent),
		cmocka_unit_test(test_reverse_names),
		cmocka_unit_test(test_records),
	};

	return cmocka_run_group_tests_name("dcv_method", tests, NULL, NULL);
}
