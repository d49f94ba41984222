#include "coordinator/response.h"

#include <stdio.h>

#include "json_writer.h"

#define RESPONSE_SENTENCE_MAX	1024

/* ---- facts about a poll ---- */

/*
 * Open MPIC: no more perspectives without a complete check than may fail. What
 * was not awaited, or not asked, is no failure, and took part in no verdict.
 */
static bool
poll_completed(const struct poll *poll)
{
	size_t count = poll->ballot.perspectives, incomplete = 0;

	if (poll->primary != NULL && !poll->primary->completed &&
	    poll->ballot.primary != VOTE_CANCELLED)
		return false;
	for (size_t i = 0; i < count; i++)
		incomplete += !poll->corroborators[i].completed &&
		    poll->ballot.votes[i] == VOTE_FAILED;
	return incomplete <= count - poll->ballot.required;
}

/* The weaker of two, where what nobody told does not count. */
static enum check_dnssec
weaker(enum check_dnssec a, enum check_dnssec b)
{
	if (a == CHECK_DNSSEC_UNKNOWN || b == CHECK_DNSSEC_UNKNOWN)
		return a == CHECK_DNSSEC_UNKNOWN ? b : a;
	return a < b ? a : b;
}

/* The weakest status that a perspective that answered reports. */
static enum check_dnssec
poll_dnssec(const struct poll *poll)
{
	enum check_dnssec weakest = CHECK_DNSSEC_UNKNOWN;

	if (poll->primary != NULL)
		weakest = poll->primary->dnssec_status;
	for (size_t i = 0; i < poll->ballot.perspectives; i++)
		weakest = weaker(weakest, poll->corroborators[i].dnssec_status);
	return weakest;
}

/* It did not corroborate, and that is for a reason. */
static bool
is_against(const struct poll *poll, size_t i)
{
	return poll->ballot.votes[i] == VOTE_FAILED || poll->ballot.votes[i] == VOTE_APART;
}

/* The problem that most perspectives that failed have; the earliest of equals. */
static const struct corroborator *
poll_problem(const struct poll *poll)
{
	size_t votes[PROBLEM_COUNT] = { 0 };
	const struct corroborator *worst = NULL;

	for (size_t i = 0; i < poll->ballot.perspectives; i++)
		if (is_against(poll, i))
			votes[poll->corroborators[i].problem]++;
	for (size_t i = 0; i < poll->ballot.perspectives; i++) {
		const struct corroborator *c = &poll->corroborators[i];

		if (is_against(poll, i) && (worst == NULL ||
		    votes[c->problem] > votes[worst->problem]))
			worst = c;
	}
	return worst;
}

/* ---- facts about an attempt ---- */

static const struct attempt *
last(const struct mpic_response *r)
{
	return &r->attempts[r->attempt_count - 1];
}

bool
mpic_response_valid(const struct mpic_response *response)
{
	return attempt_valid(last(response));
}

static bool
attempt_completed(const struct attempt *a)
{
	for (size_t i = 0; i < a->poll_count; i++)
		if (!poll_completed(&a->polls[i]))
			return false;
	return true;
}

/*
 * The first poll that its primary failed, else the first without its quorum,
 * else the one with the fewest votes.
 */
static const struct poll *
attempt_worst(const struct attempt *a)
{
	const struct poll *worst = &a->polls[0];

	for (size_t i = 0; i < a->poll_count; i++)
		if (a->polls[i].ballot.has_primary && a->polls[i].ballot.primary == VOTE_FAILED)
			return &a->polls[i];
	for (size_t i = 1; i < a->poll_count && worst->outcome == QUORUM_REACHED; i++)
		if (a->polls[i].outcome != QUORUM_REACHED ||
		    quorum_passed(&a->polls[i].ballot) < quorum_passed(&worst->ballot))
			worst = &a->polls[i];
	return worst;
}

static enum check_dnssec
attempt_dnssec(const struct attempt *a)
{
	enum check_dnssec weakest = CHECK_DNSSEC_UNKNOWN;

	for (size_t i = 0; i < a->poll_count; i++)
		weakest = weaker(weakest, poll_dnssec(&a->polls[i]));
	return weakest;
}

/* ---- members ---- */

static void
add_actual_orchestration(struct buf *out, const struct mpic_response *r)
{
	json_add_int(out, ",\"actual_orchestration_parameters\":{\"perspective_count\":",
	    (int64_t)last(r)->count);
	json_add_int(out, ",\"quorum_count\":", (int64_t)last(r)->polls[0].ballot.required);
	json_add_int(out, ",\"attempt_count\":", (int64_t)r->attempt_count);
	buf_addc(out, '}');
}

