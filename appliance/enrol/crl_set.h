/*
 * The certificate revocation lists that an appliance goes by, one of each CA, and
 * newer ones in their place (RFC 5280 5). Pure but for memory.
 *
 * A list is taken only if a CA of the document's signed it, it is in force, and it
 * is not older than the one that is here: nobody can bring back a time in which a
 * certificate was not revoked yet.
 */
#ifndef MPIC_APPLIANCE_CRL_SET_H
#define MPIC_APPLIANCE_CRL_SET_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "buf.h"

/* All in a PEM text, to be freed; NULL: there is none, or something else as well. */
STACK_OF(X509_CRL) *crl_set_read(const char *pem);
bool crl_set_write(STACK_OF(X509_CRL) *set, struct buf *pem);
/* All certificates in a PEM text, to be freed; NULL: there is none. */
STACK_OF(X509) *crl_set_issuers(const char *pem);
/* When the first of them is overdue, Unix time; 0: there are none. */
int64_t crl_set_next_s(STACK_OF(X509_CRL) *set);
/*
 * Puts those of `came` into `set` that are newer, or of a CA that it has none of;
 * `changed` says whether there were any. Lists of CAs that are not among `issuers`
 * are somebody else's, and left alone. False, with a sentence for each that is
 * refused, or else for each CA of the set of which none came; the others are taken all the same.
 */
bool crl_set_take(STACK_OF(X509_CRL) *set, STACK_OF(X509_CRL) *came, STACK_OF(X509) *issuers,
    int64_t now_s, bool *changed, struct buf *why);

#endif
