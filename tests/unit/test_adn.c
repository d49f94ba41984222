/*
 * coordinator/adn.h and suffix.h: which names stand for which, by which steps,
 * method by method.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/adn.h"
#include "json_scan.h"

#define N		10	/* hops in a row of letters */
#define LETTERS(prefix)	prefix "a.com " prefix "b.com " prefix "c.com " prefix "d.com " \
	prefix "e.com " prefix "f.com " prefix "g.com " prefix "h.com " prefix "i.com " prefix "j.com"

static const char list[] =
    "// ===BEGIN ICANN DOMAINS===\n"
    "com\norg\nuk\nco.uk\nck\n*.ck\n!www.ck\n\xd1\x80\xd1\x84\n"
    "// ===END ICANN DOMAINS===\n"
    "// ===BEGIN PRIVATE DOMAINS===\n"
    "pages.com\n"
    "// ===END PRIVATE DOMAINS===\n";

static struct suffixes suffixes;

/* ---- public suffixes ---- */

static int
load(void **state)
{
	FILE *file = fmemopen((void *)list, sizeof(list) - 1, "r");

	suffixes.psl = psl_load_fp(file);
	fclose(file);
	return suffixes.psl == NULL;
}

static int
unload(void **state)
{
	suffixes_free(&suffixes);
	return 0;
}

static struct name
name(const char *text)
{
	struct name n;

	if (!name_from_dns(&n, text, strlen(text)))
		fail_msg("%s is no name", text);
	return n;
}

static void
test_base(void **state)
{
	static const struct {
		const char *name, *base;	/* NULL: a suffix */
	} rows[] = {
		{ "example.com", "example.com" }, { "a.b.c.example.com", "example.com" },
		{ "com", NULL }, { "uk", NULL }, { "co.uk", NULL }, { "x.co.uk", "x.co.uk" },
		{ "a.x.co.uk", "x.co.uk" }, { "x.uk", "x.uk" }, { "ck", NULL }, { "x.ck", NULL },
		{ "a.x.ck", "a.x.ck" }, { "b.a.x.ck", "a.x.ck" }, { "www.ck", "www.ck" },
		{ "a.www.ck", "www.ck" }, { "unlisted", NULL }, { "a.b.unlisted", "b.unlisted" },
		/* the private section is nobody's registry */
		{ "pages.com", "pages.com" }, { "me.pages.com", "pages.com" },
		{ "xn--p1ai", NULL }, { "a.b.xn--p1ai", "b.xn--p1ai" },
		{ "_x._y.example.com", "example.com" }, { "_x.com", "_x.com" },
	};
	static const struct suffixes none = { .psl = NULL };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct name n = name(rows[i].name), base;
		bool has = suffixes_base(&suffixes, &n, &base);

		if (has != (rows[i].base != NULL) || (has && strcmp(base.text, rows[i].base) != 0))
			fail_msg("%s: base %s", rows[i].name, has ? base.text : "none");
		assert_int_equal(suffixes_has(&suffixes, &n), !has);
		assert_false(suffixes_base(&none, &n, &base));
	}
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
test_load(void **state)
{
	char path[] = "/tmp/test_adn.XXXXXX";
	int fd = mkstemp(path);
	struct suffixes s = { .psl = NULL };
	struct buf why = BUF_INIT(256);
	struct name n = name("co.uk");

	assert_true(fd >= 0);
	close(fd);
	write_file(path, list);
	assert_true(suffixes_load(&s, path, &why));
	assert_true(suffixes_has(&s, &n));
	suffixes_free(&s);
	/* without sections nothing would be a suffix */
	write_file(path, "com\nco.uk\n");
	assert_false(suffixes_load(&s, path, &why));
	assert_non_null(strstr(why.data, "ICANN"));
	assert_null(s.psl);
	unlink(path);
	buf_reset(&why);
	assert_false(suffixes_load(&s, path, &why));
	assert_non_null(strstr(why.data, "No such file"));
	assert_true(suffixes_load(&s, NULL, &why));
	assert_true(suffixes_has(&s, &n));
	suffixes_free(&s);
	buf_free(&why);
}

/* ---- one name ---- */

enum { HTTP = DCV_ACME_HTTP_01, DNS = DCV_ACME_DNS_01, ACCOUNT = DCV_DNS_ACCOUNT_01,
	PERSIST = DCV_DNS_PERSISTENT, REVERSE = DCV_REVERSE_ADDRESS_LOOKUP, CAA = -1,
	DNS_AND_CAA = -2 };