/* The member's result of this check, or the primary's. */
static const struct corroborator *
result_of(const struct poll *poll, size_t member)
{
	return member < poll->ballot.perspectives ? &poll->corroborators[member] : poll->primary;
}

/* One of the member's results, or more. */
static bool
was_cancelled(const struct attempt *a, size_t member)
{
	for (size_t i = 0; i < a->poll_count; i++)
		if (poll_vote(&a->polls[i], result_of(&a->polls[i], member)) == VOTE_CANCELLED)
			return true;
	return false;
}

static void
add_problem_of(struct buf *out, const char *lead, enum problem problem, const char *text)
{
	json_add_string(out, lead, problem_code(problem));
	json_add_string(out, ",\"message\":", text);
	json_add_string(out, ",\"fault\":", fault_name(problem_fault(problem)));
	json_add_bool(out, ",\"retryable\":", problem_retryable(problem));
	buf_addc(out, '}');
}

/* What the perspective's own words cannot say: how its results stand to the primary's. */
static void
add_apart(struct buf *out, const struct attempt *a, size_t member)
{
	const char *lead = ",\"not_corroborating\":{";

	for (size_t i = 0; i < a->poll_count; i++) {
		const struct corroborator *c = result_of(&a->polls[i], member);

		if (poll_vote(&a->polls[i], c) != VOTE_APART)
			continue;
		json_add_string(out, lead, check_type_name(c->type));
		add_problem_of(out, ":{\"code\":", c->problem, c->sentence);
		lead = ",";
	}
	buf_adds(out, lead[1] == '\0' ? "}" : "");
}

/* A member of the cohort; the one after its last is the primary. */
static void
add_entry(struct buf *out, const struct attempt *a, size_t member)
{
	const struct perspective *p = result_of(&a->polls[0], member)->perspective;

	json_add_string(out, "{\"perspective_code\":", p->code);
	for (size_t k = 0; k < a->poll_count; k++) {
		buf_adds(out, k == 0 ? ",\"check_response\":" : ",\"caa_check_response\":");
		corroborator_encode(result_of(&a->polls[k], member), out);
	}
	json_add_string(out, ",\"rir\":", rir_name(p->rir));
	if (was_cancelled(a, member))
		buf_adds(out, ",\"cancelled\":true");
	if (p->protocol == PROTOCOL_OPEN_MPIC)
		buf_adds(out, ",\"protocol\":\"open-mpic\",\"signed\":false,"
		    "\"bound\":false");
	add_apart(out, a, member);
	buf_addc(out, '}');
}

static void
add_perspectives(struct buf *out, const struct attempt *a)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < a->count && !a->remotes_not_asked; i++) {
		buf_adds(out, i > 0 ? "," : "");
		add_entry(out, a, i);
	}
	buf_addc(out, ']');
}

static void
add_previous(struct buf *out, const struct mpic_response *r)
{
	if (r->attempt_count == 1) {
		buf_adds(out, ",\"previous_attempt_results\":null");
		return;
	}
	for (size_t i = 0; i + 1 < r->attempt_count; i++) {
		buf_adds(out, i > 0 ? "," : ",\"previous_attempt_results\":[");
		add_perspectives(out, &r->attempts[i]);
	}
	buf_addc(out, ']');
}

/* Ours, where there is one. */
static void
add_primary(struct buf *out, const struct mpic_response *r)
{
	if (!last(r)->has_primary)
		return;
	buf_adds(out, ",\"primary\":");
	add_entry(out, last(r), last(r)->count);
	if (last(r)->remotes_not_asked)
		buf_adds(out, ",\"remotes\":\"not-asked\"");
	for (size_t i = 0; i + 1 < r->attempt_count; i++) {
		buf_adds(out, i > 0 ? "," : ",\"previous_primary_results\":[");
		add_entry(out, &r->attempts[i], r->attempts[i].count);
	}
	buf_adds(out, r->attempt_count > 1 ? "]" : "");
}

/* Why it is not valid: the count, then what the commonest failing looks like. */
static void
add_problem(struct buf *out, const struct poll *poll)
{
	const struct corroborator *c = poll_problem(poll);
	const struct ballot *b = &poll->ballot;
	enum problem problem = c != NULL ? c->problem : PROBLEM_INTERNAL;
	char text[RESPONSE_SENTENCE_MAX];

	if (problem == PROBLEM_NONE)
		problem = PROBLEM_INTERNAL;
	snprintf(text, sizeof(text), "%zu of %zu %s corroborated%s; %zu needed. "
	    "%s: %s", quorum_passed(b), b->perspectives, b->has_primary ? "remote perspectives" :
	    "perspectives", quorum_one_rir(b) ? ", all in the service region of one RIR" : "",
	    b->required, c != NULL ? c->perspective->code : "coordinator",
	    c != NULL && c->sentence != NULL ? c->sentence : "no reason given");
	add_problem_of(out, ",\"problem\":{\"code\":", problem, text);
}

