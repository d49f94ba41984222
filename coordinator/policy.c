#include "coordinator/policy.h"

#include <inttypes.h>
#include <string.h>

#include "coordinator/day.h"
#include "coordinator/fleet.h"
#include "dcv_method.h"
#include "json_writer.h"
#include "option.h"

/* What a row of the rule has to have besides its source, and no more than that. */
enum { HAS_VALUE = 1, HAS_REMOTES = 2, HAS_METHOD = 4 };

static const struct {
	const char *name;
	unsigned has;
	int64_t most;		/* of the value; the least is 1 */
} policy_rules[RULE_COUNT] = {
	[RULE_REMOTES] = { "remotes", HAS_VALUE, FLEET_MAX },
	[RULE_MAY_FAIL] = { "may_fail", HAS_REMOTES | HAS_VALUE, FLEET_MAX },
	/* Cohorts are spread over two. */
	[RULE_RIR_REGIONS] = { "rir_regions", HAS_REMOTES | HAS_VALUE, 2 },
	[RULE_DISTANCE_KM] = { "distance_km", HAS_VALUE, 20000 },
	[RULE_RFC8657] = { "rfc8657", 0, 0 },
	[RULE_RETIRED] = { "retired", HAS_METHOD, 0 },
	[RULE_MPIC] = { "mpic", 0, 0 },
	[RULE_DNSSEC] = { "dnssec", 0, 0 },
	[RULE_ISSUEMAIL] = { "issuemail", 0, 0 },
};

#define ROW(name_, type_, container, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, \
	    .offset = offsetof(struct container, member), __VA_ARGS__ }

static const struct option row_rows[] = {
	ROW("rule", STRING, policy_row, rule_name, .min = 1, .max = 32,
	    .flags = OPTION_REQUIRED, .sentence = "What it is about."),
	ROW("from", STRING, policy_row, from, .min = DAY_TEXT_LEN, .max = DAY_TEXT_LEN,
	    .sentence = "Its first day, UTC; default: always."),
	ROW("document", STRING, policy_row, document, .min = 1, .max = 64,
	    .sentence = "Where it is from; default: the file's."),
	ROW("version", STRING, policy_row, version, .min = 1, .max = 32,
	    .sentence = "The document's version; default: the file's."),
	ROW("section", STRING, policy_row, section, .min = 1, .max = 64,
	    .sentence = "The section of this version."),
	ROW("remotes", INTEGER, policy_row, remotes, .min = 1, .max = FLEET_MAX,
	    .sentence = "It holds for so many remote perspectives and more."),
	ROW("value", INTEGER, policy_row, value, .min = 1, .max = 20000,
	    .sentence = "How many or how much."),
	ROW("method", STRING, policy_row, method_name, .min = 1, .max = 64,
	    .sentence = "A validation_method."),
};

/* As the options' rows fill it. */
struct policy_file {
	char *name, *document, *version;
	struct option_maps rows;	/* of struct policy_row */
};

static const struct option rows[] = {
	ROW("name", STRING, policy_file, name, .min = 1, .max = 64, .flags = OPTION_REQUIRED,
	    .sentence = "What answers and records call it."),
	ROW("document", STRING, policy_file, document, .min = 1, .max = 64,
	    .flags = OPTION_REQUIRED, .sentence = "What its rows are from."),
	ROW("version", STRING, policy_file, version, .min = 1, .max = 32,
	    .flags = OPTION_REQUIRED, .sentence = "The document's version."),
	ROW("rows", MAPS, policy_file, rows, .min = 1, .max = POLICY_ROWS_MAX,
	    .flags = OPTION_REQUIRED, .rows = row_rows,
	    .row_count = sizeof(row_rows) / sizeof(row_rows[0]),
	    .size = sizeof(struct policy_row), .sentence = "The rules."),
};

const struct option_table policy_options = {
	.program = "policy", .sentence = "Dated rules.",
	.rows = rows, .count = sizeof(rows) / sizeof(rows[0]),
};

/* ---- what the options' rows cannot say ---- */

static int
rule_find(const char *name)
{
	for (int i = 0; i < RULE_COUNT; i++)
		if (strcmp(policy_rules[i].name, name) == 0)
			return i;
	return -1;
}

