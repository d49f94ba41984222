/* Names of servers in a document, and the root of a test network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/document/private_root.h"
#include "appliance/document/web_address.h"

static const struct {
	const char *url;
	bool enrolment, update, log;	/* allowed for it */
} urls[] = {
	{ "https://ca.example", true, true, true },
	{ "https://ca.example/", true, true, true },
	{ "https://ca.example:443/a/b?c=d%20e", true, true, true },
	{ "https://192.0.2.1:8443", true, false, false },
	{ "https://[2001:db8::1]:8443/", true, false, false },
	{ "https://[2001:db8::1]:19532/", false, false, true },
	{ "https://log.example:19533", false, false, false },
	{ "https://log.example:19532", false, false, true },
	{ "http://images.example/a", false, true, false },
	{ "http://images.example:80/a", false, true, false },
	{ "http://images.example:443/a", false, false, false },
	{ "https://ca.example:", false, false, false },
	{ "https://ca.example:0", false, false, false },
	{ "https://ca.example:99999", false, false, false },
	{ "https://ca.example:008443", false, false, false },
	{ "https://", false, false, false },
	{ "https:///path", false, false, false },
	{ "https://a b/", false, false, false },
	{ "https://user@host/", false, false, false },
	{ "https://host/a b", false, false, false },
	{ "https://host/\nX: y", false, false, false },
	{ "https://host/#part", false, false, false },
	{ "https://host?x", false, false, false },
	{ "https://-host/", false, false, false },
	{ "https://a..b/", false, false, false },
	{ "https://[::1", false, false, false },
	{ "https://[192.0.2.1]/", false, false, false },
	{ "https://[]/", false, false, false },
	{ "HTTPS://host/", false, false, false },
	{ "ftp://host/", false, false, false },
	{ "", false, false, false },
};

static void
test_urls(void **state)
{
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_int_equal(web_address_refused(urls[i].url, WEB_ENROLMENT) == NULL,
		    urls[i].enrolment);
		assert_int_equal(web_address_refused(urls[i].url, WEB_UPDATE) == NULL, urls[i].update);
		assert_int_equal(web_address_refused(urls[i].url, WEB_LOG) == NULL, urls[i].log);
	}
}

static void
test_hosts(void **state)
{
	static const char *const good[] = { "a", "pool.ntp.org", "192.0.2.1", "2001:db8::1", "a-b.c.",
		"0.debian.pool.ntp.org" };
	static const char *const bad[] = { "", ".", "a b", "a_b", "a,b", "-a", "a-", "a..b", "[::1]",
		"a;b", "a\nb",
		"0123456789012345678901234567890123456789012345678901234567890123.example" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(web_host_allowed(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(web_host_allowed(bad[i]));
}

/* ---- the root ---- */

static struct document_root
root_of(const char *hint, const char *anchor, char *items[static 2])
{
	items[0] = (char *)(uintptr_t)hint;
	items[1] = (char *)(uintptr_t)anchor;
	return (struct document_root){ .set = true, .hints = { &items[0], hint != NULL },
		.trust_anchor = { &items[1], anchor != NULL } };
}

static const struct {
	const char *hint;
	const char *zone;	/* NULL: refused */
} hints[] = {
	{ "a.root.example 192.0.2.1", ". 518400 IN NS a.root.example.\n"
	    "a.root.example. 518400 IN A 192.0.2.1\n" },
	{ " a.root.example.\t2001:db8::1 ", ". 518400 IN NS a.root.example.\n"
	    "a.root.example. 518400 IN AAAA 2001:db8::1\n" },
	{ "a.root.example", NULL },
	{ "a.root.example 1.2.3", NULL },
	{ "192.0.2.1 a.root.example", NULL },
	{ "a.root.example 192.0.2.1 x", NULL },
	{ "a.root.example\n. 192.0.2.1", NULL },
	{ ". 192.0.2.1", NULL },
	{ "a;b 192.0.2.1", NULL },
	{ " ", NULL },
};

static void
test_hints(void **state)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		struct buf text = BUF_INIT(4096);
		char *items[2];
		struct document_root root = root_of(hints[i].hint, NULL, items);

		assert_int_equal(private_root_check(&root, &text), hints[i].zone != NULL);
		buf_reset(&text);
		if (hints[i].zone != NULL) {
			private_root_hints(&root, &text);
			assert_string_equal(text.data, hints[i].zone);
		}
		buf_free(&text);
	}
}

#define SHA256	"E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define KEY	"AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5"

static const struct {
	const char *anchor;
	bool good;
} anchors[] = {
	{ ". DS 20326 8 2 " SHA256, true },
	{ ". 3600 IN DS 20326 8 2 " SHA256, true },
	{ ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D084 58E880409BBC683457104237C7F8EC8D", true },
	{ ". DNSKEY 257 3 8 " KEY, true },
	{ ".\t172800\tIN\tDNSKEY\t257 3 13 " KEY " " KEY "==", true },
	{ "example. DS 20326 8 2 " SHA256, false },
	{ ". A 192.0.2.1", false },
	{ ". DS 20326 8 2", false },
	{ ". DS 20326 8 2 E06D", false },
	{ ". DS 99999 8 2 " SHA256, false },
	{ ". DS 20326 8 x " SHA256, false },
	{ ". DNSKEY 257 2 8 " KEY, false },
	{ ". DS 20326 8 2 " SHA256 "\"\n\tinterface: 0.0.0.0", false },
	{ ". DNSKEY 257 3 8 " KEY "\" ; ", false },
	{ "", false },
};

static void
test_anchors(void **state)
{
	for (size_t i = 0; i < sizeof(anchors) / sizeof(anchors[0]); i++) {
		struct buf text = BUF_INIT(4096), line = BUF_INIT(4096);
		char *items[2];
		struct document_root root = root_of(NULL, anchors[i].anchor, items);

		assert_int_equal(private_root_check(&root, &text), anchors[i].good);
		buf_reset(&text);
		if (anchors[i].good) {
			private_root_anchors(&root, &text);
			buf_addf(&line, "\ttrust-anchor: \"%s\"\n", anchors[i].anchor);
			assert_string_equal(text.data, line.data);
		}
		buf_free(&text);
		buf_free(&line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_anchors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
