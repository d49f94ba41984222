/* caa_check.h: the verdict over evidence, as the module writes it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "caa_check_rows.h"
#include "failing_malloc.h"
#include "httpcheck/caa_check.h"
#include "row_check.h"

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct row *current;	/* for messages */

/* A row's check, and what comes of it. */
struct trial {
	const char *account[1], *method[1];
	struct target target;
	struct caa_check check;
	struct evidence evidence;
	struct check_result result;
	struct caa_verdict_text text;
};

static void
trial_question(struct trial *t, const struct row *row)
{
	static const char *const issuers[] = { "ca1.com" };
	const char *text = row->target != NULL ? row->target : X;

	assert_true(target_parse(&t->target, text, strlen(text), NULL));
	t->account[0] = row->account;
	t->method[0] = row->method;
	t->check = (struct caa_check){
		.target = &t->target,
		.allow_lookup_failure = row->allow,
		.question = {
			.wildcard = t->target.kind == TARGET_WILDCARD,
			.issuers = issuers, .issuer_count = 1,
			.account_uris = t->account, .account_uri_count = row->account != NULL,
			.validation_methods = t->method,
			.validation_method_count = row->method != NULL,
			.ignore_parameters = row->ignore_parameters,
		},
	};
}

static void
trial_init(struct trial *t, const struct row *row)
{
	struct buf why = BUF_INIT(512);

	current = row;
	trial_question(t, row);
	if (!evidence_decode(&t->evidence, row->evidence, strlen(row->evidence), NONCE, &why))
		fail_msg("%s: %s", row->label, why.data);
	buf_free(&why);
}

static bool
trial_judge(struct trial *t)
{
	check_result_init(&t->result, CHECK_CAA);
	return caa_check_judge(&t->check, &t->evidence, &t->result, &t->text);
}

static void
trial_free(struct trial *t)
{
	caa_verdict_free(&t->text);
	evidence_free(&t->evidence);
}

static void
assert_records(const struct row *row, const struct check_strings *seen)
{
	struct buf joined = BUF_INIT(4096);

	for (size_t i = 0; i < seen->count; i++)
		buf_addf(&joined, "%s%s", i > 0 ? "\n" : "", seen->items[i]);
	CHECK_TEXT(joined.data, row->records, "records_seen");
	buf_free(&joined);
}

/* What holds for every result, whatever the row. */
static void
assert_consistent(const struct row *row, const struct check_result *r)
{
	bool forbids = r->problem.problem == PROBLEM_CAA_FORBIDS;

	CHECK(r->check_passed || r->problem.problem != PROBLEM_NONE);
	CHECK(r->check_completed == (r->check_passed || forbids));
	CHECK((r->problem.problem == PROBLEM_NONE) == (r->problem.message[0] == '\0'));
	CHECK((r->caa.found_at != NULL) == (r->caa.records_seen.count > 0));
	if (r->caa.found_at != NULL)
		CHECK(r->caa.caa_record_present.set && r->caa.caa_record_present.value);
	else if (r->check_passed && r->problem.problem == PROBLEM_NONE)
		CHECK(r->caa.caa_record_present.set && !r->caa.caa_record_present.value);
	else
		CHECK(!r->caa.caa_record_present.set);
}

static void
assert_row(const struct row *row, const struct check_result *r)
{
	if (r->problem.problem != row->problem)
		fail_msg("%s: problem %d (%s) instead of %d", row->label, r->problem.problem,
		    r->problem.message, row->problem);
	CHECK(r->check_passed == row->passed);
	assert_consistent(row, r);
	CHECK_TEXT(r->caa.reason, row->reason, "reason");
	CHECK_TEXT(r->caa.found_at, row->found_at, "found_at");
	CHECK_TEXT(r->caa.deciding_record, row->decided, "deciding_record");
	assert_records(row, &r->caa.records_seen);
	CHECK_TEXT(check_dnssec_name((enum check_dnssec)r->caa.dnssec_status),
	    check_dnssec_name(row->dnssec), "dnssec_status");
	if (r->caa.looked_up.count != row->asked)
		fail_msg("%s: %zu names, not %zu", row->label, r->caa.looked_up.count, row->asked);
	if (row->says != NULL && strstr(r->problem.message, row->says) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", row->label, r->problem.message,
		    row->says);
}

