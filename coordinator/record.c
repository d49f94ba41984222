#include "coordinator/record.h"

#include <inttypes.h>
#include <stdio.h>

#include "log.h"
#include "monotonic.h"

/* Room for each result's code, '=', the longest word for it, and a space. */
#define RESULTS_MAX	(FLEET_MAX * (CHECK_CODE_MAX + 40))

static const char *
outcome_name(const struct poll *poll, enum record_end end)
{
	if (end == RECORD_DECIDED)
		return poll->outcome == QUORUM_REACHED ? "valid" : "not-valid";
	return end == RECORD_ABORTED ? "aborted" : "not-asked";
}

static const char *
result_name(const struct poll *poll, size_t i, enum record_end end)
{
	switch (poll->ballot.votes[i]) {
	case VOTE_PASSED:
		return "passed";
	case VOTE_CANCELLED:
		return "cancelled";
	case VOTE_PENDING:
		return end == RECORD_NOT_ASKED ? "not-asked" : "aborted";
	default:
		return problem_code(poll->corroborators[i].problem);
	}
}

static void
results_text(const struct poll *poll, enum record_end end, char text[RESULTS_MAX])
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < poll->ballot.perspectives && len < RESULTS_MAX; i++)
		len += (size_t)snprintf(text + len, RESULTS_MAX - len, "%s%s=%s",
		    i > 0 ? " " : "", poll->corroborators[i].perspective->code,
		    result_name(poll, i, end));
}

/*
 * Needs no memory: the record of an attempt for which there was none must be
 * whole, too. Then there is no `poll`.
 */
static void
record_check(const struct attempt *a, size_t check, const struct question *question,
    const char *caller, enum record_end end)
{
	const struct poll none = { .ballot.perspectives = 0 };
	const struct poll *poll = a->polls != NULL ? &a->polls[check] : &none;
	enum check_type type = question->type->checks[check];
	char results[RESULTS_MAX], number[24], quorum[48], elapsed[24], policy[RULES_NAME_MAX];

	results_text(poll, end, results);
	rules_name(&question->rules, policy);
	snprintf(number, sizeof(number), "%zu", a->number);
	snprintf(quorum, sizeof(quorum), "%zu/%zu", quorum_passed(&poll->ballot), a->count);
	snprintf(elapsed, sizeof(elapsed), "%" PRIu64,
	    (monotonic_ns() - a->started_ns) / 1000000U);
	/* A NULL for a key ends the list: only domain control has a method. */
	log_notice("attempt", "outcome", outcome_name(poll, end),
	    "check", check_type_name(type), "target", question->target,
	    "quorum", quorum, "attempt", number, "results", results, "elapsed_ms", elapsed,
	    "asked", question->type->name, "trace", question->trace,
	    "trace_id", question->trace_id, "caller", caller,
	    "policy", policy,
	    type == CHECK_DCV ? "method" : NULL, dcv_method_names[question->method],
	    "section", question->section);
}

void
attempt_record(const struct attempt *a, const struct question *question,
    const char *caller, enum record_end end)
{
	for (size_t i = 0; i < question->type->count; i++)
		record_check(a, i, question, caller, end);
}