static const struct row {
	int method;
	const char *applied_for, *target;
	/* Names that CNAMEs lead to, "." if the last has none. */
	const char *chain;
	/* Steps, "" for none; the sentence if it begins with '!'; "?" unknown. */
	const char *comes_to;
	const char *base;		/* NULL: not looked at; "": none */
} rows[] = {
	/* The name itself. */
	{ HTTP, "a.com", "a.com", "", "", "a.com" },
	{ HTTP, "www.a.com", "www.a.com", "", "", "a.com" },
	{ DNS, "WWW.a.com", "www.a.com", "", "", "a.com" },
	{ ACCOUNT, "a.x.co.uk", "a.x.co.uk", "", "", "x.co.uk" },
	{ DNS, "co.uk", "co.uk", "", "", "" },
	{ CAA, "a.com", "a.com", "", "", "a.com" },

	/* strip */
	{ DNS, "*.a.com", "a.com", "", "strip a.com", "a.com" },
	{ DNS, "*.a.com", "*.a.com", "", "strip a.com", "a.com" },
	{ ACCOUNT, "*.www.a.com", "www.a.com", "", "strip www.a.com", "a.com" },
	{ HTTP, "*.a.com", "a.com", "", "!does not validate wildcards", NULL },
	{ DCV_WEBSITE_CHANGE, "*.a.com", "a.com", "", "!does not validate wildcards", NULL },
	{ DCV_ACME_TLS_ALPN_01, "*.a.com", "a.com", "", "!does not validate wildcards", NULL },
	{ DCV_IP_ADDRESS, "*.a.com", "a.com", "", "!does not validate wildcards", NULL },
	{ DNS, "*.co.uk", "co.uk", "", "!co.uk is a public suffix: nobody may have every name below it "
	    "(3.2.2.6)", NULL },
	{ DNS, "*.pages.com", "pages.com", "", "strip pages.com", "pages.com" },
	{ DNS, "a.com", "*.a.com", "", "!expected the target a.com", NULL },
	{ DNS, "*.b.a.com", "*.a.com", "", "!expected the target a.com", NULL },

	/* prune */
	{ DNS, "www.a.com", "a.com", "", "prune a.com", "a.com" },
	{ DNS, "a.b.c.d.com", "c.d.com", "", "prune c.d.com", "d.com" },
	{ DNS, "a.b.c.d.com", "d.com", "", "prune d.com", "d.com" },
	{ DNS, "*.b.c.com", "c.com", "", "strip b.c.com, prune c.com", "c.com" },
	{ ACCOUNT, "www.a.com", "a.com", "", "prune a.com", "a.com" },
	{ DCV_CONTACT_EMAIL_CAA, "www.a.com", "a.com", "", "prune a.com", "a.com" },
	{ DNS, "www.a.com", "com", "", "!down to the Base Domain Name at most, and that of www.a.com is "
	    "a.com", NULL },
	{ DNS, "a.x.co.uk", "co.uk", "", "!that of a.x.co.uk is x.co.uk", NULL },
	{ DNS, "a.x.co.uk", "uk", "", "!that of a.x.co.uk is x.co.uk", NULL },
	{ DNS, "a.b.x.ck", "x.ck", "", "!that of a.b.x.ck is b.x.ck", NULL },
	{ DNS, "a.www.ck", "www.ck", "", "prune www.ck", "www.ck" },
	{ DNS, "co.uk", "uk", "", "!co.uk is a public suffix: no label of it can be pruned", NULL },
	{ DNS, "me.pages.com", "pages.com", "", "prune pages.com", "pages.com" },
	{ HTTP, "www.a.com", "a.com", "", "!proves control of no name below its target", NULL },
	{ DCV_WEBSITE_CHANGE, "www.a.com", "a.com", "", "!no name below its target", NULL },
	{ DCV_ACME_TLS_ALPN_01, "www.a.com", "a.com", "", "!no name below its target", NULL },
	{ DCV_IP_ADDRESS, "www.a.com", "a.com", "", "!no name below its target", NULL },
	/* not a label's border */
	{ ACCOUNT, "wwwa.com", "a.com", "", "!expected wwwa.com itself or a name above it", NULL },

	/* A persistent record says whether it holds for more than its name. */
	{ PERSIST, "a.com", "a.com", "", "", "a.com" },
	{ PERSIST, "a.com", "*.a.com", "", "", "a.com" },
	{ PERSIST, "*.a.com", "*.a.com", "", "strip a.com", "a.com" },
	{ PERSIST, "*.a.com", "a.com", "", "!which the target *.a.com asks for", NULL },
	{ PERSIST, "www.a.com", "*.a.com", "", "prune a.com", "a.com" },
	{ PERSIST, "www.a.com", "a.com", "", "!which the target *.a.com asks for", NULL },
	{ PERSIST, "*.b.a.com", "*.a.com", "", "strip b.a.com, prune a.com", "a.com" },
	{ PERSIST, "*.a.com", "*.com", "", "!Base Domain Name at most", NULL },

	/* cname */
	{ DNS, "www.a.com", "b.com", "", "?", NULL },
	{ DNS, "www.a.com", "b.com", "b.com", "cname b.com", "b.com" },
	{ DNS, "www.a.com", "_x.acme.org", "_x.acme.org", "cname _x.acme.org", "acme.org" },
	{ DNS, "www.a.com", "acme.org", "_x.acme.org", "cname _x.acme.org, prune acme.org", "acme.org" },
	{ DNS, "www.a.com", "c.org", "b.com", "?", NULL },
	{ DNS, "www.a.com", "c.org", "b.com c.org", "cname b.com, cname c.org", "c.org" },
	{ DNS, "www.a.com", "c.org", "b.com x.c.org", "cname b.com, cname x.c.org, prune c.org", "c.org" },
	{ DNS, "www.a.com", "x.www.a.com", "x.www.a.com", "cname x.www.a.com", "a.com" },
	/* pruned first, there is no CNAME any more: that of the parent leads nowhere */
	{ DNS, "www.a.com", "b.com", ".", "!and www.a.com has no CNAME record", NULL },
	{ DNS, "www.a.com", "c.org", "b.com d.org .", "!after 2 of them there is none at d.org", NULL },
	/* down to the base of where it leads, not of where it begins */
	{ DNS, "www.a.com", "uk", "b.x.co.uk", "!uk is a public suffix", NULL },
	{ DNS, "www.a.com", "co.uk", "", "!co.uk is a public suffix", NULL },
	{ DNS, "www.a.com", "j.com", LETTERS(""), "cname a.com, cname b.com, cname c.com, cname d.com, "
	    "cname e.com, cname f.com, cname g.com, cname h.com, cname i.com, cname j.com", "j.com" },
	{ DNS, "www.a.com", "z.com", LETTERS(""), "?", NULL },
	/* reached before a CNAME is needed: none is followed */
	{ DNS, "www.a.com", "a.com", "b.com c.com", "prune a.com", "a.com" },
	{ DCV_CONTACT_PHONE_TXT, "www.a.com", "b.com", "b.com", "cname b.com", "b.com" },
	{ DCV_CONTACT_PHONE_CAA, "www.a.com", "b.com", "b.com", "cname b.com", "b.com" },
	{ DCV_CONTACT_EMAIL_TXT, "www.a.com", "b.com", "b.com", "cname b.com", "b.com" },
	{ DCV_DNS_CHANGE, "www.a.com", "b.com", "b.com", "cname b.com", "b.com" },
	/* not from a wildcard, nor for every method */
	{ DNS, "*.a.com", "b.com", "b.com", "!no CNAME is followed from a wildcard", NULL },
	{ HTTP, "www.a.com", "b.com", "b.com", "!expected www.a.com itself: no CNAME leads", NULL },
	{ ACCOUNT, "www.a.com", "b.com", "b.com", "!expected www.a.com itself or a name above it: no CNAME",
	    NULL },
	{ PERSIST, "www.a.com", "b.com", "b.com", "!itself or a name above it: no CNAME", NULL },
	{ DCV_IP_ADDRESS, "www.a.com", "b.com", "b.com", "!expected www.a.com itself: no CNAME", NULL },
	{ ACCOUNT, "a.com", "www.a.com", "", "!expected a.com itself or a name above it", NULL },
	{ HTTP, "a.com", "www.a.com", "", "!expected a.com itself: no CNAME", NULL },

	/* addresses */
	{ HTTP, "192.0.2.1", "192.0.2.1", "", "", "" },
	{ HTTP, "2001:DB8::1", "2001:db8::1", "", "", "" },
	{ HTTP, "192.0.2.1", "192.0.2.2", "", "!an IP address is validated by itself alone", NULL },
	{ HTTP, "192.0.2.1", "a.com", "", "!an IP address is validated by itself alone", NULL },
	{ HTTP, "a.com", "192.0.2.1", "", "!control of an IP address proves control of no domain name", NULL },
	{ PERSIST, "192.0.2.1", "192.0.2.1", "", "", "" },
	{ REVERSE, "192.0.2.1", "192.0.2.1", "", "reverse peer.com", "" },
	{ REVERSE, "192.0.2.1", "1.2.0.192.in-addr.arpa", "", "reverse peer.com", "" },
	{ REVERSE, "192.0.2.1", "2.2.0.192.in-addr.arpa", "", "!by itself alone", NULL },
	{ REVERSE, "peer.com", "192.0.2.1", "", "!proves control of no domain name", NULL },
	{ REVERSE, "1.2.0.192.in-addr.arpa", "1.2.0.192.in-addr.arpa", "", "!no domain name", NULL },

	/* CAA is of the name in the certificate. */
	{ CAA, "*.a.com", "*.a.com", "", "", "a.com" },
	{ CAA, "*.a.com", "a.com", "", "!a wildcard's with its asterisk; expected the target *.a.com", NULL },
	{ CAA, "a.com", "*.a.com", "", "!expected the target a.com", NULL },
	{ CAA, "www.a.com", "a.com", "", "!expected the target www.a.com", NULL },
	{ CAA, "www.a.com", "b.com", "", "!expected the target www.a.com", NULL },
	{ DNS_AND_CAA, "*.a.com", "*.a.com", "", "strip a.com", "a.com" },
	{ DNS_AND_CAA, "*.a.com", "a.com", "", "!expected the target *.a.com", NULL },
	{ DNS_AND_CAA, "www.a.com", "a.com", "", "!expected the target www.a.com", NULL },
};

