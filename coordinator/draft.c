#include "coordinator/draft.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "buf.h"
#include "check.h"
#include "coordinator/fleet.h"
#include "json_writer.h"
#include "target.h"

#define ERROR_MAX	((size_t)16 * 1024)
#define DEPTH_MAX	64	/* a perspective's result is in an answer, and evidence in that */

/* ---- the request ---- */

enum draft_method { DRAFT_CAA, DRAFT_HTTP_ACME, DRAFT_DNS };

static const char *const method_names[] = { "caa", "http-acme", "dns", NULL };
static const char *const record_names[] = { "TXT", "CNAME", "CAA", NULL };

struct draft_request {
	int method;
	const char *domain, *domain_or_ip;
	const char *token, *key_authorization;
	int record_type;
	const char *prefix, *expected;
	struct json_bool caa;		/* whether CAA is checked, too */
};

static const struct json_field method_field[] = {
	JSON_ROW("method", ENUM, draft_request, method, .required = true, .names = method_names),
	{ .key = NULL }
};

#define NAME_ROW(key, member) \
	JSON_ROW(key, STRING, draft_request, member, .required = true, .min = 1, \
	    .max = CHECK_TARGET_MAX)

static const struct json_field caa_fields[] = {
	NAME_ROW("domain", domain),
	{ .key = NULL }
};

static const struct json_field http_fields[] = {
	NAME_ROW("domain_or_ip", domain_or_ip),
	JSON_ROW("token", STRING, draft_request, token, .required = true, .min = 1,
	    .max = CHECK_PATH_MAX),
	JSON_ROW("key_authorization", STRING, draft_request, key_authorization,
	    .required = true, .min = 1, .max = CHECK_VALUE_MAX),
	JSON_ROW("caa_check", BOOL, draft_request, caa),
	{ .key = NULL }
};

static const struct json_field dns_fields[] = {
	NAME_ROW("domain", domain),
	JSON_ROW("record-type", ENUM, draft_request, record_type, .required = true,
	    .names = record_names),
	JSON_ROW("prefix", STRING, draft_request, prefix, .required = true, .max = NAME_TEXT_MAX),
	JSON_ROW("expected", STRING, draft_request, expected, .required = true, .min = 1,
	    .max = CHECK_VALUE_MAX),
	JSON_ROW("caa", BOOL, draft_request, caa),
	{ .key = NULL }
};

static bool
is_address(const char *text)
{
	struct target target;

	return target_parse(&target, text, strlen(text), NULL) && target_is_ip(&target);
}

static void
encode_http(const struct draft_request *r, struct buf *out)
{
	bool caa = r->caa.set ? r->caa.value : !is_address(r->domain_or_ip);

	json_add_string(out, "{\"check_type\":", caa ? "dcv_with_caa" : "dcv");
	json_add_string(out, ",\"domain_or_ip_target\":", r->domain_or_ip);
	json_add_string(out, ",\"dcv_check_parameters\":{\"validation_method\":", "acme-http-01");
	json_add_string(out, ",\"token\":", r->token);
	json_add_string(out, ",\"key_authorization\":", r->key_authorization);
	buf_adds(out, "}}");
}

static void
encode_dns(const struct draft_request *r, struct buf *out)
{
	bool caa = !r->caa.set || r->caa.value;

	json_add_string(out, "{\"check_type\":", caa ? "dcv_with_caa" : "dcv");
	json_add_string(out, ",\"domain_or_ip_target\":", r->domain);
	json_add_string(out, ",\"dcv_check_parameters\":{\"validation_method\":", "dns-change");
	json_add_string(out, ",\"dns_record_type\":", record_names[r->record_type]);
	json_add_string(out, ",\"dns_name_prefix\":", r->prefix);
	json_add_string(out, ",\"challenge_value\":", r->expected);
	buf_adds(out, ",\"require_exact_match\":true}}");
}

static void
encode_caa(const struct draft_request *r, struct buf *out)
{
	json_add_string(out, "{\"check_type\":\"caa\",\"domain_or_ip_target\":", r->domain);
	buf_addc(out, '}');
}

static const struct {
	const struct json_field *fields;
	void (*encode)(const struct draft_request *r, struct buf *out);
} methods[] = {
	[DRAFT_CAA] = { caa_fields, encode_caa },
	[DRAFT_HTTP_ACME] = { http_fields, encode_http },
	[DRAFT_DNS] = { dns_fields, encode_dns },
};

bool
draft_request_translate(const char *text, size_t len, struct buf *out,
    struct json_faults *faults)
{
	struct json_object *document = json_document_parse(text, len, faults);
	struct draft_request r = { .method = DRAFT_CAA };
	bool ok;

