/*
 * Where on Earth perspectives disagree, and what such a disagreement means: a
 * geo-block, servers that are not in step, or an attack.
 */
#ifndef MPIC_EXPLAIN_PLACES_H
#define MPIC_EXPLAIN_PLACES_H

#include "buf.h"
#include "coordinator/seen.h"

/*
 * Adds lines if those that are `in`, who failed for one cause of the domain's,
 * and others saw different things.
 */
void explain_places(struct buf *out, const struct seen *seen, size_t count, const bool in[]);

#endif
