/* coordinator/applied_for.h: names in any form, each judged by itself, and what is said of them. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "coordinator/question.h"
#include "coordinator/request.h"
#include "open_mpic.h"

static struct suffixes suffixes;
static struct mpic_limits limits = { .perspectives = 6, .default_perspectives = 6,
	.max_attempts = 3, .default_deadline_ms = 20000, .max_deadline_ms = 60000,
	.suffixes = &suffixes, .own_caa_domains = true };

#define DNS(type, target, applied_for) "{\"check_type\":\"" type "\",\"domain_or_ip_target\":\"" \
	target "\",\"dcv_check_parameters\":{\"validation_method\":\"acme-dns-01\"," \
	"\"key_authorization_hash\":\"h\"},\"applied_for\":" applied_for "}"
#define CAA(target, applied_for) "{\"check_type\":\"caa\",\"domain_or_ip_target\":\"" target \
	"\",\"applied_for\":" applied_for "}"
#define PTR(target, applied_for) "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"" target \
	"\",\"dcv_check_parameters\":{\"validation_method\":\"reverse-address-lookup\"," \
	"\"challenge_value\":\"C1.com\"},\"applied_for\":" applied_for "}"
#define BAD	"invalid-authorization-domain-name"
#define LIST10	"\"a.c1.com\",\"a.c1.com\",\"a.c1.com\",\"a.c1.com\",\"a.c1.com\",\"a.c1.com\"," \
	"\"a.c1.com\",\"a.c1.com\",\"a.c1.com\",\"a.c1.com\""
#define LIST60	LIST10 "," LIST10 "," LIST10 "," LIST10 "," LIST10 "," LIST10

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

static bool
decode(struct mpic_request *r, const char *text, struct json_faults *faults)
{
	json_faults_init(faults);
	limits.rules = policy_at(open_mpic(), 0);
	return mpic_request_decode(r, &limits, text, strlen(text), faults);
}

/* A request and its faults, "path issue" joined by commas, with and without a resolver. */
static const struct {
	const char *text, *faults, *without;
} rows[] = {
	{ DNS("dcv", "c1.com", "\"www.c1.com\""), "", "" },
	{ DNS("dcv", "c1.com", "null"), "", "" },
	{ DNS("dcv", "c1.com", "[\"c1.com\",\"*.c1.com\",\"*.w.c1.com\",\"w.c1.com\"]"), "", "" },
	{ DNS("dcv", "b\xc3\xbc" "cher.com", "\"a.xn--bcher-kva.com\""), "", "" },
	{ DNS("dcv", "_x.c2.com", "\"c1.com\""), "", "applied_for " BAD },
	{ DNS("dcv", "c1.com", "[" LIST60 "]"), "", "" },
	/* Its form. */
	{ DNS("dcv", "c1.com", "7"), "applied_for string_type", "applied_for string_type" },
	{ DNS("dcv", "c1.com", "{}"), "applied_for string_type", "applied_for string_type" },
	{ DNS("dcv", "c1.com", "\"\""), "applied_for string_too_short", "applied_for string_too_short" },
	{ DNS("dcv", "c1.com", "[]"), "applied_for too_short", "applied_for too_short" },
	{ DNS("dcv", "c1.com", "[\"c1.com\",7]"), "applied_for.1 string_type",
	    "applied_for.1 string_type" },
	{ DNS("dcv", "c1.com", "[" LIST60 ",1,2,3,4,5]"), "applied_for too_long", "applied_for too_long" },
	/* What is no name, and what it does not stand for, each by its index. */
	{ DNS("dcv", "c1.com", "[\"a..b\",\"_x.c1.com\",\"c1.com.\",\"w.c1.com\"]"),
	    "applied_for.0 invalid-applied-for,applied_for.1 invalid-applied-for,"
	    "applied_for.2 invalid-applied-for",
	    "applied_for.0 invalid-applied-for,applied_for.1 invalid-applied-for,"
	    "applied_for.2 invalid-applied-for" },
	{ DNS("dcv", "com", "[\"c1.com\",\"*.com\",\"a.b\"]"),
	    "applied_for.0 " BAD ",applied_for.1 " BAD ",applied_for.2 " BAD,
	    "applied_for.0 " BAD ",applied_for.1 " BAD ",applied_for.2 " BAD },
	{ DNS("dcv", "c1.com", "[\"a.onion\",\"*.c2.com\"]"),
	    "applied_for.0 invalid-applied-for,applied_for.1 " BAD,
	    "applied_for.0 invalid-applied-for,applied_for.1 " BAD },
	/* A name to look up is a fault of its own only where it cannot be. */
	{ DNS("dcv", "c1.com", "[\"c1.com\",\"c2.com\"]"), "", "applied_for.1 " BAD },
	/* CAA. */
	{ CAA("c1.com", "\"C1.com\""), "", "" },
	{ CAA("*.c1.com", "[\"*.c1.com\",\"c1.com\"]"), "applied_for.1 " BAD, "applied_for.1 " BAD },
	{ CAA("c1.com", "\"w.c1.com\""), "applied_for " BAD, "applied_for " BAD },
	{ DNS("dcv_with_caa", "*.c1.com", "\"*.c1.com\""), "", "" },
	{ DNS("dcv_with_caa", "c1.com", "\"w.c1.com\""), "applied_for " BAD, "applied_for " BAD },
	{ DNS("dcv_with_caa", "c1.com", "\"c2.com\""), "applied_for " BAD, "applied_for " BAD },
	/* Addresses. */
	{ PTR("192.0.2.1", "\"192.0.2.1\""), "", "" },
	{ PTR("1.2.0.192.in-addr.arpa", "\"192.0.2.1\""), "", "" },
	{ PTR("192.0.2.1", "[\"c1.com\",\"192.0.2.2\"]"), "applied_for.0 " BAD ",applied_for.1 " BAD,
	    "applied_for.0 " BAD ",applied_for.1 " BAD },
	/* Not judged by what is at fault itself, but read. */
	{ DNS("dcv", "192.0.2.1", "\"c1.com\""), "domain_or_ip_target invalid-target",
	    "domain_or_ip_target invalid-target" },
	{ DNS("dns", "c1.com", "\"c2..com\""), "check_type literal_error,"
	    "applied_for invalid-applied-for", "check_type literal_error,"
	    "applied_for invalid-applied-for" },
	{ DNS("dcv", "c_1.com", "\"w.c_1.com\""), "applied_for invalid-applied-for",
	    "applied_for invalid-applied-for" },
	{ DNS("dcv_with_caa", "c_1.com", "\"c1.com\""), "domain_or_ip_target invalid-target",
	    "domain_or_ip_target invalid-target" },
};