	ok = document != NULL && json_read(document, method_field, &r, "", faults) &&
	    json_read(document, methods[r.method].fields, &r, "", faults);
	if (ok) {
		methods[r.method].encode(&r, out);
		if (out->failed)
			json_fault_add(faults, "", "too_long", "expected a shorter request");
	}
	json_object_put(document);
	return ok && !out->failed;
}

void
draft_faults_encode(const struct json_faults *faults, struct buf *out)
{
	struct buf error = BUF_INIT(ERROR_MAX);

	for (size_t i = 0; i < faults->count; i++) {
		const struct json_fault *f = &faults->list[i];

		buf_addf(&error, "%s%s%s%s", i > 0 ? "; " : "", f->path,
		    f->path[0] != '\0' ? ": " : "", f->message);
	}
	json_add_string(out, "{\"success\":false,\"perspectives\":{},\"error\":",
	    !error.failed && error.data != NULL ? error.data : "the request is not in order");
	buf_addc(out, '}');
	buf_free(&error);
}

/* ---- what an answer has ---- */

static struct json_object *
member(struct json_object *object, const char *key)
{
	struct json_object *found = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &found);
	return found;
}

/* NULL where it is no string. */
static const char *
text_of(struct json_object *object, const char *key)
{
	struct json_object *found = member(object, key);

	return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
}

static bool
is_true(struct json_object *object, const char *key)
{
	struct json_object *found = member(object, key);

	return json_object_is_type(found, json_type_boolean) && json_object_get_boolean(found);
}

static size_t
count_of(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* ---- perspectives ---- */

/* By code, whether it passed in all that was checked. */
static void
add_perspective(struct buf *out, struct json_object *entry, const char **comma)
{
	struct json_object *caa = member(entry, "caa_check_response");
	const char *code = text_of(entry, "perspective_code");
	bool passed = is_true(member(entry, "check_response"), "check_passed") &&
	    (caa == NULL || is_true(caa, "check_passed"));

	if (code == NULL)
		return;
	buf_adds(out, *comma);
	*comma = ",";
	buf_add_json(out, code, strlen(code));
	json_add_bool(out, ":{\"success\":", passed);
	buf_addc(out, '}');
}

/* The primary's, if there is one, and the remotes'. */
static void
add_perspectives(struct buf *out, struct json_object *answer)
{
	struct json_object *list = member(answer, "perspectives");
	const char *comma = "";

	buf_adds(out, ",\"perspectives\":{");
	add_perspective(out, member(answer, "primary"), &comma);
	for (size_t i = 0; i < count_of(list); i++)
		add_perspective(out, json_object_array_get_idx(list, i), &comma);
	buf_addc(out, '}');
}

/* ---- CAA ---- */

/* What one perspective saw. Borrowed. */
struct seen {
	const char *domain;		/* NULL: no relevant RRset */
	struct json_object *records;	/* RDATA in base64; NULL: none */
};

/* Order in an RRset means nothing. */
static bool
has_record(struct json_object *records, const char *record)
{
	for (size_t i = 0; i < count_of(records); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(records, i)),
		    record) == 0)
			return true;
	return false;
}

static bool
same(const struct seen *a, const struct seen *b)
{
	if ((a->domain == NULL) != (b->domain == NULL) ||
	    (a->domain != NULL && strcmp(a->domain, b->domain) != 0) ||
	    count_of(a->records) != count_of(b->records))
		return false;
	for (size_t i = 0; i < count_of(a->records); i++)
		if (!has_record(b->records, json_object_get_string(
		    json_object_array_get_idx(a->records, i))))
			return false;
	return true;
}

/* Nobody has read the evidence, which is a perspective's own word. */
static bool
are_records(struct json_object *list)
{
	for (size_t i = 0; i < count_of(list); i++)
		if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_string))
			return false;
	return count_of(list) > 0;
}

/* False if its lookup came to no end, or its evidence has no records. */
static bool
see(struct seen *seen, struct json_object *entry)
{
	struct json_object *result = member(entry, "caa_check_response"), *evidence, *lookups;
	int64_t found;

	if (result == NULL)
		result = member(entry, "check_response");
	evidence = member(result, "evidence");
	lookups = member(evidence, "lookups");
	if (text_of(result, "check_type") == NULL || lookups == NULL ||
	    strcmp(text_of(result, "check_type"), "caa") != 0 ||
	    !json_object_is_type(member(evidence, "found"), json_type_int) ||
	    !is_true(result, "check_completed"))
		return false;
	*seen = (struct seen){ .domain = NULL };
	found = json_object_get_int64(member(evidence, "found"));
	if (found < 0)
		return true;
	if ((size_t)found >= count_of(lookups))
		return false;
	seen->records = member(json_object_array_get_idx(lookups, (size_t)found), "records");
	seen->domain = text_of(member(result, "details"), "found_at");
	return seen->domain != NULL && are_records(seen->records);
}