static int
method_find(const char *name)
{
	for (int i = 0; i < DCV_METHOD_COUNT; i++)
		if (strcmp(dcv_method_names[i], name) == 0)
			return i;
	return -1;
}

/* A fault's beginning: which row of which file. Counted from 1. */
static void
fault(struct buf *faults, const char *file, size_t number, const char *what)
{
	buf_addf(faults, "%s: rows: row %zu: %s: ", file, number, what);
}

static void
check_member(const char *file, size_t number, const char *member, bool has, bool must,
    const struct policy_row *row, struct buf *faults)
{
	if (has == must)
		return;
	fault(faults, file, number, member);
	buf_addf(faults, must ? "missing, which the rule %s has\n" :
	    "the rule %s has none\n", row->rule_name);
}

static void
check_members(const char *file, size_t number, const struct policy_row *row,
    struct buf *faults)
{
	unsigned has = policy_rules[row->rule].has;
	int64_t most = policy_rules[row->rule].most;

	check_member(file, number, "value", row->value != 0, has & HAS_VALUE, row, faults);
	check_member(file, number, "remotes", row->remotes != 0, has & HAS_REMOTES, row, faults);
	check_member(file, number, "method", row->method_name != NULL, has & HAS_METHOD, row,
	    faults);
	if ((has & HAS_VALUE) != 0 && row->value > most) {
		fault(faults, file, number, "value");
		buf_addf(faults, "expected 1 to %" PRId64 ", found %" PRId64 "\n", most,
		    row->value);
	}
}

static void
check_row(const char *file, size_t number, struct policy_row *row, struct buf *faults)
{
	int rule = row->rule_name != NULL ? rule_find(row->rule_name) : -1;

	row->from_s = INT64_MIN;
	if (row->from != NULL && !day_parse(row->from, &row->from_s)) {
		fault(faults, file, number, "from");
		buf_addf(faults, "expected a day such as 2026-12-15, found %s\n", row->from);
	}
	row->method = row->method_name != NULL ? method_find(row->method_name) : -1;
	if (row->method_name != NULL && row->method < 0) {
		fault(faults, file, number, "method");
		buf_addf(faults, "there is no validation_method %s\n", row->method_name);
	}
	if (row->rule_name != NULL && rule < 0) {
		fault(faults, file, number, "rule");
		buf_addf(faults, "there is no rule %s; rules are", row->rule_name);
		for (int i = 0; i < RULE_COUNT; i++)
			buf_addf(faults, "%s %s", i > 0 ? "," : "", policy_rules[i].name);
		buf_addc(faults, '\n');
	}
	row->rule = rule < 0 ? RULE_COUNT : (enum policy_rule)rule;
	if (rule >= 0)
		check_members(file, number, row, faults);
}

/* Two rows of one day about the same thing would leave open which is in force. */
static void
check_twins(const char *file, const struct policy *policy, struct buf *faults)
{
	for (size_t i = 0; i < policy->row_count; i++)
		for (size_t k = i + 1; k < policy->row_count; k++) {
			const struct policy_row *a = &policy->rows[i], *b = &policy->rows[k];

			if (a->rule == RULE_COUNT || !policy_row_same(a, b) ||
			    a->from_s != b->from_s)
				continue;
			fault(faults, file, k + 1, "from");
			buf_addf(faults, "row %zu begins at the same time and is about the "
			    "same\n", i + 1);
		}
}

static bool
check_rows(struct policy *policy, const char *file, struct buf *faults)
{
	size_t before = faults->len;

	for (size_t i = 0; i < policy->row_count; i++)
		check_row(file, i + 1, &policy->rows[i], faults);
	check_twins(file, policy, faults);
	return faults->len == before && !faults->failed;
}

/* ---- reading ---- */

static bool
take(struct policy *policy, struct policy_file *read, bool ok, const char *file,
    struct buf *faults)
{
	struct option_table named = policy_options;

	named.program = file;
	/* Of a file that cannot be read at all that is fault enough. */
	if (ok || read->name != NULL || read->rows.count > 0)
		ok = option_complete(&named, read, faults) && ok;
	*policy = (struct policy){ .name = read->name, .document = read->document,
		.version = read->version, .rows = read->rows.items,
		.row_count = read->rows.count };
	/* Whatever the options found, so that all faults are shown at once. */
	return check_rows(policy, file, faults) && ok;
}

