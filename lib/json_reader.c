#include "json_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "buf.h"
#include "json_scan.h"

#define FOUND_MAX	64	/* bytes of a value quoted in a message */

/* ---- faults ---- */

void
json_faults_init(struct json_faults *faults)
{
	faults->count = 0;
	faults->more = false;
}

void
json_fault_add(struct json_faults *faults, const char *path, const char *issue,
    const char *fmt, ...)
{
	struct json_fault *fault;
	va_list ap;

	if (faults->count == JSON_FAULTS_MAX) {
		faults->more = true;
		return;
	}
	fault = &faults->list[faults->count++];
	fault->issue = issue;
	snprintf(fault->path, sizeof(fault->path), "%s", path);
	va_start(ap, fmt);
	vsnprintf(fault->message, sizeof(fault->message), fmt, ap);
	va_end(ap);
}

/* "a.b.0" becomes ["body","a","b",0]. */
static void
loc_encode(const char *path, struct buf *out)
{
	size_t len;

	buf_adds(out, "[\"body\"");
	for (; *path != '\0'; path += len + (path[len] == '.')) {
		len = strcspn(path, ".");
		buf_addc(out, ',');
		if (len > 0 && strspn(path, "0123456789") == len)
			buf_add(out, path, len);
		else
			buf_add_json(out, path, len);
	}
	buf_addc(out, ']');
}

void
json_faults_encode(const struct json_faults *faults, const char *error, struct buf *out)
{
	buf_adds(out, "{\"error\":");
	buf_add_json(out, error, strlen(error));
	buf_adds(out, ",\"validation_issues\":[");
	for (size_t i = 0; i < faults->count; i++) {
		const struct json_fault *fault = &faults->list[i];

		buf_adds(out, i > 0 ? ",{\"issue_type\":" : "{\"issue_type\":");
		buf_add_json(out, fault->issue, strlen(fault->issue));
		buf_adds(out, ",\"message\":");
		buf_add_json(out, fault->message, strlen(fault->message));
		buf_adds(out, ",\"type\":");
		buf_add_json(out, fault->issue, strlen(fault->issue));
		buf_adds(out, ",\"loc\":");
		loc_encode(fault->path, out);
		buf_adds(out, ",\"msg\":");
		buf_add_json(out, fault->message, strlen(fault->message));
		buf_addc(out, '}');
	}
	buf_adds(out, faults->more ? "],\"more_issues\":true}" : "]}");
}

/* ---- documents ---- */

static size_t
tree_members(struct json_object *o)
{
	size_t members = 0;

	if (json_object_is_type(o, json_type_object)) {
		members = (size_t)json_object_object_length(o);
		json_object_object_foreach(o, key, value) {
			(void)key;
			members += tree_members(value);
		}
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			members += tree_members(json_object_array_get_idx(o, i));
	}
	return members;
}

/*
 * What json-c makes of text that is known to be well-formed; NULL without
 * memory. Without json-c's own strictness, which is json_scan()'s part: 0.18's takes
 * the octets of UTF-8 for control characters and large numbers for errors.
 */
static struct json_object *
tree_build(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	struct json_object *document = NULL;

	if (tok == NULL)
		return NULL;
	document = json_tokener_parse_ex(tok, text, (int)len);
	json_tokener_free(tok);
	return document;
}

/*
 * json-c alone would let pass what RFC 8259 does not: names in single quotes,
 * control characters, NaN. And of repeated members it keeps the last, which
 * shows as fewer members than the text has.
 */
struct json_object *
json_document_parse(const char *text, size_t len, struct json_faults *faults)
{
	struct json_object *document = NULL;
	const char *defect = NULL;
	struct json_scanned scanned;
	char path[24];

	if (!json_scan(text, len, NULL, &scanned) || len > INT32_MAX)
		defect = "it is malformed";
	else if ((document = tree_build(text, len)) == NULL)
		defect = "it holds no object";
	else if (tree_members(document) != scanned.members)
		defect = "an object repeats a member";
	if (defect == NULL)
		return document;
	json_object_put(document);
	snprintf(path, sizeof(path), "%zu", scanned.at);
	json_fault_add(faults, path, "json_invalid", "expected one JSON document in UTF-8, "
	    "at most %d deep; %s, at byte %zu", JSON_DEPTH_MAX, defect, scanned.at);
	return NULL;
}

/* ---- fields ---- */

/* One field being read, and where its faults are reported. */
struct reading {
	const struct json_field *field;
	struct json_object *value;
	void *into;		/* the member */
	const char *parent;	/* path of the object that holds the field */
	struct json_faults *faults;
};

static void
path_join(char path[JSON_PATH_MAX], const char *parent, const char *key)
{
	snprintf(path, JSON_PATH_MAX, "%s%s%s", parent, *parent != '\0' ? "." : "", key);
}

/* "the string \"abc\"", "the number 3", "a list": what stands in the request. */
static const char *
found(struct json_object *value, char text[FOUND_MAX + 32])
{
	switch (json_object_get_type(value)) {
	case json_type_string:
		snprintf(text, FOUND_MAX + 32, "the string \"%.*s%s\"", FOUND_MAX,
		    json_object_get_string(value),
		    json_object_get_string_len(value) > FOUND_MAX ? "..." : "");
		return text;
	case json_type_int:
	case json_type_double:
		snprintf(text, FOUND_MAX + 32, "the number %.*s", FOUND_MAX,
		    json_object_get_string(value));
		return text;
	case json_type_boolean:
		return json_object_get_boolean(value) ? "true" : "false";
	case json_type_array:
		return "a list";
	case json_type_object:
		return "an object";
	default:
		return "null";
	}
}

