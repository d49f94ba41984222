#include "coordinator/response.h"

#include <stdio.h>

#include "json_writer.h"

#define RESPONSE_SENTENCE_MAX	1024

/* ---- what was asked ---- */

static void
add_request_orchestration(struct buf *out, const struct mpic_orchestration *o)
{
	if (!o->set) {
		buf_adds(out, ",\"request_orchestration_parameters\":null");
		return;
	}
	json_add_opt_int(out, ",\"request_orchestration_parameters\":{\"perspective_count\":",
	    o->perspective_count);
	json_add_opt_int(out, ",\"quorum_count\":", o->quorum_count);
	json_add_opt_int(out, ",\"max_attempts\":", o->max_attempts);
	json_add_opt_int(out, ",\"cohort_for_single_attempt\":", o->cohort_for_single_attempt);
	buf_addc(out, '}');
}

void
mpic_echo_encode(const struct mpic_request *request, struct buf *out)
{
	add_request_orchestration(out, &request->orchestration);
	json_add_string(out, ",\"check_type\":", check_type_name(request->check_type));
	json_add_string(out, ",\"domain_or_ip_target\":", request->domain_or_ip_target);
	json_add_string(out, ",\"trace_identifier\":", request->trace_identifier);
	if (request->check_type == CHECK_CAA) {
		buf_adds(out, ",\"caa_check_parameters\":");
		check_caa_parameters_encode(&request->caa, out);
	}
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
	return last(response)->outcome == QUORUM_REACHED;
}

/* Open MPIC: no more perspectives without a complete check than may fail. */
static bool
attempt_completed(const struct attempt *a)
{
	size_t incomplete = 0;

	for (size_t i = 0; i < a->count; i++)
		incomplete += !a->corroborators[i].completed;
	return incomplete <= a->count - a->ballot.required;
}

/* The weakest status that a perspective that answered reports. */
static enum check_dnssec
attempt_dnssec(const struct attempt *a)
{
	int weakest = CHECK_DNSSEC_UNKNOWN;

	for (size_t i = 0; i < a->count; i++) {
		int status = a->corroborators[i].dnssec_status;

		if (status != CHECK_DNSSEC_UNKNOWN &&
		    (weakest == CHECK_DNSSEC_UNKNOWN || status < weakest))
			weakest = status;
	}
	return weakest;
}

/* The problem that most perspectives that failed have; the earliest of equals. */
static const struct corroborator *
attempt_problem(const struct attempt *a)
{
	size_t votes[PROBLEM_COUNT] = { 0 };
	const struct corroborator *worst = NULL;

	for (size_t i = 0; i < a->count; i++)
		if (a->ballot.votes[i] == VOTE_FAILED)
			votes[a->corroborators[i].problem]++;
	for (size_t i = 0; i < a->count; i++) {
		const struct corroborator *c = &a->corroborators[i];

		if (a->ballot.votes[i] == VOTE_FAILED && (worst == NULL ||
		    votes[c->problem] > votes[worst->problem]))
			worst = c;
	}
	return worst;
}

/* ---- members ---- */

static void
add_actual_orchestration(struct buf *out, const struct mpic_response *r)
{
	json_add_int(out, ",\"actual_orchestration_parameters\":{\"perspective_count\":",
	    (int64_t)last(r)->count);
	json_add_int(out, ",\"quorum_count\":", (int64_t)last(r)->ballot.required);
	json_add_int(out, ",\"attempt_count\":", (int64_t)r->attempt_count);
	buf_addc(out, '}');
}

static void
add_perspectives(struct buf *out, const struct attempt *a)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < a->count; i++) {
		const struct corroborator *c = &a->corroborators[i];

		json_add_string(out, i > 0 ? ",{\"perspective_code\":" :
		    "{\"perspective_code\":", c->perspective->code);
		buf_adds(out, ",\"check_response\":");
		corroborator_encode(c, out);
		json_add_string(out, ",\"rir\":", rir_name(c->perspective->rir));
		buf_addc(out, '}');
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

/* Why it is not valid: the count, then what the commonest failing looks like. */
static void
add_problem(struct buf *out, const struct attempt *a)
{
	const struct corroborator *c = attempt_problem(a);
	enum problem problem = c != NULL ? c->problem : PROBLEM_INTERNAL;
	char text[RESPONSE_SENTENCE_MAX];

	if (problem == PROBLEM_NONE)
		problem = PROBLEM_INTERNAL;
	snprintf(text, sizeof(text), "%zu of %zu perspectives corroborated%s; %zu needed. "
	    "%s: %s", quorum_passed(&a->ballot), a->count, quorum_one_rir(&a->ballot) ?
	    ", all in the service region of one RIR" : "", a->ballot.required,
	    c != NULL ? c->perspective->code : "coordinator",
	    c != NULL && c->sentence != NULL ? c->sentence : "no reason given");
	json_add_string(out, ",\"problem\":{\"code\":", problem_code(problem));
	json_add_string(out, ",\"message\":", text);
	json_add_string(out, ",\"fault\":", fault_name(problem_fault(problem)));
	json_add_bool(out, ",\"retryable\":", problem_retryable(problem));
	buf_addc(out, '}');
}

/* Ours. */
static void
add_facts(struct buf *out, const struct mpic_response *r)
{
	const struct attempt *a = last(r);
	char quorum[24];

	snprintf(quorum, sizeof(quorum), "%zu/%zu", quorum_passed(&a->ballot), a->count);
	json_add_string(out, ",\"quorum\":", quorum);
	json_add_string(out, ",\"dnssec_status\":", check_dnssec_name(attempt_dnssec(a)));
	json_add_int(out, ",\"elapsed_ms\":", r->elapsed_ms);
	if (mpic_response_valid(r))
		buf_adds(out, ",\"problem\":null");
	else
		add_problem(out, a);
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
	add_facts(out, response);
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
