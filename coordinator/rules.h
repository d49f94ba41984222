/*
 * The rules in force at a time: pure.
 *
 * A request is under the rules of the second it arrived, to its end. Where a
 * policy has no row, the strict case holds: two perspectives, none may fail.
 */
#ifndef MPIC_RULES_H
#define MPIC_RULES_H

#include "check.h"
#include "coordinator/policy.h"
#include "coordinator/quorum.h"
#include "dcv_method.h"

struct rules {
	const struct policy *policy;	/* must outlive it */
	int64_t at_s;			/* Unix time */
};

struct rules policy_at(const struct policy *policy, int64_t at_s);

/* The row in force of a rule without remotes and method; NULL: there is none. */
const struct policy_row *rules_row(const struct rules *rules, enum policy_rule rule);
/* The row in force of such a rule for so many remote perspectives; NULL: none. */
const struct policy_row *rules_row_for(const struct rules *rules, enum policy_rule rule,
    size_t remotes);
/* The row by which a method is not to be relied on; NULL: it may be. */
const struct policy_row *rules_retired(const struct rules *rules, enum dcv_method method);

/* At least this many remote perspectives, never below COHORT_MIN. */
size_t rules_remotes(const struct rules *rules);
struct quorum_rule rules_quorum(const struct rules *rules, size_t remotes);
/*
 * Whether accounturi and validationmethods (RFC 8657) bind nobody in this
 * request: it names neither, and no row says that they bind all the same.
 */
bool rules_ignore_rfc8657(const struct rules *rules, const struct check_caa_parameters *asked);

/* The first second after at_s at which another row begins; 0: none does. */
int64_t rules_next(const struct rules *rules);
/*
 * {"name":...,"version":...,"rows":[...]}: the policy, and the rows that decided
 * about a request for so many remotes.
 */
void rules_encode(const struct rules *rules, size_t remotes, struct buf *out);
#define RULES_NAME_MAX	192

/* "cabf-tls (TLS BR 2.2.6)": for records and lines. Needs no memory. */
void rules_name(const struct rules *rules, char text[RULES_NAME_MAX]);

#endif
