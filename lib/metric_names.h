/*
 * Values of a metric's label that come up while the program runs, in memory
 * that all its processes share.
 *
 * A name once added stays, at its index, so that counters go on when what they
 * count goes and comes back. One process adds: the one that forks the others.
 * All may look up meanwhile.
 */
#ifndef MPIC_METRIC_NAMES_H
#define MPIC_METRIC_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct metric_names;

/* Before forking. At most `max` names of at most `len_max` bytes. NULL without memory. */
struct metric_names *metric_names_new(size_t max, size_t len_max);
void metric_names_free(struct metric_names *n);
/* Its index, also if it was there; SIZE_MAX when it is too long or there is no room. */
size_t metric_names_add(struct metric_names *n, const char *name);
/* SIZE_MAX: it was not added. */
size_t metric_names_find(const struct metric_names *n, const char *name);
/* NULL: there is none at this index yet. */
const char *metric_names_get(const struct metric_names *n, size_t index);
bool metric_names_full(const struct metric_names *n);

#endif
