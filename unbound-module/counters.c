#include "counters.h"

#include <inttypes.h>

#include "buf.h"

void
counters_json(struct counters *c, struct buf *out)
{
	const char *comma = "";

#define X(name, help) \
	buf_addf(out, "%s\"" #name "\":%" PRIu64, comma, \
	    atomic_load_explicit(&c->name, memory_order_relaxed)); \
	comma = ",";
	COUNTERS(X)
#undef X
}
