/* dns_check.h: the verdict of each method over evidence. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "dns_check_rows.h"
#include "failing_malloc.h"
#include "httpcheck/dns_check.h"
#include "row_check.h"

#define NONCE	0x0123456789abcdef
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct row *current;	/* for messages */

/* ---- what the resolver would say ---- */

static void
add_name(struct buf *out, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, ".");

		buf_addc(out, (char)len);
		buf_add(out, text, len);
		text += len + (text[len] == '.');
	}
	buf_addc(out, '\0');
}

static void
add_rdata(struct buf *out, enum dcv_record type, const char *text)
{
	uint8_t address[16];
	size_t len;

	if (strncmp(text, "\\#", 2) == 0) {
		for (text += 2; *text != '\0'; text += 2)
			buf_addc(out, (char)strtoul((char[]){ text[0], text[1], '\0' }, NULL, 16));
	} else if (type == DCV_TXT) {
		for (;; text += len + 1) {
			len = strcspn(text, "|");
			buf_addc(out, (char)len);
			buf_add(out, text, len);
			if (text[len] == '\0')
				return;
		}
	} else if (type == DCV_CAA) {
		len = strcspn(text, " ");
		buf_addc(out, '\0');
		buf_addc(out, (char)len);
		buf_add(out, text, len);
		buf_adds(out, text + len + 1);
	} else if (type == DCV_A || type == DCV_AAAA) {
		assert_int_equal(inet_pton(type == DCV_A ? AF_INET : AF_INET6, text, address), 1);
		buf_add(out, address, type == DCV_A ? 4 : 16);
	} else {
		add_name(out, text);
	}
}

static void
add_records(struct buf *json, const struct row *row, enum dcv_record type)
{
	for (size_t i = 0; i < 4 && row->records[i] != NULL; i++) {
		struct buf rdata = BUF_INIT(1024);
		unsigned char base64[1500] = "";

		add_rdata(&rdata, type, row->records[i]);
		if (rdata.len > 0)
			EVP_EncodeBlock(base64, (unsigned char *)rdata.data, (int)rdata.len);
		buf_addf(json, "%s\"%s\"", i > 0 ? "," : "", base64);
		buf_free(&rdata);
	}
}

static void
add_lookup(struct buf *json, const struct row *row, enum dcv_record type, const char *name,
    bool decides)
{
	bool answer = decides && row->records[0] != NULL;
	bool below = !decides && row->records[0] != NULL;

	buf_addf(json, "{\"name\":\"%s\",\"type\":\"%s\",\"outcome\":\"%s\",\"rcode\":\"%s\","
	    "\"dnssec\":\"%s\",\"reason\":\"the reason\"", name, dcv_record_names[type],
	    answer ? "answer" : below ? "nodata" : row->outcome,
	    answer || below ? "NOERROR" : row->rcode,
	    row->dnssec != NULL ? row->dnssec : "insecure");
	if (row->chain != NULL)
		buf_addf(json, ",\"chain\":[%s]", row->chain);
	if (answer) {
		buf_addf(json, ",\"owner\":\"%s\",\"ttl\":60,\"records\":[",
		    row->owner != NULL ? row->owner : name);
		add_records(json, row, type);
		buf_addc(json, ']');
	}
	buf_addc(json, '}');
}

static void
row_evidence(const struct row *row, const struct dns_check *c, struct buf *json)
{
	enum dcv_record type = c->parameters->dns_record_type;
	const char *name = c->name.text;
	bool climb = dcv_method_row(c->parameters->method)->climb;

	buf_addf(json, "{\"v\":1,\"nonce\":\"0123456789abcdef\",\"op\":\"lookup\","
	    "\"resolver\":\"unbound 1.22.0\",\"truncated\":false,\"found\":%d,\"lookups\":[",
	    row->records[0] != NULL && row->problem != PROBLEM_DNS_FAILED ? (int)row->above : -1);
	for (unsigned i = 0; name != NULL; i++) {
		if (i > row->above && row->records[0] != NULL)
			buf_addf(json, ",{\"name\":\"%s\",\"outcome\":\"abandoned\"}", name);
		else {
			buf_adds(json, i > 0 ? "," : "");
			add_lookup(json, row, type, name, i == row->above);
		}
		name = climb ? strchr(name, '.') : NULL;
		name += name != NULL;
	}
	buf_adds(json, "]}");
}

