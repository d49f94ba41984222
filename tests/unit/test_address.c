/* address.h: every range refused from its first address to its last, its neighbours not. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "address.h"

/* first, last; a neighbour outside is given where it may be dialled, else NULL. */
static const struct row {
	const char *first, *last, *before, *after, *says;
} rows[] = {
	{ "0.0.0.0", "0.255.255.255", NULL, "1.0.0.0", "RFC 791" },
	{ "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0", "RFC 1918" },
	{ "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0", "RFC 6598" },
	{ "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0", "RFC 1122" },
	{ "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0", "RFC 3927" },
	{ "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0", "RFC 1918" },
	{ "192.0.0.0", "192.0.0.7", "191.255.255.255", NULL, "RFC 7335" },
	{ "192.0.0.8", "192.0.0.8", NULL, NULL, "RFC 7600" },
	{ "192.0.0.9", "192.0.0.9", NULL, NULL, "RFC 7723" },
	{ "192.0.0.10", "192.0.0.10", NULL, NULL, "RFC 8155" },
	{ "192.0.0.11", "192.0.0.169", NULL, NULL, "RFC 6890" },
	{ "192.0.0.170", "192.0.0.171", NULL, NULL, "RFC 7050" },
	{ "192.0.0.172", "192.0.0.255", NULL, "192.0.1.0", "RFC 6890" },
	{ "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0", "RFC 5737" },
	{ "192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0", "RFC 7535" },
	{ "192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0", "RFC 7450" },
	{ "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0", "RFC 7526" },
	{ "192.88.99.2", "192.88.99.2", NULL, NULL, "RFC 6751" },
	{ "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0", "RFC 1918" },
	{ "192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0", "RFC 7534" },
	{ "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0", "RFC 2544" },
	{ "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0", "RFC 5737" },
	{ "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0", "RFC 5737" },
	{ "224.0.0.0", "239.255.255.255", "223.255.255.255", NULL, "multicast" },
	{ "240.0.0.0", "255.255.255.254", NULL, NULL, "RFC 1112" },
	{ "255.255.255.255", "255.255.255.255", NULL, NULL, "broadcast" },
	/* metadata services */
	{ "169.254.169.254", "169.254.169.254", NULL, NULL, "metadata" },
	{ "168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17", "metadata" },
	{ "100.100.100.200", "100.100.100.200", NULL, NULL, "metadata" },
	{ "fd00:ec2::254", "fd00:ec2::254", NULL, NULL, "metadata" },
	{ "fd20:ce::254", "fd20:ce::254", NULL, NULL, "metadata" },
	/* IPv6 */
	{ "::", "::", NULL, NULL, "unspecified" },
	{ "::1", "::1", NULL, NULL, "loopback" },
	{ "::2", "::ffff:ffff", NULL, NULL, "IPv4-compatible" },
	{ "::ffff:0.0.0.0", "::ffff:255.255.255.255", NULL, NULL, "IPv4-mapped" },
	{ "::ffff:0:0.0.0.0", "::ffff:0:255.255.255.255", NULL, NULL, "IPv4-translated" },
	{ "64:ff9b::", "64:ff9b::ffff:ffff", NULL, NULL, "RFC 6052" },
	{ "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 8215" },
	{ "64:ff9b:2::", "64:ff9b:2::1", NULL, NULL, "outside 2000::/3" },
	{ "100::", "100::ffff:ffff:ffff:ffff", NULL, NULL, "RFC 6666" },
	{ "100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 9780" },
	{ "100:0:0:2::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "2000::",
	    "outside 2000::/3" },
	{ "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff::", NULL, "Teredo" },
	{ "2001:1::", "2001:1::", NULL, NULL, "RFC 2928" },
	{ "2001:1::1", "2001:1::1", NULL, NULL, "RFC 7723" },
	{ "2001:1::2", "2001:1::2", NULL, NULL, "RFC 8155" },
	{ "2001:1::3", "2001:1::3", NULL, NULL, "RFC 9665" },
	{ "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 5180" },
	{ "2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 7450" },
	{ "2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 7535" },
	{ "2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 4843" },
	{ "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 7343" },
	{ "2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 9374" },
	{ "2001:40::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "2001:200::", "RFC 2928" },
	{ "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
	    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "RFC 3849" },
	{ "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::", "RFC 3056" },
	{ "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
	    "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::", "RFC 7534" },
	{ "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", "RFC 9637" },
	{ "4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "outside 2000::/3" },
	{ "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 9602" },
	{ "5f01::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "outside 2000::/3" },
	{ "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "RFC 4193" },
	{ "fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "outside 2000::/3" },
	{ "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "link-local" },
	{ "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "site-local" },
	{ "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "multicast" },
};

static const char *const public_addresses[] = {
	"1.1.1.1", "8.8.8.8", "223.255.255.255", "100.63.255.255", "172.32.0.1",
	"2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1", "3ffe::1",
};

/* Both ways to ask agree. */
static const char *
refused(const char *text)
{
	struct sockaddr_storage sa;
	struct address a;
	const char *what;

	if (!address_parse(&a, text))
		fail_msg("%s is no address", text);
	what = address_refused(&a);
	assert_int_not_equal(address_to_sockaddr(&a, 443, &sa), 0);
	assert_ptr_equal(address_sockaddr_refused((struct sockaddr *)&sa), what);
	return what;
}

static void
assert_refused(const char *text, const char *says)
{
	const char *what = refused(text);

	if (what == NULL || strstr(what, says) == NULL)
		fail_msg("%s %s, not \"%s\"", text, what != NULL ? what : "may be dialled", says);
}

static void
assert_public(const char *text)
{
	const char *what = refused(text);

	if (what != NULL)
		fail_msg("%s %s", text, what);
}

static void
test_ranges(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_refused(rows[i].first, rows[i].says);
		assert_refused(rows[i].last, rows[i].says);
		if (rows[i].before != NULL)
			assert_public(rows[i].before);
		if (rows[i].after != NULL)
			assert_public(rows[i].after);
	}
	for (size_t i = 0; i < sizeof(public_addresses) / sizeof(public_addresses[0]); i++)
		assert_public(public_addresses[i]);
}

/* No form of a public IPv4 address inside IPv6 may be dialled either. */
static void
test_embedded(void **state)
{
	static const char *const forms[] = {
		"::ffff:8.8.8.8", "::8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::8.8.8.8",
		"64:ff9b:1::8.8.8.8", "2002:808:808::1", "2001:0:808:808::1",
		"::ffff:127.0.0.1", "64:ff9b::169.254.169.254", "2002:7f00:1::",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_non_null(refused(forms[i]));
}

static void
test_other_families(void **state)
{
	struct sockaddr_storage sa = { .ss_family = AF_UNIX };
	struct address a = { .family = AF_UNSPEC };

	assert_string_equal(address_sockaddr_refused((struct sockaddr *)&sa), "is no IP address");
	assert_string_equal(address_refused(&a), "is no IP address");
}

static void
test_text(void **state)
{
	static const char *const faulty[] = {
		"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "0x7f.1", "2130706433", "[::1]",
		"fe80::1%eth0", "::1/128", "example.com",
	};
	char text[ADDRESS_TEXT_MAX];
	struct address a, b;

	assert_true(address_parse(&a, "2001:DB8:0:0::1"));
	assert_string_equal(address_text(&a, text), "2001:db8::1");
	assert_true(address_parse(&b, "2001:db8::1"));
	assert_true(address_equal(&a, &b));
	assert_true(address_parse(&b, "2001:db8::2"));
	assert_false(address_equal(&a, &b));
	assert_true(address_parse(&a, "1.2.3.4"));
	assert_string_equal(address_text(&a, text), "1.2.3.4");
	/* the same first four octets */
	assert_true(address_parse(&b, "102:304::"));
	assert_false(address_equal(&a, &b));
	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++)
		assert_false(address_parse(&a, faulty[i]));
}

static void
test_sockaddr(void **state)
{
	struct sockaddr_storage sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct address a;

	assert_true(address_parse(&a, "1.2.3.4"));
	assert_int_equal(address_to_sockaddr(&a, 80, &sa), sizeof(in));
	memcpy(&in, &sa, sizeof(in));
	assert_int_equal(in.sin_family, AF_INET);
	assert_int_equal(ntohs(in.sin_port), 80);
	assert_int_equal(ntohl(in.sin_addr.s_addr), 0x01020304);
	assert_true(address_parse(&a, "2001:4860::8888"));
	assert_int_equal(address_to_sockaddr(&a, 443, &sa), sizeof(in6));
	memcpy(&in6, &sa, sizeof(in6));
	assert_int_equal(in6.sin6_family, AF_INET6);
	assert_int_equal(ntohs(in6.sin6_port), 443);
	assert_int_equal(in6.sin6_scope_id, 0);
	assert_memory_equal(&in6.sin6_addr, a.bytes, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_other_families),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_sockaddr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
