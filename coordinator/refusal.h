/*
 * What a request gets in the place of a verdict: a JSON body, a line in the
 * log, and its count.
 */
#ifndef MPIC_REFUSAL_H
#define MPIC_REFUSAL_H

#include "coordinator/corroboration.h"
#include "trace.h"

#define REFUSAL_MAX	((size_t)256 * 1024)	/* bytes of a body */

/* Where a request comes from: its caller, and the trace it is part of. */
struct origin {
	const struct caller *caller;
	struct trace trace;
	bool given;			/* it is the caller's, and may come with a state */
	char id[TRACE_ID_TEXT];
};

struct origin origin_of(const struct corroborator_pool *pool, const struct caller *caller,
    const struct exchange *x);

/* A request that got no verdict leaves a line, too. */
void refusal_log(const struct exchange *x, const struct caller *caller, const char *trace_id,
    const char *why);
/*
 * Replies with `body`, which is logged as well; an empty or failed one is no
 * memory. `header` may be NULL. What the request is counted as.
 */
enum answer refusal_send(struct exchange *x, int status, const struct header *header,
    const struct caller *caller, const char *trace_id, const struct buf *body);
/* No verdict without its record (TLS BR 5.4.1): 503. */
void refusal_unrecorded(struct exchange *x, const struct caller *caller, const char *trace_id,
    const struct audit_file *audit);
/*
 * Not let in, for now: 429 or 503 with Retry-After. It is counted, and in the
 * log where that is told everything, for there may be thousands a second.
 */
void refusal_turn_away(const struct corroborator_pool *pool, struct exchange *x,
    const struct caller *caller, const char *trace_id, enum admittance came, int64_t retry_s);
/* Let in, or not, for this. */
void admission_count(const struct corroborator_pool *pool, const struct caller *caller,
    enum admittance came);
/* The caller's, in shared memory. */
size_t admission_cell(const struct corroborator_pool *pool, const struct caller *caller);

#endif
