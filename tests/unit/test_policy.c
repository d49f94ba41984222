/* coordinator/policy.h: what a file says, and every fault of a bad one. */
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
#include "coordinator/policy.h"
#include "dcv_method.h"

static const struct {
	const char *text;
	int64_t start_s;	/* -1: no day */
} days[] = {
	{ "1970-01-01", 0 }, { "2026-12-15", 1797292800 }, { "2028-02-29", 1835395200 },
	{ "2027-02-29", -1 }, { "2026-13-01", -1 }, { "2026-00-01", -1 }, { "2026-01-00", -1 },
	{ "2026-01-32", -1 }, { "2026-1-1", -1 }, { "2026-12-15Z", -1 }, { "26-12-15", -1 },
	{ "2026/12/15", -1 }, { "2026-12-1a", -1 }, { "", -1 }, { "1969-12-31", -1 },
};

static void
test_days(void **state)
{
	char text[DAY_TEXT_LEN + 1];
	int64_t at_s;

	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		if (day_parse(days[i].text, &at_s) != (days[i].start_s >= 0))
			fail_msg("%s", days[i].text);
		if (days[i].start_s < 0)
			continue;
		assert_int_equal(at_s, days[i].start_s);
		day_text(at_s + 86399, text);
		assert_string_equal(text, days[i].text);
	}
}

static bool
parse(struct policy *policy, const char *text, struct buf *faults)
{
	*policy = (struct policy){ .name = NULL };
	return policy_parse(policy, "p", text, strlen(text), faults);
}

#define FILE_OF(rows) "{ name: n, document: D, version: 1.2, rows: [" rows "] }"

/* A row, and what it says. */
static const struct {
	const char *row, *text;
} good[] = {
	{ "{ rule: remotes, from: 2026-12-15, section: 3.2.2.9, value: 5 }",
	    "D 1.2 section 3.2.2.9, from 2026-12-15: at least 5 remote perspectives" },
	{ "{ rule: remotes, document: E, version: 3, value: 5 }",
	    "E 3: at least 5 remote perspectives" },
	{ "{ rule: may_fail, remotes: 6, value: 2 }", "D 1.2: of 6 remote perspectives or more "
	    "at most 2 may fail to corroborate" },
	{ "{ rule: rir_regions, remotes: 2, value: 2 }", "D 1.2: of 2 remote perspectives or more "
	    "those that corroborate stand in the service regions of at least 2 RIRs" },
	{ "{ rule: distance_km, value: 500 }", "D 1.2: perspectives at least 500 km apart" },
	{ "{ rule: retired, method: ip-address }", "D 1.2: ip-address is not to be relied on" },
	{ "{ rule: rfc8657 }", "D 1.2: accounturi and validationmethods of RFC 8657 bind every "
	    "request" },
};

static void
test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct buf faults = BUF_INIT(4096), text = BUF_INIT(4096);
		struct policy policy;
		char file[512];

		snprintf(file, sizeof(file), FILE_OF("%s"), good[i].row);
		if (!parse(&policy, file, &faults))
			fail_msg("%s: %s", good[i].row, faults.data);
		assert_int_equal(policy.row_count, 1);
		policy_row_text(&policy, &policy.rows[0], &text);
		assert_string_equal(text.data, good[i].text);
		policy_free(&policy);
		buf_free(&text);
	}
}

/* A file, and all its faults. */
static const struct {
	const char *text, *faults;
} bad[] = {
	{ "{}", "p: name: is required\np: document: is required\np: version: is required\n"
	    "p: rows: is required\n" },
	{ "{ rows: [{ rule: remote, value: 2, until: 2027-01-01, from: 2026-02-30 }, "
	    "{ rule: retired }] }", "p:1: rows[0].until: no such option\n"
	    "p: name: is required\np: document: is required\np: version: is required\n"
	    "p: rows: row 1: from: expected a day such as 2026-12-15, found 2026-02-30\n"
	    "p: rows: row 1: rule: there is no rule remote; rules are remotes, may_fail, "
	    "rir_regions, distance_km, rfc8657, retired, mpic, dnssec, issuemail\n"
	    "p: rows: row 2: method: missing, which the rule retired has\n" },
	{ FILE_OF("{ rule: remotes }"),
	    "p: rows: row 1: value: missing, which the rule remotes has\n" },
	{ FILE_OF("{ rule: remotes, value: 2, remotes: 3, method: ip-address }"),
	    "p: rows: row 1: remotes: the rule remotes has none\n"
	    "p: rows: row 1: method: the rule remotes has none\n" },
	{ FILE_OF("{ rule: remotes, value: 65 }, { rule: rir_regions, remotes: 2, value: 3 }"),
	    "p: rows: row 1: value: expected 1 to 64, found 65\n"
	    "p: rows: row 2: value: expected 1 to 2, found 3\n" },
	{ FILE_OF("{ rule: distance_km, value: 500 }, { rule: retired, method: ftp, "
	    "from: 2026-02-30 }"),
	    "p: rows: row 2: from: expected a day such as 2026-12-15, found 2026-02-30\n"
	    "p: rows: row 2: method: there is no validation_method ftp\n" },
	{ FILE_OF("{ rule: remote, value: 2 }"), "p: rows: row 1: rule: there is no rule remote; "
	    "rules are remotes, may_fail, rir_regions, distance_km, rfc8657, retired, mpic, dnssec, "
	    "issuemail\n" },
	{ FILE_OF("{ rule: may_fail, remotes: 2, value: 1 }, { rule: may_fail, remotes: 6, "
	    "value: 1 }, { rule: may_fail, remotes: 2, value: 2 }"),
	    "p: rows: row 3: from: row 1 begins at the same time and is about the same\n" },
};

static void
test_bad(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf faults = BUF_INIT(4096);
		struct policy policy;

		assert_false(parse(&policy, bad[i].text, &faults));
		assert_string_equal(faults.data, bad[i].faults);
		policy_free(&policy);
		buf_free(&faults);
	}
}

/* What the options' rows refuse, by the beginning of the first fault. */
static const char *const refused[][2] = {
	{ "", "p" }, { "[]", "p" }, { FILE_OF(""), "p:1: rows: expected" },
	{ FILE_OF("{ rule: remotes, value: 0 }"), "p:1: rows[0].value: expected" },
	{ FILE_OF("{ rule: remotes, value: two }"), "p:1: rows[0].value: expected" },
	{ FILE_OF("{ rule: remotes, value: 2, until: 2027-01-01 }"), "p:1: rows[0]" },
	{ FILE_OF("{ rule: remotes, value: 2, from: soon }"), "p:1: rows[0].from: expected" },
	{ FILE_OF("{ value: 2 }"), "p:1: rows[0].rule: is required" },
	{ "{ name: n, document: D, version: 1, rows: [{ rule: rfc8657 }], row: [] }", "p:1: row:" },
};

static void
test_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct buf faults = BUF_INIT(4096);
		struct policy policy;

		assert_false(parse(&policy, refused[i][0], &faults));
		if (strncmp(faults.data, refused[i][1], strlen(refused[i][1])) != 0)
			fail_msg("%s: %s", refused[i][0], faults.data);
		policy_free(&policy);
		buf_free(&faults);
	}
}

static void
test_no_file(void **state)
{
	struct buf faults = BUF_INIT(4096);
	struct policy policy = { .name = NULL };

	assert_false(policy_load(&policy, "/nonexistent.yaml", &faults));
	assert_non_null(strstr(faults.data, "/nonexistent.yaml"));
	policy_free(&policy);
	buf_free(&faults);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
