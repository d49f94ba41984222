/* The trace that a request is part of: W3C Trace Context, lib/trace.h. */
#ifndef MPIC_SERVER_TRACE_H
#define MPIC_SERVER_TRACE_H

#include "server.h"
#include "trace.h"

/*
 * As its traceparent says; a new one, of a span that nobody else knows, where
 * there is none, it is malformed, or there are two. True if it is the client's.
 */
bool exchange_trace(const struct exchange *x, struct random_pool *random, struct trace *t);
/*
 * The client's tracestate, to be passed on with a trace that is the client's;
 * the caller frees it. NULL: there is none, or it is malformed.
 */
char *exchange_tracestate(const struct exchange *x);

#endif
