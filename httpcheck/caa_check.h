/*
 * The verdict of one CAA check: evidence in, result out. Pure.
 *
 * Lookups are judged nearest name first, as RFC 8659 3 climbs. A failure is
 * never permission, but for one case (BR 3.2.2.8): the CA allows it, the
 * failing servers were really asked at least twice, and the domain is shown
 * Insecure with every name its CNAMEs lead through. Then the name counts as
 * one without records and the climb goes on: what a farther name forbids
 * stays forbidden.
 */
#ifndef MPIC_CAA_CHECK_H
#define MPIC_CAA_CHECK_H

#include "buf.h"
#include "caa.h"
#include "check.h"
#include "evidence.h"
#include "target.h"

#define CAA_CHECK_TRIES	2	/* BR 3.2.2.8: "retried at least once" */

/* What is asked, with the lists the caller keeps. */
struct caa_check {
	struct caa_question question;
	const struct target *target;
	bool allow_lookup_failure;
};

/*
 * Strings of a result live here: freed by caa_verdict_free(), after the
 * result is encoded. `result.evidence` is not set.
 */
struct caa_verdict_text {
	struct buf text;		/* records_seen, one after another */
	const char **records;
	const char **names;
};

/* Fills `result`'s verdict, problem and details. False without memory. */
bool caa_check_judge(const struct caa_check *check, const struct evidence *evidence,
    struct check_result *result, struct caa_verdict_text *text);
void caa_verdict_free(struct caa_verdict_text *text);

#endif
