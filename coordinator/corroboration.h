/*
 * One POST /mpic on its way: from the body to the answer.
 *
 * The request is read, cohorts are chosen, and attempts follow each other
 * until one is valid, none is left, or there is no time for another. The
 * caller may vanish at any time. What attempts found is in the audit log before
 * it is answered, and where the log cannot be written no attempt is started.
 */
#ifndef MPIC_CORROBORATION_H
#define MPIC_CORROBORATION_H

#include "coordinator/admission.h"
#include "coordinator/attempt.h"
#include "coordinator/audit_file.h"
#include "server.h"

/* What came of a request. */
enum answer {
	ANSWER_VALID,
	ANSWER_NOT_VALID,
	ANSWER_REFUSED,		/* 400, or 403 or 429: not for this caller, or not so often */
	ANSWER_FAILED,		/* 503: no memory, no record, no turn, or too few perspectives */
	ANSWER_ABORTED,		/* the caller vanished */
	ANSWER_COUNT
};

/* What all requests of a worker share. */
struct corroborator_pool {
	struct asker asker;
	bool primary_first;		/* as in struct attempt_plan */
	const struct policy *policy;
	struct mpic_limits limits;	/* but for the rules, which are the day's */
	const void *secret;		/* of the cohorts */
	size_t secret_len;
	struct caa_defaults caa_defaults;
	struct resolver *resolver;	/* for CNAME lookups; NULL: none */
	const struct callers *callers;
	const size_t *caller_cells;	/* by callers_index() */
	struct admission *admission;	/* NULL: everybody is let in */
	struct audit_file *audit;	/* NULL: none */
	uint64_t *next_request;		/* for `audit`: numbers never given twice */
	/* A request ended, after so many attempts, each of which left its record. */
	void (*on_answer)(void *arg, enum answer answer, size_t attempts);
	/* Besides: it was admitted, or refused for this. `cell`: of its caller. */
	void (*on_admission)(void *arg, size_t cell, enum admittance came);
	void *arg;
};

/* Handles the exchange to its reply, which comes later. `caller` lives as long as the pool. */
void corroborate(const struct corroborator_pool *pool, const struct caller *caller,
    struct exchange *x);

#endif
