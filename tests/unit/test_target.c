/* target.h: domains, wildcards and addresses, and what is none of them. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "buf.h"
#include "target.h"

static const struct {
	const char *input;
	enum target_kind kind;
	const char *text;
} good[] = {
	{ "example.com", TARGET_DOMAIN, "example.com" },
	{ "EXAMPLE.Com", TARGET_DOMAIN, "example.com" },
	{ "com", TARGET_DOMAIN, "com" },
	{ "onion.com", TARGET_DOMAIN, "onion.com" },
	{ "anonion", TARGET_DOMAIN, "anonion" },
	{ "b\u00fccher.example", TARGET_DOMAIN, "xn--bcher-kva.example" },
	{ "1.2.3.4.example", TARGET_DOMAIN, "1.2.3.4.example" },
	{ "0x7f.example", TARGET_DOMAIN, "0x7f.example" },
	{ "beef.cafe", TARGET_DOMAIN, "beef.cafe" },
	{ "*.example.com", TARGET_WILDCARD, "*.example.com" },
	{ "*.B\u00dcCHER.example", TARGET_WILDCARD, "*.xn--bcher-kva.example" },
	{ "*.com", TARGET_WILDCARD, "*.com" },
	{ "192.0.2.1", TARGET_IPV4, "192.0.2.1" },
	{ "0.0.0.0", TARGET_IPV4, "0.0.0.0" },
	{ "255.255.255.255", TARGET_IPV4, "255.255.255.255" },
	{ "::", TARGET_IPV6, "::" },
	{ "::1", TARGET_IPV6, "::1" },
	{ "2001:DB8::1", TARGET_IPV6, "2001:db8::1" },
	{ "2001:0db8:0000:0000:0000:0000:0000:0001", TARGET_IPV6, "2001:db8::1" },
	{ "2001:db8:0:0:1:0:0:1", TARGET_IPV6, "2001:db8::1:0:0:1" },
	{ "::ffff:192.0.2.1", TARGET_IPV6, "::ffff:192.0.2.1" },
	{ "2001:db8:ffff:ffff:ffff:ffff:255.255.255.255", TARGET_IPV6,
	    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff" },
};

/* The name's fault is asked for only where the target's is BAD_NAME. */
static const struct {
	const char *input;
	enum target_fault_code code;
	enum name_fault_code name;
	const char *text;
} bad[] = {
#define ALONE "is a wildcard without a domain name"
#define PLACE "has an asterisk that is not the whole of its leftmost label"
#define ONION "is an onion name, which cannot be looked up in the DNS (RFC 7686)"
#define BAD4 "has only digits and dots but is no IPv4 address"
#define BAD6 "has a colon but is no IPv6 address"
	{ "", TARGET_EMPTY, NAME_OK, "is empty" },
	{ "*", TARGET_WILDCARD_ALONE, NAME_OK, ALONE },
	{ "*.", TARGET_WILDCARD_ALONE, NAME_OK, ALONE },
	{ "*.*.example.com", TARGET_WILDCARD_PLACE, NAME_OK, PLACE },
	{ "**.example.com", TARGET_WILDCARD_PLACE, NAME_OK, PLACE },
	{ "*a.example.com", TARGET_WILDCARD_PLACE, NAME_OK, PLACE },
	{ "a*.example.com", TARGET_WILDCARD_PLACE, NAME_OK, PLACE },
	{ "a.*.example.com", TARGET_WILDCARD_PLACE, NAME_OK, PLACE },
	{ "example.*", TARGET_WILDCARD_PLACE, NAME_OK, PLACE },
	{ "*..example.com", TARGET_BAD_NAME, NAME_EMPTY_LABEL, "label 1 is empty" },
	{ "*.example.com.", TARGET_BAD_NAME, NAME_TRAILING_DOT, "ends with a dot" },
	{ "*.192.0.2.1", TARGET_BAD_NAME, NAME_NUMERIC_TLD,
	    "ends with a number, so it looks like an IPv4 address but is none" },
	{ "*.::1", TARGET_BAD_IPV6, NAME_OK, BAD6 },
	{ "example.com.", TARGET_BAD_NAME, NAME_TRAILING_DOT, "ends with a dot" },
	{ "_acme.example.com", TARGET_BAD_NAME, NAME_UNDERSCORE, "label 1 holds an underscore" },
	{ "x.onion", TARGET_ONION, NAME_OK, ONION },
	{ "*.X.Onion", TARGET_ONION, NAME_OK, ONION },
	{ "onion", TARGET_ONION, NAME_OK, ONION },
	{ "exa mple.com", TARGET_BAD_NAME, NAME_SPACE, "label 1 holds white space" },
	{ "example.com/", TARGET_BAD_NAME, NAME_CHARACTER,
	    "label 2 holds a character that is no letter, digit or hyphen" },
	{ "http://example.com", TARGET_BAD_IPV6, NAME_OK, BAD6 },
	{ "example.com:443", TARGET_BAD_IPV6, NAME_OK, BAD6 },
	{ "192.0.2", TARGET_BAD_IPV4, NAME_OK, BAD4 },
	{ "192.0.2.1.", TARGET_BAD_IPV4, NAME_OK, BAD4 },
	{ "192.0.2.256", TARGET_BAD_IPV4, NAME_OK, BAD4 },
	{ "192.0.2.01", TARGET_BAD_IPV4, NAME_OK, BAD4 },
	{ "3221225985", TARGET_BAD_IPV4, NAME_OK, BAD4 },
	{ ".", TARGET_BAD_IPV4, NAME_OK, BAD4 },
	{ "192.0.2.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1", TARGET_BAD_IPV4, NAME_OK, BAD4 },
	{ "0xc0.0.2.0x1", TARGET_BAD_NAME, NAME_NUMERIC_TLD,
	    "ends with a number, so it looks like an IPv4 address but is none" },
	{ "192.0.2.1/24", TARGET_BAD_NAME, NAME_CHARACTER,
	    "label 4 holds a character that is no letter, digit or hyphen" },
	{ " 192.0.2.1", TARGET_BAD_NAME, NAME_SPACE, "label 1 holds white space" },
	{ "[::1]", TARGET_BRACKETS, NAME_OK,
	    "begins with a bracket; an IPv6 address is written without" },
	{ "fe80::1%eth0", TARGET_ZONE_ID, NAME_OK, "has a zone identifier" },
	{ "fe80::1%25eth0", TARGET_ZONE_ID, NAME_OK, "has a zone identifier" },
	{ "1::2::3", TARGET_BAD_IPV6, NAME_OK, BAD6 },
	{ ":", TARGET_BAD_IPV6, NAME_OK, BAD6 },
	{ "2001:db8::1/64", TARGET_BAD_IPV6, NAME_OK, BAD6 },
	{ "1:2:3:4:5:6:7:8:9", TARGET_BAD_IPV6, NAME_OK, BAD6 },
	{ "12345::", TARGET_BAD_IPV6, NAME_OK, BAD6 },
	{ "::ffff:192.0.2.256", TARGET_BAD_IPV6, NAME_OK, BAD6 },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", TARGET_BAD_IPV6, NAME_OK, BAD6 },
};