static void
read_chain(struct adn *adn, struct adn_chain *chain, const char *text)
{
	char copy[1024], *save = NULL;

	*chain = (struct adn_chain){ .count = 0 };
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *t = strtok_r(copy, " ", &save); t != NULL; t = strtok_r(NULL, " ", &save)) {
		struct name to;

		chain->complete = strcmp(t, ".") == 0;
		if (chain->complete)
			return;
		to = name(t);
		assert_true(adn_chain_add(adn, chain, &to, CHECK_DNSSEC_SECURE, NULL));
	}
}

static void
add_steps(const struct adn *adn, struct buf *out)
{
	static const char *const kinds[] = { "strip", "cname", "prune", "reverse" };

	buf_adds(out, "");
	for (size_t i = 0; i < adn->step_count; i++)
		buf_addf(out, "%s%s %s", i > 0 ? ", " : "", kinds[adn->steps[i].kind],
		    adn->steps[i].to.text);
}

/* What it says of itself is JSON that begins with what was asked. */
static void
check_encoded(const struct adn *adn, const struct adn_question *q)
{
	struct buf out = BUF_INIT(65536);
	struct json_scanned scanned;
	char begin[NAME_TEXT_MAX + 32];

	adn_encode(adn, q, &out);
	assert_false(out.failed);
	assert_true(json_scan(out.data, out.len, NULL, &scanned));
	snprintf(begin, sizeof(begin), "{\"applied_for\":\"%s\"", target_text(&adn->applied_for));
	assert_memory_equal(out.data, begin, strlen(begin));
	buf_free(&out);
}

