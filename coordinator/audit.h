/*
 * What the audit log says of an attempt (TLS BR 5.4.1): for each check one
 * line a perspective, "result", and one line, "verdict", with the quorum.
 *
 * With a primary the lines have its part in it, "primary" or "remote", as
 * `role`, and the quorum is of remotes. Where these were not asked, because the
 * primary came first and did not pass, they have no lines, and the verdict's
 * `remotes` says so.
 *
 * A result is "passed", "failed" (the check came to its end and what it saw is
 * not what passes), "incomplete" (it did not), "cancelled" (it was not awaited,
 * for the verdict was certain), "not-corroborating" (it passed, but not on what
 * the primary saw), or "aborted" (the caller vanished before it was there). The lines of an attempt stand together;
 * those of one request share `request`.
 */
#ifndef MPIC_AUDIT_H
#define MPIC_AUDIT_H

#include "coordinator/audit_file.h"
#include "coordinator/record.h"

/* What the lines say beside the attempt. */
struct audit_context {
	const char *policy;
	const char *caller;	/* the name of who asked */
	uint64_t request;	/* tells the requests of a worker apart */
};

/* Writes the lines of an attempt that is over. False: they are not there. */
bool audit_attempt(struct audit_file *f, const struct attempt *a, const struct question *question,
    const struct audit_context *context, enum record_end end);

#endif