static void
test_good(void **state)
{
	struct target t;
	struct target_fault fault;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!target_parse(&t, good[i].input, strlen(good[i].input), &fault))
			fail_msg("%s: fault %d", good[i].input, fault.code);
		assert_int_equal(fault.code, TARGET_OK);
		assert_int_equal(t.kind, good[i].kind);
		assert_string_equal(target_text(&t), good[i].text);
		assert_int_equal(target_is_ip(&t), t.kind == TARGET_IPV4 || t.kind == TARGET_IPV6);
		if (t.kind == TARGET_DOMAIN)
			assert_string_equal(t.name.text, good[i].text);
		if (t.kind == TARGET_WILDCARD)
			assert_string_equal(t.name.text, good[i].text + 2);
		if (target_is_ip(&t))
			assert_int_equal(t.name.len, 0);
	}
}

static void
test_bad(void **state)
{
	struct target t;
	struct target_fault fault;
	struct buf b = BUF_INIT(256);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (target_parse(&t, bad[i].input, strlen(bad[i].input), &fault))
			fail_msg("%s is taken for %s", bad[i].input, target_text(&t));
		buf_reset(&b);
		target_fault_text(&fault, &b);
		if (fault.code != bad[i].code || fault.name.code != bad[i].name ||
		    strcmp(b.data, bad[i].text) != 0)
			fail_msg("%s: fault %d/%d \"%s\" instead of %d/%d \"%s\"", bad[i].input,
			    fault.code, fault.name.code, b.data, bad[i].code, bad[i].name,
			    bad[i].text);
		assert_false(target_parse(&t, bad[i].input, strlen(bad[i].input), NULL));
	}
	buf_free(&b);
}