/* ---- one row ---- */

struct prepared {
	struct check_request request;
	struct target target;
	struct dns_check check;
	struct evidence evidence;
	struct buf json;
};

static void
prepare(const struct row *row, struct prepared *p)
{
	const char *target = row->target != NULL ? row->target : "a.com";
	struct buf request = BUF_INIT(4096), why = BUF_INIT(512);
	struct json_faults faults;

	current = row;
	p->json = BUF_INIT(8192);
	json_faults_init(&faults);
	buf_addf(&request, "{\"domain_or_ip_target\":\"%s\",\"dcv_check_parameters\":%s}", target,
	    row->parameters);
	if (!check_request_decode(&p->request, CHECK_DCV, request.data, request.len, &faults))
		fail_msg("%s: %s: %s", row->label, faults.list[0].path, faults.list[0].message);
	assert_true(target_parse(&p->target, target, strlen(target), NULL));
	CHECK(check_dcv_target(&p->request.dcv, &p->target, "", &faults));
	CHECK(dns_check_init(&p->check, &p->request.dcv, &p->target));
	p->check.now_s = NOW;
	row_evidence(row, &p->check, &p->json);
	if (!evidence_decode(&p->evidence, p->json.data, p->json.len, NONCE, &why))
		fail_msg("%s: %s: %s", row->label, why.data, p->json.data);
	buf_free(&request);
	buf_free(&why);
}

static void
prepared_free(struct prepared *p)
{
	check_request_free(&p->request);
	evidence_free(&p->evidence);
	buf_free(&p->json);
}

static void
assert_list(const struct check_strings *got, const char *expected, const char *what)
{
	struct buf joined = BUF_INIT(4096);

	CHECK(got->items != NULL);
	buf_addc(&joined, '>');
	for (size_t i = 0; i < got->count; i++)
		buf_addf(&joined, "%s%s", i > 0 ? "\n" : "", got->items[i]);
	CHECK_TEXT(joined.data + 1, expected, what);
	buf_free(&joined);
}

/* What holds for every result, whatever the row. */
static void
assert_consistent(const struct check_result *r)
{
	const struct check_dcv_details *d = &r->dcv;
	bool answered = r->problem.problem == PROBLEM_NONE ||
	    r->problem.problem == PROBLEM_NO_MATCH;

	CHECK(r->check_passed == (r->problem.problem == PROBLEM_NONE));
	CHECK(r->check_passed == (d->matched != NULL));
	CHECK(r->check_passed == (d->relied_on != NULL));
	CHECK(r->check_completed == (answered || r->problem.problem == PROBLEM_NO_RECORD));
	CHECK(r->check_completed == d->ad_flag.set);
	CHECK(!d->ad_flag.set || d->ad_flag.value == (d->dnssec_status == CHECK_DNSSEC_SECURE));
	CHECK((d->found_at != NULL) == answered);
	CHECK((d->records_seen.items != NULL) == r->check_completed);
	CHECK(strlen(r->problem.message) < CHECK_MESSAGE_MAX - 1);
}

static int64_t
rcode_of(const struct row *row)
{
	if (row->records[0] != NULL || strcmp(row->rcode, "NOERROR") == 0)
		return 0;
	return strcmp(row->rcode, "NXDOMAIN") == 0 ? 3 : 2;
}

