/* url.h and redirect.h: what a redirect may lead to. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "failing_malloc.h"
#include "httpcheck/redirect.h"

#define BASE	"http://example.com/b/c/d;p?q"

struct row {
	const char *reference;
	const char *text;		/* that it resolves to; NULL: refused */
	enum url_fault_code fault;
};

#define LEADS(reference, text)	{ reference, text, URL_OK }
#define REFUSED(reference, why)	{ reference, NULL, URL_##why }

/* Against BASE. */
static const struct row rows[] = {
	/* RFC 3986 5.4.1 and 5.4.2, as far as they stay with http */
	LEADS("g", "http://example.com/b/c/g"),
	LEADS("./g", "http://example.com/b/c/g"),
	LEADS("g/", "http://example.com/b/c/g/"),
	LEADS("/g", "http://example.com/g"),
	LEADS("//g.example", "http://g.example/"),
	LEADS("?y", "http://example.com/b/c/d;p?y"),
	LEADS("g?y", "http://example.com/b/c/g?y"),
	LEADS("#s", "http://example.com/b/c/d;p?q"),
	LEADS("g#s", "http://example.com/b/c/g"),
	LEADS("g?y#s", "http://example.com/b/c/g?y"),
	LEADS(";x", "http://example.com/b/c/;x"),
	LEADS("g;x=1/../y", "http://example.com/b/c/y"),
	LEADS(".", "http://example.com/b/c/"),
	LEADS("./", "http://example.com/b/c/"),
	LEADS("..", "http://example.com/b/"),
	LEADS("../g", "http://example.com/b/g"),
	LEADS("../..", "http://example.com/"),
	LEADS("../../../g", "http://example.com/g"),
	LEADS("/./g", "http://example.com/g"),
	LEADS("/../g", "http://example.com/g"),
	LEADS("g.", "http://example.com/b/c/g."),
	LEADS("..g", "http://example.com/b/c/..g"),
	LEADS("./../g", "http://example.com/b/g"),
	LEADS("g?y/../x", "http://example.com/b/c/g?y/../x"),
	LEADS("g#s/../x", "http://example.com/b/c/g"),
	REFUSED("http:g", NO_HOST),

	/* absolute */
	LEADS("http://other.example", "http://other.example/"),
	LEADS("https://other.example/x?y#z", "https://other.example/x?y"),
	LEADS("HTTPS://Other.EXAMPLE/X", "https://other.example/X"),
	LEADS("http://other.example?y", "http://other.example/?y"),
	LEADS("http://other.example/a/../../b", "http://other.example/b"),
	LEADS("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
	LEADS("//other.example/x", "http://other.example/x"),
	LEADS("/a//b", "http://example.com/a//b"),
	LEADS("/..//evil.example/x", "http://example.com//evil.example/x"),
	LEADS("/a%20b", "http://example.com/a%20b"),
	LEADS("/%2e%2e/b", "http://example.com/%2e%2e/b"),

	/* ports */
	LEADS("http://h.example:80/", "http://h.example/"),
	LEADS("http://h.example:443/", "http://h.example:443/"),
	LEADS("https://h.example:443/", "https://h.example/"),
	LEADS("https://h.example:80/", "https://h.example:80/"),
	LEADS("http://h.example:/", "http://h.example/"),
	REFUSED("http://h.example:080/", PORT),
	REFUSED("http://h.example:0/", PORT),
	REFUSED("http://h.example:8080/", PORT),
	REFUSED("http://h.example:22/", PORT),
	REFUSED("http://h.example:65616/", PORT),	/* 80 in sixteen bits */
	REFUSED("http://h.example:4294967376/", PORT),
	REFUSED("http://h.example:+80/", PORT),
	REFUSED("http://h.example:-80/", PORT),
	REFUSED("http://h.example:80:80/", PORT),
	REFUSED("http://h.example:http/", PORT),

	/* schemes */
	REFUSED("ftp://h.example/", SCHEME),
	REFUSED("file:///etc/passwd", SCHEME),
	REFUSED("gopher://h.example/", SCHEME),
	REFUSED("javascript:alert(1)", SCHEME),
	REFUSED("data:,x", SCHEME),
	REFUSED("httpx://h.example/", SCHEME),
	LEADS("http", "http://example.com/b/c/http"),
	REFUSED("a:b", SCHEME),
	REFUSED(":80/", SCHEME),
	REFUSED("://h.example/", SCHEME),
	REFUSED(" http://h.example/", SCHEME),

	/* hosts */
	REFUSED("http:///", NO_HOST),
	REFUSED("http://", NO_HOST),
	REFUSED("http:/h.example/", NO_HOST),
	REFUSED("http:h.example", NO_HOST),
	REFUSED("http:////h.example/", NO_HOST),
	REFUSED("///h.example/", NO_HOST),
	REFUSED("http://:80/", NO_HOST),
	REFUSED("http://user@h.example/", USER),
	REFUSED("http://user:pass@h.example/", USER),
	REFUSED("http://h.example@evil.example/", USER),
	REFUSED("http://h.example:80@evil.example/", USER),
	REFUSED("http://@h.example/", USER),
	REFUSED("http://good.example\\@evil.example/", USER),
	LEADS("http://good.example#@evil.example/", "http://good.example/"),
	LEADS("http://good.example?@evil.example/", "http://good.example/?@evil.example/"),
	REFUSED("http://*.h.example/", WILDCARD),
	REFUSED("http://h.example./", HOST),
	REFUSED("http://h..example/", HOST),
	REFUSED("http://-h.example/", HOST),
	REFUSED("http://h%2eexample/", HOST),
	REFUSED("http://h.example%00.evil.example/", HOST),
	REFUSED("http://h.example%2f@evil.example/", USER),
	REFUSED("http://b\xc3\xbc" "cher.example/", CHARACTER),
	REFUSED("http://h.example\xe3\x80\x82" "x/", CHARACTER),

	/* addresses: what looks like one is one, or nothing */
	LEADS("http://192.0.2.1/", "http://192.0.2.1/"),
	LEADS("http://127.0.0.1/", "http://127.0.0.1/"),	/* the address is judged where it is dialled */
	LEADS("http://[2001:DB8::1]/", "http://[2001:db8::1]/"),
	LEADS("http://[2001:db8::1]:443/x", "http://[2001:db8::1]:443/x"),
	LEADS("https://[::ffff:127.0.0.1]/", "https://[::ffff:127.0.0.1]/"),
	LEADS("http://[2001:db8::1]:", "http://[2001:db8::1]/"),
	REFUSED("http://[2001:db8::1]:81/", PORT),
	REFUSED("http://[2001:db8::1]x/", CHARACTER),
	REFUSED("http://[2001:db8::1/", CHARACTER),
	REFUSED("http://[2001:db8::1%25eth0]/", HOST),
	REFUSED("http://[v1.x]/", HOST),
	REFUSED("http://[127.0.0.1]/", HOST),
	REFUSED("http://[h.example]/", HOST),
	REFUSED("http://[]/", HOST),
	REFUSED("http://2001:db8::1/", PORT),
	REFUSED("http://2130706433/", HOST),
	REFUSED("http://127.1/", HOST),
	REFUSED("http://127.0.0.01/", HOST),
	REFUSED("http://0177.0.0.1/", HOST),
	REFUSED("http://0x7f.1/", HOST),
	REFUSED("http://0x7f000001/", HOST),
	REFUSED("http://127.0.0.0x1/", HOST),
	REFUSED("http://256.1.1.1/", HOST),
	REFUSED("http://1.2.3.4.5/", HOST),
	REFUSED("http://127.0.0.1./", HOST),
	REFUSED("http://h.1/", HOST),

	/* characters */
	REFUSED("", EMPTY),
	REFUSED("\\\\h.example/", CHARACTER),
	REFUSED("/\\h.example/", CHARACTER),
	REFUSED("http:\\\\h.example/", NO_HOST),
	REFUSED("http://h.example\\x/", CHARACTER),
	REFUSED("/a b", CHARACTER),
	REFUSED("/a\tb", CHARACTER),
	REFUSED("/a\r\nHost: x", CHARACTER),
	REFUSED("ht\ntp://h.example/", SCHEME),
	REFUSED("http://h.ex\tample/", CHARACTER),
	REFUSED("/a\x7f", CHARACTER),
	REFUSED("/a\x80", CHARACTER),
	REFUSED("/<x>", CHARACTER),
	REFUSED("/a?b[0]", CHARACTER),
	REFUSED("/a# b", CHARACTER),
	REFUSED("/a#b#c", CHARACTER),
	REFUSED("/a#%", ENCODING),
	REFUSED("/%", ENCODING),
	REFUSED("/%2", ENCODING),
	REFUSED("/%zz", ENCODING),
	REFUSED("/?%4", ENCODING),
	REFUSED("/a%00b", ENCODING),
	REFUSED("/a?%00", ENCODING),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void
base_read(struct url *base, const char *text)
{
	struct url_fault why;

	assert_true(url_resolve(base, NULL, text, &why));
}

static void
test_references(void **state)
{
	struct buf sentence = BUF_INIT(512);
	struct url base, u, again;
	struct url_fault why;

	base_read(&base, BASE);
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct row *row = &rows[i];
		bool ok = url_resolve(&u, &base, row->reference, &why);

		if (ok != (row->text != NULL) || why.code != row->fault ||
		    (ok && strcmp(u.text, row->text) != 0))
			fail_msg("\"%s\" gives %s, fault %d", row->reference,
			    u.text != NULL ? u.text : "nothing", (int)why.code);
		buf_reset(&sentence);
		url_fault_text(&why, &sentence);
		assert_true(sentence.len > 0 && !sentence.failed);
		if (ok) {
			base_read(&again, u.text);
			assert_string_equal(again.text, u.text);
			assert_int_equal(again.port, u.port);
			assert_int_equal(*url_path(&u), '/');
			url_free(&again);
		} else {
			assert_null(u.text);
		}
		url_free(&u);
	}
	buf_free(&sentence);
	url_free(&base);
}

static void
test_without_base(void **state)
{
	static const char *const relative[] = { "g", "/g", "//h.example/", "?q", "#f" };
	struct url_fault why;
	struct url u;

	for (size_t i = 0; i < sizeof(relative) / sizeof(relative[0]); i++) {
		assert_false(url_resolve(&u, NULL, relative[i], &why));
		assert_int_equal(why.code, URL_RELATIVE);
	}
}

static void
test_length(void **state)
{
	static char text[2 * URL_MAX];
	struct url base, u;
	struct url_fault why;

	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "http://h.example/", 17);
	text[URL_MAX] = '\0';
	base_read(&base, text);
	assert_int_equal(strlen(base.text), URL_MAX);
	text[URL_MAX] = 'a';
	text[URL_MAX + 1] = '\0';
	assert_false(url_resolve(&u, NULL, text, &why));
	assert_int_equal(why.code, URL_TOO_LONG);
	/* short by itself, too long with its base */
	url_free(&base);
	memset(text, 'a', URL_MAX);
	memcpy(text, "http://h.example/", 17);
	text[URL_MAX - 1] = '/';
	text[URL_MAX] = '\0';
	base_read(&base, text);
	assert_true(url_resolve(&u, &base, "", &why) == false && why.code == URL_EMPTY);
	assert_false(url_resolve(&u, &base, "bb", &why));
	assert_int_equal(why.code, URL_TOO_LONG);
	url_free(&base);
}