/* Underscores alone make the difference, and not in a wildcard. */
static void
test_adn(void **state)
{
	static const struct {
		const char *input, *text;
		enum target_fault_code code;
	} rows[] = {
		{ "example.com", "example.com", TARGET_OK },
		{ "_x.acme.Example", "_x.acme.example", TARGET_OK },
		{ "a_b._tcp.example", "a_b._tcp.example", TARGET_OK },
		{ "_", "_", TARGET_OK },
		{ "*.a.example", "*.a.example", TARGET_OK },
		{ "192.0.2.1", "192.0.2.1", TARGET_OK },
		{ "*._x.example", NULL, TARGET_BAD_NAME },
		{ "_\u00fc.example", NULL, TARGET_BAD_NAME },
		{ "_a-.example", NULL, TARGET_BAD_NAME },
		{ "_a b.example", NULL, TARGET_BAD_NAME },
		{ "_x.onion", NULL, TARGET_ONION },
	};
	struct target t;
	struct target_fault fault;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool ok = target_parse_adn(&t, rows[i].input, strlen(rows[i].input), &fault);

		if (ok != (rows[i].text != NULL) || fault.code != rows[i].code)
			fail_msg("%s: fault %d", rows[i].input, fault.code);
		if (ok) {
			assert_string_equal(target_text(&t), rows[i].text);
			assert_int_equal(target_has_underscore(&t), strchr(rows[i].text, '_') != NULL);
		}
	}
}

/* JSON strings may hold NUL: nothing may be read up to it only. */
static void
test_nul(void **state)
{
	struct target t;

	assert_false(target_parse(&t, "192.0.2.1\0x", 11, NULL));
	assert_false(target_parse(&t, "192.0.2.1\0", 10, NULL));
	assert_false(target_parse(&t, "::1\0", 4, NULL));
	assert_false(target_parse(&t, "a.com\0", 6, NULL));
	assert_false(target_parse(&t, "*.a.com\0b", 9, NULL));
	/* And nothing past the length. */
	assert_true(target_parse(&t, "192.0.2.123", 9, NULL));
	assert_string_equal(target_text(&t), "192.0.2.1");
	assert_true(target_parse(&t, "a.commerce", 5, NULL));
	assert_string_equal(target_text(&t), "a.com");
}

static void
test_longest_wildcard(void **state)
{
	char text[2 + NAME_TEXT_MAX + 1] = "*.";
	struct target t;

	memset(text + 2, 'a', NAME_TEXT_MAX);
	for (int i = 63; i < NAME_TEXT_MAX; i += 64)
		text[2 + i] = '.';
	assert_true(target_parse(&t, text, 2 + NAME_TEXT_MAX, NULL));
	assert_string_equal(target_text(&t), text);
}

static void
test_reverse_name(void **state)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{ "192.0.2.1", "1.2.0.192.in-addr.arpa" },
		{ "255.255.255.255", "255.255.255.255.in-addr.arpa" },
		{ "2001:db8::1f", "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
		    "ip6.arpa" },
		{ "::", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa" },
	};
	struct target t;
	struct name n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(target_parse(&t, rows[i].text, strlen(rows[i].text), NULL));
		assert_true(target_reverse_name(&t, &n));
		assert_string_equal(n.text, rows[i].name);
		assert_int_equal(n.len, strlen(n.text));
	}
	assert_true(target_parse(&t, "*.a.com", 7, NULL));
	assert_false(target_reverse_name(&t, &n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_adn),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_longest_wildcard),
		cmocka_unit_test(test_reverse_name),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
