/*
 * The verdict of the validation methods that look into DNS alone: evidence in,
 * result out. Pure.
 *
 * Fails closed: a lookup that failed, is bogus or was cut is never a pass, nor
 * is one behind any hop of that kind. A name that does not exist, or has no
 * such record, ends the check without passing.
 */
#ifndef MPIC_DNS_CHECK_H
#define MPIC_DNS_CHECK_H

#include "check.h"
#include "dns_message.h"
#include "evidence.h"
#include "dns_record.h"
#include "target.h"

struct dns_check {
	const struct check_dcv_parameters *parameters;	/* of a DCV_DNS method; the caller's */
	bool wildcard;			/* the target is one */
	struct name name;		/* to be looked up */
	int64_t now_s;			/* UNIX time at the verdict; the caller sets it */
};

/*
 * The question of a check: prefix and name, or the reverse name of an address.
 * False if that is longer than a name may be.
 */
bool dns_check_init(struct dns_check *c, const struct check_dcv_parameters *p,
    const struct target *target);
/* To the resolver; the nonce is the caller's to set. */
struct dns_question dns_check_question(const struct dns_check *c);

/*
 * Strings of a result live here: freed by dns_verdict_free(), after the
 * result is encoded. `result.evidence` is not set.
 */
struct dns_verdict_text {
	struct dns_records records;
	struct buf names;		/* of cname_chain */
	const char **chain;
};

/* Fills `result`'s verdict, problem and details. False without memory. */
bool dns_check_judge(const struct dns_check *c, const struct evidence *e,
    struct check_result *result, struct dns_verdict_text *text);
void dns_verdict_free(struct dns_verdict_text *text);

#endif
