/*
 * Authorization Domain Names (TLS BR 1.6.1): whether what is validated stands
 * for the name that a certificate is applied for, and by which steps. Pure.
 *
 * From the applied-for name: "*." is stripped, and then no CNAME is followed;
 * else CNAME records may replace the name, one after another; then labels may be
 * pruned from the left, down to the Base Domain Name. Which of this a method
 * allows its row says (lib/dcv_method.h). The target has to be what remains.
 *
 * An IP address stands for itself alone. Looking up the reverse (3.2.2.5.3)
 * the name that its PTR record is to hold is the Authorization Domain Name.
 */
#ifndef MPIC_ADN_H
#define MPIC_ADN_H

#include "check.h"
#include "coordinator/suffix.h"
#include "evidence.h"

#define ADN_CNAMES_MAX	10	/* one after another */
#define ADN_STEPS_MAX	(ADN_CNAMES_MAX + 1)
#define ADN_EVIDENCE_MAX ((ADN_CNAMES_MAX + 1) * (EVIDENCE_MAX + 1))	/* bytes */

enum adn_step_kind { ADN_STRIP, ADN_CNAME, ADN_PRUNE, ADN_REVERSE };

/* From the name before, the applied-for one at first. */
struct adn_step {
	enum adn_step_kind kind;
	enum check_dnssec dnssec;	/* ADN_CNAME: of the lookup */
	struct name to;
};

/* CNAME records that were looked up one by one, from the applied-for name on. */
struct adn_chain {
	size_t count;
	bool complete;			/* the last name has none */
	struct {
		struct name to;
		enum check_dnssec dnssec;
	} hops[ADN_CNAMES_MAX];
};

enum adn_outcome {
	ADN_PERMITTED,
	ADN_REFUSED,
	ADN_UNKNOWN,		/* another CNAME could lead to it */
};

struct adn {
	struct target applied_for;
	enum adn_outcome outcome;
	/* With ADN_PERMITTED: */
	struct name base;		/* Base Domain Name; empty: a suffix or an address has none */
	size_t step_count;
	struct adn_step steps[ADN_STEPS_MAX];
	struct buf evidence;		/* of CNAME lookups: JSON objects, a comma between */
};

struct adn_question {
	const struct target *target;
	/* CAA is asked for, too: of the name in the certificate, so only that may be the target. */
	bool caa;
	bool dcv;			/* else nothing is validated, and there are no steps */
	enum dcv_method method;
	struct name peer;		/* DCV_REVERSE_ADDRESS_LOOKUP: the name looked for */
	const struct suffixes *suffixes;
};

/* The parameters (not set: no domain control) are in order, and the method takes the target. */
struct adn_question adn_question(const struct check_dcv_parameters *p, const struct target *target,
    const struct suffixes *suffixes);
/*
 * Judges adn->applied_for. `chain` is what is known of its CNAMEs, maybe
 * nothing. If refused `why` gets the reason, without a full stop.
 */
void adn_judge(struct adn *adn, const struct adn_question *q, const struct adn_chain *chain,
    struct buf *why);
/* What the next CNAME lookup of an ADN_UNKNOWN asks for: where the chain ends. */
const struct name *adn_chain_end(const struct adn *adn, const struct adn_chain *chain);
/*
 * Adds the CNAME that the end of the chain has. False, with the reason, when it
 * leads back into the chain, or there are too many.
 */
bool adn_chain_add(const struct adn *adn, struct adn_chain *chain, const struct name *to,
    enum check_dnssec dnssec, struct buf *why);

/* The Authorization Domain Name that the target is. */
const char *adn_text(const struct adn_question *q);
/* An entry of the answer's authorization_domain_name. */
void adn_encode(const struct adn *adn, const struct adn_question *q, struct buf *out);

#endif