static void
assert_row(const struct row *row, const struct prepared *p, const struct check_result *r)
{
	struct dns_question question = dns_check_question(&p->check);

	if (r->problem.problem != row->problem)
		fail_msg("%s: problem %s (%s)", row->label, problem_code(r->problem.problem),
		    r->problem.message);
	assert_consistent(r);
	CHECK_TEXT(r->dcv.matched, row->matched, "matched");
	if (row->relied_on != NULL)
		CHECK_TEXT(r->dcv.relied_on, row->relied_on, "relied_on");
	if (row->asked != NULL)
		CHECK_TEXT(question.name.text, row->asked, "the name asked");
	CHECK(question.type == dcv_record_type(p->request.dcv.dns_record_type));
	if (row->seen != NULL)
		assert_list(&r->dcv.records_seen, row->seen, "records_seen");
	if (row->found_at != NULL)
		CHECK_TEXT(r->dcv.found_at, row->found_at, "found_at");
	assert_list(&r->dcv.cname_chain, row->aliases != NULL ? row->aliases : "", "cname_chain");
	CHECK(r->dcv.response_code.set && r->dcv.response_code.value == rcode_of(row));
	if (row->says != NULL && strstr(r->problem.message, row->says) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", row->label, r->problem.message,
		    row->says);
}

static void
test_rows(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct dns_verdict_text text;
		struct check_result result;
		struct prepared p;

		prepare(&rows[i], &p);
		check_result_init(&result, CHECK_DCV);
		assert_true(dns_check_judge(&p.check, &p.evidence, &result, &text));
		assert_row(&rows[i], &p, &result);
		dns_verdict_free(&text);
		prepared_free(&p);
	}
}

/* Whatever lacks memory is told, and nothing passes for it. */
static void
test_no_memory(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct check_result result;
		struct prepared p;
		bool good = false;

		prepare(&rows[i], &p);
		for (int calls = 0; !good; calls++) {
			struct dns_verdict_text text;

			CHECK(calls < 50);
			check_result_init(&result, CHECK_DCV);
			failing_malloc_after(calls);
			good = dns_check_judge(&p.check, &p.evidence, &result, &text);
			failing_malloc_after(-1);
			CHECK(good || !result.check_passed);
			dns_verdict_free(&text);
		}
		CHECK(result.problem.problem == rows[i].problem);
		prepared_free(&p);
	}
}

/* Evidence of something else, or that is not whole, proves nothing. */
static void
test_other_evidence(void **state)
{
	struct dns_verdict_text text;
	struct check_result result;
	struct prepared p;

	prepare(&rows[0], &p);
	check_result_init(&result, CHECK_DCV);
	p.evidence.truncated = true;
	assert_true(dns_check_judge(&p.check, &p.evidence, &result, &text));
	assert_int_equal(result.problem.problem, PROBLEM_DNS_TOO_LARGE);
	p.evidence.truncated = false;
	p.evidence.error = "out of memory";
	assert_true(dns_check_judge(&p.check, &p.evidence, &result, &text));
	assert_int_equal(result.problem.problem, PROBLEM_RESOLVER_NO_EVIDENCE);
	p.evidence.error = NULL;
	assert_true(name_prepend("x", &p.check.name, &p.check.name));
	assert_true(dns_check_judge(&p.check, &p.evidence, &result, &text));
	assert_int_equal(result.problem.problem, PROBLEM_RESOLVER_NO_EVIDENCE);
	assert_false(result.check_passed);
	assert_string_equal(result.problem.message,
	    "the resolver's evidence is not of x." NAME01);
	dns_verdict_free(&text);
	prepared_free(&p);
}

static void
test_name_too_long(void **state)
{
	struct check_dcv_parameters parameters = { .method = DCV_ACME_DNS_01 };
	char longest[NAME_TEXT_MAX + 1];
	struct target target;
	struct dns_check c;

	memset(longest, 'a', NAME_TEXT_MAX);
	for (size_t i = 3; i < NAME_TEXT_MAX; i += 4)
		longest[i] = '.';
	assert_true(target_parse(&target, longest, NAME_TEXT_MAX, NULL));
	assert_false(dns_check_init(&c, &parameters, &target));
	assert_true(target_parse(&target, longest + 16, NAME_TEXT_MAX - 16, NULL));
	assert_true(dns_check_init(&c, &parameters, &target));
	parameters.method = DCV_DNS_ACCOUNT_01;
	parameters.account_uri = ACCOUNT;
	assert_false(dns_check_init(&c, &parameters, &target));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_other_evidence),
		cmocka_unit_test(test_name_too_long),
	};

	return cmocka_run_group_tests_name("dns_check", tests, NULL, NULL);
}
