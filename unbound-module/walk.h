/*
 * The proof that a domain whose lookup failed is Insecure (RFC 4035 4.3).
 *
 * Only an Insecure domain's failing may count as permission (BR 3.2.2.8), and
 * a missing AD bit proves nothing. So the DS of each name on the way from the
 * TLD down is asked, until one shows that the chain of trust ends there. With
 * CNAMEs, every name of the chain must be shown Insecure: an insecure zone
 * that points into a failing signed one proves nothing about the latter.
 */
#ifndef MPIC_WALK_H
#define MPIC_WALK_H

#include "lookup.h"

#define WALK_STEPS_MAX	64

/* What the DS RRset of one name says about the chain of trust. */
enum walk_step {
	WALK_SIGNED,		/* a usable DS: the chain goes on */
	WALK_NO_CUT,		/* no zone begins here */
	WALK_INSECURE,		/* shown not to be signed below the parent */
	WALK_DELEGATION,	/* a delegation without DS, securely denied */
	WALK_ALGORITHM,		/* a DS of algorithms nobody here supports */
	WALK_BROKEN,		/* bogus, indeterminate or unanswered */
};

struct walk_record {
	uint8_t *name;		/* points into a name of the lookup */
	enum walk_step step;
};

struct walk {
	size_t hop;		/* which name is walked: 0 the lookup's own, then its hops' targets */
	int labels;		/* of the DS name asked now, the root's counted */
	bool done;
	bool proven;
	struct walk_record steps[WALK_STEPS_MAX];
	size_t step_count;
};

const char *walk_step_name(enum walk_step step);
/* Starts or goes on: asks the next DS, or ends. False when it waits for one. */
bool walk_advance(struct lookup *l, struct module_qstate *super, int id, size_t slot);
/* Takes a finished DS sub into the walk. */
void walk_take(struct lookup *l, struct module_qstate *sub);

#endif
