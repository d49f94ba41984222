#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "buf.h"
#include "json_scan.h"
#include "json_writer.h"

/* ---- DNSSEC status ---- */

static const char *const dnssec_names[] = {
	[CHECK_DNSSEC_BOGUS] = "bogus",
	[CHECK_DNSSEC_INDETERMINATE] = "indeterminate",
	[CHECK_DNSSEC_INSECURE] = "insecure",
	[CHECK_DNSSEC_SECURE] = "secure",
};

const char *
check_dnssec_name(enum check_dnssec status)
{
	return dnssec_names[status];
}

enum check_dnssec
check_dnssec_from_name(const char *name)
{
	for (int i = CHECK_DNSSEC_BOGUS; name != NULL && i <= CHECK_DNSSEC_SECURE; i++)
		if (strcmp(dnssec_names[i], name) == 0)
			return i;
	return CHECK_DNSSEC_UNKNOWN;
}

/* ---- life ---- */

void
check_result_init(struct check_result *result, enum check_type type)
{
	/* The sentence is long and seldom written: only its first byte is cleared. */
	memset(result, 0, offsetof(struct check_result, problem));
	memset(&result->caa, 0, sizeof(*result) - offsetof(struct check_result, caa));
	result->problem.problem = PROBLEM_NONE;
	result->problem.message[0] = '\0';
	result->type = type;
	result->elapsed_ms = -1;
}

void
check_result_free(struct check_result *result)
{
	json_object_put(result->document);
	check_result_init(result, result->type);
}

void
check_result_fail(struct check_result *result, enum problem problem, const char *fmt, ...)
{
	va_list ap;

	result->check_completed = problem_completed(problem);
	result->check_passed = false;
	result->problem.problem = problem;
	va_start(ap, fmt);
	vsnprintf(result->problem.message, sizeof(result->problem.message), fmt, ap);
	va_end(ap);
}

/* ---- encoding ---- */

#define MEMBERS_USUAL	1536	/* bytes of a result without evidence and sentence, mostly */

/* Where the problem's sentence stands in what has been written; len 0: nowhere yet. */
struct written {
	size_t at, len;
};

/* It is said twice, and looked through once. */
static void
add_sentence(struct buf *out, const char *lead, const struct check_problem *p,
    struct written *sentence)
{
	buf_adds(out, lead);
	if (sentence->len > 0) {
		buf_add_again(out, sentence->at, sentence->len);
		return;
	}
	sentence->at = out->len;
	buf_add_json(out, p->message, strlen(p->message));
	sentence->len = out->len - sentence->at;
}

static void
add_errors(struct buf *out, const struct check_problem *p, bool dcv, struct written *sentence)
{
	const char *type = p->problem != PROBLEM_NONE ? problem_error_type(p->problem, dcv) : NULL;

	if (type == NULL) {
		buf_adds(out, ",\"errors\":null");
		return;
	}
	json_add_string(out, ",\"errors\":[{\"error_type\":", type);
	add_sentence(out, ",\"error_message\":", p, sentence);
	buf_adds(out, "}]");
}

static void
add_problem(struct buf *out, const struct check_problem *p, struct written *sentence)
{
	if (p->problem == PROBLEM_NONE) {
		buf_adds(out, ",\"problem\":null");
		return;
	}
	json_add_string(out, ",\"problem\":{\"code\":", problem_code(p->problem));
	add_sentence(out, ",\"message\":", p, sentence);
	json_add_string(out, ",\"fault\":", fault_name(problem_fault(p->problem)));
	json_add_bool(out, ",\"retryable\":", problem_retryable(p->problem));
	buf_addc(out, '}');
}

static void
add_caa_details(struct buf *out, const struct check_caa_details *d)
{
	if (d->caa_record_present.set)
		json_add_bool(out, "{\"caa_record_present\":", d->caa_record_present.value);
	else
		buf_adds(out, "{\"caa_record_present\":null");
	json_add_string(out, ",\"found_at\":", d->found_at);
	json_add_strings(out, ",\"records_seen\":", d->records_seen.items,
	    d->records_seen.count);
	json_add_string(out, ",\"dnssec_status\":", check_dnssec_name(d->dnssec_status));
	json_add_string(out, ",\"reason\":", d->reason);
	json_add_string(out, ",\"deciding_record\":", d->deciding_record);
	json_add_strings(out, ",\"looked_up\":", d->looked_up.items, d->looked_up.count);
	buf_addc(out, '}');
}

