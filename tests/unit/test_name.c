/* name.h: host names from people, hostile names from the wire. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <idn2.h>
#include <string.h>

#include "buf.h"
#include "failing_malloc.h"
#include "name.h"
#include "wire.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L59 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define N253 L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* The library's own memory: how many of its calls may still succeed, -1 for all. */
static int idn2_calls = -1;

int __real_idn2_lookup_u8(const uint8_t *src, uint8_t **name, int flags);
int __real_idn2_to_unicode_8z8z(const char *in, char **out, int flags);
int __wrap_idn2_lookup_u8(const uint8_t *src, uint8_t **name, int flags);
int __wrap_idn2_to_unicode_8z8z(const char *in, char **out, int flags);

int
__wrap_idn2_lookup_u8(const uint8_t *src, uint8_t **name, int flags)
{
	if (idn2_calls == 0)
		return IDN2_MALLOC;
	idn2_calls -= idn2_calls > 0;
	return __real_idn2_lookup_u8(src, name, flags);
}

int
__wrap_idn2_to_unicode_8z8z(const char *in, char **out, int flags)
{
	if (idn2_calls == 0)
		return IDN2_MALLOC;
	idn2_calls -= idn2_calls > 0;
	return __real_idn2_to_unicode_8z8z(in, out, flags);
}

static const struct {
	const char *input, *text;
} good[] = {
	{ "a", "a" },
	{ "example.com", "example.com" },
	{ "EXAMPLE.COM", "example.com" },
	{ "a-b.c--d.e0", "a-b.c--d.e0" },
	{ "1and1.com", "1and1.com" },
	{ "123.456.com", "123.456.com" },
	{ "0x1g", "0x1g" },
	{ "1a", "1a" },
	{ L63 ".com", L63 ".com" },
	{ N253, N253 },
	/* U-labels, U+00DF kept (non-transitional), capitals mapped. */
	{ "b\u00fccher.example", "xn--bcher-kva.example" },
	{ "B\u00dcCHER.Example", "xn--bcher-kva.example" },
	{ "bu\u0308cher.example", "xn--bcher-kva.example" },
	{ "fa\u00df.de", "xn--fa-hia.de" },
	{ "\u516c\u53f8.cn", "xn--55qx5d.cn" },
	{ "\u516c\u53f8.\u516c\u53f8", "xn--55qx5d.xn--55qx5d" },
	{ "\u05d0\u05d1.example", "xn--4dbc.example" },
	{ "\uff41.com", "a.com" },
	{ "a\u00adb.com", "ab.com" },
	/* UTS#46 label separators. */
	{ "a\u3002com", "a.com" },
	{ "\u516c\uff0eb\uff61com", "xn--55q.b.com" },
	/* A-labels. */
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
	{ "xn--fa-hia.de", "xn--fa-hia.de" },
	{ "xn--tda.xn--zca", "xn--tda.xn--zca" },
	{ "xn--55qx5d.xn--fiqs8s", "xn--55qx5d.xn--fiqs8s" },
};

