#include "coordinator/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "check.h"
#include "coordinator/clean_text.h"
#include "coordinator/request.h"

#define SHOWN_MAX	100	/* bytes of a perspective's where a column is narrow */

/* What the text shows of an answer; see coordinator/response.h. */
struct answer {
	struct json_bool is_valid;
	const char *target, *check_type, *quorum, *dnssec_status, *remotes;
	struct json_int elapsed_ms;
	struct json_object *perspectives, *previous, *primary, *names;
	struct answer_problem {
		bool set;
		const char *message;
	} problem;
	struct answer_verdicts {
		bool set;
		struct answer_verdict {
			bool set;
			struct json_bool is_valid;
			const char *quorum;
		} of[CHECK_TYPE_COUNT];
	} verdicts;
};

static const struct json_field problem_fields[] = {
	JSON_ROW("message", STRING, answer_problem, message, .max = 4096),
	{ .key = NULL }
};

static const struct json_field verdict_fields[] = {
	JSON_ROW("is_valid", BOOL, answer_verdict, is_valid, .required = true),
	JSON_ROW("quorum", STRING, answer_verdict, quorum, .max = 32),
	{ .key = NULL }
};

static const struct json_field verdicts_fields[] = {
	JSON_ROW("caa", OBJECT, answer_verdicts, of[CHECK_CAA], .fields = verdict_fields),
	JSON_ROW("dcv", OBJECT, answer_verdicts, of[CHECK_DCV], .fields = verdict_fields),
	{ .key = NULL }
};

static const struct json_field answer_fields[] = {
	JSON_ROW("is_valid", BOOL, answer, is_valid, .required = true),
	JSON_ROW("domain_or_ip_target", STRING, answer, target, .required = true,
	    .max = CHECK_TARGET_MAX),
	JSON_ROW("check_type", STRING, answer, check_type, .required = true, .max = 32),
	JSON_ROW("quorum", STRING, answer, quorum, .max = 32),
	JSON_ROW("dnssec_status", STRING, answer, dnssec_status, .max = 32),
	JSON_ROW("elapsed_ms", INT, answer, elapsed_ms, .max = INT64_MAX),
	JSON_ROW("perspectives", RAW, answer, perspectives, .required = true),
	JSON_ROW("previous_attempt_results", RAW, answer, previous),
	JSON_ROW("primary", RAW, answer, primary),
	JSON_ROW("remotes", STRING, answer, remotes, .max = 32),
	JSON_ROW("authorization_domain_name", RAW, answer, names),
	JSON_ROW("problem", OBJECT, answer, problem, .fields = problem_fields),
	JSON_ROW("verdicts", OBJECT, answer, verdicts, .fields = verdicts_fields),
	{ .key = NULL }
};

struct line {
	const char *code;
	struct json_object *responses[MPIC_CHECKS_MAX];
	struct line_apart {
		bool set;
		struct answer_problem of[CHECK_TYPE_COUNT];
	} apart;
};

static const struct json_field apart_fields[] = {
	JSON_ROW("caa", OBJECT, line_apart, of[CHECK_CAA], .fields = problem_fields),
	JSON_ROW("dcv", OBJECT, line_apart, of[CHECK_DCV], .fields = problem_fields),
	{ .key = NULL }
};

static const struct json_field line_fields[] = {
	JSON_ROW("perspective_code", STRING, line, code, .required = true, .max = CHECK_CODE_MAX),
	JSON_ROW("check_response", RAW, line, responses[0], .required = true),
	JSON_ROW("caa_check_response", RAW, line, responses[1]),
	JSON_ROW("not_corroborating", OBJECT, line, apart, .fields = apart_fields),
	{ .key = NULL }
};

static const char *
found_where(const struct check_result *r)
{
	if (r->type == CHECK_DCV)
		return r->dcv.found_at != NULL ? r->dcv.found_at :
		    r->dcv.response_url != NULL ? r->dcv.response_url : "-";
	if (r->caa.found_at != NULL)
		return r->caa.found_at;
	return r->caa.caa_record_present.set ? "no record" : "-";
}

/* Why there is no problem. */
static const char *
reason(const struct check_result *r)
{
	if (r->type == CHECK_CAA)
		return r->caa.reason != NULL ? r->caa.reason : "";
	return r->dcv.matched != NULL ? r->dcv.matched : "";
}

/* At most SHOWN_MAX bytes, in a column so wide; 0: the last. */
static void
add_column(struct buf *out, const char *text, int width)
{
	size_t start = out->len;

	clean_text_add_short(out, text, SHOWN_MAX);
	for (size_t n = out->len - start; n < (size_t)width; n++)
		buf_addc(out, ' ');
	if (width > 0)
		buf_addc(out, ' ');
}

