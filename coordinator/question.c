#include "coordinator/question.h"

#include <stdlib.h>

#include "buf.h"
#include "json_writer.h"

/* Every text comes from a request or the configuration, which have caps of their own. */
#define QUESTION_MAX	(8 * MPIC_REQUEST_MAX)
#define NAMES_MAX	(QUESTION_MAX + JSON_LIST_MAX * ADN_EVIDENCE_MAX)

/*
 * The method's own RFC 8657 labels: it is the one that will have been used.
 * Where the list has no room a label less permits less, never more.
 */
static void
add_labels(struct check_caa_parameters *caa, enum dcv_method method)
{
	struct json_list *methods = &caa->validation_methods;
	const char *const *labels = dcv_method_row(method)->labels;

	for (size_t i = 0; i < 2 && labels[i] != NULL && methods->count < JSON_LIST_MAX; i++)
		methods->items[methods->count++] = labels[i];
	caa->set = methods->set = true;
}

static void
set_caa(struct check_request *r, const struct mpic_request *request,
    const struct caa_defaults *defaults)
{
	bool ignored = rules_ignore_rfc8657(&request->rules, &request->caa);

	r->caa = request->caa;
	r->ignore_rfc8657 = (struct json_bool){ true, ignored };
	if (request->dcv.set && !ignored)
		add_labels(&r->caa, request->dcv.method);
	if (r->caa.caa_domains.count == 0 && defaults->count > 0) {
		r->caa.set = r->caa.caa_domains.set = true;
		r->caa.caa_domains.count = defaults->count;
		for (size_t i = 0; i < defaults->count; i++)
			r->caa.caa_domains.items[i] = defaults->domains[i];
	}
}

static void
encode_body(enum check_type type, const struct mpic_request *request,
    const struct caa_defaults *defaults, struct buf *out)
{
	struct check_request r = {
		.type = type,
		.domain_or_ip_target = target_text(&request->target),
		.trace_identifier = request->trace_identifier,
	};

	if (type == CHECK_CAA)
		set_caa(&r, request, defaults);
	else
		r.dcv = request->dcv;
	check_request_encode(&r, out);
}

/* ---- the echo ---- */

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
question_echo_encode(const struct mpic_request *request, struct buf *out)
{
	add_request_orchestration(out, &request->orchestration);
	json_add_string(out, ",\"check_type\":", request->check_type->name);
	json_add_string(out, ",\"domain_or_ip_target\":", request->domain_or_ip_target);
	json_add_string(out, ",\"trace_identifier\":", request->trace_identifier);
	if (mpic_check_type_has(request->check_type, CHECK_DCV)) {
		buf_adds(out, ",\"dcv_check_parameters\":");
		check_dcv_parameters_encode(&request->dcv, out);
	}
	if (mpic_check_type_has(request->check_type, CHECK_CAA)) {
		buf_adds(out, ",\"caa_check_parameters\":");
		check_caa_parameters_encode(&request->caa, out);
	}
}

/* ---- the question ---- */

/* Ends a text; where the next begins. */
static size_t
end_text(struct buf *out)
{
	buf_addc(out, '\0');
	return out->len;
}

bool
question_init(struct question *q, const struct mpic_request *request,
    const struct caa_defaults *defaults)
{
	struct buf out = BUF_INIT(QUESTION_MAX);
	const struct mpic_check_type *type = request->check_type;
	size_t trace, echo, bodies[MPIC_CHECKS_MAX + 1], len;
	char *text, *fitting;

	buf_adds(&out, target_text(&request->target));
	trace = end_text(&out);
	buf_adds(&out, request->trace_identifier != NULL ? request->trace_identifier : "");
	echo = end_text(&out);
	question_echo_encode(request, &out);
	bodies[0] = end_text(&out);
	for (size_t i = 0; i < type->count; i++) {
		encode_body(type->checks[i], request, defaults, &out);
		bodies[i + 1] = end_text(&out);
	}
	len = out.len;
	text = buf_take(&out);
	if (text == NULL)
		return false;
	fitting = realloc(text, len + 1);
	if (fitting != NULL)
		text = fitting;
	*q = (struct question){ .type = type, .section = "", .rules = request->rules,
		.retired = request->retired, .text = text, .target = text,
		.trace = text + trace, .echo = text + echo };
	if (request->dcv.set) {
		q->method = request->dcv.method;
		q->section = dcv_method_section(q->method, &request->target);
		q->fixed = check_dcv_fixed(&request->dcv) != NULL;
	}
	for (size_t i = 0; i < type->count; i++) {
		q->bodies[i].text = text + bodies[i];
		q->bodies[i].len = bodies[i + 1] - bodies[i] - 1;
	}
	return true;
}

/* ---- the names applied for ---- */

static void
add_names(const struct applied_for *names, struct buf *out)
{
	for (size_t i = 0; i < names->count; i++) {
		buf_adds(out, i > 0 ? " " : "");
		buf_adds(out, target_text(&names->names[i].applied_for));
	}
}

static void
add_record(const struct applied_for *names, const char *adn, struct buf *out)
{
	for (size_t i = 0; i < names->count; i++)
		json_add_string(out, i > 0 ? "," : ",\"applied_for\":[",
		    target_text(&names->names[i].applied_for));
	buf_addc(out, ']');
	if (adn != NULL)
		json_add_string(out, ",\"adn\":", adn);
}

bool
question_set_names(struct question *q, const struct applied_for *names,
    const struct adn_question *asked)
{
	const char *adn = applied_for_differs(names, asked) ? adn_text(asked) : NULL;
	struct buf out = BUF_INIT(NAMES_MAX);
	size_t adn_at, answer_at, record_at;

	add_names(names, &out);
	adn_at = end_text(&out);
	buf_adds(&out, adn != NULL ? adn : "");
	answer_at = end_text(&out);
	applied_for_encode(names, asked, &out);
	record_at = end_text(&out);
	add_record(names, adn, &out);
	q->names = buf_take(&out);
	if (q->names == NULL)
		return false;
	q->applied_for = q->names;
	q->adn = adn != NULL ? q->names + adn_at : NULL;
	q->adn_answer = q->names + answer_at;
	q->adn_record = q->names + record_at;
	return true;
}

void
question_free(struct question *q)
{
	free(q->text);
	free(q->names);
	free(q->tracestate);
	*q = (struct question){ .text = NULL };
}

void
question_encode(const struct question *q, size_t check, const char *nonce,
    int64_t deadline_ms, struct buf *out)
{
	check_request_encode_attempt(q->bodies[check].text, q->bodies[check].len, nonce,
	    deadline_ms, out);
}