void
check_result_encode(const struct check_result *result, struct buf *out)
{
	struct written sentence = { 0, 0 };

	buf_reserve(out, result->evidence_len + 2 * strlen(result->problem.message) +
	    MEMBERS_USUAL);
	json_add_bool(out, "{\"check_completed\":", result->check_completed);
	json_add_bool(out, ",\"check_passed\":", result->check_passed);
	add_errors(out, &result->problem, result->type == CHECK_DCV, &sentence);
	json_add_int(out, ",\"timestamp_ns\":", result->timestamp_ns);
	json_add_string(out, ",\"check_type\":", check_type_name(result->type));
	buf_adds(out, ",\"details\":");
	if (result->type == CHECK_CAA)
		add_caa_details(out, &result->caa);
	else
		check_dcv_details_encode(&result->dcv, out);
	json_add_string(out, ",\"perspective_code\":", result->perspective_code);
	json_add_string(out, ",\"nonce\":", result->nonce);
	json_add_string(out, ",\"domain_or_ip_target\":", result->target);
	add_problem(out, &result->problem, &sentence);
	if (result->elapsed_ms >= 0)
		json_add_int(out, ",\"elapsed_ms\":", result->elapsed_ms);
	else
		buf_adds(out, ",\"elapsed_ms\":null");
	if (result->private_root)
		buf_adds(out, ",\"private_root\":true");
	buf_adds(out, ",\"evidence\":");
	if (result->evidence != NULL)
		buf_add(out, result->evidence, result->evidence_len);
	else
		buf_adds(out, "null");
	buf_addc(out, '}');
}

/* ---- decoding ---- */

/* The wire form before it is judged. */
struct wire_details {
	struct json_bool caa_record_present;
	const char *found_at, *reason, *deciding_record, *dnssec_status;
};

struct wire_problem {
	bool set;
	const char *code, *message;
};

struct wire_result {
	struct json_bool completed, passed, private_root;
	struct json_int timestamp_ns, elapsed_ms;
	const char *check_type, *perspective_code, *nonce, *target;
	struct json_object *details;
	struct wire_problem problem;
	struct json_object *errors;
};

static const struct json_field details_fields[] = {
	JSON_ROW("caa_record_present", BOOL, wire_details, caa_record_present),
	JSON_ROW("found_at", STRING, wire_details, found_at, .max = 1100),
	JSON_ROW("dnssec_status", STRING, wire_details, dnssec_status, .max = 32),
	JSON_ROW("reason", STRING, wire_details, reason, .max = 64),
	JSON_ROW("deciding_record", STRING, wire_details, deciding_record, .max = CHECK_RESULT_MAX),
	{ .key = NULL }
};

static const struct json_field problem_fields[] = {
	JSON_ROW("code", STRING, wire_problem, code, .required = true, .max = 64),
	JSON_ROW("message", STRING, wire_problem, message, .max = 4096),
	{ .key = NULL }
};

static const struct json_field result_fields[] = {
	JSON_ROW("check_completed", BOOL, wire_result, completed, .required = true),
	JSON_ROW("check_passed", BOOL, wire_result, passed, .required = true),
	JSON_ROW("check_type", STRING, wire_result, check_type, .required = true, .max = 16),
	JSON_ROW("timestamp_ns", INT, wire_result, timestamp_ns, .max = INT64_MAX),
	JSON_ROW("elapsed_ms", INT, wire_result, elapsed_ms, .max = INT64_MAX),
	JSON_ROW("perspective_code", STRING, wire_result, perspective_code, .max = CHECK_CODE_MAX),
	JSON_ROW("nonce", STRING, wire_result, nonce, .max = CHECK_NONCE_MAX),
	JSON_ROW("domain_or_ip_target", STRING, wire_result, target, .max = CHECK_TARGET_MAX),
	JSON_ROW("private_root", BOOL, wire_result, private_root),
	JSON_ROW("details", RAW, wire_result, details),
	JSON_ROW("problem", OBJECT, wire_result, problem, .fields = problem_fields),
	JSON_ROW("errors", RAW, wire_result, errors),
	{ .key = NULL }
};

