/*
 * Inside the JSON readers: one value, whichever way its document is held.
 *
 * The rows of json_reader.h are read from these, so that they mean the same
 * whether json-c built a tree (json_tree.c) or the text was cut into tokens
 * (json_tokens.c).
 */
#ifndef MPIC_JSON_VALUE_H
#define MPIC_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_reader.h"
#include "json_scan.h"

struct json_value {
	enum json_kind kind;	/* what is not there is JSON_NULL, too */
	const char *text;	/* of a string, a NUL behind it; of a number, after number() */
	size_t len;		/* of `text` */
	int64_t integer;	/* one too large for it is the nearest it holds */
	const void *node;	/* the source's own; what RAW rows get, NULL for null */
	const void *document;
	const struct json_source *source;
};

/* How a document is walked. Each fills `into` whole. */
struct json_source {
	void (*member)(const struct json_value *object, const char *key, struct json_value *into);
	size_t (*items)(const struct json_value *list);
	void (*item)(const struct json_value *list, size_t i, struct json_value *into);
	/* Sets the text of a number: only messages need it. */
	void (*number)(struct json_value *value);
};

/* As json_read(). */
bool json_value_read(const struct json_value *object, const struct json_field *fields,
    void *into, const char *path, struct json_faults *faults);
/* The one fault of what is no document: `defect` is a half-sentence, `at` the byte. */
void json_document_fault(struct json_faults *faults, const char *defect, size_t at);

#endif
