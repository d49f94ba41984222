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
result_name(const struct poll *poll, const struct corroborator *c, enum record_end end)
{
	switch (poll_vote(poll, c)) {
	case VOTE_PASSED:
		return "passed";
	case VOTE_CANCELLED:
		return "cancelled";
	case VOTE_PENDING:
		return end == RECORD_NOT_ASKED ? "not-asked" : "aborted";
	default:
		return problem_code(c->problem);
	}
}

/* The primary's first, by that word. */
static void
results_text(const struct attempt *a, const struct poll *poll, enum record_end end,
    char text[RESULTS_MAX])
{
	const struct corroborator *c = poll->primary;
	size_t len = 0;

	text[0] = '\0';
	if (c != NULL)
		len = (size_t)snprintf(text, RESULTS_MAX, "primary:%s=%s", c->perspective->code,
		    result_name(poll, c, end));
	for (size_t i = 0; i < poll->ballot.perspectives && len < RESULTS_MAX; i++) {
		c = &poll->corroborators[i];
		len += (size_t)snprintf(text + len, RESULTS_MAX - len, "%s%s=%s",
		    len > 0 ? " " : "", c->perspective->code,
		    a->remotes_not_asked ? "not-asked" : result_name(poll, c, end));
	}
}

#define PAIRS_MAX	4

/* Of a log line; a NULL for a key ends it. */
struct pair {
	const char *key, *value;
};

/* What only some checks have: names applied for, a method. */
static void
add_method(const struct question *q, enum check_type type, struct pair pairs[PAIRS_MAX + 1])
{
	size_t n = 0;

	if (q->applied_for != NULL)
		pairs[n++] = (struct pair){ "applied_for", q->applied_for };
	if (q->adn != NULL)
		pairs[n++] = (struct pair){ "adn", q->adn };
	if (type == CHECK_DCV) {
		pairs[n++] = (struct pair){ "method", dcv_method_names[q->method] };
		pairs[n] = (struct pair){ "section", q->section };
	}
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
	struct pair more[PAIRS_MAX + 1] = { { NULL, NULL } };
	char results[RESULTS_MAX], number[24], quorum[48], elapsed[24], policy[RULES_NAME_MAX];

	results_text(a, poll, end, results);
	rules_name(&question->rules, policy);
	snprintf(number, sizeof(number), "%zu", a->number);
	snprintf(quorum, sizeof(quorum), "%zu/%zu", quorum_passed(&poll->ballot), a->count);
	snprintf(elapsed, sizeof(elapsed), "%" PRIu64,
	    (monotonic_ns() - a->started_ns) / 1000000U);
	add_method(question, type, more);
	log_notice("attempt", "outcome", outcome_name(poll, end),
	    "check", check_type_name(type), "target", question->target,
	    "quorum", quorum, "attempt", number, "results", results, "elapsed_ms", elapsed,
	    "asked", question->type->name, "trace", question->trace,
	    "trace_id", question->trace_id, "caller", caller,
	    "policy", policy, more[0].key, more[0].value, more[1].key, more[1].value,
	    more[2].key, more[2].value, more[3].key, more[3].value);
}

void
attempt_record(const struct attempt *a, const struct question *question,
    const char *caller, enum record_end end)
{
	for (size_t i = 0; i < question->type->count; i++)
		record_check(a, i, question, caller, end);
}
