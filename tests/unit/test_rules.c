/* coordinator/rules.h, standing.h: the installed policies around every one of their days. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "coordinator/day.h"
#include "coordinator/standing.h"

static struct policy tls, smime, undated;

static void
load(struct policy *policy, const char *name)
{
	const char *top = getenv("srcdir");
	struct buf faults = BUF_INIT(4096);
	char path[4096];

	snprintf(path, sizeof(path), "%s/conf/policy/%s.yaml", top != NULL ? top : ".", name);
	if (!policy_load(policy, path, &faults))
		fail_msg("%s", faults.data);
	assert_string_equal(policy->name, name);
	buf_free(&faults);
}

static int
setup(void **state)
{
	load(&tls, "cabf-tls");
	load(&smime, "cabf-smime");
	load(&undated, "open-mpic");
	return 0;
}

static int
teardown(void **state)
{
	policy_free(&tls);
	policy_free(&smime);
	policy_free(&undated);
	return 0;
}

static int64_t
start_of(const char *day)
{
	int64_t at_s;

	assert_true(day_parse(day, &at_s));
	return at_s;
}

/* From this day's first second on; the second before it is the row above's. */
static const struct {
	const struct policy *policy;
	const char *day;
	size_t remotes, regions;
} counts[] = {
	{ &tls, "2025-03-15", 2, 1 },
	{ &tls, "2026-03-15", 3, 2 },
	{ &tls, "2026-06-15", 4, 2 },
	{ &tls, "2026-12-15", 5, 2 },
	{ &tls, "2099-01-01", 5, 2 },
	{ &smime, "2025-05-15", 2, 1 },
	{ &smime, "2026-03-15", 3, 2 },
	{ &smime, "2026-06-15", 4, 2 },
	{ &smime, "2026-12-15", 5, 2 },
	{ &undated, "1970-01-01", 2, 2 },
	{ &undated, "2099-01-01", 2, 2 },
};

static void
assert_counts(const struct policy *policy, int64_t at_s, size_t remotes, size_t regions)
{
	const struct rules rules = policy_at(policy, at_s);

	assert_int_equal(rules_remotes(&rules), remotes);
	assert_int_equal(rules_quorum(&rules, 3).regions, regions);
	/* These have no date. */
	for (size_t n = 2; n <= FLEET_MAX; n++)
		assert_int_equal(rules_quorum(&rules, n).may_fail, n >= 6 ? 2 : 1);
	assert_int_equal(rules_row(&rules, RULE_DISTANCE_KM)->value, 500);
}

static void
test_counts(void **state)
{
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		int64_t start = start_of(counts[i].day);

		assert_counts(counts[i].policy, start, counts[i].remotes, counts[i].regions);
		assert_counts(counts[i].policy, start + 86400, counts[i].remotes,
		    counts[i].regions);
		if (i > 0 && counts[i - 1].policy == counts[i].policy) {
			assert_counts(counts[i].policy, start - 1, counts[i - 1].remotes,
			    counts[i - 1].regions);
			assert_counts(counts[i].policy, start - 86400, counts[i - 1].remotes,
			    counts[i - 1].regions);
		}
	}
}

/* Two corroborate under Open MPIC's practice wherever they stand. */
static void
test_pairs(void **state)
{
	const struct rules open = policy_at(&undated, 0),
	    now = policy_at(&tls, start_of("2026-12-15"));

	assert_int_equal(rules_quorum(&open, 2).regions, 1);
	assert_int_equal(rules_quorum(&now, 2).regions, 2);
}

/* Before the first row counts the least a cohort can have, and nobody may fail without a row. */
static void
test_nothing_in_force(void **state)
{
	static const char text[] = "{ name: n, document: D, version: 1, rows: "
	    "[{ rule: remotes, from: 2030-01-01, value: 9 }] }";
	struct policy policy = { .name = NULL };
	struct buf faults = BUF_INIT(1024);
	struct rules rules;

	assert_true(policy_parse(&policy, "p", text, strlen(text), &faults));
	rules = policy_at(&policy, start_of("2029-12-31"));
	assert_null(rules_row(&rules, RULE_REMOTES));
	assert_int_equal(rules_remotes(&rules), 2);
	assert_int_equal(rules_quorum(&rules, 6).may_fail, 0);
	assert_int_equal(rules_next(&rules), start_of("2030-01-01"));
	rules = policy_at(&policy, start_of("2030-01-01"));
	assert_int_equal(rules_remotes(&rules), 9);
	assert_int_equal(rules_next(&rules), 0);
	policy_free(&policy);
}

