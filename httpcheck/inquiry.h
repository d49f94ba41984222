/*
 * One question of a run to the resolver, and the evidence that answers it.
 *
 * It lives in memory of the caller's, as a part of the run's work, and ends in
 * exactly one call of its `done`, or in inquiry_cancel().
 */
#ifndef MPIC_INQUIRY_H
#define MPIC_INQUIRY_H

#include "evidence.h"
#include "httpcheck/run.h"
#include "resolver.h"

/*
 * What came of it, valid during the call. With PROBLEM_NONE there is evidence,
 * which may still say that nothing was performed (lookup_verdict.h); else
 * `message` says what happened.
 */
struct inquiry_answer {
	enum problem problem;
	const char *message;
	const struct evidence *evidence;
	const char *text;		/* the evidence as it came: JSON */
	size_t text_len;
};

typedef void inquiry_done(void *arg, const struct inquiry_answer *answer);

/* All zero: nothing is asked. */
struct inquiry {
	struct perspective *perspective;
	struct resolver_query *query;	/* NULL: nothing under way */
	uint64_t nonce;
	inquiry_done *done;
	void *arg;
};

/*
 * Asks within what is left of the run's time. False without memory; then
 * `done` is not called. It is never called from within, and may free the inquiry.
 */
bool inquiry_start(struct inquiry *q, struct run *run, const struct dns_question *question,
    inquiry_done *done, void *arg);
void inquiry_cancel(struct inquiry *q);
/* Keeps which resolver gave evidence: it may have been restarted as another version. */
void inquiry_heard(struct perspective *p, const struct evidence *evidence);

#endif
