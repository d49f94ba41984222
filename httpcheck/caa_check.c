#include "httpcheck/caa_check.h"

#include <stdlib.h>

#include "lookup_verdict.h"

#define REASON_FAILURE_ALLOWED	"lookup-failure-allowed"
#define TEXT_MAX	((size_t)512 * 1024)	/* of all records in presentation form */

static const char *
lookup_reason(const struct evidence_lookup *l)
{
	return l->reason != NULL ? l->reason : "no reason given";
}

/*
 * Whether a failed lookup may count as a name without records. One that has a
 * DNSSEC status had an answer, which the resolver could not use.
 */
static bool
failure_allowed(const struct caa_check *check, const struct evidence_lookup *l)
{
	return check->allow_lookup_failure && l->dnssec == CHECK_DNSSEC_INDETERMINATE &&
	    l->insecure && l->tries_sent >= CAA_CHECK_TRIES;
}

/* Why a failure that the request would allow counts as one all the same. */
static const char *
not_allowed(const struct caa_check *check, const struct evidence_lookup *l)
{
	if (!check->allow_lookup_failure)
		return "";
	if (l->dnssec != CHECK_DNSSEC_INDETERMINATE)
		return "; it is no permission: there was an answer";
	if (!l->insecure)
		return "; it is no permission: the domain is not shown to be Insecure";
	return "; it is no permission: its servers were not asked twice";
}

/* The details' list of names, as far as the climb was judged. */
static bool
names_list(const struct evidence *e, size_t count, struct check_result *result,
    struct caa_verdict_text *text)
{
	text->names = calloc(count, sizeof(*text->names));
	if (text->names == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		text->names[i] = e->lookups[i].name;
	result->caa.looked_up = (struct check_strings){ text->names, count };
	return true;
}

/* All records in presentation form. The buffer may move, so pointers are set last. */
static bool
records_list(const struct caa_record *records, size_t count, struct check_result *result,
    struct caa_verdict_text *text)
{
	size_t *starts = calloc(count, sizeof(*starts));

	text->records = calloc(count, sizeof(*text->records));
	if (starts == NULL || text->records == NULL) {
		free(starts);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		starts[i] = text->text.len;
		caa_record_text(&records[i], &text->text);
		buf_addc(&text->text, '\0');
	}
	for (size_t i = 0; i < count && !text->text.failed; i++)
		text->records[i] = text->text.data + starts[i];
	free(starts);
	result->caa.records_seen = (struct check_strings){ text->records, count };
	return !text->text.failed;
}

static bool
judge_records(const struct caa_check *check, const struct evidence_lookup *l,
    struct check_result *result, struct caa_verdict_text *text)
{
	struct caa_record *records = calloc(l->record_count, sizeof(*records));
	struct caa_verdict verdict;
	bool good;

