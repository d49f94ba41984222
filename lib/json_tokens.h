/*
 * A JSON document as a flat list of tokens over a copy of its text.
 *
 * For evidence, the one document that is read a thousand times a second: one
 * allocation, where json-c's tree has several for every value. All
 * else is read from that (json_reader.h). Both take the same rows, and what
 * is a document here is one there.
 *
 * Strings are unescaped in the copy and end with NUL. The tokens and the
 * strings live as long as the document.
 */
#ifndef MPIC_JSON_TOKENS_H
#define MPIC_JSON_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "json_reader.h"
#include "json_scan.h"

#define JSON_MEMBERS_MAX	64	/* of one object */

struct json_tokens;

/*
 * NULL and one fault (issue json_invalid) unless `text` is one whole document
 * as json_reader.h describes it, a list or an object, with at most
 * JSON_MEMBERS_MAX members in any object and no NUL in their names. NULL
 * without a fault when memory runs out.
 */
struct json_tokens *json_tokens_parse(const char *text, size_t len, struct json_faults *faults);
void json_tokens_free(struct json_tokens *document);

/* As json_read(). `object` NULL is null. */
bool json_tokens_read(const struct json_tokens *document, const struct json_token *object,
    const struct json_field *fields, void *into, const char *path, struct json_faults *faults);
/* The outermost value. */
const struct json_token *json_tokens_top(const struct json_tokens *document);
/* How many values a list has; 0 for what is no list. */
size_t json_tokens_items(const struct json_tokens *document, const struct json_token *list);
/*
 * The next value of the list, the first if `item` is NULL. There must be one:
 * json_tokens_items() says how often to ask.
 */
const struct json_token *json_tokens_item(const struct json_tokens *document,
    const struct json_token *list, const struct json_token *item);
/* The string's bytes, a NUL behind them; NULL if it is none. */
const char *json_tokens_string(const struct json_tokens *document, const struct json_token *token);

#endif