static void
judge_row(const struct row *row)
{
	struct target target;
	struct adn adn = { .outcome = ADN_REFUSED };
	struct adn_question q = { .target = &target, .suffixes = &suffixes,
		.caa = row->method < 0, .dcv = row->method != CAA, .peer = name("peer.com"),
		.method = row->method >= 0 ? (enum dcv_method)row->method : DCV_ACME_DNS_01 };
	struct adn_chain chain;
	struct buf got = BUF_INIT(4096);
	const char *want = row->comes_to;

	assert_true(target_parse_adn(&target, row->target, strlen(row->target), NULL));
	assert_true(target_parse(&adn.applied_for, row->applied_for, strlen(row->applied_for), NULL));
	read_chain(&adn, &chain, row->chain);
	adn_judge(&adn, &q, &chain, &got);
	if (adn.outcome == ADN_PERMITTED)
		add_steps(&adn, &got);
	if (adn.outcome == ADN_REFUSED ? want[0] != '!' || strstr(got.data, want + 1) == NULL :
	    adn.outcome == ADN_UNKNOWN ? strcmp(want, "?") != 0 :
	    strcmp(got.data != NULL ? got.data : "", want) != 0)
		fail_msg("%s for %s by %d (%s): outcome %d, \"%s\" instead of \"%s\"", row->target,
		    row->applied_for, row->method, row->chain, adn.outcome,
		    got.data != NULL ? got.data : "", want);
	if (row->base != NULL && strcmp(adn.base.text, row->base) != 0)
		fail_msg("%s for %s: base %s", row->target, row->applied_for, adn.base.text);
	if (adn.outcome == ADN_PERMITTED)
		check_encoded(&adn, &q);
	buf_free(&got);
}

