/*
 * One certificate of the private CA's, from a plan of it to PEM.
 *
 * It begins five minutes before it is made, for clocks that are behind, and its
 * serial number is random. A leaf serves as server and as client.
 */
#ifndef MPIC_PKI_CERTIFICATE_H
#define MPIC_PKI_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "buf.h"

/* Of an identity: nothing that has a meaning in a URI, a shell or a file's name. */
#define PKI_IDENTITY_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:._-"
#define PKI_HOSTS_MAX	16
#define PKI_PERSPECTIVE	"urn:mpic:perspective:"
#define PKI_COORDINATOR	"urn:mpic:coordinator"
#define PKI_CALLER	"urn:mpic:caller:"

/*
 * Whom a leaf names. Parts of ours look at the identity only; clients of another
 * make want a host's name or address, too. All of PKI_IDENTITY_CHARACTERS alone.
 */
struct pki_holder {
	const char *identity;
	const char *hosts[PKI_HOSTS_MAX];	/* names or addresses */
	size_t host_count;
	const char *signing_key;	/* base64, as in lib/tls_extension.h; NULL: none */
};

enum certificate_kind {
	CERTIFICATE_ROOT,
	CERTIFICATE_ENROLMENT,	/* a CA that vouches for perspectives only */
	CERTIFICATE_LEAF,
};

/* What it is to be. Nothing of it is kept. */
struct certificate_plan {
	enum certificate_kind kind;
	X509 *issuer;			/* NULL: itself */
	EVP_PKEY *key;			/* whose public half is certified */
	const char *name;		/* for people; cut if too long */
	const struct pki_holder *holder;	/* of a leaf; NULL: whom `old` names */
	const X509 *old;
	int64_t days;
};

/* Not signed yet. NULL without memory or randomness, or if the holder's names cannot be. */
X509 *certificate_make(const struct certificate_plan *plan);
bool certificate_sign(X509 *x, EVP_PKEY *key);

#define CERTIFICATE_SERIAL_MAX	64
/* In upper-case hexadecimal, as OpenSSL prints it. False, and "", without memory. */
bool certificate_serial(const ASN1_INTEGER *number, char hex[static CERTIFICATE_SERIAL_MAX]);

/* What is written of certificates and keys: PEM, at most PKI_PEM_MAX bytes. */
#define PKI_PEM_MAX	((size_t)64 * 1024)
bool certificate_text(X509 *x, struct buf *out);
/* The key's text must not be left in memory. */
bool certificate_key_text(EVP_PKEY *key, struct buf *out);

/* Adds "what: OpenSSL's reason" and forgets the error. Always false. */
bool pki_fail(struct buf *why, const char *what);

#endif
