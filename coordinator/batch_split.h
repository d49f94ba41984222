/*
 * The body of POST /mpic/batch, taken apart. Pure.
 *
 * Either a JSON array of requests, or JSON Lines: one request a line, blank
 * lines not counted. Lines are not looked into: one that is no request is
 * answered by itself. An array has to be well-formed as a whole, for
 * where its elements end cannot be told otherwise.
 */
#ifndef MPIC_BATCH_SPLIT_H
#define MPIC_BATCH_SPLIT_H

#include "json_reader.h"

struct batch_part {
	uint32_t at, len;	/* its bytes, of the body */
};

struct batch_parts {
	struct batch_part *list;	/* owned */
	size_t count;
};

/*
 * `lines`: said to be JSON Lines; else an array if it begins like one, and
 * lines if not. False, with a fault, if there is nothing or more than `max`; then, too,
 * without memory, and then there is no fault. Free it in either case.
 */
bool batch_split(struct batch_parts *parts, const char *text, size_t len, bool lines,
    size_t max, struct json_faults *faults);
void batch_parts_free(struct batch_parts *parts);

#endif
