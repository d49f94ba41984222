#include "json_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"

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

void
json_document_fault(struct json_faults *faults, const char *defect, size_t at)
{
	char path[24];

	snprintf(path, sizeof(path), "%zu", at);
	json_fault_add(faults, path, "json_invalid", "expected one JSON document in UTF-8, "
	    "at most %d deep; %s, at byte %zu", JSON_DEPTH_MAX, defect, at);
}

/* An index as we write them; "007" may be a name that the document chose. */
static bool
is_index(const char *part, size_t len)
{
	return len > 0 && strspn(part, "0123456789") >= len && (len == 1 || part[0] != '0');
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
		if (is_index(path, len))
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

/* ---- fields ---- */

/* One field being read, and where its faults are reported. */
struct reading {
	const struct json_field *field;
	struct json_value value;
	void *into;		/* the member */
	const char *parent;	/* path of the object that holds the field */
	struct json_faults *faults;
};

static void
path_join(char path[JSON_PATH_MAX], const char *parent, const char *key)
{
	snprintf(path, JSON_PATH_MAX, "%s%s%s", parent, *parent != '\0' ? "." : "", key);
}

/* "the string \"abc\"", "the number 3", "a list": what stands in the document. */
static const char *
found(struct json_value value, char text[FOUND_MAX + 32])
{
	if (value.kind == JSON_INTEGER || value.kind == JSON_REAL)
		value.source->number(&value);
	switch (value.kind) {
	case JSON_STRING:
		snprintf(text, FOUND_MAX + 32, "the string \"%.*s%s\"", FOUND_MAX,
		    value.text, value.len > FOUND_MAX ? "..." : "");
		return text;
	case JSON_INTEGER:
	case JSON_REAL:
		snprintf(text, FOUND_MAX + 32, "the number %.*s",
		    value.len < FOUND_MAX ? (int)value.len : FOUND_MAX, value.text);
		return text;
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_LIST:
		return "a list";
	case JSON_OBJECT:
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
	const struct json_value *v = &r->value;

	if (v->kind != JSON_STRING)
		unexpected(r, "string_type", "a string");
	else if (strlen(v->text) != v->len)
		unexpected(r, "string_nul", "a string without NUL");
	else if ((int64_t)v->len < min)
		unexpected(r, "string_too_short", "a string of at least %lld byte%s",
		    (long long)min, min == 1 ? "" : "s");
	else if ((int64_t)v->len > max)
		unexpected(r, "string_too_long", "a string of at most %lld bytes",
		    (long long)max);
	else
		return v->text;
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
	int64_t value = r->value.integer;

	if (r->value.kind != JSON_INTEGER)
		return unexpected(r, "int_type", "an integer");
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

	if (r->value.kind != JSON_TRUE && r->value.kind != JSON_FALSE)
		return unexpected(r, "bool_type", "true or false");
	*into = (struct json_bool){ .set = true, .value = r->value.kind == JSON_TRUE };
	return true;
}

static bool
read_enum(const struct reading *r)
{
	const char *const *names = r->field->names;
	char expected[96] = "";
	size_t len = 0;

	if (r->value.kind == JSON_STRING)
		for (int i = 0; names[i] != NULL; i++)
			/* to the last byte: a NUL may stand within */
			if (strlen(names[i]) == r->value.len &&
			    memcmp(names[i], r->value.text, r->value.len) == 0) {
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

	if (r->value.kind != JSON_LIST)
		return unexpected(r, "list_type", "a list of strings");
	n = r->value.source->items(&r->value);
	if (n > (size_t)r->field->max || n > JSON_LIST_MAX)
		return unexpected(r, "too_long", "at most %lld strings",
		    (long long)r->field->max);
	path_join(path, r->parent, r->field->key);
	for (size_t i = 0; i < n; i++) {
		struct json_field item = { .key = key };
		struct reading one = { .field = &item, .into = &into->items[i],
			.parent = path, .faults = r->faults };

		r->value.source->item(&r->value, i, &one.value);
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

	if (r->value.kind != JSON_OBJECT)
		return unexpected(r, "model_attributes_type", "an object");
	path_join(path, r->parent, r->field->key);
	*(bool *)r->into = true;
	return json_value_read(&r->value, r->field->fields, r->into, path, r->faults);
}

static bool
read_raw(const struct reading *r)
{
	memcpy(r->into, &r->value.node, sizeof(r->value.node));
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

	if (r->value.kind != JSON_NULL)
		return readers[r->field->type](r);
	if (!r->field->required)
		return true;
	return unexpected(r, "missing", "this member, which is required");
}

bool
json_value_read(const struct json_value *object, const struct json_field *fields, void *into,
    const char *path, struct json_faults *faults)
{
	bool ok = true;

	if (object->kind != JSON_OBJECT) {
		json_fault_add(faults, path, "model_attributes_type",
		    "expected an object");
		return false;
	}
	for (; fields->key != NULL; fields++) {
		struct reading r = { .field = fields, .parent = path, .faults = faults,
			.into = (char *)into + fields->offset };

		object->source->member(object, fields->key, &r.value);
		ok = read_field(&r) && ok;
	}
	return ok;
}
