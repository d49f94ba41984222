/*
 * What one perspective's result shows, and what to change, in lines of an
 * explanation (coordinator/explain.h).
 */
#ifndef MPIC_EXPLAIN_FACTS_H
#define MPIC_EXPLAIN_FACTS_H

#include "buf.h"
#include "coordinator/seen.h"

#define EXPLAIN_INDENT	"     "
#define EXPLAIN_SHOWN	400	/* bytes of a peer's words in a line */

/* `answer`: the document, for what was asked. `seen` must be readable. */
void explain_facts(struct buf *out, struct json_object *answer, const struct seen *seen);

#endif
