/* coordinator/adn_evidence.h: what a resolver may say of a CNAME, and what of it is a step. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "coordinator/adn_evidence.h"

#define B	"\1b\3com"		/* and the NUL of the string */
#define RDATA(text) { { (const uint8_t *)(text), sizeof(text) } }, 1

static struct suffixes suffixes;

/* Of www.a.com, and of b.com after `first` was taken; the target is c.com. */
static const struct row {
	const char *label;
	struct evidence_record records[2];
	size_t record_count;
	int outcome;
	enum check_dnssec dnssec;
	const char *name;		/* NULL: the one asked for */
	bool truncated, nothing;
	const char *error;
	/* what must come of it */
	enum adn_outcome comes_to;
	enum problem problem;
	size_t hops;
	const char *why;
} rows[] = {
	{ .label = "insecure", RDATA(B), EVIDENCE_ANSWER, CHECK_DNSSEC_INSECURE,
	    .comes_to = ADN_UNKNOWN, .hops = 1 },
	{ .label = "secure", RDATA(B), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_UNKNOWN, .hops = 1 },
	{ .label = "capitals", RDATA("\1B\3COM"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_UNKNOWN, .hops = 1 },
	{ .label = "the target", RDATA("\1c\3com"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_PERMITTED, .hops = 1 },
	{ .label = "below the target", RDATA("\2_x\1c\3com"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_PERMITTED, .hops = 1 },
	{ .label = "none", .outcome = EVIDENCE_NODATA, .dnssec = CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .why = "www.a.com has no CNAME record" },
	{ .label = "no name", .outcome = EVIDENCE_NXDOMAIN, .dnssec = CHECK_DNSSEC_INSECURE,
	    .comes_to = ADN_REFUSED, .why = "www.a.com has no CNAME record" },
	/* the resolver ought not to say so, but should it */
	{ .label = "bogus answer", RDATA("\1c\3com"), EVIDENCE_ANSWER, CHECK_DNSSEC_BOGUS,
	    .comes_to = ADN_REFUSED, .problem = PROBLEM_DNS_BOGUS, .why = "failed DNSSEC validation" },
	{ .label = "indeterminate answer", RDATA("\1c\3com"), EVIDENCE_ANSWER,
	    CHECK_DNSSEC_INDETERMINATE, .comes_to = ADN_REFUSED, .problem = PROBLEM_DNS_INDETERMINATE,
	    .why = "did not validate" },
	{ .label = "bogus", .outcome = EVIDENCE_FAILED, .dnssec = CHECK_DNSSEC_BOGUS,
	    .comes_to = ADN_REFUSED, .problem = PROBLEM_DNS_BOGUS, .why = "failed DNSSEC validation: because" },
	{ .label = "bogus denial", .outcome = EVIDENCE_NODATA, .dnssec = CHECK_DNSSEC_BOGUS,
	    .comes_to = ADN_REFUSED, .problem = PROBLEM_DNS_BOGUS, .why = "failed DNSSEC validation" },
	{ .label = "failed", .outcome = EVIDENCE_FAILED, .dnssec = CHECK_DNSSEC_INSECURE,
	    .comes_to = ADN_REFUSED, .problem = PROBLEM_DNS_FAILED, .why = "failed: because" },
	{ .label = "too large", .outcome = EVIDENCE_TOO_LARGE, .dnssec = CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .problem = PROBLEM_DNS_TOO_LARGE, .why = "larger than a check takes" },
	{ .label = "abandoned", .outcome = EVIDENCE_ABANDONED, .comes_to = ADN_REFUSED,
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .why = "did not finish" },
	{ .label = "cut", RDATA("\1c\3com"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE, .truncated = true,
	    .comes_to = ADN_REFUSED, .problem = PROBLEM_DNS_TOO_LARGE, .why = "larger than a check takes" },
	{ .label = "refused", .error = "too many lookups", .nothing = true, .comes_to = ADN_REFUSED,
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .why = "too many lookups" },
	{ .label = "nothing", .nothing = true, .comes_to = ADN_REFUSED,
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .why = "is not of www.a.com" },
	{ .label = "another name", RDATA("\1c\3com"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .name = "x.a.com", .comes_to = ADN_REFUSED, .problem = PROBLEM_RESOLVER_NO_EVIDENCE,
	    .why = "is not of www.a.com" },
	/* no two CNAMEs stand at a name, and not every octet is a label's */
	{ .label = "two", { { (const uint8_t *)"\1c\3com", 7 }, { (const uint8_t *)B, 7 } }, 2,
	    EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE, .comes_to = ADN_REFUSED, .why = "leads to no name" },
	{ .label = "no record", .outcome = EVIDENCE_ANSWER, .dnssec = CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .why = "leads to no name" },
	{ .label = "root", RDATA(""), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .why = "leads to no name" },
	{ .label = "cut name", { { (const uint8_t *)"\1c\3com", 5 } }, 1, EVIDENCE_ANSWER,
	    CHECK_DNSSEC_SECURE, .comes_to = ADN_REFUSED, .why = "leads to no name" },
	{ .label = "more than a name", RDATA("\1c\3com\0x"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .why = "leads to no name" },
	{ .label = "compressed", RDATA("\1c\xc0\x0c"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .why = "leads to no name" },
	{ .label = "dot in a label", RDATA("\5x.c.y\3com"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .why = "leads to no name" },
	{ .label = "NUL in a label", RDATA("\3c\0m\3com"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .why = "leads to no name" },
	{ .label = "wildcard", RDATA("\1*\1c\3com"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .why = "leads to no name" },
	{ .label = "itself", RDATA("\3www\1a\3com"), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .why = "lead in a circle, back to www.a.com" },
};

static void
judge(const struct row *row, struct evidence_hop *hops, size_t hop_count, enum check_dnssec weakest)
{
	struct target target;
	struct adn adn = { .outcome = ADN_UNKNOWN };
	struct adn_question q = { .target = &target, .suffixes = &suffixes, .dcv = true,
		.method = DCV_ACME_DNS_01 };
	struct adn_chain chain = { .count = 0 };
	struct evidence_lookup lookup = { .name = row->name != NULL ? row->name : "www.a.com",
		.outcome = row->outcome, .dnssec = row->dnssec, .reason = "because",
		.records = (struct evidence_record *)row->records, .record_count = row->record_count,
		.hops = hops, .hop_count = hop_count };
	struct evidence e = { .error = row->error, .truncated = row->truncated, .lookups = &lookup,
		.lookup_count = !row->nothing };
	struct buf why = BUF_INIT(2048);
	enum problem problem;

	assert_true(target_parse(&target, "c.com", 5, NULL));
	assert_true(target_parse(&adn.applied_for, "www.a.com", 9, NULL));
	problem = adn_evidence_take(&adn, &q, &chain, &e, &why);
	if (adn.outcome != row->comes_to || problem != row->problem || chain.count != row->hops ||
	    (row->why != NULL) != (why.len > 0) ||
	    (row->why != NULL && strstr(why.data, row->why) == NULL))
		fail_msg("%s: outcome %d, problem %d, %zu hops, \"%s\"", row->label, adn.outcome,
		    problem, chain.count, why.data != NULL ? why.data : "");
	if (chain.count > 0)
		assert_int_equal(chain.hops[0].dnssec, weakest);
	assert_false(chain.complete && row->outcome == EVIDENCE_ANSWER);
	buf_free(&why);
}

static void
test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge(&rows[i], NULL, 0, rows[i].dnssec);
}

/* A DNAME on the way is part of what was looked up: its status counts. */
static void
test_dname(void **state)
{
	struct evidence_hop hop = { "a.com", "DNAME", "b.com", CHECK_DNSSEC_INSECURE };

	judge(&rows[1], &hop, 1, CHECK_DNSSEC_INSECURE);
	hop.dnssec = CHECK_DNSSEC_BOGUS;
	judge(&(struct row){ .label = "bogus DNAME", RDATA(B), EVIDENCE_ANSWER, CHECK_DNSSEC_SECURE,
	    .comes_to = ADN_REFUSED, .problem = PROBLEM_DNS_BOGUS, .why = "failed DNSSEC validation" },
	    &hop, 1, CHECK_DNSSEC_BOGUS);
}

static int
load(void **state)
{
	return !suffixes_load(&suffixes, NULL, NULL);
}

static int
unload(void **state)
{
	suffixes_free(&suffixes);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_dname),
	};

	return cmocka_run_group_tests_name("adn_evidence", tests, load, unload);
}