/* A fault at the field: what was expected, then what was found. False. */
static bool __attribute__((format(printf, 3, 4)))
unexpected(const struct reading *r, const char *issue, const char *fmt, ...)
{
	char path[JSON_PATH_MAX], text[FOUND_MAX + 32], expected[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(expected, sizeof(expected), fmt, ap);
	va_end(ap);
	path_join(path, r->parent, r->field->key);
	json_fault_add(r->faults, path, issue, "expected %s, found %s", expected,
	    found(r->value, text));
	return false;
}

/* A string of min..max bytes without NUL, or NULL and a fault. */
static const char *
string_value(const struct reading *r, int64_t min, int64_t max)
{
	const char *s;
	int len;

	if (!json_object_is_type(r->value, json_type_string)) {
		unexpected(r, "string_type", "a string");
		return NULL;
	}
	s = json_object_get_string(r->value);
	len = json_object_get_string_len(r->value);
	if (strlen(s) != (size_t)len)
		unexpected(r, "string_nul", "a string without NUL");
	else if (len < min)
		unexpected(r, "string_too_short", "a string of at least %lld byte%s",
		    (long long)min, min == 1 ? "" : "s");
	else if (len > max)
		unexpected(r, "string_too_long", "a string of at most %lld bytes",
		    (long long)max);
	else
		return s;
	return NULL;
}

static bool
read_string(const struct reading *r)
{
	const char *s = string_value(r, r->field->min, r->field->max);

	if (s == NULL)
		return false;
	*(const char **)r->into = s;
	return true;
}

static bool
read_int(const struct reading *r)
{
	struct json_int *into = r->into;
	int64_t value;

	if (!json_object_is_type(r->value, json_type_int))
		return unexpected(r, "int_type", "an integer");
	value = json_object_get_int64(r->value);
	if (value < r->field->min || value > r->field->max)
		return unexpected(r, value < r->field->min ? "greater_than_equal" :
		    "less_than_equal", "an integer from %lld to %lld",
		    (long long)r->field->min, (long long)r->field->max);
	*into = (struct json_int){ .set = true, .value = value };
	return true;
}

static bool
read_bool(const struct reading *r)
{
	struct json_bool *into = r->into;

	if (!json_object_is_type(r->value, json_type_boolean))
		return unexpected(r, "bool_type", "true or false");
	*into = (struct json_bool){ .set = true, .value = json_object_get_boolean(r->value) };
	return true;
}

static bool
read_enum(const struct reading *r)
{
	const char *const *names = r->field->names;
	char expected[96] = "";
	size_t len = 0;

	if (json_object_is_type(r->value, json_type_string))
		for (int i = 0; names[i] != NULL; i++)
			if (strcmp(names[i], json_object_get_string(r->value)) == 0) {
				*(int *)r->into = i;
				return true;
			}
	for (int i = 0; names[i] != NULL && len < sizeof(expected); i++)
		len += (size_t)snprintf(expected + len, sizeof(expected) - len,
		    "%s\"%s\"", i > 0 ? ", " : "", names[i]);
	return unexpected(r, "enum", "one of %s", expected);
}

static bool
read_strings(const struct reading *r)
{
	struct json_list *into = r->into;
	char path[JSON_PATH_MAX], key[24];
	size_t n;
	bool ok = true;

	if (!json_object_is_type(r->value, json_type_array))
		return unexpected(r, "list_type", "a list of strings");
	n = json_object_array_length(r->value);
	if (n > (size_t)r->field->max || n > JSON_LIST_MAX)
		return unexpected(r, "too_long", "at most %lld strings",
		    (long long)r->field->max);
	path_join(path, r->parent, r->field->key);
	for (size_t i = 0; i < n; i++) {
		struct json_field item = { .key = key };
		struct reading one = { &item, json_object_array_get_idx(r->value, i),
			&into->items[i], path, r->faults };

		snprintf(key, sizeof(key), "%zu", i);
		into->items[i] = string_value(&one, 1, 255);
		ok = ok && into->items[i] != NULL;
	}
	into->set = ok;
	into->count = ok ? n : 0;
	return ok;
}

static bool
read_object(const struct reading *r)
{
	char path[JSON_PATH_MAX];

	if (!json_object_is_type(r->value, json_type_object))
		return unexpected(r, "model_attributes_type", "an object");
	path_join(path, r->parent, r->field->key);
	*(bool *)r->into = true;
	return json_read(r->value, r->field->fields, r->into, path, r->faults);
}

static bool
read_raw(const struct reading *r)
{
	*(struct json_object **)r->into = r->value;
	return true;
}

static bool
read_field(const struct reading *r)
{
	static bool (*const readers[])(const struct reading *) = {
		[JSON_FIELD_STRING] = read_string,
		[JSON_FIELD_INT] = read_int,
		[JSON_FIELD_BOOL] = read_bool,
		[JSON_FIELD_ENUM] = read_enum,
		[JSON_FIELD_STRINGS] = read_strings,
		[JSON_FIELD_OBJECT] = read_object,
		[JSON_FIELD_RAW] = read_raw,
	};

	if (r->value != NULL)
		return readers[r->field->type](r);
	if (!r->field->required)
		return true;
	return unexpected(r, "missing", "this member, which is required");
}

bool
json_read(struct json_object *object, const struct json_field *fields, void *into,
    const char *path, struct json_faults *faults)
{
	bool ok = true;

	if (!json_object_is_type(object, json_type_object)) {
		json_fault_add(faults, path, "model_attributes_type",
		    "expected an object");
		return false;
	}
	for (; fields->key != NULL; fields++) {
		struct reading r = { .field = fields, .parent = path, .faults = faults,
			.into = (char *)into + fields->offset };

		json_object_object_get_ex(object, fields->key, &r.value);
		ok = read_field(&r) && ok;
	}
	return ok;
}