static void
test_parts(void **state)
{
	char authority[URL_AUTHORITY_MAX];
	struct url u, moved;

	base_read(&u, "HTTP://[2001:db8::1]:443/a/./b?c#d");
	assert_false(u.https);
	assert_int_equal(u.port, 443);
	assert_int_equal(u.host.kind, TARGET_IPV6);
	assert_string_equal(url_authority(&u, authority), "[2001:db8::1]:443");
	assert_string_equal(url_path(&u), "/a/b?c");
	url_move(&moved, &u);
	assert_null(u.text);
	assert_string_equal(moved.text, "http://[2001:db8::1]:443/a/b?c");
	url_free(&u);
	url_free(&moved);
}

static void
test_no_memory(void **state)
{
	struct url base, u;
	struct url_fault why;
	long n;

	base_read(&base, BASE);
	for (n = 0; n < 20; n++) {
		bool ok;

		failing_malloc_after(n);
		ok = url_resolve(&u, &base, "../x?y", &why);
		failing_malloc_after(-1);
		if (ok)
			break;
		assert_int_equal(why.code, URL_NO_MEMORY);
		assert_null(u.text);
	}
	assert_in_range(n, 1, 10);
	assert_string_equal(u.text, "http://example.com/b/x?y");
	url_free(&u);
	url_free(&base);
}

