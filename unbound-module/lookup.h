/*
 * One name asked for one type, and all that is known of the answer.
 *
 * Filled from a finished sub while every module's state of it still lives;
 * everything is copied into the query's region. A lookup that failed may be
 * asked again (`tries`), and its domain walked to see whether it is Insecure.
 */
#ifndef MPIC_LOOKUP_H
#define MPIC_LOOKUP_H

#include "module_state.h"
#include "sub.h"

#define LOOKUP_HOPS_MAX	16	/* Unbound itself follows 11 */

enum outcome {
	OUTCOME_PENDING,
	OUTCOME_ANSWER,		/* an RRset of the type, at the end of the hops */
	OUTCOME_NODATA,
	OUTCOME_NXDOMAIN,
	OUTCOME_FAILED,		/* no answer, an error, or a bogus one */
	OUTCOME_TOO_LARGE,	/* an answer over the cap: not usable */
	OUTCOME_ABANDONED,	/* a nearer name decided first */
};

/* One CNAME or DNAME on the way. */
struct hop {
	uint8_t *owner;
	uint8_t *target;
	uint16_t type;
	enum sec_status security;
	time_t ttl_s;
};

struct lookup {
	uint8_t *qname;
	size_t qname_len;
	uint16_t qtype;
	enum outcome outcome;
	int rcode;
	enum sec_status security;
	int ede;		/* RFC 8914 code of a bogus answer, -1: none */
	const char *reason;	/* Unbound's sentence, NULL: none */
	struct traffic traffic;	/* of the last try; `sent` over all tries */
	bool case_lost;		/* it failed for want of equal answers in the case asked (0x20) */
	bool plain_case;	/* ... and is asked again without that */
	uint32_t tries;
	uint32_t tries_sent;	/* tries in which a server of the failing zone was really asked */
	struct hop hops[LOOKUP_HOPS_MAX];
	size_t hop_count;
	bool hops_cut;		/* there were more */
	struct ub_packed_rrset_key *rrset;	/* with OUTCOME_ANSWER */
	uint32_t elapsed_us;	/* from the first try to the outcome */
	struct timespec started;
	struct walk *walk;	/* NULL: not walked */
};

/* A finished sub's answer or failure into `l`; `sub` is its query state. */
void lookup_finish(struct lookup *l, struct module_qstate *sub, struct module_qstate *super, int id);
/*
 * Makes the servers a failed sub tried count as fresh ones, so that the next
 * try sends packets instead of trusting the resolver's back-off. The sub must
 * still live.
 */
void lookup_forgive(struct module_qstate *sub, int id);

#endif