bool
policy_load(struct policy *policy, const char *path, struct buf *faults)
{
	struct policy_file read = { .name = NULL };
	bool ok = option_load(&policy_options, &read, path, faults);

	return take(policy, &read, ok, path, faults);
}

bool
policy_parse(struct policy *policy, const char *file, const char *text, size_t len,
    struct buf *faults)
{
	struct policy_file read = { .name = NULL };
	bool ok = option_parse(&policy_options, &read, file, text, len, faults);

	return take(policy, &read, ok, file, faults);
}

void
policy_free(struct policy *policy)
{
	struct policy_file read = { .name = policy->name, .document = policy->document,
		.version = policy->version, .rows = { policy->rows, policy->row_count } };

	option_free(&policy_options, &read);
	*policy = (struct policy){ .name = NULL };
}

/* ---- rows ---- */

const char *
policy_rule_name(enum policy_rule rule)
{
	return policy_rules[rule].name;
}

bool
policy_row_same(const struct policy_row *a, const struct policy_row *b)
{
	return a->rule == b->rule && a->remotes == b->remotes && a->method == b->method;
}

static const char *
row_document(const struct policy *policy, const struct policy_row *row)
{
	return row->document != NULL ? row->document : policy->document;
}

static const char *
row_version(const struct policy *policy, const struct policy_row *row)
{
	return row->version != NULL ? row->version : policy->version;
}

void
policy_row_source(const struct policy *policy, const struct policy_row *row, struct buf *out)
{
	buf_addf(out, "%s %s", row_document(policy, row), row_version(policy, row));
	if (row->section != NULL)
		buf_addf(out, " section %s", row->section);
	if (row->from != NULL)
		buf_addf(out, ", from %s", row->from);
}

static void
add_demand(const struct policy_row *row, struct buf *out)
{
	switch (row->rule) {
	case RULE_REMOTES:
		buf_addf(out, "at least %" PRId64 " remote perspectives", row->value);
		break;
	case RULE_MAY_FAIL:
		buf_addf(out, "of %" PRId64 " remote perspectives or more at most %" PRId64
		    " may fail to corroborate", row->remotes, row->value);
		break;
	case RULE_RIR_REGIONS:
		buf_addf(out, "of %" PRId64 " remote perspectives or more those that corroborate "
		    "stand in the service regions of at least %" PRId64 " RIRs", row->remotes,
		    row->value);
		break;
	case RULE_DISTANCE_KM:
		buf_addf(out, "perspectives at least %" PRId64 " km apart", row->value);
		break;
	case RULE_RFC8657:
		buf_adds(out, "accounturi and validationmethods of RFC 8657 bind every request");
		break;
	case RULE_RETIRED:
		buf_addf(out, "%s is not to be relied on", row->method_name);
		break;
	case RULE_MPIC:
		buf_adds(out, "no certificate without corroboration by several perspectives");
		break;
	case RULE_DNSSEC:
		buf_adds(out, "lookups are validated by DNSSEC up to the root");
		break;
	case RULE_ISSUEMAIL:
		buf_adds(out, "CAA's issuemail of RFC 9495 binds");
		break;
	case RULE_COUNT:
		break;
	}
}

void
policy_row_text(const struct policy *policy, const struct policy_row *row, struct buf *out)
{
	policy_row_source(policy, row, out);
	buf_adds(out, ": ");
	add_demand(row, out);
}

void
policy_row_encode(const struct policy *policy, const struct policy_row *row, struct buf *out)
{
	json_add_string(out, "{\"rule\":", policy_rule_name(row->rule));
	json_add_string(out, ",\"document\":", row_document(policy, row));
	json_add_string(out, ",\"version\":", row_version(policy, row));
	json_add_string(out, ",\"section\":", row->section);
	json_add_string(out, ",\"from\":", row->from);
	if (row->method_name != NULL)
		json_add_string(out, ",\"method\":", row->method_name);
	if (row->remotes != 0)
		json_add_int(out, ",\"remotes\":", row->remotes);
	if (row->value != 0)
		json_add_int(out, ",\"value\":", row->value);
	buf_addc(out, '}');
}