static const char *
outcome_name(const struct check_result *r)
{
	if (r->problem.problem == PROBLEM_CANCELLED)
		return "cancelled";
	return r->check_passed ? "passed" : r->check_completed ? "failed" : "error";
}

/* Its result of this of the checks. */
static void
add_perspective(struct buf *out, struct json_object *object, enum check_type type, size_t check)
{
	struct json_faults faults;
	struct check_result r;
	struct line line = { 0 };
	enum check_dnssec dnssec;

	json_faults_init(&faults);
	if (!json_read(object, line_fields, &line, "perspectives", &faults) ||
	    !check_result_read(&r, type, line.responses[check], "", &faults)) {
		buf_adds(out, "  cannot be read: ");
		clean_text_add(out, faults.list[0].message);
		buf_addc(out, '\n');
		return;
	}
	buf_adds(out, "  ");
	add_column(out, line.code, 24);
	add_column(out, outcome_name(&r), 9);
	dnssec = type == CHECK_CAA ? r.caa.dnssec_status : r.dcv.dnssec_status;
	add_column(out, found_where(&r), 24);
	add_column(out, dnssec != CHECK_DNSSEC_UNKNOWN ? check_dnssec_name(dnssec) : "-", 13);
	if (line.apart.of[type].message != NULL)
		clean_text_add(out, line.apart.of[type].message);
	else if (r.problem.problem != PROBLEM_NONE)
		clean_text_add(out, r.problem.message);
	else
		add_column(out, reason(&r), 0);
	buf_addc(out, '\n');
}

/* How the target came to stand for a name in the certificate. */
struct way {
	const char *applied_for;
	struct json_object *steps;
};

static const struct json_field way_fields[] = {
	JSON_ROW("applied_for", STRING, way, applied_for, .required = true, .max = CHECK_TARGET_MAX),
	JSON_ROW("steps", RAW, way, steps, .required = true),
	{ .key = NULL }
};

struct way_step {
	const char *step, *to, *dnssec_status;
};

static const struct json_field way_step_fields[] = {
	JSON_ROW("step", STRING, way_step, step, .required = true, .max = 32),
	JSON_ROW("to", STRING, way_step, to, .required = true, .max = CHECK_TARGET_MAX),
	JSON_ROW("dnssec_status", STRING, way_step, dnssec_status, .max = 32),
	{ .key = NULL }
};

static void
add_steps(struct buf *out, struct json_object *steps, struct json_faults *faults)
{
	size_t count = json_object_is_type(steps, json_type_array) ?
	    json_object_array_length(steps) : 0;

	for (size_t i = 0; i < count; i++) {
		struct way_step s = { 0 };

		if (!json_read(json_object_array_get_idx(steps, i), way_step_fields, &s, "", faults))
			return;
		buf_adds(out, i > 0 ? ", " : " ");
		clean_text_add(out, s.step);
		buf_addc(out, ' ');
		clean_text_add(out, s.to);
		if (s.dnssec_status != NULL) {
			buf_adds(out, " (");
			clean_text_add(out, s.dnssec_status);
			buf_addc(out, ')');
		}
	}
	if (count == 0)
		buf_adds(out, " itself");
}

static void
add_names(struct buf *out, struct json_object *names)
{
	size_t count = json_object_is_type(names, json_type_array) ?
	    json_object_array_length(names) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_faults faults;
		struct way w = { 0 };

		json_faults_init(&faults);
		if (!json_read(json_object_array_get_idx(names, i), way_fields, &w, "", &faults))
			continue;
		buf_adds(out, "  for ");
		clean_text_add(out, w.applied_for);
		buf_addc(out, ':');
		add_steps(out, w.steps, &faults);
		buf_addc(out, '\n');
	}
}

static void
add_head(struct buf *out, const struct answer *a)
{
	buf_adds(out, a->is_valid.value ? "yes  " : "no  ");
	clean_text_add(out, a->check_type);
	buf_addc(out, ' ');
	clean_text_add(out, a->target);
	if (a->quorum != NULL) {
		buf_adds(out, "  quorum ");
		clean_text_add(out, a->quorum);
	}
	if (a->dnssec_status != NULL) {
		buf_adds(out, "  DNSSEC ");
		clean_text_add(out, a->dnssec_status);
	}
	if (json_object_is_type(a->previous, json_type_array))
		buf_addf(out, "  attempt %zu", json_object_array_length(a->previous) + 1);
	if (a->elapsed_ms.set)
		buf_addf(out, "  %" PRId64 " ms", a->elapsed_ms.value);
	buf_addc(out, '\n');
}

