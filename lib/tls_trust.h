/*
 * Inside lib/tls: whether the other side's certificate is to be trusted, and the
 * sentence that says why not.
 *
 * Beyond what OpenSSL verifies, a leaf must have the extended key usage of its
 * role, and each CA above it must be allowed to vouch for its identity
 * (tls_extension.h). With CRLs (RFC 5280 6.3) each certificate below the root
 * must be on none, every CA of the chain must have one, and its next update must
 * not be overdue: who revokes must be heard, or nobody is trusted.
 */
#ifndef MPIC_TLS_TRUST_H
#define MPIC_TLS_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "buf.h"
#include "tls.h"

/*
 * Has the store demand and use the CRLs of a PEM file. False, with a sentence: the
 * file has none, or one that is overdue already.
 */
bool tls_trust_load_crls(X509_STORE *store, const char *file, struct buf *why);
/* When the first of a store's CRLs is overdue, in Unix seconds; 0: it has none. */
int64_t tls_trust_crl_next_s(X509_STORE *store);

/* Verification callbacks of a server and a client. */
int tls_trust_verify_client(int preverified, X509_STORE_CTX *store);
int tls_trust_verify_server(int preverified, X509_STORE_CTX *store);
/* Where the sentence goes; else tls_refusal() of the connection has it. */
void tls_trust_listen(X509_STORE_CTX *store, char reason[static TLS_REASON_MAX]);

#endif