/* The sentence of Open MPIC's first error, for a checker that sends no problem. */
static const char *
first_error(struct json_object *errors)
{
	struct json_object *error, *message;

	if (!json_object_is_type(errors, json_type_array) ||
	    json_object_array_length(errors) == 0)
		return NULL;
	error = json_object_array_get_idx(errors, 0);
	if (!json_object_is_type(error, json_type_object) ||
	    !json_object_object_get_ex(error, "error_message", &message) ||
	    !json_object_is_type(message, json_type_string))
		return NULL;
	return json_object_get_string(message);
}

/*
 * A code we do not know (a newer perspective's) counts as INTERNAL; the raw
 * text that goes to the caller still has the original.
 */
static void
result_problem(struct check_result *result, const struct wire_result *w)
{
	const char *message = w->problem.set ? w->problem.message : first_error(w->errors);

	if (w->problem.set) {
		result->problem.problem = problem_from_code(w->problem.code);
		if (result->problem.problem == PROBLEM_NONE)
			result->problem.problem = PROBLEM_INTERNAL;
	} else if (!w->completed.value || (!w->passed.value && message != NULL)) {
		/* Open MPIC's checkers call a failed lookup completed at times. */
		result->problem.problem = PROBLEM_DNS_FAILED;
	} else if (!w->passed.value) {
		result->problem.problem = result->type == CHECK_CAA ? PROBLEM_CAA_FORBIDS :
		    PROBLEM_NO_MATCH;
	}
	if (message != NULL)
		snprintf(result->problem.message, sizeof(result->problem.message),
		    "%s", message);
}

static bool
caa_details_read(struct check_caa_details *d, struct json_object *object,
    struct json_faults *faults)
{
	struct wire_details w = { .found_at = NULL };

	if (object != NULL && !json_read(object, details_fields, &w, "details", faults))
		return false;
	d->caa_record_present = w.caa_record_present;
	d->found_at = w.found_at;
	d->reason = w.reason;
	d->deciding_record = w.deciding_record;
	d->dnssec_status = check_dnssec_from_name(w.dnssec_status);
	return true;
}

bool
check_result_read(struct check_result *result, enum check_type type,
    struct json_object *object, const char *path, struct json_faults *faults)
{
	struct wire_result w = { 0 };

	check_result_init(result, type);
	if (!json_read(object, result_fields, &w, path, faults))
		return false;
	if (strcmp(w.check_type, check_type_name(type)) != 0) {
		json_fault_add(faults, "check_type", "enum", "expected %s, found %s",
		    check_type_name(type), w.check_type);
		return false;
	}
	result->check_completed = w.completed.value;
	result->check_passed = w.passed.value;
	result->timestamp_ns = w.timestamp_ns.value;
	result->elapsed_ms = w.elapsed_ms.set ? w.elapsed_ms.value : -1;
	result->perspective_code = w.perspective_code;
	result->nonce = w.nonce;
	result->target = w.target;
	result->private_root = w.private_root.value;
	result_problem(result, &w);
	return type == CHECK_CAA ? caa_details_read(&result->caa, w.details, faults) :
	    check_dcv_details_read(&result->dcv, w.details, "details", faults);
}

/*
 * The evidence is passed on unread, and it is most of a result: it is left
 * out of what is parsed. A duplicate of the member would still be parsed.
 */
static struct json_object *
parse_without_evidence(const char *text, size_t len, struct json_faults *faults)
{
	struct json_object *document = NULL;
	struct json_scanned scanned;
	struct json_span *evidence = &scanned.value;
	struct buf rest = BUF_INIT(CHECK_RESULT_MAX);
	const char *after;

	if (!json_scan(text, len, "evidence", &scanned) || evidence->text == NULL)
		return json_document_parse(text, len, faults);
	after = evidence->text + evidence->len;
	buf_add(&rest, text, (size_t)(evidence->text - text));
	buf_adds(&rest, "null");
	buf_add(&rest, after, len - (size_t)(after - text));
	if (rest.failed)
		json_fault_add(faults, "", "too_long", "expected at most %zu bytes",
		    CHECK_RESULT_MAX);
	else
		document = json_document_parse(rest.data, rest.len, faults);
	buf_free(&rest);
	return document;
}

bool
check_result_decode(struct check_result *result, enum check_type type,
    const char *text, size_t len, struct json_faults *faults)
{
	struct json_object *document;
	bool ok;

	check_result_init(result, type);
	document = parse_without_evidence(text, len, faults);
	if (document == NULL)
		return false;
	ok = check_result_read(result, type, document, "", faults);
	result->document = document;
	return ok;
}
