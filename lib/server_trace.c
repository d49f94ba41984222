#include "server_trace.h"

bool
exchange_trace(const struct exchange *x, struct random_pool *random, struct trace *t)
{
	size_t at = 0;
	const char *field = exchange_header_next(x, "traceparent", &at);

	if (field != NULL && trace_parse(t, field) &&
	    exchange_header_next(x, "traceparent", &at) == NULL)
		return true;
	(void)trace_draw(t, random);
	return false;
}

char *
exchange_tracestate(const struct exchange *x)
{
	size_t at = 0;
	const char *field = exchange_header_next(x, "tracestate", &at);
	struct buf out = BUF_INIT(TRACESTATE_MAX);

	for (; field != NULL; field = exchange_header_next(x, "tracestate", &at)) {
		if (!tracestate_add(&out, field)) {
			buf_free(&out);
			return NULL;
		}
	}
	return out.len > 0 ? buf_take(&out) : NULL;
}
