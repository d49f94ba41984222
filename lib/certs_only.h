/*
 * Certificates or CRLs in a PKCS #7 SignedData that signs nothing (RFC 2315 9.1,
 * "certs-only"), in base64 as EST carries it (RFC 7030 4.1.3, RFC 8951 3).
 */
#ifndef MPIC_CERTS_ONLY_H
#define MPIC_CERTS_ONLY_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "buf.h"

#define CERTS_ONLY_TYPE	"application/pkcs7-mime; smime-type=certs-only"
#define CRLS_ONLY_TYPE	"application/pkcs7-mime; smime-type=crls-only"

/* Either may be NULL. False without memory. */
bool certs_only_encode(STACK_OF(X509) *certificates, STACK_OF(X509_CRL) *crls, struct buf *base64);
/* What is in it, to be freed; NULL where there is none of a kind. False: it is none. */
bool certs_only_decode(const char *base64, size_t len, STACK_OF(X509) **certificates,
    STACK_OF(X509_CRL) **crls);

#endif
