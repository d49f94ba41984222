/*
 * One lookup on Unbound's mesh that shares nothing with other traffic.
 *
 * The state is unique (never merged with another query's), takes no answer
 * from the message cache when SUB_FRESH, and stores none. Referrals alone are
 * stored, so that delegations and keys stay warm while answers are always
 * asked for anew. What went over the network is noted on the way.
 *
 * A sub lives in its own query state's region and may outlive the query that
 * began it (a decided climb lets the farther names go): it never points back.
 */
#ifndef MPIC_SUB_H
#define MPIC_SUB_H

#include "module_state.h"

#include <time.h>

#define EXCHANGES_MAX	8

enum exchange_end { EXCHANGE_TIMEOUT, EXCHANGE_UNUSABLE, EXCHANGE_ANSWER };

/* One query handed to the network and what came of it. */
struct exchange {
	struct sockaddr_storage server;
	socklen_t server_len;
	uint8_t *zone;		/* whose server it was asked as; NULL without memory */
	enum exchange_end end;
	int rcode;		/* with EXCHANGE_ANSWER */
	bool tcp;
	uint32_t rtt_us;	/* with an answer; retransmissions included */
};

/* What a sub sent and got. */
struct traffic {
	uint32_t sent;		/* queries handed to the network */
	size_t kept;		/* exchanges noted: the first ones and the last */
	struct exchange exchanges[EXCHANGES_MAX];
};

struct sub {
	enum mark mark;
	size_t slot;		/* which lookup of the query it works for */
	unsigned int flags;
	struct traffic traffic;
	struct timespec sent_at;	/* monotonic */
};

#define SUB_FRESH	0x1	/* takes no answer from a cache and stores none */
/*
 * The server answers in another case than it was asked (0x20), and never
 * twice the same, so that Unbound's comparison of several answers fails for
 * ever: take the first answer to a question in plain case.
 */
#define SUB_PLAIN_CASE	0x2

/* Begins one for `super`, which must then wait for sub-queries. False: no memory or over the cap. */
bool sub_start(struct module_qstate *super, int id, uint8_t *qname, size_t qname_len,
    uint16_t qtype, size_t slot, unsigned int flags);
/* The sub a state is, or NULL. */
struct sub *sub_of(struct module_qstate *qstate, int id);
/* The state is going: it is no longer in flight. */
void sub_clear(struct module_qstate *qstate, int id);
/* Ends every sub of `super` at once: what they would find is not wanted. */
void sub_stop_all(struct module_qstate *super);
/* Both callbacks note traffic and decide what is stored; install once at init. */
bool sub_register(struct module_env *env, int id);

/* Microseconds since `start` (CLOCK_MONOTONIC), capped at what 32 bits hold. */
uint32_t elapsed_us(const struct timespec *start);

#endif
