/* caa.h: the records, the value grammar and the verdict. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "buf.h"
#include "caa_lines.h"
#include "caa_rows.h"
#include "caa_value.h"

#define COUNT(...) (sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define ISSUERS(...) \
	.issuers = (const char *const[]){ __VA_ARGS__ }, .issuer_count = COUNT(__VA_ARGS__)
#define ACCOUNTS(...) \
	.account_uris = (const char *const[]){ __VA_ARGS__ }, .account_uri_count = COUNT(__VA_ARGS__)
#define METHODS(...) \
	.validation_methods = (const char *const[]){ __VA_ARGS__ }, \
	.validation_method_count = COUNT(__VA_ARGS__)
#define ONE ISSUERS("ca1.com"), ACCOUNTS("https://ca1.com/acct/1", "acct:one@ca1.com"), \
	METHODS("http-01", "ca-tbr-19")

/* Who asks; a TLS server's certificate without wildcard unless said. */
static const struct caa_question tls = { ISSUERS("ca1.com") };
static const struct caa_question wild = { .wildcard = true, ISSUERS("ca1.com") };
static const struct caa_question mail = { .certificate = CAA_S_MIME, ISSUERS("ca1.com") };
static const struct caa_question mailwild = { .certificate = CAA_S_MIME, .wildcard = true,
	ISSUERS("ca1.com") };
static const struct caa_question upper = { ISSUERS("CA1.Com") };
static const struct caa_question dot = { ISSUERS("ca1.com.") };
static const struct caa_question two = { ISSUERS("ca1.com", "CA1.net") };
static const struct caa_question nobody = { .issuer_count = 0 };
static const struct caa_question blank = { ISSUERS("", "."), ACCOUNTS("") };
static const struct caa_question blankacct = { ISSUERS("ca1.com"), ACCOUNTS("") };
static const struct caa_question acct = { ONE };
static const struct caa_question acctwild = { .wildcard = true, ONE };
static const struct caa_question acctmail = { .certificate = CAA_S_MIME, ONE };
static const struct caa_question open = { ISSUERS("ca1.com"), .ignore_parameters = true };

static const struct row {
	const char *name;
	const struct caa_question *question;
	const char *rrset;
	enum caa_reason reason;
	size_t record;
} rows[] = {
#define R(question, rrset, reason, record) \
	{ #question, &question, rrset, CAA_##reason, (size_t)(record) },
	CAA_ROWS(R)
#undef R
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static bool
reason_permits(enum caa_reason reason)
{
	return reason == CAA_NO_RECORDS || reason == CAA_NO_PROPERTY || reason == CAA_AUTHORISED;
}

static void
test_rows(void **state)
{
	struct caa_lines lines;
	struct caa_verdict v;

	assert_true(ROW_COUNT >= 120);
	print_message("%zu rows\n", ROW_COUNT);
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct row *row = &rows[i];

		caa_lines_parse(&lines, row->rrset);
		v = caa_evaluate(lines.records, lines.count, row->question);
		if (v.reason != row->reason || v.record != row->record ||
		    v.permitted != reason_permits(row->reason))
			fail_msg("%s asks, records:\n%s\nreason %s instead of %s, record %zd "
			    "instead of %zd", row->name, row->rrset, caa_reason_code(v.reason),
			    caa_reason_code(row->reason), v.record, row->record);
	}
}

/* The order of an RRset means nothing, so it may not change the verdict. */
static void
test_order(void **state)
{
	struct caa_lines lines;
	struct caa_record reversed[LINES_MAX];
	struct caa_verdict v;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		caa_lines_parse(&lines, rows[i].rrset);
		for (size_t k = 0; k < lines.count; k++)
			reversed[k] = lines.records[lines.count - 1 - k];
		v = caa_evaluate(reversed, lines.count, rows[i].question);
		assert_int_equal(v.reason, rows[i].reason);
	}
}

/* A critical unknown tag or broken RDATA turns every verdict into a refusal. */
static void
test_poison(void **state)
{
	static const char *const poisons[] = { "128 tbs 'x'", "\\# 0009" };
	struct caa_lines lines, poison;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		for (size_t k = 0; k < 2; k++) {
			caa_lines_parse(&lines, rows[i].rrset);
			caa_lines_parse(&poison, poisons[k]);
			lines.records[lines.count] = poison.records[0];
			assert_false(caa_evaluate(lines.records, lines.count + 1,
			    rows[i].question).permitted);
		}
	}
}

