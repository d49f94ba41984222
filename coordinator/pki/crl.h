/* The list of what a CA has revoked (RFC 5280 5): version 2, with number and next update. */
#ifndef MPIC_PKI_CRL_H
#define MPIC_PKI_CRL_H

#include "coordinator/pki/ca.h"

#define CRL_DAYS	30	/* to the next update, unless said otherwise */

/* "keyCompromise" and so on: those that an operator can mean. Ends with NULL. */
extern const char *const crl_reasons[];
/* True also for NULL, which stands for the first, unspecified. */
bool crl_reason_known(const char *reason);

struct crl_row {
	const char *serial;	/* hexadecimal */
	int64_t revoked_s;	/* Unix time */
	const char *reason;	/* one of crl_reasons */
};

/*
 * In PEM. Its number is the time, or one more than that of `before` if it is later
 * still (PEM; NULL: there is none): it only ever grows, also when that is lost.
 * False, with a sentence.
 */
bool crl_make(const struct pki_ca *ca, const struct crl_row *rows, size_t count, int64_t days,
    const char *before, struct buf *out, struct buf *why);

#endif
