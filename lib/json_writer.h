/*
 * Members of a JSON object written to a buffer.
 *
 * `lead` is what stands before the value, comma, name and colon included, such
 * as ",\"nonce\":", so that a writer reads as the text it makes.
 */
#ifndef MPIC_JSON_WRITER_H
#define MPIC_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "json_reader.h"

struct buf;

/* NULL is written as null, here and below. */
void json_add_string(struct buf *out, const char *lead, const char *s);
void json_add_bool(struct buf *out, const char *lead, bool value);
void json_add_int(struct buf *out, const char *lead, int64_t value);
/* null unless set. */
void json_add_opt_int(struct buf *out, const char *lead, struct json_int value);
void json_add_strings(struct buf *out, const char *lead, const char *const *items,
    size_t count);
/* null unless set. */
void json_add_list(struct buf *out, const char *lead, const struct json_list *list);

#endif