/* The first day on which a method is not to be relied on; NULL: there is none. */
static const struct {
	const char *tls, *smime, *section;
} retired[DCV_METHOD_COUNT] = {
	[DCV_CONTACT_EMAIL_TXT] = { "2028-03-15", "2028-03-15", "3.2.2.4.14" },
	[DCV_CONTACT_PHONE_TXT] = { "2027-03-15", "2027-03-15", "3.2.2.4.16" },
	[DCV_CONTACT_EMAIL_CAA] = { "2028-03-15", "2028-03-15", "3.2.2.4.13" },
	[DCV_CONTACT_PHONE_CAA] = { "2027-03-15", "2027-03-15", "3.2.2.4.17" },
	[DCV_IP_ADDRESS] = { "2026-03-15", "2026-03-15", "3.2.2.4.8" },
	[DCV_REVERSE_ADDRESS_LOOKUP] = { "2027-03-15", NULL, "3.2.2.5.3" },
};

static void
assert_retired(const struct policy *policy, enum dcv_method method, const char *day,
    const char *section)
{
	const struct rules last = policy_at(policy, start_of("9999-12-31"));
	struct rules rules;

	if (day == NULL) {
		assert_null(rules_retired(&last, method));
		return;
	}
	rules = policy_at(policy, start_of(day) - 1);
	assert_null(rules_retired(&rules, method));
	rules = policy_at(policy, start_of(day));
	assert_string_equal(rules_retired(&rules, method)->section, section);
	assert_non_null(rules_retired(&last, method));
}

static void
test_retired(void **state)
{
	for (int m = 0; m < DCV_METHOD_COUNT; m++) {
		assert_retired(&tls, m, retired[m].tls, retired[m].section);
		assert_retired(&smime, m, retired[m].smime, retired[m].section);
		assert_retired(&undated, m, NULL, NULL);
	}
}

static void
test_rfc8657(void **state)
{
	struct check_caa_parameters nobody = { .set = false }, account = nobody, method = nobody;
	const struct rules cabf = policy_at(&tls, start_of("2025-03-15")),
	    never = policy_at(&undated, start_of("2027-03-15"));

	account.account_uris = (struct json_list){ .set = true, .count = 1, .items = { "acct:a" } };
	method.validation_methods =
	    (struct json_list){ .set = true, .count = 1, .items = { "dns-01" } };
	assert_false(rules_ignore_rfc8657(&cabf, &nobody));
	assert_false(rules_ignore_rfc8657(&cabf, &account));
	assert_true(rules_ignore_rfc8657(&never, &nobody));
	assert_false(rules_ignore_rfc8657(&never, &account));
	assert_false(rules_ignore_rfc8657(&never, &method));
}

static void
test_member(void **state)
{
	const struct rules rules = policy_at(&tls, start_of("2026-11-22"));
	struct buf out = BUF_INIT(4096);

	rules_encode(&rules, 6, &out);
	assert_string_equal(out.data, "{\"name\":\"cabf-tls\",\"document\":\"TLS BR\","
	    "\"version\":\"2.2.6\",\"rows\":["
	    "{\"rule\":\"remotes\",\"document\":\"TLS BR\",\"version\":\"2.2.6\","
	    "\"section\":\"3.2.2.9\",\"from\":\"2026-06-15\",\"value\":4},"
	    "{\"rule\":\"may_fail\",\"document\":\"TLS BR\",\"version\":\"2.2.6\","
	    "\"section\":\"3.2.2.9\",\"from\":null,\"remotes\":6,\"value\":2},"
	    "{\"rule\":\"rir_regions\",\"document\":\"TLS BR\",\"version\":\"2.2.6\","
	    "\"section\":\"3.2.2.9\",\"from\":\"2026-03-15\",\"remotes\":2,\"value\":2},"
	    "{\"rule\":\"distance_km\",\"document\":\"TLS BR\",\"version\":\"2.2.6\","
	    "\"section\":\"3.2.2.9\",\"from\":null,\"value\":500},"
	    "{\"rule\":\"rfc8657\",\"document\":\"TLS BR\",\"version\":\"2.2.6\","
	    "\"section\":\"3.2.2.8\",\"from\":null}]}");
	buf_free(&out);
}

/* ---- how a fleet stands ---- */

#define ROW_5	"TLS BR 2.2.6 section 3.2.2.9, from 2026-12-15: at least 5 remote perspectives"
#define ROW_4	"TLS BR 2.2.6 section 3.2.2.9, from 2026-06-15: at least 4 remote perspectives"
#define NOW	"2026-11-22: cabf-tls (TLS BR 2.2.6): "
#define THEN	"2026-12-15: cabf-tls (TLS BR 2.2.6): "
#define ROW_RIRS "TLS BR 2.2.6 section 3.2.2.9, from 2026-03-15: of 2 remote perspectives or more " \
	"those that corroborate stand in the service regions of at least 2 RIRs"

