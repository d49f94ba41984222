/* A policy file: refused with a sentence, or rules that hold together at every time. */
#include <string.h>

#include "buf.h"
#include "coordinator/cohort.h"
#include "coordinator/rules.h"
#include "fuzz.h"
#include "json_scan.h"

/* What every request relies on, whatever the rows are. */
static void
check_time(const struct policy *policy, int64_t at_s)
{
	const struct rules rules = policy_at(policy, at_s);
	struct buf text = BUF_INIT((size_t)1024 * 1024);
	struct json_scanned scanned;
	char name[RULES_NAME_MAX];
	int64_t next = rules_next(&rules);

	REQUIRE(next == 0 || next > at_s);
	REQUIRE(rules_remotes(&rules) >= COHORT_MIN);
	for (size_t remotes = COHORT_MIN; remotes <= FLEET_MAX; remotes++) {
		const struct quorum_rule rule = rules_quorum(&rules, remotes);
		size_t least = quorum_least(&rule, remotes);

		REQUIRE(least >= 1 && least <= remotes);
		REQUIRE(quorum_allowed(&rule, remotes, (int64_t)least));
		REQUIRE(!quorum_allowed(&rule, remotes, (int64_t)least - 1));
		REQUIRE(!quorum_allowed(&rule, remotes, (int64_t)remotes + 1));
	}
	rules_name(&rules, name);
	REQUIRE(memchr(name, '\0', sizeof(name)) != NULL);
	rules_encode(&rules, COHORT_MIN, &text);
	REQUIRE(!text.failed && json_scan(text.data, text.len, NULL, &scanned));
	buf_free(&text);
}

/* A row is in force from its first second, unless another about the same thing is. */
static void
check_row(const struct policy *policy, const struct policy_row *row)
{
	struct buf text = BUF_INIT(4096);

	check_time(policy, row->from_s);
	if (row->from_s > INT64_MIN)
		check_time(policy, row->from_s - 1);
	if (row->rule == RULE_RETIRED) {
		const struct rules rules = policy_at(policy, row->from_s);

		REQUIRE(rules_retired(&rules, (enum dcv_method)row->method) != NULL);
	}
	policy_row_text(policy, row, &text);
	REQUIRE(text.len > 0);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct policy policy = { .name = NULL };
	struct buf faults = BUF_INIT((size_t)256 * 1024);

	if (policy_parse(&policy, "policy.yaml", (const char *)data, len, &faults)) {
		REQUIRE(faults.len == 0 && policy.row_count <= POLICY_ROWS_MAX);
		check_time(&policy, 0);
		for (size_t i = 0; i < policy.row_count && i < 16; i++)
			check_row(&policy, &policy.rows[i]);
	} else {
		REQUIRE(faults.len > 0);
	}
	policy_free(&policy);
	buf_free(&faults);
	return 0;
}