static void
test_rows(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct trial t;

		trial_init(&t, &rows[i]);
		assert_true(trial_judge(&t));
		assert_row(current, &t.result);
		trial_free(&t);
	}
}

/* Without allow_lookup_failure no row with a failed lookup in its way may pass. */
static void
test_nothing_passes_unasked(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct trial t;

		trial_init(&t, &rows[i]);
		t.check.allow_lookup_failure = false;
		assert_true(trial_judge(&t));
		CHECK(!t.result.check_passed ||
		    (current->passed && current->problem == PROBLEM_NONE));
		trial_free(&t);
	}
}

/* evidence_decode() refuses this; were it let through, it would be no permission. */
static void
test_abandoned(void **state)
{
	for (size_t at = 0; at < 3; at++) {
		static const struct row row = { "abandoned", CLIMB("-1", NODATA(X, "insecure") ","
		    NODATA(EX, "insecure") "," NODATA(COM, "secure")), .allow = true };
		struct trial t;

		trial_init(&t, &row);
		t.evidence.lookups[at].outcome = EVIDENCE_ABANDONED;
		assert_true(trial_judge(&t));
		assert_false(t.result.check_passed);
		assert_int_equal(t.result.problem.problem, PROBLEM_RESOLVER_NO_EVIDENCE);
		assert_non_null(strstr(t.result.problem.message, t.evidence.lookups[at].name));
		trial_free(&t);
	}
}

/* Memory that runs out ends the check; it never leaves a verdict. */
static void
test_out_of_memory(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct trial t;
		bool good = false;

		trial_init(&t, &rows[i]);
		for (long n = 0; !good; n++) {
			failing_malloc_after(n);
			good = trial_judge(&t);
			failing_malloc_after(-1);
			if (good)
				assert_row(current, &t.result);
			caa_verdict_free(&t.text);
		}
		evidence_free(&t.evidence);
	}
}

/* The longest name and the longest reason still fit the sentence. */
static void
test_long_sentences(void **state)
{
	struct buf json = BUF_INIT(8192);
	struct caa_verdict_text text;
	struct check_result result;
	struct evidence evidence;
	struct target target;
	struct caa_check check = { .target = &target, .allow_lookup_failure = true };
	const char *name;

	check_result_init(&result, CHECK_CAA);
	buf_addf(&json, "%.63s.%.63s.%.63s.%.57s.com",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	    "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
	    "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
	assert_true(target_parse(&target, json.data, json.len, NULL));
	assert_int_equal(target.name.len, NAME_TEXT_MAX);
	buf_reset(&json);
	buf_adds(&json, TOP ",\"found\":-1,\"lookups\":[");
	for (name = target.name.text; name != NULL; name = strchr(name, '.')) {
		name += *name == '.';
		buf_addf(&json, "%s{\"name\":\"%s\",\"outcome\":\"failed\",\"rcode\":\"SERVFAIL\","
		    "\"dnssec\":\"indeterminate\",\"reason\":\"%0500d\"}",
		    name > target.name.text ? "," : "", name, 0);
	}
	buf_adds(&json, "]}");
	assert_true(evidence_decode(&evidence, json.data, json.len, NONCE, NULL));
	assert_true(caa_check_judge(&check, &evidence, &result, &text));
	assert_int_equal(result.problem.problem, PROBLEM_DNS_FAILED);
	assert_non_null(strstr(result.problem.message, target.name.text));
	assert_true(strlen(result.problem.message) < sizeof(result.problem.message));
	caa_verdict_free(&text);
	evidence_free(&evidence);
	buf_free(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nothing_passes_unasked),
		cmocka_unit_test(test_abandoned),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_long_sentences),
	};

	return cmocka_run_group_tests_name("caa_check", tests, NULL, NULL);
}