static const struct {
	const char *input;
	enum name_fault_code code;
	const char *text;
} bad[] = {
#define NUMBER "ends with a number, so it looks like an IPv4 address but is none"
#define FAKE "begins with xn-- but is no A-label (RFC 5891)"
#define IDNA "is not allowed by IDNA2008"
#define CHARACTER "holds a character that is no letter, digit or hyphen"
	{ "", NAME_EMPTY, "is empty" },
	{ N253 "a", NAME_TOO_LONG, "is longer than 253 octets" },
	{ "b." N253, NAME_TOO_LONG, "is longer than 253 octets" },
	{ "\u00fc.\u00fc." L63 "." L63 "." L63 "." L63, NAME_TOO_LONG, "is longer than 253 octets" },
	{ "com." "a" L63, NAME_LABEL_TOO_LONG, "label 2 is longer than 63 octets" },
	{ "xn--" L63 ".com", NAME_LABEL_TOO_LONG, "label 1 is longer than 63 octets" },
	{ "a\xff.com", NAME_NOT_UTF8, "label 1 is not UTF-8" },
	{ "a.\xc3", NAME_NOT_UTF8, "label 2 is not UTF-8" },
	{ "\xc0\xae.com", NAME_NOT_UTF8, "label 1 is not UTF-8" },
	{ "a b.com", NAME_SPACE, "label 1 holds white space" },
	{ "a.com ", NAME_SPACE, "label 2 holds white space" },
	{ "a.com\n", NAME_SPACE, "label 2 holds white space" },
	{ "\ta.com", NAME_SPACE, "label 1 holds white space" },
	{ "a\u00a0b.com", NAME_SPACE, "label 1 holds white space" },
	{ "a\u3000b.com", NAME_SPACE, "label 1 holds white space" },
	{ "a\x01.com", NAME_CONTROL, "label 1 holds a control character" },
	{ "a.b\x7f.com", NAME_CONTROL, "label 2 holds a control character" },
	{ "a\xc2\x85.com", NAME_IDNA, "label 1 " IDNA },
	{ "a.com.", NAME_TRAILING_DOT, "ends with a dot" },
	{ "a.com\u3002", NAME_TRAILING_DOT, "ends with a dot" },
	{ ".", NAME_EMPTY_LABEL, "label 1 is empty" },
	{ ".com", NAME_EMPTY_LABEL, "label 1 is empty" },
	{ "a..com", NAME_EMPTY_LABEL, "label 2 is empty" },
	{ "a.com..", NAME_EMPTY_LABEL, "label 3 is empty" },
	{ "a.\u3002com", NAME_EMPTY_LABEL, "label 2 is empty" },
	{ "a.\u00ad.com", NAME_EMPTY_LABEL, "label 2 is empty" },
	{ "*.com", NAME_WILDCARD, "label 1 holds an asterisk" },
	{ "\uff0a.com", NAME_WILDCARD, "label 1 holds an asterisk" },
	{ "a.b*.com", NAME_WILDCARD, "label 2 holds an asterisk" },
	{ "a_b.com", NAME_UNDERSCORE, "label 1 holds an underscore" },
	{ "\u00fc_.com", NAME_UNDERSCORE, "label 1 holds an underscore" },
	{ "-a.com", NAME_HYPHEN_EDGE, "label 1 begins or ends with a hyphen" },
	{ "b.a-.com", NAME_HYPHEN_EDGE, "label 2 begins or ends with a hyphen" },
	{ "\u00fc-.com", NAME_HYPHEN_EDGE, "label 1 begins or ends with a hyphen" },
	{ "ab--c.com", NAME_RESERVED_LABEL,
	    "label 1 has hyphens in its third and fourth place but is no A-label" },
	{ "ab--\u00fc.com", NAME_RESERVED_LABEL,
	    "label 1 has hyphens in its third and fourth place but is no A-label" },
	{ "xn--.com", NAME_HYPHEN_EDGE, "label 1 begins or ends with a hyphen" },
	{ "xn--abc.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "xn--a-0000000000.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "b.xn--bcher.com", NAME_FAKE_A_LABEL, "label 2 " FAKE },
	{ "xn--xn---epa.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "xn--bcher-kva8445foa.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	/* Punycode of what mapping would change, so no U-label gives it: a
	 * capital, a decomposed letter, full width, the Kelvin sign, U+3002. */
	{ "xn--wca.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "xn--u-ccb.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "xn--mi7c.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "xn--62g.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "xn--r6j653nb2a.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "xn--ab-m1t.com", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "\u2764.ws", NAME_IDNA, "label 1 " IDNA },
	{ "xn--qei.ws", NAME_FAKE_A_LABEL, "label 1 " FAKE },
	{ "a\u200d.com", NAME_IDNA, "label 1 " IDNA },
	{ "\u05d0a.com", NAME_IDNA, "label 1 " IDNA },
	{ "\u0300a.com", NAME_IDNA, "label 1 " IDNA },
	{ "a/b.com", NAME_CHARACTER, "label 1 " CHARACTER },
	{ "a@b.com", NAME_CHARACTER, "label 1 " CHARACTER },
	{ "a.com\\", NAME_CHARACTER, "label 2 " CHARACTER },
	{ "a:80", NAME_CHARACTER, "label 1 " CHARACTER },
	{ "\uff0f.com", NAME_CHARACTER, "label 1 " CHARACTER },
	{ "1.2.3.4", NAME_NUMERIC_TLD, NUMBER },
	{ "1", NAME_NUMERIC_TLD, NUMBER },
	{ "example.1", NAME_NUMERIC_TLD, NUMBER },
	{ "example.0x1F", NAME_NUMERIC_TLD, NUMBER },
	{ "example.0x", NAME_NUMERIC_TLD, NUMBER },
	{ "example.\uff11", NAME_NUMERIC_TLD, NUMBER },
};

static void
test_good(void **state)
{
	struct name n;
	struct name_fault fault;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!name_from_utf8(&n, good[i].input, strlen(good[i].input), &fault))
			fail_msg("%s: fault %d", good[i].input, fault.code);
		assert_int_equal(fault.code, NAME_OK);
		assert_string_equal(n.text, good[i].text);
		assert_int_equal(n.len, strlen(good[i].text));
	}
}

