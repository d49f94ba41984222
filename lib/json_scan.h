/*
 * Whether bytes are one well-formed JSON document, and where its values
 * stand, without building anything.
 *
 * For what is passed on as it came and never looked into, such as evidence: a
 * tenth of the cost of parsing it; and the first step of json_tokens.h. RFC 8259
 * to the letter, in UTF-8 (no surrogates, no overlong forms), at most
 * JSON_DEPTH_MAX deep.
 */
#ifndef MPIC_JSON_SCAN_H
#define MPIC_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_NULL, JSON_FALSE, JSON_TRUE,
	JSON_INTEGER,	/* neither fraction nor exponent */
	JSON_REAL, JSON_STRING, JSON_LIST, JSON_OBJECT,
};

/*
 * One value, or the name of a member, which stands before the member's value.
 * What a list or an object contains follows it, as far as `next`.
 */
struct json_token {
	uint8_t kind;		/* enum json_kind */
	bool escaped;		/* a string with a backslash in it */
	uint32_t at, len;	/* its bytes; of a string those between the quotes */
	uint32_t next;		/* index of the first token behind it */
};

/* As many as a well-formed text of `len` bytes can have. */
#define JSON_TOKENS_MAX(len)	((len) / 2 + 1)

/* A value's bytes, white space around it not included. */
struct json_span {
	const char *text;	/* NULL: there is no such member */
	size_t len;
};

struct json_scanned {
	struct json_span value;	/* of the member asked for; the first of several */
	size_t members;		/* of all objects together */
	size_t tokens;
	size_t at;		/* where the text stops being well-formed */
};

/*
 * False if `text` is not well-formed. `key` is compared with the names of the
 * outermost members as written, escapes not undone; NULL: none is looked for.
 */
bool json_scan(const char *text, size_t len, const char *key, struct json_scanned *result);
/* The same, and fills `tokens`, which has room for JSON_TOKENS_MAX(len); at most 4 GB of text. */
bool json_scan_tokens(const char *text, size_t len, struct json_token *tokens,
    struct json_scanned *result);

#endif
