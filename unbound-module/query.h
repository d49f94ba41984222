/*
 * One query with our option: an aggregator of lookups.
 *
 * A climb asks the name and each parent down to the TLD at once (RFC 8659 3).
 * The relevant RRset is the nearest name's that has one, and a failure at a
 * nearer name hides a farther record; so the query is decided when some name
 * answered and every nearer one is known to hold nothing, or when all are done.
 */
#ifndef MPIC_QUERY_H
#define MPIC_QUERY_H

#include "lookup.h"
#include "mpic_option.h"
#include "walk.h"

#define QUERY_TRIES_MAX		4	/* of one lookup */
#define QUERY_TRIES_SENT	2	/* tries with packets that make a failure "retried" */

enum phase { PHASE_ASK, PHASE_WAIT, PHASE_JUDGE, PHASE_WALK, PHASE_WALK_WAIT, PHASE_DONE };

struct slot {
	enum phase phase;
	struct lookup lookup;
};

struct query {
	enum mark mark;
	struct mpic_option option;
	const char *error;	/* the query was not performed: why; NULL otherwise */
	struct timespec started;
	struct slot *slots;	/* nearest name first; in the query state's region */
	size_t slot_count;
	ssize_t found;		/* slot of the relevant RRset, -1: none */
	bool failed;		/* no usable answer: the reply is SERVFAIL */
	char *evidence;		/* the JSON, in the region, once decided */
	size_t evidence_len;
};

/* The query a state is, or NULL. */
struct query *query_of(struct module_qstate *qstate, int id);
/* Makes one for a state that carries our option; NULL without memory. */
struct query *query_new(struct module_qstate *qstate, int id, const struct mpic_option *option);
/* Does all that can be done without waiting; true once decided, the evidence made. */
bool query_advance(struct query *q, struct module_qstate *qstate, int id);
/* A sub of this query has finished. */
void query_inform(struct query *q, struct module_qstate *sub, struct module_qstate *super, int id);

#endif
