/*
 * What other parts of the machine say through this perspective: each writes a
 * small file of its own, and a perspective is told which files there may be.
 *
 *	# notice version 2026.11.22-1 did not become ready and is not tried again
 *	# HELP mpic_update_checked_seconds Unix time of the last look for an update.
 *	# TYPE mpic_update_checked_seconds gauge
 *	mpic_update_checked_seconds 1763800000
 *
 * Notices stand in the reply of GET /readyz, the rest in that of GET /metrics.
 * A file is read when it is asked for; whoever writes it puts a new one in its
 * place by rename(2). One that is absent, no regular file or larger than
 * STATUS_FILE_MAX says nothing, and of others the lines that are none of
 * the above, for a file must not be able to spoil what the perspective says.
 */
#ifndef MPIC_STATUS_FILE_H
#define MPIC_STATUS_FILE_H

#include "buf.h"
#include "option.h"

#define STATUS_FILE_MAX	8192

/* The notices of all files as items of a JSON array, without its brackets. */
void status_notices(const struct option_strings *files, struct buf *out);
/* The other lines. */
void status_metrics(const struct option_strings *files, struct buf *out);

#endif
