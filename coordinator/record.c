#include "coordinator/record.h"

#include <inttypes.h>
#include <stdio.h>

#include "log.h"
#include "monotonic.h"

/* Room for each result's code, '=', the longest word for it, and a space. */
#define RESULTS_MAX	(FLEET_MAX * (CHECK_CODE_MAX + 40))

static const char *
outcome_name(const struct attempt *a, enum record_end end)
{
	if (end == RECORD_DECIDED)
		return a->outcome == QUORUM_REACHED ? "valid" : "not-valid";
	return end == RECORD_ABORTED ? "aborted" : "not-asked";
}

static const char *
result_name(const struct attempt *a, size_t i)
{
	switch (a->ballot.votes[i]) {
	case VOTE_PASSED:
		return "passed";
	case VOTE_PENDING:
		return "aborted";
	default:
		return problem_code(a->corroborators[i].problem);
	}
}

/* Needs no memory: the record of an attempt for which there was none must be whole, too. */
static void
results_text(const struct attempt *a, char text[RESULTS_MAX])
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; a->corroborators != NULL && i < a->count && len < RESULTS_MAX; i++)
		len += (size_t)snprintf(text + len, RESULTS_MAX - len, "%s%s=%s",
		    i > 0 ? " " : "", a->corroborators[i].perspective->code, result_name(a, i));
}

void
attempt_record(const struct attempt *a, const struct question *question,
    const char *caller, enum record_end end)
{
	char results[RESULTS_MAX], number[24], quorum[48], elapsed[24];

	results_text(a, results);
	snprintf(number, sizeof(number), "%zu", a->number);
	snprintf(quorum, sizeof(quorum), "%zu/%zu", quorum_passed(&a->ballot), a->count);
	snprintf(elapsed, sizeof(elapsed), "%" PRIu64,
	    (monotonic_ns() - a->started_ns) / 1000000U);
	log_notice("attempt", "outcome", outcome_name(a, end),
	    "check", check_type_name(question->type), "target", question->target,
	    "quorum", quorum, "attempt", number, "results", results, "elapsed_ms", elapsed,
	    "trace", question->trace, "caller", caller);
}