struct redirect_row {
	int status;
	const char *location;
	size_t followed;
	enum problem problem;
	const char *text;	/* where it leads, or what the sentence says */
};

static const struct redirect_row redirects[] = {
	{ 301, "/x", 0, PROBLEM_NONE, "http://example.com/x" },
	{ 302, "/x", 9, PROBLEM_NONE, "http://example.com/x" },
	{ 307, "//o.example/x", 0, PROBLEM_NONE, "http://o.example/x" },
	{ 308, "https://o.example", 0, PROBLEM_NONE, "https://o.example/" },
	{ 301, "http://example.com/b/c/d;p?q", 0, PROBLEM_NONE, BASE },
	{ 302, "/x", 10, PROBLEM_TOO_MANY_REDIRECTS, "after 10 redirects" },
	{ 300, "/x", 0, PROBLEM_REDIRECT_REFUSED, "status 300, which is not among" },
	{ 303, "/x", 0, PROBLEM_REDIRECT_REFUSED, "status 303, which is not among" },
	{ 303, "/x", 10, PROBLEM_REDIRECT_REFUSED, "status 303" },
	{ 304, NULL, 0, PROBLEM_REDIRECT_REFUSED, "status 304" },
	{ 305, "/x", 0, PROBLEM_REDIRECT_REFUSED, "status 305" },
	{ 306, "/x", 0, PROBLEM_REDIRECT_REFUSED, "status 306" },
	{ 399, "/x", 0, PROBLEM_REDIRECT_REFUSED, "status 399" },
	{ 301, NULL, 0, PROBLEM_REDIRECT_REFUSED, "but no location" },
	{ 301, "", 0, PROBLEM_REDIRECT_REFUSED, "\"\", which is empty" },
	{ 301, "ftp://x", 0, PROBLEM_REDIRECT_REFUSED, "\"ftp://x\", which has a scheme other" },
	{ 301, "http://x:8080/", 0, PROBLEM_REDIRECT_REFUSED, "has a port other than 80 and 443" },
	{ 301, "http://a b/", 0, PROBLEM_REDIRECT_REFUSED, "holds a character" },
	{ 301, "/a\r\nb", 0, PROBLEM_REDIRECT_REFUSED, "\"/a\\013\\010b\"" },
	{ 301, "http://2130706433/", 0, PROBLEM_REDIRECT_REFUSED, "no IPv4 address" },
};

static void
test_redirects(void **state)
{
	struct url base;

	base_read(&base, BASE);
	for (size_t i = 0; i < sizeof(redirects) / sizeof(redirects[0]); i++) {
		const struct redirect_row *row = &redirects[i];
		const struct redirect r = { &base, row->status, row->location, row->followed };
		struct buf why = BUF_INIT(2048);
		struct url next;

		assert_true(redirect_status(row->status));
		assert_int_equal(redirect_judge(&r, &next, &why), row->problem);
		if (row->problem == PROBLEM_NONE)
			assert_string_equal(next.text, row->text);
		else if (why.data == NULL || strstr(why.data, row->text) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", why.data, row->text);
		url_free(&next);
		buf_free(&why);
	}
	assert_false(redirect_status(200));
	assert_false(redirect_status(299));
	assert_false(redirect_status(400));
	url_free(&base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_without_base),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_redirects),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
