/*
 * The way to our Unbound: questions with the private option over a few TCP
 * connections on loopback that stay open.
 *
 * Any number of questions wait on a connection at once and are answered in
 * any order. A connection that breaks (Unbound was reloaded) loses nothing:
 * its questions are asked once more on a new one. Every question ends in
 * exactly one call of its `done`, from the loop, or in resolver_cancel().
 */
#ifndef MPIC_RESOLVER_H
#define MPIC_RESOLVER_H

#include <event2/event.h>

#include "dns_message.h"
#include "endpoint.h"
#include "problem.h"

struct resolver;
struct resolver_query;

struct resolver_config {
	struct endpoint address;
	const char *called;	/* static, begins sentences; NULL: "the resolver" */
	/* A connection is opened when those there are have `share` questions each. */
	size_t connections;	/* at most this many; 0: 8 */
	size_t share;		/* 0: 64 */
	int64_t connect_timeout_ms;	/* 0: 2000 */
};

/*
 * What came of a question. With PROBLEM_NONE `evidence` holds the evidence,
 * valid during the call; else `message` says what happened.
 */
struct resolver_answer {
	enum problem problem;
	const char *message;
	const char *evidence;
	size_t evidence_len;
};

typedef void resolver_done(void *arg, const struct resolver_answer *answer);

/* NULL without memory. */
struct resolver *resolver_new(struct event_base *base, const struct resolver_config *cfg);
/* Every question still open ends with PROBLEM_RESOLVER_UNREACHABLE first. */
void resolver_free(struct resolver *r);
/* NULL without memory; then `done` is not called. It is never called from within. */
struct resolver_query *resolver_ask(struct resolver *r, const struct dns_question *question,
    int64_t deadline_ms, resolver_done *done, void *arg);
/* `done` will not be called. */
void resolver_cancel(struct resolver_query *q);

#endif