static size_t
alike(const struct seen *all, size_t count, const struct seen *one)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += same(&all[i], one);
	return n;
}

static void
add_seen(struct buf *out, const struct seen *seen)
{
	json_add_string(out, ",\"caa\":{\"domain\":", seen->domain);
	buf_adds(out, ",\"records\":[");
	for (size_t i = 0; i < count_of(seen->records); i++)
		json_add_string(out, i > 0 ? "," : "",
		    json_object_get_string(json_object_array_get_idx(seen->records, i)));
	buf_adds(out, "]}");
}

/* What most saw; the earliest of equals. */
static void
add_caa(struct buf *out, struct json_object *answer)
{
	struct json_object *list = member(answer, "perspectives");
	struct seen all[FLEET_MAX + 1];
	size_t count = 0, best = 0;

	if (see(&all[count], member(answer, "primary")))
		count++;
	for (size_t i = 0; i < count_of(list) && count < FLEET_MAX; i++)
		if (see(&all[count], json_object_array_get_idx(list, i)))
			count++;
	for (size_t i = 1; i < count; i++)
		if (alike(all, count, &all[i]) > alike(all, count, &all[best]))
			best = i;
	if (count > 0)
		add_seen(out, &all[best]);
}

/* ---- the answer ---- */

/* The members of POST /mpic by what the draft calls them. */
static const char *
draft_name(const char *name)
{
	static const char *const names[][2] = {
		{ "domain_or_ip_target", "domain" }, { "challenge_value", "expected" },
		{ "dns_record_type", "record-type" }, { "dns_name_prefix", "prefix" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], name) == 0)
			return names[i][1];
	return name;
}

static void
add_issues(struct buf *error, struct json_object *issues)
{
	for (size_t i = 0; i < count_of(issues); i++) {
		struct json_object *issue = json_object_array_get_idx(issues, i);
		struct json_object *loc = member(issue, "loc");
		struct json_object *last = count_of(loc) > 0 ?
		    json_object_array_get_idx(loc, count_of(loc) - 1) : NULL;
		const char *message = text_of(issue, "message");

		buf_addf(error, "%s%s%s%s", i > 0 ? "; " : "",
		    last != NULL ? draft_name(json_object_get_string(last)) : "",
		    last != NULL ? ": " : "", message != NULL ? message : "");
	}
}

/* Refusals of every shape, too, of which none permits anything. */
static void
add_refusal(struct buf *out, struct json_object *answer)
{
	struct buf error = BUF_INIT(ERROR_MAX);
	const char *detail = text_of(answer, "detail");

	add_issues(&error, member(answer, "validation_issues"));
	if (detail == NULL && !error.failed && error.len > 0)
		detail = error.data;
	json_add_string(out, "{\"success\":false,\"perspectives\":{},\"error\":",
	    detail != NULL ? detail : "no verdict");
	buf_addc(out, '}');
	buf_free(&error);
}

/* To the letter: json-c's usual parser takes more than JSON. */
static struct json_object *
answer_parse(const char *text, size_t len)
{
	struct json_tokener *tokener = len <= INT32_MAX ? json_tokener_new_ex(DEPTH_MAX) : NULL;
	struct json_object *answer = NULL;

	if (tokener == NULL)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	answer = json_tokener_parse_ex(tokener, text, (int)len);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(answer);
		answer = NULL;
	}
	json_tokener_free(tokener);
	return answer;
}

bool
draft_response_translate(const char *text, size_t len, struct buf *out)
{
	struct json_object *answer = answer_parse(text, len);
	const char *problem = text_of(member(answer, "problem"), "message");
	bool valid = is_true(answer, "is_valid");

	if (!json_object_is_type(answer, json_type_object)) {
		json_object_put(answer);
		return false;
	}
	if (member(answer, "is_valid") == NULL) {
		add_refusal(out, answer);
	} else {
		json_add_bool(out, "{\"success\":", valid);
		add_caa(out, answer);
		add_perspectives(out, answer);
		if (!valid)
			json_add_string(out, ",\"error\":", problem != NULL ? problem : "not valid");
		buf_addc(out, '}');
	}
	json_object_put(answer);
	return !out->failed;
}