static void
test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge_row(&rows[i]);
}

/* What every row of the method table comes to for the same names. */
static void
test_methods(void **state)
{
	for (int m = 0; m < DCV_METHOD_COUNT; m++) {
		const struct dcv_method_row *row = dcv_method_row(m);
		const char *star = row->wildcard_in_record ? "*.a.com" : "a.com";

		if (m == DCV_REVERSE_ADDRESS_LOOKUP)
			continue;
		judge_row(&(struct row){ m, "*.a.com", star, "", row->wildcard ? "strip a.com" : "!", NULL });
		judge_row(&(struct row){ m, "w.a.com", star, "", row->prune ? "prune a.com" : "!", NULL });
		judge_row(&(struct row){ m, "w.a.com", "b.com", "b.com",
		    row->cname ? "cname b.com" : "!", NULL });
	}
}

/* ---- the chain ---- */

static void
test_chain(void **state)
{
	struct adn adn = { .outcome = ADN_UNKNOWN };
	struct adn_chain chain = { .count = 0 };
	struct buf why = BUF_INIT(512);
	struct name a = name("www.a.com"), to;

	assert_true(target_parse(&adn.applied_for, "www.a.com", 9, NULL));
	assert_string_equal(adn_chain_end(&adn, &chain)->text, "www.a.com");
	assert_false(adn_chain_add(&adn, &chain, &a, CHECK_DNSSEC_SECURE, &why));
	assert_string_equal(why.data, "its CNAME records lead in a circle, back to www.a.com");
	read_chain(&adn, &chain, LETTERS("x"));
	assert_int_equal(chain.count, N);
	assert_int_equal(chain.count, ADN_CNAMES_MAX);
	assert_string_equal(adn_chain_end(&adn, &chain)->text, "xj.com");
	to = name("xc.com");
	buf_reset(&why);
	assert_false(adn_chain_add(&adn, &chain, &to, CHECK_DNSSEC_SECURE, &why));
	assert_string_equal(why.data, "its CNAME records lead in a circle, back to xc.com");
	to = name("xk.com");
	buf_reset(&why);
	assert_false(adn_chain_add(&adn, &chain, &to, CHECK_DNSSEC_SECURE, &why));
	assert_string_equal(why.data, "more than 10 CNAME records follow one another");
	assert_int_equal(chain.count, N);
	buf_free(&why);
}

static void
test_encoded(void **state)
{
	struct target target;
	struct adn adn = { .outcome = ADN_UNKNOWN };
	struct adn_question q = { .target = &target, .suffixes = &suffixes, .dcv = true,
		.method = DCV_ACME_DNS_01 };
	struct adn_chain chain = { .count = 0 };
	struct name b = name("b.com"), c = name("_x.c.co.uk");
	struct buf out = BUF_INIT(4096), why = BUF_INIT(512);

	assert_true(target_parse(&adn.applied_for, "www.a.com", 9, NULL));
	assert_true(target_parse_adn(&target, "c.co.uk", 7, NULL));
	assert_true(adn_chain_add(&adn, &chain, &b, CHECK_DNSSEC_SECURE, &why));
	assert_true(adn_chain_add(&adn, &chain, &c, CHECK_DNSSEC_INSECURE, &why));
	adn_judge(&adn, &q, &chain, &why);
	assert_int_equal(adn.outcome, ADN_PERMITTED);
	adn.evidence = BUF_INIT(ADN_EVIDENCE_MAX);
	buf_adds(&adn.evidence, "{\"v\":1}");
	adn_encode(&adn, &q, &out);
	assert_string_equal(out.data, "{\"applied_for\":\"www.a.com\","
	    "\"authorization_domain_name\":\"c.co.uk\",\"base_domain\":\"c.co.uk\",\"steps\":["
	    "{\"step\":\"cname\",\"from\":\"www.a.com\",\"to\":\"b.com\",\"dnssec_status\":\"secure\","
	    "\"section\":\"1.6.1\"},"
	    "{\"step\":\"cname\",\"from\":\"b.com\",\"to\":\"_x.c.co.uk\","
	    "\"dnssec_status\":\"insecure\",\"section\":\"1.6.1\"},"
	    "{\"step\":\"prune\",\"from\":\"_x.c.co.uk\",\"to\":\"c.co.uk\",\"dnssec_status\":null,"
	    "\"section\":\"3.2.2.4.7\"}],"
	    "\"evidence\":[{\"v\":1}]}");
	buf_free(&adn.evidence);
	buf_free(&out);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_encoded),
	};

	return cmocka_run_group_tests_name("adn", tests, load, unload);
}
