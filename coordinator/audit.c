#include "coordinator/audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "json_writer.h"
#include "monotonic.h"

/* One check of the attempt that is written. Without memory there was no poll. */
struct entry {
	const struct attempt *attempt;
	const struct poll *poll;
	const struct question *question;
	const struct audit_context *context;
	enum check_type type;
	enum record_end end;
};

static const char *
result_word(const struct corroborator *c, enum vote vote)
{
	switch (vote) {
	case VOTE_PENDING:
		return "aborted";
	case VOTE_CANCELLED:
		return "cancelled";
	case VOTE_APART:
		return "not-corroborating";
	case VOTE_PASSED:
		return "passed";
	default:
		return c->completed ? "failed" : "incomplete";
	}
}

/* What was checked, of whom, and by what rule. */
static void
add_subject(struct buf *out, const struct entry *e)
{
	const struct question *q = e->question;
	char request[24];

	snprintf(request, sizeof(request), "%016" PRIx64, e->context->request);
	json_add_string(out, ",\"request\":", request);
	json_add_int(out, ",\"attempt\":", (int64_t)e->attempt->number);
	json_add_string(out, ",\"check\":", check_type_name(e->type));
	json_add_string(out, ",\"target\":", q->target);
	if (q->adn_record != NULL)
		buf_adds(out, q->adn_record);
	if (e->type == CHECK_DCV)
		json_add_string(out, ",\"method\":", dcv_method_names[q->method]);
	json_add_string(out, ",\"section\":", e->type == CHECK_DCV ? q->section :
	    CHECK_CAA_SECTION);
	buf_adds(out, ",\"rules\":\"" DCV_METHOD_RULES "\"");
	json_add_string(out, ",\"trace_identifier\":", q->trace[0] != '\0' ? q->trace : NULL);
	json_add_string(out, ",\"trace_id\":", q->trace_id[0] != '\0' ? q->trace_id : NULL);
}

static void
add_result(struct audit_file *f, struct buf *out, const struct entry *e,
    const struct corroborator *c)
{
	enum vote vote = poll_vote(e->poll, c);

	audit_file_line_begin(f, "result");
	add_subject(out, e);
	json_add_string(out, ",\"perspective\":", c->perspective->code);
	json_add_string(out, ",\"rir\":", rir_name(c->perspective->rir));
	if (e->poll->primary != NULL)
		json_add_string(out, ",\"role\":", c == e->poll->primary ? "primary" : "remote");
	/* Nothing but the connection says whose it is, and for which request. */
	if (c->perspective->protocol == PROTOCOL_OPEN_MPIC)
		buf_adds(out, ",\"protocol\":\"open-mpic\",\"signed\":false,\"bound\":false");
	json_add_string(out, ",\"result\":", result_word(c, vote));
	if (vote != VOTE_PENDING) {
		json_add_string(out, ",\"problem\":", c->problem != PROBLEM_NONE ?
		    problem_code(c->problem) : NULL);
		if (c->sentence != NULL)
			json_add_string(out, ",\"message\":", c->sentence);
		if (c->relied_on != NULL)
			json_add_string(out, ",\"relied_on\":", c->relied_on);
		json_add_string(out, ",\"dnssec_status\":", check_dnssec_name(c->dnssec_status));
		json_add_int(out, ",\"timestamp_ns\":", c->timestamp_ns);
	}
	audit_file_line_end(f);
}

static const char *
outcome_word(enum record_end end)
{
	return end == RECORD_DECIDED ? "decided" : end == RECORD_ABORTED ? "aborted" : "not-asked";
}

static void
add_verdict(struct audit_file *f, struct buf *out, const struct entry *e)
{
	bool decided = e->end == RECORD_DECIDED && e->poll != NULL;
	size_t passed = e->poll != NULL ? quorum_passed(&e->poll->ballot) : 0;
	char quorum[48];

	snprintf(quorum, sizeof(quorum), "%zu/%zu", passed, e->attempt->count);
	audit_file_line_begin(f, "verdict");
	add_subject(out, e);
	json_add_string(out, ",\"asked\":", e->question->type->name);
	json_add_string(out, ",\"policy\":", e->context->policy);
	json_add_string(out, ",\"outcome\":", outcome_word(e->end));
	json_add_string(out, ",\"quorum\":", quorum);
	json_add_int(out, ",\"quorum_count\":", e->poll != NULL ?
	    (int64_t)e->poll->ballot.required : 0);
	if (e->poll != NULL && e->poll->primary != NULL)
		json_add_string(out, ",\"primary\":", result_word(e->poll->primary,
		    poll_vote(e->poll, e->poll->primary)));
	if (e->attempt->remotes_not_asked)
		buf_adds(out, ",\"remotes\":\"not-asked\"");
	json_add_bool(out, ",\"is_valid\":", decided && e->poll->outcome == QUORUM_REACHED);
	json_add_bool(out, ",\"attempt_is_valid\":", decided && attempt_valid(e->attempt));
	json_add_int(out, ",\"elapsed_ms\":",
	    (int64_t)((monotonic_ns() - e->attempt->started_ns) / 1000000U));
	json_add_string(out, ",\"caller\":", e->context->caller);
	audit_file_line_end(f);
}

bool
audit_attempt(struct audit_file *f, const struct attempt *a, const struct question *question,
    const struct audit_context *context, enum record_end end)
{
	struct buf *out = audit_file_begin(f);

	for (size_t i = 0; i < question->type->count; i++) {
		const struct entry e = { .attempt = a, .question = question, .context = context,
			.poll = a->polls != NULL ? &a->polls[i] : NULL,
			.type = question->type->checks[i], .end = end };

		if (e.poll != NULL && e.poll->primary != NULL)
			add_result(f, out, &e, e.poll->primary);
		for (size_t k = 0; e.poll != NULL && !a->remotes_not_asked &&
		    k < e.poll->ballot.perspectives; k++)
			add_result(f, out, &e, &e.poll->corroborators[k]);
		add_verdict(f, out, &e);
	}
	return audit_file_commit(f);
}