static void
test_bad(void **state)
{
	struct name n;
	struct name_fault fault;
	struct buf b = BUF_INIT(256);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		name_from_utf8(&n, bad[i].input, strlen(bad[i].input), &fault);
		buf_reset(&b);
		name_fault_text(&fault, &b);
		if (fault.code != bad[i].code || strcmp(b.data, bad[i].text) != 0)
			fail_msg("%s: fault %d \"%s\" instead of %d \"%s\"", bad[i].input,
			    fault.code, b.data, bad[i].code, bad[i].text);
	}
	buf_free(&b);
}

static void
test_length_is_a_bound(void **state)
{
	struct name n;
	struct name_fault fault;
	char huge[2000];

	assert_true(name_from_utf8(&n, "a.commerce", 5, NULL));
	assert_string_equal(n.text, "a.com");
	assert_false(name_from_utf8(&n, "a.com\0.b", 8, &fault));
	assert_int_equal(fault.code, NAME_CONTROL);
	assert_false(name_from_utf8(&n, "\u00fc\0b", 4, &fault));
	assert_int_equal(fault.code, NAME_CONTROL);
	memset(huge, 'a', sizeof(huge));
	assert_false(name_from_utf8(&n, huge, sizeof(huge), &fault));
	assert_int_equal(fault.code, NAME_TOO_LONG);
	assert_false(name_from_utf8(&n, huge, 1024, &fault));
	assert_int_equal(fault.code, NAME_LABEL_TOO_LONG);
	/* Half of U+3002 at the end is no separator. */
	assert_false(name_from_utf8(&n, "a\u3002", 3, &fault));
	assert_int_equal(fault.code, NAME_NOT_UTF8);
}

static void
test_underscores(void **state)
{
	static const char *const takes[] = { "_x.acme.example", "a_b.example", "__.example", "_",
		"_443._tcp.www.example" };
	static const char *const leaves[] = { "_-.example", "_a*.example", "_a..example",
		"_.1", "_\u00fc.example", "_" L63 ".example" };
	struct name n;

	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
		assert_true(name_from_utf8_underscores(&n, takes[i], strlen(takes[i]), NULL));
		assert_string_equal(n.text, takes[i]);
		assert_false(name_from_utf8(&n, takes[i], strlen(takes[i]), NULL));
	}
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		if (name_from_utf8_underscores(&n, leaves[i], strlen(leaves[i]), NULL))
			fail_msg("%s is taken", leaves[i]);
}

/* A name server may tell of any name, but these are the ones that we go on with. */
static void
test_from_dns(void **state)
{
	static const struct {
		const char *told, *text;	/* NULL: refused */
	} rows[] = {
		{ "a.Example", "a.example" }, { "a.example.", "a.example" },
		{ "_X.-a-.example", "_x.-a-.example" }, { "1.2.3.4", "1.2.3.4" },
		{ "xn--abc.com", "xn--abc.com" }, { "com", "com" }, { N253, N253 },
		{ "", NULL }, { ".", NULL }, { "..", NULL }, { ".a", NULL }, { "a..b", NULL },
		{ "a\\.b.example", NULL }, { "a\\032b.example", NULL }, { "*.example", NULL },
		{ "a b.example", NULL }, { "\u00fc.example", NULL }, { "a" L63 ".example", NULL },
		{ "a" N253, NULL },
	};
	struct name n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool ok = name_from_dns(&n, rows[i].told, strlen(rows[i].told));

		if (ok != (rows[i].text != NULL))
			fail_msg("%s is%s taken", rows[i].told, ok ? "" : " not");
		if (ok) {
			assert_string_equal(n.text, rows[i].text);
			assert_int_equal(n.len, strlen(n.text));
		}
	}
}

