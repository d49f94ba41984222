/*
 * The record of an attempt (TLS BR 5.4.1): one line a check, with its outcome,
 * target, quorum as "3/4", each perspective's result ("primary:" before that of the
 * primary, "not-asked" for remotes that were not), and for domain control
 * the method with its section; and the policy, so that the version of the rules
 * is known. Every attempt that is started leaves exactly one.
 */
#ifndef MPIC_RECORD_H
#define MPIC_RECORD_H

#include "coordinator/attempt.h"

/* How an attempt came to its end. */
enum record_end {
	RECORD_DECIDED,		/* each check is "valid" or "not-valid" */
	RECORD_ABORTED,		/* the caller vanished; who had not answered is "aborted" */
	RECORD_NOT_ASKED,	/* no memory: nobody was asked, each is "not-asked" */
};

/* `caller` is the name of who asked. The attempt must be over. */
void attempt_record(const struct attempt *a, const struct question *question,
    const char *caller, enum record_end end);

#endif
