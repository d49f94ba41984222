/*
 * Two private extensions of certificates, neither critical: other makes skip them.
 *
 * The *signing key* of a perspective's leaf is the public Ed25519 key that its
 * results are signed with, as a SubjectPublicKeyInfo (RFC 8410) in DER: whoever
 * issued the certificate says whose key that is. A request for a certificate
 * (RFC 2986) asks for it in the same form.
 *
 * The *identities* of a CA's certificate are the beginning that every identity it
 * vouches for must have, a UTF8String. It stands in the place of name
 * constraints (RFC 5280 4.2.1.10), which for URIs are about hosts: under one of
 * them OpenSSL refuses each URN, which has no host. lib/tls.h enforces it.
 *
 * Both object identifiers are below a UUID (ITU-T X.667), which needs no registry.
 */
#ifndef MPIC_TLS_EXTENSION_H
#define MPIC_TLS_EXTENSION_H

#include <stdbool.h>

#include <openssl/x509.h>

#define TLS_EXTENSION_ARC	"2.25.51564637675335901285731473949341640476"
#define TLS_SIGNING_KEY_LEN	60	/* of the base64 of the DER, always */
#define TLS_IDENTITIES_MAX	128	/* bytes of the beginning */

/* NULL when `base64` is no such key, or without memory. The caller frees it. */
X509_EXTENSION *tls_signing_key_extension(const char *base64);
/* False, and "", when there is none or it is malformed. */
bool tls_signing_key(const STACK_OF(X509_EXTENSION) *extensions,
    char base64[static TLS_SIGNING_KEY_LEN + 1]);

/* Whether there is anything in that place. */
bool tls_signing_key_named(const STACK_OF(X509_EXTENSION) *extensions);

X509_EXTENSION *tls_identities_extension(const char *beginning);
/*
 * Whether a CA with these extensions may vouch for an identity: it says nothing
 * of identities, or this one begins as it says. False also when what it says
 * cannot be read.
 */
bool tls_identities_allow(const STACK_OF(X509_EXTENSION) *extensions, const char *identity);

#endif
