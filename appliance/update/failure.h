/*
 * Why a version on trial was given up, written by itself before the restart for
 * the version that runs after it: a line on the state partition.
 */
#ifndef MPIC_APPLIANCE_FAILURE_H
#define MPIC_APPLIANCE_FAILURE_H

#include "buf.h"

/* Best effort: without it the other version only does not know why. */
void failure_write(const char *root, const char *version, const char *sentence);
/* Adds the sentence if the line is of that version; else nothing. */
void failure_read(const char *root, const char *version, struct buf *out);

#endif
