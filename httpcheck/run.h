/*
 * A check under way at this perspective, from its request to its reply.
 *
 * run_begin() makes one of a POST; the check type's own part then works on it
 * and ends it by run_reply(), exactly once, also when the coordinator has
 * vanished: every attempt leaves one log line and one count.
 */
#ifndef MPIC_RUN_H
#define MPIC_RUN_H

#include "check.h"
#include "httpcheck/perspective.h"
#include "server.h"
#include "target.h"
#include "trace.h"

struct run {
	struct perspective *perspective;
	struct exchange *exchange;
	struct check_request request;
	struct target target;
	struct trace trace;		/* the coordinator's, or one of our own: for the log alone */
	uint64_t deadline_ns;		/* CLOCK_MONOTONIC */
	uint64_t nonce;			/* the next one; see run_nonce() */
	/*
	 * The part that works on it: ends whatever is under way, and is called
	 * once, by run_reply() or when the coordinator vanishes. NULL: nothing to end.
	 */
	void (*end)(struct run *run);
	void *work;			/* the part's own */
};

/*
 * Reads the request. NULL when it had faults: then the 400 that names them all
 * has been sent. `judge` adds the faults that only the type knows; NULL: none.
 * It sees a request that may lack what was at fault: the text of its target is
 * then empty, and its parameters are not `set`.
 */
struct run *run_begin(struct exchange *x, struct perspective *p, enum check_type type,
    void (*judge)(struct run *run, struct json_faults *faults));
/* What is left of the deadline, rounded up; at least 1. */
int64_t run_left_ms(const struct run *run);
/* A nonce for a question to the resolver: another one at each call. */
uint64_t run_nonce(struct run *run);
/*
 * Sends the result with time, code and nonce filled in, and ends the run. A
 * result over CHECK_RESULT_MAX goes without its details. Where there is a key,
 * it goes signed or not at all.
 */
void run_reply(struct run *run, struct check_result *result);
/* run_reply() with nothing but a problem; `fmt` is its sentence. */
void run_fail(struct run *run, enum problem problem, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
