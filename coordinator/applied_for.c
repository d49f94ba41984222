#include "coordinator/applied_for.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#define MEMBER	"applied_for"
#define EXPECTED "expected the name that a certificate is applied for, or a list of 1 to 64 of them"

/* The member as it was sent, in either form. */
struct sent {
	const char *name;
	struct json_list names;
};

static const struct json_field name_fields[] = {
	JSON_ROW(MEMBER, STRING, sent, name, .min = 1, .max = CHECK_TARGET_MAX),
	{ .key = NULL }
};

static const struct json_field list_fields[] = {
	JSON_ROW(MEMBER, STRINGS, sent, names, .max = JSON_LIST_MAX),
	{ .key = NULL }
};

static void
path_of(const struct applied_for *a, size_t i, char path[JSON_PATH_MAX])
{
	if (a->list)
		snprintf(path, JSON_PATH_MAX, MEMBER ".%zu", i);
	else
		snprintf(path, JSON_PATH_MAX, MEMBER);
}

static void
read_name(struct applied_for *a, size_t i, const char *text, struct json_faults *faults)
{
	struct buf sentence = BUF_INIT(256);
	struct target_fault why;
	char path[JSON_PATH_MAX];

	a->names[i].outcome = ADN_REFUSED;
	a->names[i].evidence = BUF_INIT(ADN_EVIDENCE_MAX);
	if (target_parse(&a->names[i].applied_for, text, strlen(text), &why))
		return;
	a->names[i].applied_for.text[0] = '\0';
	path_of(a, i, path);
	target_fault_text(&why, &sentence);
	json_fault_add(faults, path, "invalid-applied-for",
	    "expected a name that a certificate can have; \"%.80s\" %s", text,
	    sentence.data != NULL ? sentence.data : "is none");
	buf_free(&sentence);
}

void
applied_for_read(struct applied_for *a, struct json_object *raw,
    struct json_object *document, struct json_faults *faults)
{
	struct sent sent = { .name = NULL };

	*a = (struct applied_for){ .list = json_object_is_type(raw, json_type_array) };
	if (!a->list && !json_object_is_type(raw, json_type_string)) {
		json_fault_add(faults, MEMBER, "string_type", EXPECTED);
		return;
	}
	if (!json_read(document, a->list ? list_fields : name_fields, &sent, "", faults))
		return;
	a->count = a->list ? sent.names.count : 1;
	if (a->count == 0) {
		json_fault_add(faults, MEMBER, "too_short", EXPECTED);
		return;
	}
	a->names = calloc(a->count, sizeof(*a->names));
	if (a->names == NULL) {
		a->count = 0;
		json_fault_add(faults, MEMBER, "no-memory", "could not be read for want of memory");
		return;
	}
	for (size_t i = 0; i < a->count; i++)
		read_name(a, i, a->list ? sent.names.items[i] : sent.name, faults);
}

void
applied_for_free(struct applied_for *a)
{
	for (size_t i = 0; i < a->count; i++)
		buf_free(&a->names[i].evidence);
	free(a->names);
	*a = (struct applied_for){ .count = 0 };
}

void
applied_for_fault(const struct applied_for *a, size_t i, const struct adn_question *q,
    const char *why, struct json_faults *faults)
{
	char path[JSON_PATH_MAX];

	path_of(a, i, path);
	json_fault_add(faults, path, "invalid-authorization-domain-name",
	    "the target %s is no Authorization Domain Name of %s: %s", target_text(q->target),
	    target_text(&a->names[i].applied_for), why);
}

static void
judge(struct applied_for *a, size_t i, const struct adn_question *q, bool lookups,
    struct json_faults *faults)
{
	static const struct adn_chain none = { .count = 0 };
	struct buf why = BUF_INIT(1024);
	struct adn *adn = &a->names[i];

	if (adn->applied_for.text[0] == '\0')	/* its fault has been named */
		return;
	adn_judge(adn, q, &none, &why);
	if (adn->outcome == ADN_UNKNOWN && !lookups)
		applied_for_fault(a, i, q, "it could be one by way of a CNAME, which this "
		    "coordinator cannot look up: it has no resolver (option resolver)", faults);
	else if (adn->outcome == ADN_REFUSED)
		applied_for_fault(a, i, q, why.data != NULL ? why.data : "out of memory", faults);
	buf_free(&why);
}

void
applied_for_judge(struct applied_for *a, const struct adn_question *q, bool lookups,
    struct json_faults *faults)
{
	for (size_t i = 0; i < a->count; i++)
		judge(a, i, q, lookups, faults);
}

bool
applied_for_undecided(const struct applied_for *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->names[i].outcome == ADN_UNKNOWN)
			return true;
	return false;
}

bool
applied_for_differs(const struct applied_for *a, const struct adn_question *q)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(target_text(&a->names[i].applied_for), adn_text(q)) != 0)
			return true;
	return false;
}

void
applied_for_encode(const struct applied_for *a, const struct adn_question *q,
    struct buf *out)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < a->count; i++) {
		if (i > 0)
			buf_addc(out, ',');
		adn_encode(&a->names[i], q, out);
	}
	buf_addc(out, ']');
}