static void
test_fault_texts(void **state)
{
	struct buf b = BUF_INIT(256);

	for (int code = 0; code < NAME_FAULT_COUNT; code++) {
		struct name_fault fault = { (enum name_fault_code)code, 0 };

		buf_reset(&b);
		name_fault_text(&fault, &b);
		assert_true(b.len > 5);
	}
	buf_free(&b);
}

static void
test_parent(void **state)
{
	struct name n, parent;

	assert_true(name_from_utf8(&n, "a.bc.example.com", 16, NULL));
	assert_true(name_parent(&n, &parent));
	assert_string_equal(parent.text, "bc.example.com");
	assert_int_equal(parent.len, 14);
	assert_true(name_parent(&parent, &parent));
	assert_true(name_parent(&parent, &parent));
	assert_string_equal(parent.text, "com");
	assert_false(name_parent(&parent, &parent));
	assert_string_equal(parent.text, "com");
	assert_string_equal(n.text, "a.bc.example.com");
}

static void
test_to_wire(void **state)
{
	uint8_t wire[NAME_WIRE_MAX];
	struct name n;

	assert_true(name_from_utf8(&n, "a.Example.com", 13, NULL));
	assert_int_equal(name_to_wire(&n, wire), 15);
	assert_memory_equal(wire, "\1a\7example\3com", 15);
	assert_true(name_from_utf8(&n, N253, 253, NULL));
	assert_int_equal(name_to_wire(&n, wire), 255);
	assert_int_equal(wire[0], 63);
	assert_int_equal(wire[192], 61);
	assert_int_equal(wire[254], 0);
}

static void
test_wire_to_text(void **state)
{
	static const struct {
		const char *wire;
		size_t len, used;
		const char *text;	/* NULL: refused */
	} cases[] = {
#define W(wire, used, text) { wire, sizeof(wire) - 1, used, text }
		W("\0", 1, "."),
		W("\1a\3Com\0", 7, "a.Com"),
		W("\1a\3com\0rest", 7, "a.com"),
		W("\6_a*b c\0", 8, "_a*b\\032c"),
		W("\4a.b\\\0", 6, "a\\.b\\\\"),
		W("\7\"();@$\x7f\0", 9, "\\\"\\(\\)\\;\\@\\$\\127"),
		W("\3\0\n\xff\1x\0", 7, "\\000\\010\\255.x"),
		W("", 0, NULL),
		W("\1a", 0, NULL),
		W("\3ab", 0, NULL),
		W("\1a\3com", 0, NULL),
		W("\xc0\x0c", 0, NULL),
		W("\1a\xc0\x00", 0, NULL),
		W("\x40" L63 "a\0", 0, NULL),
		W("\x3f" L63 "\x3f" L63 "\x3f" L63 "\x3f" L63 "\0", 0, NULL),
		/* One octet over: 256 with the root label. */
		W("\x3f" L63 "\x3f" L63 "\x3f" L63 "\2aa\73" L59 "\0", 0, NULL),
#undef W
	};
	struct wire_reader r;
	struct buf b = BUF_INIT(NAME_WIRE_TEXT_MAX);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&b);
		wire_reader_init(&r, cases[i].wire, cases[i].len);
		assert_int_equal(name_wire_to_text(&r, &b), cases[i].text != NULL);
		if (cases[i].text != NULL) {
			assert_string_equal(b.data, cases[i].text);
			assert_int_equal(r.pos - r.start, cases[i].used);
		} else {
			assert_true(r.bad);
			assert_int_equal(b.len, 0);
		}
	}
	buf_free(&b);
}