/* Without the primary's pass no number of remotes is enough. */
static void
add_primary_problem(struct buf *out, const struct poll *poll)
{
	const struct corroborator *c = poll->primary;
	char text[RESPONSE_SENTENCE_MAX];

	snprintf(text, sizeof(text), "the primary, %s, %s: %s", c->perspective->code,
	    c->completed ? "did not pass" : "came to no result",
	    c->sentence != NULL ? c->sentence : "no reason given");
	add_problem_of(out, ",\"problem\":{\"code\":", c->problem != PROBLEM_NONE ? c->problem :
	    PROBLEM_INTERNAL, text);
}

static void
add_quorum(struct buf *out, const struct poll *poll)
{
	char quorum[24];

	snprintf(quorum, sizeof(quorum), "%zu/%zu", quorum_passed(&poll->ballot),
	    poll->ballot.perspectives);
	json_add_string(out, ",\"quorum\":", quorum);
}

static void
add_poll_problem(struct buf *out, const struct attempt *a, const struct poll *poll)
{
	if (poll->outcome == QUORUM_REACHED)
		buf_adds(out, ",\"problem\":null");
	else if (poll->ballot.has_primary && poll->ballot.primary == VOTE_FAILED)
		add_primary_problem(out, poll);
	else if (a->remotes_not_asked)
		add_problem_of(out, ",\"problem\":{\"code\":", PROBLEM_REMOTES_NOT_ASKED,
		    "the remotes were not asked: the primary had not passed every check in time");
	else
		add_problem(out, poll);
}

static void
add_verdicts(struct buf *out, const struct attempt *a)
{
	for (size_t i = 0; i < a->poll_count; i++) {
		const struct poll *poll = &a->polls[i];

		json_add_string(out, i > 0 ? "," : ",\"verdicts\":{",
		    check_type_name(poll->type));
		json_add_bool(out, ":{\"is_valid\":", poll->outcome == QUORUM_REACHED);
		add_quorum(out, poll);
		json_add_string(out, ",\"dnssec_status\":", check_dnssec_name(poll_dnssec(poll)));
		add_poll_problem(out, a, poll);
		buf_addc(out, '}');
	}
	buf_addc(out, '}');
}

/* Ours. */
static void
add_facts(struct buf *out, const struct mpic_response *r)
{
	const struct attempt *a = last(r);

	if (a->poll_count > 1)
		add_verdicts(out, a);
	add_quorum(out, attempt_worst(a));
	json_add_string(out, ",\"dnssec_status\":", check_dnssec_name(attempt_dnssec(a)));
	json_add_int(out, ",\"elapsed_ms\":", r->elapsed_ms);
	json_add_string(out, ",\"trace_id\":", r->trace_id != NULL && r->trace_id[0] != '\0' ?
	    r->trace_id : NULL);
	add_poll_problem(out, a, attempt_worst(a));
}

/* Ours, too. */
static void
add_rules(struct buf *out, const struct mpic_response *r)
{
	const struct policy *policy = r->rules->policy;
	struct buf text = BUF_INIT(RESPONSE_SENTENCE_MAX);

	buf_adds(out, ",\"policy\":");
	rules_encode(r->rules, last(r)->count, out);
	buf_adds(out, ",\"compliance\":[");
	if (r->retired != NULL) {
		policy_row_text(policy, r->retired, &text);
		json_add_string(out, "{\"message\":", text.data != NULL ? text.data : "");
		buf_adds(out, ",\"row\":");
		policy_row_encode(policy, r->retired, out);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
	buf_free(&text);
}

void
mpic_response_encode(const struct mpic_response *response, struct buf *out)
{
	json_add_bool(out, "{\"mpic_completed\":", attempt_completed(last(response)));
	buf_adds(out, response->echo);
	add_actual_orchestration(out, response);
	json_add_bool(out, ",\"is_valid\":", mpic_response_valid(response));
	buf_adds(out, ",\"perspectives\":");
	add_perspectives(out, last(response));
	add_previous(out, response);
	add_primary(out, response);
	add_facts(out, response);
	add_rules(out, response);
	if (response->adn != NULL) {
		buf_adds(out, ",\"authorization_domain_name\":");
		buf_adds(out, response->adn);
	}
	buf_addc(out, '}');
}

void
mpic_refusal_encode(const char *error, const char *path, const char *issue,
    const char *why, struct buf *out)
{
	struct json_faults faults;

	json_faults_init(&faults);
	json_fault_add(&faults, path, issue, "%s: %s", error, why);
	json_faults_encode(&faults, error, out);
}
