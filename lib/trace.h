/*
 * W3C Trace Context, level 1: which trace a request is part of, and its place
 * in it. Pure, but for the randomness of new identifiers.
 *
 *   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *                version, trace, span (the parent of what the receiver does), flags
 *
 * All zero is no trace: it is not sent, and its identifier is "".
 */
#ifndef MPIC_TRACE_H
#define MPIC_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "random_pool.h"

#define TRACE_SPAN		8	/* bytes */
#define TRACE_ID_TEXT		33	/* characters, with a NUL */
#define TRACE_SPAN_TEXT		17
#define TRACEPARENT_TEXT	56
#define TRACESTATE_MAX		512	/* bytes that are passed on (3.3.1.5) */

#define TRACE_SAMPLED		0x01	/* the one flag of level 1: others are not passed on */

struct trace {
	uint8_t id[16];
	uint8_t span[TRACE_SPAN];
	uint8_t flags;
};

/*
 * Reads a traceparent. Of a later version than 00 it takes what this version
 * knows (3.2.4). False, with no trace, if it is malformed.
 */
bool trace_parse(struct trace *t, const char *text);
/* A new trace, which is sampled: it is in our log. False, with no trace, without randomness. */
bool trace_draw(struct trace *t, struct random_pool *random);
/* A span for a child; all zero, which is sent to nobody, without randomness. */
void trace_span(uint8_t span[TRACE_SPAN], struct random_pool *random);

bool trace_exists(const struct trace *t);
/* The traceparent; "" without a trace or a span. */
void trace_text(const struct trace *t, char text[TRACEPARENT_TEXT]);
/* What log lines have as trace_id and span_id, or "". */
void trace_id_text(const struct trace *t, char text[TRACE_ID_TEXT]);
void trace_span_text(const struct trace *t, char text[TRACE_SPAN_TEXT]);

/*
 * Adds the members of one tracestate field to those of the fields before it,
 * but for those that are too many (32) or have no room in TRACESTATE_MAX. False
 * if the field is malformed: then none of the fields may be passed on.
 */
bool tracestate_add(struct buf *out, const char *field);

#endif