	if (records == NULL)
		return false;
	for (size_t i = 0; i < l->record_count; i++)
		(void)caa_record_parse(&records[i], l->records[i].rdata, l->records[i].len);
	good = records_list(records, l->record_count, result, text);
	verdict = caa_evaluate(records, l->record_count, &check->question);
	free(records);
	if (!good)
		return false;
	result->check_completed = true;
	result->check_passed = verdict.permitted;
	result->caa.caa_record_present = (struct json_bool){ .set = true, .value = true };
	result->caa.found_at = l->name;
	result->caa.reason = caa_reason_code(verdict.reason);
	if (verdict.record != CAA_NO_RECORD)
		result->caa.deciding_record = text->records[verdict.record];
	if (!verdict.permitted)
		check_result_fail(result, PROBLEM_CAA_FORBIDS, "%s at %s%s%.300s",
		    caa_reason_text(verdict.reason), l->name,
		    verdict.record != CAA_NO_RECORD ? ": " : "",
		    verdict.record != CAA_NO_RECORD ? text->records[verdict.record] : "");
	return true;
}

/* Neither a name nor a parent has a CAA record: nothing restricts issuance. */
static void
judge_nothing(struct check_result *result)
{
	result->check_completed = true;
	result->check_passed = true;
	result->caa.caa_record_present = (struct json_bool){ .set = true, .value = false };
	result->caa.reason = caa_reason_code(CAA_NO_RECORDS);
}

static void
note_allowed(const struct evidence_lookup *l, struct check_result *result)
{
	if (!result->check_passed || result->problem.problem != PROBLEM_NONE)
		return;
	check_result_fail(result, PROBLEM_DNS_FAILED,
	    "the CAA lookup of %s failed and counts as permission, as the request allows: asked in %lld tries, the domain is Insecure: %.300s",
	    l->name, (long long)l->tries_sent, lookup_reason(l));
	result->check_completed = true;
	result->check_passed = true;
	if (result->caa.found_at == NULL) {
		/* what the failing name holds is not known, only that it does not matter */
		result->caa.caa_record_present.set = false;
		result->caa.reason = REASON_FAILURE_ALLOWED;
	}
}

/* Whether a lookup ends the check without a verdict; the result then says why. */
static bool
judge_failure(const struct caa_check *check, const struct evidence_lookup *l,
    struct check_result *result)
{
	enum problem problem = lookup_problem(l);

	if (problem == PROBLEM_NONE || (problem == PROBLEM_DNS_FAILED && failure_allowed(check, l)))
		return false;
	lookup_fail(l, "CAA", problem, problem == PROBLEM_DNS_FAILED ? not_allowed(check, l) : "",
	    result);
	return true;
}

/*
 * Whether any server was heard in this check. The walk that excuses a failure
 * may rest on what was cached before this perspective lost its own network,
 * and a failure inside the CA's infrastructure excuses nothing (BR 3.2.2.8).
 */
static bool
anything_answered(const struct evidence *e)
{
	for (size_t i = 0; i < e->lookup_count; i++)
		if (e->lookups[i].outcome == EVIDENCE_ANSWER ||
		    e->lookups[i].outcome == EVIDENCE_NODATA ||
		    e->lookups[i].outcome == EVIDENCE_NXDOMAIN)
			return true;
	return false;
}

static bool
judge_lookups(const struct caa_check *check, const struct evidence *e,
    struct check_result *result, struct caa_verdict_text *text, size_t *judged)
{
	const struct evidence_lookup *allowed = NULL;
	bool good = true, decided = false;

	for (*judged = 0; *judged < e->lookup_count && !decided;) {
		const struct evidence_lookup *l = &e->lookups[(*judged)++];

		decided = judge_failure(check, l, result);
		if (!decided && l->outcome == EVIDENCE_ANSWER) {
			good = judge_records(check, l, result, text);
			decided = true;
		} else if (l->outcome == EVIDENCE_FAILED && allowed == NULL) {
			allowed = l;
		}
	}
	if (!decided && !anything_answered(e))
		check_result_fail(result, PROBLEM_DNS_INDETERMINATE,
		    "no name server answered anything on the way to %s: the perspective itself may be cut off",
		    e->lookups[0].name);
	else if (!decided)
		judge_nothing(result);
	if (good && allowed != NULL)
		note_allowed(allowed, result);
	return good;
}

bool
caa_check_judge(const struct caa_check *check, const struct evidence *e,
    struct check_result *result, struct caa_verdict_text *text)
{
	size_t judged = 0;
	bool good = true;

	*text = (struct caa_verdict_text){ .text = BUF_INIT(TEXT_MAX) };
	if (evidence_usable(e, "CAA", &check->target->name, true, result))
		good = judge_lookups(check, e, result, text, &judged) &&
		    names_list(e, judged, result, text);
	result->caa.dnssec_status = (int)evidence_weakest(e, judged);
	return good;
}

void
caa_verdict_free(struct caa_verdict_text *text)
{
	buf_free(&text->text);
	free(text->records);
	free(text->names);
	*text = (struct caa_verdict_text){ 0 };
}
