/*
 * Whether bytes are one well-formed JSON document, and where a member of its
 * outermost object stands, without building anything.
 *
 * For what is passed on as it came and never looked into, such as evidence:
 * a tenth of the cost of parsing it. RFC 8259 to the letter, in UTF-8 (no
 * surrogates, no overlong forms), at most JSON_DEPTH_MAX deep.
 */
#ifndef MPIC_JSON_SCAN_H
#define MPIC_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* A value's bytes, white space around it not included. */
struct json_span {
	const char *text;	/* NULL: there is no such member */
	size_t len;
};

/*
 * False if `text` is not well-formed; `value` is unspecified then. `key` is
 * compared with the member names as written, escapes not undone; the first counts.
 */
bool json_scan(const char *text, size_t len, const char *key, struct json_span *value);

#endif
