#include "coordinator/standing.h"

#include "buf.h"
#include "coordinator/cohort.h"
#include "coordinator/day.h"
#include "metric.h"

#define STANDING_MAX	4096

/* In whose regions its remotes are. */
static size_t
fleet_rirs(const struct fleet *fleet)
{
	unsigned rirs = 0;

	for (size_t i = 0; i < fleet->count; i++)
		if (!fleet->members[i].primary)
			rirs |= 1U << fleet->members[i].rir;
	return (size_t)__builtin_popcount(rirs);
}

/* Whether so many can be asked together. Which they are does not matter, nor for what. */
static enum cohort_fault
cohort_fault(const struct fleet *fleet, size_t size)
{
	static const char name[] = "example.com";
	struct cohorts cohorts;
	struct target target;

	if (!target_parse(&target, name, sizeof(name) - 1, NULL))
		return COHORT_OK;
	return cohorts_build(&cohorts, fleet, size, name, sizeof(name) - 1, &target);
}

static void
add_row(const struct rules *rules, const struct policy_row *row, struct buf *out)
{
	if (row != NULL)
		policy_row_text(rules->policy, row, out);
	else
		buf_addf(out, "at least %d perspectives", COHORT_MIN);
}

/* How many there are in the place of what the row demands. */
static void
add_lack(const struct rules *rules, const struct policy_row *row, size_t have, struct buf *out)
{
	add_row(rules, row, out);
	buf_addf(out, ", %zu configured", have);
}

/* Adds what is lacking, if anything. */
static bool
add_lacks(const struct fleet *fleet, const struct rules *rules, struct buf *out)
{
	size_t least = rules_remotes(rules), rirs = fleet_rirs(fleet);
	const struct policy_row *remotes = rules_row(rules, RULE_REMOTES);
	size_t have = fleet_remotes(fleet);
	bool few = have < least, close = rirs < rules_quorum(rules, least).regions;
	enum cohort_fault fault = few || close ? COHORT_OK : cohort_fault(fleet, least);

	if (!few && !close && fault == COHORT_OK)
		return false;
	buf_adds(out, ": lacks ");
	if (few)
		add_lack(rules, remotes, have, out);
	if (few && close)
		buf_adds(out, "; ");
	if (close)
		add_lack(rules, rules_row_for(rules, RULE_RIR_REGIONS, least), rirs, out);
	if (fault != COHORT_OK) {
		add_row(rules, remotes, out);
		buf_addf(out, ", but %s", cohort_fault_text(fault));
	}
	return true;
}

bool
standing_text(const struct fleet *fleet, const struct rules *rules, struct buf *out)
{
	char day[DAY_TEXT_LEN + 1], name[RULES_NAME_MAX];

	day_text(rules->at_s, day);
	rules_name(rules, name);
	buf_addf(out, "%s: %s", day, name);
	if (add_lacks(fleet, rules, out))
		return false;
	buf_addf(out, ": satisfied by %zu %s in the service regions of %zu RIRs",
	    fleet_remotes(fleet), fleet_primary(fleet) != NULL ? "remote perspectives" :
	    "perspectives", fleet_rirs(fleet));
	if (fleet_primary(fleet) != NULL)
		buf_addf(out, ", beside the primary %s", fleet_primary(fleet)->code);
	return true;
}

static bool
speaks_open_mpic(const struct perspective *p)
{
	return p->protocol == PROTOCOL_OPEN_MPIC;
}

static bool
has_gateway(const struct perspective *p)
{
	return p->gateway;
}

static bool
add_codes(const struct fleet *fleet, bool (*is_one)(const struct perspective *p),
    const char *lead, const char *tail, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < fleet->count; i++) {
		if (!is_one(&fleet->members[i]))
			continue;
		buf_addf(out, "%s%s", any ? ", " : lead, fleet->members[i].code);
		any = true;
	}
	if (any)
		buf_adds(out, tail);
	return any;
}

bool
standing_unbound_text(const struct fleet *fleet, struct buf *out)
{
	return add_codes(fleet, speaks_open_mpic,
	    "unsigned and unbound results (protocol open-mpic): ",
	    "; nothing but their connection says whose they are and for which request", out);
}

bool
standing_gateway_text(const struct fleet *fleet, struct buf *out)
{
	return add_codes(fleet, has_gateway, "behind a gateway: ",
	    "; each of their results is verified, for only its signature says whose it is and "
	    "for which request", out);
}

bool
standing_next_text(const struct fleet *fleet, const struct rules *rules, struct buf *out)
{
	const struct rules next = policy_at(rules->policy, rules_next(rules));
	const char *lead = "; new then: ";
	char name[RULES_NAME_MAX];
	bool ok;

	if (next.at_s == 0) {
		rules_name(rules, name);
		buf_addf(out, "%s: no later rules are known", name);
		return true;
	}
	ok = standing_text(fleet, &next, out);
	for (size_t i = 0; ok && i < rules->policy->row_count; i++) {
		const struct policy_row *row = &rules->policy->rows[i];

		if (row->from_s != next.at_s)
			continue;
		buf_adds(out, lead);
		policy_row_text(rules->policy, row, out);
		lead = "; ";
	}
	return ok;
}

void
standing_render(const struct fleet *fleet, const struct rules *rules, struct buf *out)
{
	const struct policy *policy = rules->policy;
	const struct metric_fact_label labels[] = { { "name", policy->name },
		{ "document", policy->document != NULL ? policy->document : "" },
		{ "version", policy->version != NULL ? policy->version : "" }, { NULL, NULL } };
	struct buf text = BUF_INIT(STANDING_MAX);
	bool ok = standing_text(fleet, rules, &text), ok_next;

	buf_reset(&text);
	ok_next = standing_next_text(fleet, rules, &text);
	buf_free(&text);
	metric_render_fact(out, "mpic_policy_info", "The policy in force.", labels, 1);
	metric_render_fact(out, "mpic_policy_satisfied",
	    "1 if the fleet satisfies the rules of its policy that hold now.", NULL, ok);
	metric_render_fact(out, "mpic_policy_next_satisfied",
	    "1 if it satisfies those that begin next, too, or none do.", NULL, ok_next);
	metric_render_fact(out, "mpic_policy_next_change_seconds",
	    "Unix time at which the next rules begin; 0: no later ones are known.", NULL,
	    rules_next(rules));
}