/* RIRs: one letter each. */
static const struct {
	const char *rirs, *now, *next;
} fleets[] = {
	{ "aabbcc", NOW "satisfied by 6 perspectives in the service regions of 3 RIRs",
	    THEN "satisfied by 6 perspectives in the service regions of 3 RIRs; new then: " ROW_5 },
	{ "aabb", NOW "satisfied by 4 perspectives in the service regions of 2 RIRs",
	    THEN "lacks " ROW_5 ", 4 configured" },
	/* The primary, in capitals, is no remote. */
	{ "aabbccC", NOW "satisfied by 6 remote perspectives in the service regions of 3 RIRs, beside "
	    "the primary p06", THEN "satisfied by 6 remote perspectives in the service regions of 3 "
	    "RIRs, beside the primary p06; new then: " ROW_5 },
	{ "aabbC", NOW "satisfied by 4 remote perspectives in the service regions of 2 RIRs, beside "
	    "the primary p04", THEN "lacks " ROW_5 ", 4 configured" },
	{ "aaaaaB", NOW "lacks " ROW_RIRS ", 1 configured", THEN "lacks " ROW_RIRS ", 1 configured" },
	{ "abc", NOW "lacks " ROW_4 ", 3 configured", THEN "lacks " ROW_5 ", 3 configured" },
	{ "aaaaa", NOW "lacks " ROW_RIRS ", 1 configured", THEN "lacks " ROW_RIRS ", 1 configured" },
	{ "aaaa", NOW "lacks " ROW_RIRS ", 1 configured",
	    THEN "lacks " ROW_5 ", 4 configured; " ROW_RIRS ", 1 configured" },
};

static void
fleet_of(struct fleet *f, const char *rirs)
{
	static char codes[FLEET_MAX][24];

	*f = (struct fleet){ .count = strlen(rirs) };
	for (size_t i = 0; i < f->count; i++) {
		snprintf(codes[i], sizeof(codes[i]), "p%02zu", i);
		f->members[i] = (struct perspective){ .code = codes[i],
			.rir = (enum rir)(RIR_AFRINIC + (rirs[i] | 32) - 'a'),
			.primary = rirs[i] < 'a' };
	}
	fleet_arrange(f);
}

static void
test_standing(void **state)
{
	const struct rules rules = policy_at(&tls, start_of("2026-11-22"));

	for (size_t i = 0; i < sizeof(fleets) / sizeof(fleets[0]); i++) {
		struct buf now = BUF_INIT(2048), next = BUF_INIT(2048);
		struct fleet fleet;

		fleet_of(&fleet, fleets[i].rirs);
		assert_int_equal(standing_text(&fleet, &rules, &now),
		    strstr(fleets[i].now, "lacks") == NULL);
		assert_string_equal(now.data, fleets[i].now);
		assert_int_equal(standing_next_text(&fleet, &rules, &next),
		    strstr(fleets[i].next, "lacks") == NULL);
		assert_string_equal(next.data, fleets[i].next);
		buf_free(&now);
		buf_free(&next);
	}
}

/* Enough of them, but no four that may stand together. */
static void
test_standing_too_close(void **state)
{
	const struct rules rules = policy_at(&tls, start_of("2026-11-22"));
	char *others[] = { (char *)"p01", (char *)"p02" };
	struct buf text = BUF_INIT(2048);
	struct fleet fleet;

	fleet_of(&fleet, "aabb");
	fleet.members[0].too_close_codes = others;
	fleet.members[0].too_close_count = 2;
	fleet_arrange(&fleet);
	assert_false(standing_text(&fleet, &rules, &text));
	assert_string_equal(text.data, NOW "lacks " ROW_4 ", but no such set of perspectives is "
	    "pairwise far enough apart and in the service regions of two RIRs");
	buf_free(&text);
}

static void
test_standing_without_dates(void **state)
{
	const struct rules rules = policy_at(&undated, start_of("2026-11-22"));
	struct buf text = BUF_INIT(2048);
	struct fleet fleet;

	fleet_of(&fleet, "ab");
	assert_true(standing_next_text(&fleet, &rules, &text));
	assert_string_equal(text.data, "open-mpic (Open MPIC 3.5.0): no later rules are known");
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_nothing_in_force),
		cmocka_unit_test(test_retired),
		cmocka_unit_test(test_rfc8657),
		cmocka_unit_test(test_member),
		cmocka_unit_test(test_standing),
		cmocka_unit_test(test_standing_too_close),
		cmocka_unit_test(test_standing_without_dates),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