/* One check of the answer: what it came to if there are several, then who said what. */
static void
add_check(struct buf *out, const struct answer *a, const struct mpic_check_type *type,
    size_t check)
{
	const struct answer_verdict *verdict = &a->verdicts.of[type->checks[check]];

	if (type->count > 1) {
		buf_addf(out, " %s %s", check_type_name(type->checks[check]), !verdict->set ? "-" :
		    verdict->is_valid.value ? "yes" : "no");
		if (verdict->quorum != NULL) {
			buf_adds(out, "  quorum ");
			clean_text_add(out, verdict->quorum);
		}
		buf_addc(out, '\n');
	}
	if (a->primary != NULL) {
		buf_adds(out, "  primary\n");
		add_perspective(out, a->primary, type->checks[check], check);
		buf_addf(out, "  remotes%s\n", a->remotes != NULL ? " were not asked" : "");
	}
	for (size_t i = 0; i < json_object_array_length(a->perspectives); i++)
		add_perspective(out, json_object_array_get_idx(a->perspectives, i),
		    type->checks[check], check);
}

/* NULL, with a sentence: it is no answer of a coordinator. */
static const struct mpic_check_type *
read_members(struct json_object *document, struct answer *a, struct buf *out)
{
	const struct mpic_check_type *type;
	struct json_faults faults;

	json_faults_init(&faults);
	if (json_read(document, answer_fields, a, "", &faults)) {
		type = mpic_check_type_find(a->check_type);
		if (type != NULL && json_object_is_type(a->perspectives, json_type_array))
			return type;
		json_fault_add(&faults, type == NULL ? "check_type" : "perspectives", "type", "%s",
		    type == NULL ? "is none that is known" : "is no list");
	}
	buf_addf(out, "the answer is none of a coordinator's: %s ", faults.list[0].path);
	clean_text_add(out, faults.list[0].message);
	buf_addc(out, '\n');
	return NULL;
}

static enum verdict
read_answer(struct json_object *document, struct buf *out)
{
	struct answer a = { 0 };
	const struct mpic_check_type *type = read_members(document, &a, out);

	if (type == NULL)
		return VERDICT_ERROR;
	add_head(out, &a);
	add_names(out, a.names);
	for (size_t check = 0; check < type->count; check++)
		add_check(out, &a, type, check);
	if (a.problem.message != NULL) {
		clean_text_add(out, a.problem.message);
		buf_addc(out, '\n');
	}
	return a.is_valid.value ? VERDICT_YES : VERDICT_NO;
}

static const char *
member(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

/* "caa_check_parameters.caa_domains.0" of ["body", ...]. */
static void
add_location(struct buf *out, struct json_object *issue)
{
	struct json_object *loc;

	if (!json_object_is_type(issue, json_type_object) ||
	    !json_object_object_get_ex(issue, "loc", &loc) ||
	    !json_object_is_type(loc, json_type_array))
		return;
	for (size_t i = 1; i < json_object_array_length(loc); i++) {
		const char *step = json_object_get_string(json_object_array_get_idx(loc, i));

		buf_adds(out, i > 1 ? "." : "");
		clean_text_add(out, step != NULL ? step : "null");
	}
	buf_adds(out, json_object_array_length(loc) > 1 ? ": " : "");
}

static enum verdict
read_refusal(long status, struct json_object *document, struct buf *out)
{
	const char *error = member(document, "error"), *detail = member(document, "detail");
	struct json_object *issues;

	buf_addf(out, "refused with status %ld: ", status);
	clean_text_add(out, error != NULL ? error : detail != NULL ? detail : "no reason given");
	buf_addc(out, '\n');
	if (!json_object_is_type(document, json_type_object) ||
	    !json_object_object_get_ex(document, "validation_issues", &issues) ||
	    !json_object_is_type(issues, json_type_array))
		return VERDICT_ERROR;
	for (size_t i = 0; i < json_object_array_length(issues); i++) {
		struct json_object *issue = json_object_array_get_idx(issues, i);
		const char *message = member(issue, "message");

		buf_adds(out, "  ");
		add_location(out, issue);
		clean_text_add(out, message != NULL ? message : "");
		buf_addc(out, '\n');
	}
	return VERDICT_ERROR;
}

enum verdict
verdict_read(long status, const char *text, size_t len, struct buf *out)
{
	struct json_faults faults;
	struct json_object *document;
	enum verdict verdict;

	json_faults_init(&faults);
	document = json_document_parse(text, len, &faults);
	if (document == NULL) {
		buf_addf(out, "status %ld and no JSON: %s\n", status, faults.list[0].message);
		return VERDICT_ERROR;
	}
	verdict = status == 200 || status == 422 ? read_answer(document, out) :
	    read_refusal(status, document, out);
	json_object_put(document);
	return verdict;
}