static void
assert_faults(const char *text, bool lookups, const char *expected)
{
	struct buf got = BUF_INIT(4096);
	struct json_faults faults;
	struct mpic_request r;

	limits.cname_lookups = lookups;
	decode(&r, text, &faults);
	for (size_t k = 0; k < faults.count; k++)
		buf_addf(&got, "%s%s %s", k > 0 ? "," : "", faults.list[k].path,
		    faults.list[k].issue);
	if (strcmp(got.data != NULL ? got.data : "", expected) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", text, got.data != NULL ? got.data : "",
		    expected);
	buf_free(&got);
	mpic_request_free(&r);
}

static void
test_faults(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_faults(rows[i].text, true, rows[i].faults);
		assert_faults(rows[i].text, false, rows[i].without);
	}
}

static void
assert_sentence(const char *text, const char *sentence)
{
	struct json_faults faults;
	struct mpic_request r;

	limits.cname_lookups = false;
	assert_false(decode(&r, text, &faults));
	assert_string_equal(faults.list[0].message, sentence);
	mpic_request_free(&r);
}

static void
test_sentences(void **state)
{
	assert_sentence(DNS("dcv", "com", "\"www.c1.com\""),
	    "the target com is no Authorization Domain Name of www.c1.com: labels are pruned down to "
	    "the Base Domain Name at most, and that of www.c1.com is c1.com");
	assert_sentence(DNS("dcv", "c1.com", "\"c2.com\""),
	    "the target c1.com is no Authorization Domain Name of c2.com: it could be one by way of "
	    "a CNAME, which this coordinator cannot look up: it has no resolver (option resolver)");
	assert_sentence(DNS("dcv", "c1.com", "\"_x.c1.com\""),
	    "expected a name that a certificate can have; \"_x.c1.com\" label 1 holds an underscore");
	assert_sentence(DNS("dcv", "c1.com", "\"x.onion\""),
	    "expected a name that a certificate can have; \"x.onion\" is an onion name, which cannot "
	    "be looked up in the DNS (RFC 7686)");
}

/* What answer and records say: with names that do and do not differ. */
static const struct {
	const char *text, *applied_for, *adn, *record;
} said[] = {
	{ DNS("dcv", "c1.com", "\"C1.com\""), "c1.com", NULL, ",\"applied_for\":[\"c1.com\"]" },
	{ DNS("dcv", "c1.com", "[\"c1.com\",\"*.c1.com\"]"), "c1.com *.c1.com", "c1.com",
	    ",\"applied_for\":[\"c1.com\",\"*.c1.com\"],\"adn\":\"c1.com\"" },
	{ DNS("dcv", "*.c1.com", "\"*.c1.com\""), "*.c1.com", "c1.com",
	    ",\"applied_for\":[\"*.c1.com\"],\"adn\":\"c1.com\"" },
	{ CAA("*.c1.com", "\"*.c1.com\""), "*.c1.com", NULL, ",\"applied_for\":[\"*.c1.com\"]" },
	{ PTR("192.0.2.1", "\"192.0.2.1\""), "192.0.2.1", "c1.com",
	    ",\"applied_for\":[\"192.0.2.1\"],\"adn\":\"c1.com\"" },
};

static void
test_said(void **state)
{
	static const struct caa_defaults no_defaults = { NULL, 0 };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		struct json_faults faults;
		struct mpic_request r;
		struct adn_question asked;
		struct question q;

		assert_true(decode(&r, said[i].text, &faults));
		assert_false(applied_for_undecided(&r.applied_for));
		assert_true(question_init(&q, &r, &no_defaults));
		assert_null(q.applied_for);
		asked = mpic_request_adn(&r, limits.suffixes);
		assert_true(question_set_names(&q, &r.applied_for, &asked));
		assert_string_equal(q.applied_for, said[i].applied_for);
		if (said[i].adn == NULL)
			assert_null(q.adn);
		else
			assert_string_equal(q.adn, said[i].adn);
		assert_string_equal(q.adn_record, said[i].record);
		assert_memory_equal(q.adn_answer, "[{\"applied_for\":", 16);
		question_free(&q);
		mpic_request_free(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_said),
	};

	return cmocka_run_group_tests_name("applied_for", tests, load, unload);
}