static void
test_record_text(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "0 issue 'ca1.com'", "0 issue \"ca1.com\"" },
		{ "128 IssueWild ';'", "128 IssueWild \";\"" },
		{ "255 iodef ''", "255 iodef \"\"" },
		{ "0 x 'a\"b\\\\c d'", "0 x \"a\\\"b\\\\c d\"" },
		{ "0 x '\\000\\009\\010\\031\\127\\128\\255~'",
		    "0 x \"\\000\\009\\010\\031\\127\\128\\255~\"" },
		{ "\\# ", "\\# 0" },
		{ "\\# 0005697373", "\\# 5 0005697373" },
	};
	struct caa_lines lines;
	struct buf b = BUF_INIT(256);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].line[0] == '\\' && cases[i].line[3] == '\0') {
			caa_record_parse(&lines.records[0], NULL, 0);
		} else {
			caa_lines_parse(&lines, cases[i].line);
		}
		buf_reset(&b);
		caa_record_text(&lines.records[0], &b);
		assert_string_equal(b.data, cases[i].text);
	}
	buf_free(&b);
}

static void
test_record_text_capped(void **state)
{
	struct caa_lines lines;
	struct buf b = BUF_INIT(10);

	caa_lines_parse(&lines, "0 issue 'ca1.com'");
	caa_record_text(&lines.records[0], &b);
	assert_true(b.failed);
	assert_true(b.len <= 10);
	buf_free(&b);
}

static void
test_record_parse(void **state)
{
	uint8_t rdata[2 + 255 + 3];
	struct caa_record rec;

	memset(rdata, 'a', sizeof(rdata));
	rdata[0] = 0x80;
	rdata[1] = 255;
	assert_true(caa_record_parse(&rec, rdata, sizeof(rdata)));
	assert_int_equal(rec.flags, CAA_FLAG_CRITICAL);
	assert_int_equal(rec.tag_len, 255);
	assert_int_equal(rec.value_len, 3);
	assert_true(caa_record_parse(&rec, rdata, 257));
	assert_int_equal(rec.value_len, 0);
	assert_false(caa_record_parse(&rec, rdata, 256));
	assert_true(rec.malformed);
	assert_int_equal(rec.rdata_len, 256);
	for (unsigned int c = 0; c < 256; c++) {
		bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z');

		rdata[1] = 3;
		rdata[3] = (uint8_t)c;
		assert_int_equal(caa_record_parse(&rec, rdata, 20), alnum);
	}
}

/* A large RRset is a slow one, not a failing one. */
static void
test_thousand_records(void **state)
{
	static struct caa_record records[1001];
	struct caa_lines lines;
	struct caa_verdict v;

	caa_lines_parse(&lines, "0 issue 'ca2.com; a=b'\n0 issue 'ca1.com'");
	for (size_t i = 0; i < 1000; i++)
		records[i] = lines.records[0];
	v = caa_evaluate(records, 1000, &tls);
	assert_int_equal(v.reason, CAA_OTHER_ISSUER);
	records[1000] = lines.records[1];
	v = caa_evaluate(records, 1001, &tls);
	assert_true(v.permitted);
	assert_int_equal(v.record, 1000);
}

static void
test_value(void **state)
{
	static const char text[] = " Ca1.com ; a = b;cc=;d-e=f=g ";
	struct caa_value v;
	struct caa_parameter p;

	assert_true(caa_value_parse(&v, text, sizeof(text) - 1));
	assert_memory_equal(v.issuer, "Ca1.com", 7);
	assert_int_equal(v.issuer_len, 7);
	assert_true(caa_value_next(&v, &p));
	assert_true(caa_tag_is(p.tag, p.tag_len, "a"));
	assert_int_equal(p.value_len, 1);
	assert_true(caa_value_next(&v, &p));
	assert_true(caa_tag_is(p.tag, p.tag_len, "cc"));
	assert_int_equal(p.value_len, 0);
	assert_true(caa_value_next(&v, &p));
	assert_memory_equal(p.tag, "d-e", 3);
	assert_memory_equal(p.value, "f=g", 3);
	assert_int_equal(p.value_len, 3);
	assert_false(caa_value_next(&v, &p));
	assert_false(caa_value_next(&v, &p));
	assert_true(caa_value_parse(&v, NULL, 0));
	assert_int_equal(v.issuer_len, 0);
}

/* Codes are kept in records for years: they must stay distinct and present. */
static void
test_reasons(void **state)
{
	for (int r = 0; r < CAA_REASON_COUNT; r++) {
		assert_non_null(caa_reason_code(r));
		assert_true(strlen(caa_reason_text(r)) > 10);
		for (int other = 0; other < r; other++)
			assert_string_not_equal(caa_reason_code(r), caa_reason_code(other));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_poison),
		cmocka_unit_test(test_record_text),
		cmocka_unit_test(test_record_text_capped),
		cmocka_unit_test(test_record_parse),
		cmocka_unit_test(test_thousand_records),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests_name("caa", tests, NULL, NULL);
}
