#include "coordinator/rules.h"

#include <stdio.h>

#include "buf.h"
#include "coordinator/cohort.h"
#include "json_writer.h"

struct rules
policy_at(const struct policy *policy, int64_t at_s)
{
	return (struct rules){ .policy = policy, .at_s = at_s };
}

static bool
begun(const struct rules *rules, const struct policy_row *row)
{
	return row->from_s <= rules->at_s;
}

/*
 * Rows of a rule apply from a number of remotes on: the highest such number
 * counts, and of its rows the one that began last.
 */
static bool
supersedes(const struct policy_row *row, const struct policy_row *other)
{
	return other == NULL || row->remotes > other->remotes ||
	    (row->remotes == other->remotes && row->from_s > other->from_s);
}

const struct policy_row *
rules_row_for(const struct rules *rules, enum policy_rule rule, size_t remotes)
{
	const struct policy_row *found = NULL;

	for (size_t i = 0; i < rules->policy->row_count; i++) {
		const struct policy_row *row = &rules->policy->rows[i];

		if (row->rule == rule && begun(rules, row) &&
		    row->remotes <= (int64_t)remotes && supersedes(row, found))
			found = row;
	}
	return found;
}

const struct policy_row *
rules_row(const struct rules *rules, enum policy_rule rule)
{
	return rules_row_for(rules, rule, 0);
}

const struct policy_row *
rules_retired(const struct rules *rules, enum dcv_method method)
{
	const struct policy_row *found = NULL;

	for (size_t i = 0; i < rules->policy->row_count; i++) {
		const struct policy_row *row = &rules->policy->rows[i];

		if (row->rule == RULE_RETIRED && row->method == (int)method &&
		    begun(rules, row) && supersedes(row, found))
			found = row;
	}
	return found;
}

size_t
rules_remotes(const struct rules *rules)
{
	const struct policy_row *row = rules_row(rules, RULE_REMOTES);

	return row != NULL && row->value > COHORT_MIN ? (size_t)row->value : COHORT_MIN;
}

struct quorum_rule
rules_quorum(const struct rules *rules, size_t remotes)
{
	const struct policy_row *may_fail = rules_row_for(rules, RULE_MAY_FAIL, remotes),
	    *regions = rules_row_for(rules, RULE_RIR_REGIONS, remotes);

	return (struct quorum_rule){ .may_fail = may_fail != NULL ? (size_t)may_fail->value : 0,
		.regions = regions != NULL ? (size_t)regions->value : 1 };
}

bool
rules_ignore_rfc8657(const struct rules *rules, const struct check_caa_parameters *asked)
{
	return asked->account_uris.count == 0 && asked->validation_methods.count == 0 &&
	    rules_row(rules, RULE_RFC8657) == NULL;
}

int64_t
rules_next(const struct rules *rules)
{
	int64_t next = 0;

	for (size_t i = 0; i < rules->policy->row_count; i++) {
		int64_t from_s = rules->policy->rows[i].from_s;

		if (from_s > rules->at_s && (next == 0 || from_s < next))
			next = from_s;
	}
	return next;
}

static void
add_row(const struct rules *rules, const struct policy_row *row, const char **comma,
    struct buf *out)
{
	if (row == NULL)
		return;
	buf_adds(out, *comma);
	*comma = ",";
	policy_row_encode(rules->policy, row, out);
}

void
rules_encode(const struct rules *rules, size_t remotes, struct buf *out)
{
	const char *comma = "";

	json_add_string(out, "{\"name\":", rules->policy->name);
	json_add_string(out, ",\"document\":", rules->policy->document);
	json_add_string(out, ",\"version\":", rules->policy->version);
	buf_adds(out, ",\"rows\":[");
	add_row(rules, rules_row(rules, RULE_REMOTES), &comma, out);
	add_row(rules, rules_row_for(rules, RULE_MAY_FAIL, remotes), &comma, out);
	add_row(rules, rules_row_for(rules, RULE_RIR_REGIONS, remotes), &comma, out);
	add_row(rules, rules_row(rules, RULE_DISTANCE_KM), &comma, out);
	add_row(rules, rules_row(rules, RULE_RFC8657), &comma, out);
	buf_adds(out, "]}");
}

void
rules_name(const struct rules *rules, char text[RULES_NAME_MAX])
{
	const struct policy *policy = rules->policy;

	snprintf(text, RULES_NAME_MAX, "%s (%s %s)", policy->name, policy->document,
	    policy->version);
}
