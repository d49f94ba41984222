#include "json_value.h"

#include <string.h>

#include <json-c/json.h>

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

	if (!json_scan(text, len, NULL, &scanned) || len > INT32_MAX)
		defect = "it is malformed";
	else if ((document = tree_build(text, len)) == NULL)
		defect = "it holds no object";
	else if (tree_members(document) != scanned.members)
		defect = "an object repeats a member";
	if (defect == NULL)
		return document;
	json_object_put(document);
	json_document_fault(faults, defect, scanned.at);
	return NULL;
}

/* ---- values ---- */

static void tree_value(struct json_value *v, struct json_object *o);

static void
tree_member(const struct json_value *object, const char *key, struct json_value *into)
{
	struct json_object *o;

	json_object_object_get_ex(object->node, key, &o);
	tree_value(into, o);
}

static size_t
tree_items(const struct json_value *list)
{
	return json_object_array_length(list->node);
}

static void
tree_item(const struct json_value *list, size_t i, struct json_value *into)
{
	tree_value(into, json_object_array_get_idx(list->node, i));
}

static void
tree_number(struct json_value *v)
{
	v->text = json_object_get_string((struct json_object *)v->node);
	v->len = strlen(v->text);
}

static void
tree_value(struct json_value *v, struct json_object *o)
{
	static const enum json_kind kinds[] = {
		[json_type_null] = JSON_NULL, [json_type_double] = JSON_REAL,
		[json_type_int] = JSON_INTEGER, [json_type_object] = JSON_OBJECT,
		[json_type_array] = JSON_LIST, [json_type_string] = JSON_STRING,
	};
	static const struct json_source source = {
		.member = tree_member, .items = tree_items, .item = tree_item, .number = tree_number,
	};
	enum json_type type = json_object_get_type(o);

	*v = (struct json_value){ .node = o, .source = &source };
	if (type == json_type_boolean) {
		v->kind = json_object_get_boolean(o) ? JSON_TRUE : JSON_FALSE;
		return;
	}
	v->kind = kinds[type];
	if (v->kind == JSON_STRING) {
		v->text = json_object_get_string(o);
		v->len = (size_t)json_object_get_string_len(o);
	} else if (v->kind == JSON_INTEGER) {
		v->integer = json_object_get_int64(o);
	}
}

bool
json_read(struct json_object *object, const struct json_field *fields, void *into,
    const char *path, struct json_faults *faults)
{
	struct json_value value;

	tree_value(&value, object);
	return json_value_read(&value, fields, into, path, faults);
}