/* The longest text there is fits the promised size exactly. */
static void
test_wire_to_text_longest(void **state)
{
	uint8_t wire[NAME_WIRE_MAX];
	struct wire_reader r;
	struct buf b = BUF_INIT(NAME_WIRE_TEXT_MAX);

	memset(wire, 0xff, sizeof(wire));
	wire[0] = wire[64] = wire[128] = 63;
	wire[192] = 61;
	wire[254] = 0;
	wire_reader_init(&r, wire, sizeof(wire));
	assert_true(name_wire_to_text(&r, &b));
	assert_true(wire_done(&r));
	assert_false(b.failed);
	assert_int_equal(b.len, NAME_WIRE_TEXT_MAX);
	buf_free(&b);
}

static void
test_equal(void **state)
{
	assert_true(name_equal("example.com", "EXAMPLE.com"));
	assert_true(name_equal("example.com.", "example.com"));
	assert_true(name_equal("example.com", "example.com."));
	assert_true(name_equal("example.com.", "example.com."));
	assert_false(name_equal("example.com..", "example.com"));
	assert_false(name_equal("example.com", "example.co"));
	assert_false(name_equal("example.com", "xample.com"));
	assert_false(name_equal("", ""));
	assert_false(name_equal(".", "."));
	assert_false(name_equal("", "."));
	assert_false(name_equal("a@b", "a`b"));
	assert_false(name_equal("a[b", "a{b"));
	assert_true(name_equal_n("abc", 2, "AB.", 3));
	assert_false(name_equal_n("a\0b", 3, "a", 1));
}

static void
test_prepend(void **state)
{
	static const char *const faulty[] = {
		".", "a.", ".a", "a..b", "a b", "a*", "\xc3\xbc", "a\\",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	uint8_t wire[NAME_WIRE_MAX];
	char prefix[NAME_TEXT_MAX];
	struct name n, out;

	assert_true(name_from_utf8(&n, "Example.com", 11, NULL));
	assert_true(name_prepend("_ABC-9._acme-challenge", &n, &out));
	assert_string_equal(out.text, "_abc-9._acme-challenge.example.com");
	assert_int_equal(out.len, strlen(out.text));
	assert_int_equal(name_to_wire(&out, wire), out.len + 2);
	assert_memory_equal(wire, "\6_abc-9\17_acme-challenge\7example\3com", out.len + 2);
	assert_true(name_prepend("", &n, &out));
	assert_string_equal(out.text, "example.com");
	assert_true(name_prepend("x", &out, &out));
	assert_string_equal(out.text, "x.example.com");
	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++)
		assert_false(name_prepend(faulty[i], &n, &out));
	/* 241 octets, a dot and the 11 of the name are as long as a name may be */
	for (size_t i = 0; i < sizeof(prefix) - 1; i++)
		prefix[i] = i % 2 == 0 ? 'a' : '.';
	prefix[241] = '\0';
	assert_true(name_prepend(prefix, &n, &out));
	assert_int_equal(out.len, NAME_TEXT_MAX);
	assert_int_equal(name_to_wire(&out, wire), NAME_WIRE_MAX);
	prefix[241] = 'b';
	prefix[242] = '\0';
	assert_false(name_prepend(prefix, &n, &out));
}

static void
test_no_memory(void **state)
{
	static const char text[] = "b\u00fccher.xn--bcher-kva.example";
	struct name n;
	struct name_fault fault;
	struct buf b = BUF_INIT(256);
	int calls;

	for (calls = 0; calls < 20; calls++) {
		idn2_calls = calls;
		if (name_from_utf8(&n, text, sizeof(text) - 1, &fault))
			break;
		assert_int_equal(fault.code, NAME_NO_MEMORY);
	}
	idn2_calls = -1;
	/* Mapping the U-label, then a round trip of each label. */
	assert_int_equal(calls, 5);
	failing_malloc_after(0);
	name_fault_text(&fault, &b);
	assert_true(b.failed);
	failing_malloc_after(-1);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_length_is_a_bound),
		cmocka_unit_test(test_underscores),
		cmocka_unit_test(test_from_dns),
		cmocka_unit_test(test_fault_texts),
		cmocka_unit_test(test_parent),
		cmocka_unit_test(test_to_wire),
		cmocka_unit_test(test_wire_to_text),
		cmocka_unit_test(test_wire_to_text_longest),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_prepend),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
