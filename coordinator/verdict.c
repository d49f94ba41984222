#include "coordinator/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "check.h"

/* What the text shows of an answer; see coordinator/response.h. */
struct answer {
	struct json_bool is_valid;
	const char *target, *check_type, *quorum, *dnssec_status;
	struct json_int elapsed_ms;
	struct json_object *perspectives, *previous;
	struct answer_problem {
		bool set;
		const char *message;
	} problem;
};

static const struct json_field problem_fields[] = {
	JSON_ROW("message", STRING, answer_problem, message, .max = 4096),
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
	JSON_ROW("problem", OBJECT, answer, problem, .fields = problem_fields),
	{ .key = NULL }
};

struct line {
	const char *code;
	struct json_object *check_response;
};

static const struct json_field line_fields[] = {
	JSON_ROW("perspective_code", STRING, line, code, .required = true, .max = CHECK_CODE_MAX),
	JSON_ROW("check_response", RAW, line, check_response, .required = true),
	{ .key = NULL }
};

/* Bytes of a peer's in a terminal: no control characters, U+0080 to U+009F neither. */
static void
add_clean(struct buf *out, const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s != '\0'; s++)
		if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) {
			buf_addc(out, '?');
			s++;
		} else {
			buf_addc(out, *s < 0x20 || *s == 0x7f ? '?' : (char)*s);
		}
}

static const char *
found_where(const struct check_result *r)
{
	if (r->caa.found_at != NULL)
		return r->caa.found_at;
	return r->caa.caa_record_present.set ? "no record" : "-";
}

static void
add_perspective(struct buf *out, struct json_object *object)
{
	struct json_faults faults;
	struct check_result r;
	struct line line = { 0 };
	char start[160];

	json_faults_init(&faults);
	if (!json_read(object, line_fields, &line, "perspectives", &faults) ||
	    !check_result_read(&r, CHECK_CAA, line.check_response, "", &faults)) {
		buf_adds(out, "  cannot be read: ");
		add_clean(out, faults.list[0].message);
		buf_addc(out, '\n');
		return;
	}
	snprintf(start, sizeof(start), "  %-24s %-8s", line.code, !r.check_completed &&
	    !r.check_passed ? "error" : r.check_passed ? "passed" : "failed");
	add_clean(out, start);
	snprintf(start, sizeof(start), " %-24s %-13s ", found_where(&r),
	    r.caa.dnssec_status != CHECK_DNSSEC_UNKNOWN ?
	    check_dnssec_name(r.caa.dnssec_status) : "-");
	add_clean(out, start);
	add_clean(out, r.problem.problem != PROBLEM_NONE ? r.problem.message :
	    r.caa.reason != NULL ? r.caa.reason : "");
	buf_addc(out, '\n');
}

static void
add_head(struct buf *out, const struct answer *a)
{
	buf_adds(out, a->is_valid.value ? "yes  " : "no  ");
	add_clean(out, a->check_type);
	buf_addc(out, ' ');
	add_clean(out, a->target);
	if (a->quorum != NULL) {
		buf_adds(out, "  quorum ");
		add_clean(out, a->quorum);
	}
	if (a->dnssec_status != NULL) {
		buf_adds(out, "  DNSSEC ");
		add_clean(out, a->dnssec_status);
	}
	if (json_object_is_type(a->previous, json_type_array))
		buf_addf(out, "  attempt %zu", json_object_array_length(a->previous) + 1);
	if (a->elapsed_ms.set)
		buf_addf(out, "  %" PRId64 " ms", a->elapsed_ms.value);
	buf_addc(out, '\n');
}

static enum verdict
read_answer(struct json_object *document, struct buf *out)
{
	struct json_faults faults;
	struct answer a = { 0 };

	json_faults_init(&faults);
	if (!json_read(document, answer_fields, &a, "", &faults) ||
	    !json_object_is_type(a.perspectives, json_type_array)) {
		buf_addf(out, "the answer is none of a coordinator's: %s ",
		    faults.count > 0 ? faults.list[0].path : "perspectives");
		add_clean(out, faults.count > 0 ? faults.list[0].message : "is no list");
		buf_addc(out, '\n');
		return VERDICT_ERROR;
	}
	add_head(out, &a);
	for (size_t i = 0; i < json_object_array_length(a.perspectives); i++)
		add_perspective(out, json_object_array_get_idx(a.perspectives, i));
	if (a.problem.message != NULL) {
		add_clean(out, a.problem.message);
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
		add_clean(out, step != NULL ? step : "null");
	}
	buf_adds(out, json_object_array_length(loc) > 1 ? ": " : "");
}

static enum verdict
read_refusal(long status, struct json_object *document, struct buf *out)
{
	const char *error = member(document, "error"), *detail = member(document, "detail");
	struct json_object *issues;

	buf_addf(out, "refused with status %ld: ", status);
	add_clean(out, error != NULL ? error : detail != NULL ? detail : "no reason given");
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
		add_clean(out, message != NULL ? message : "");
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
