/*
 * The private CA of a deployment, and the certificates by which its parts know
 * each other (lib/tls.h).
 *
 * All keys are EC P-256. A certificate names its holder by one URI, serves as
 * server and as client, and begins five minutes before it is made, for clocks
 * that are behind. Serial numbers are random.
 */
#ifndef MPIC_PKI_H
#define MPIC_PKI_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "buf.h"

/* Of an identity: nothing that has a meaning in a URI, a shell or a file's name. */
#define PKI_IDENTITY_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:._-"

struct pki_ca {
	X509 *certificate;
	EVP_PKEY *key;
};

/* What is handed out, in PEM. */
struct pki_issued {
	struct buf certificate, key;
	char serial[64];	/* hex */
	int64_t expires_s;	/* notAfter, Unix time */
};

/* False, with a sentence; `ca` is to be freed either way. */
bool pki_ca_make(struct pki_ca *ca, const char *name, int64_t days, struct buf *why);
bool pki_ca_read(struct pki_ca *ca, const char *certificate, const char *key, struct buf *why);
void pki_ca_free(struct pki_ca *ca);
/* Both halves, in PEM; the key's text must not be left in memory. */
bool pki_ca_write(const struct pki_ca *ca, struct pki_issued *out, struct buf *why);

#define PKI_HOSTS_MAX	16

/*
 * A fresh key and a certificate for `identity`, such as urn:mpic:coordinator, of
 * PKI_IDENTITY_CHARACTERS alone, that ends no later than the CA's. Parts of ours look at the identity only; clients of
 * another make want a host's name or address, of which there may be `host_count`. False, with a sentence; to be freed either way.
 */
struct pki_holder {
	const char *identity;
	const char *hosts[PKI_HOSTS_MAX];	/* names or addresses */
	size_t host_count;
};
bool pki_issue(const struct pki_ca *ca, const struct pki_holder *holder, int64_t days,
    struct pki_issued *out, struct buf *why);
void pki_issued_free(struct pki_issued *issued);

/* A fresh Ed25519 key for signing results: PEM, and the base64 of its public half's DER. */
bool pki_signing_key(struct buf *private_pem, struct buf *public_line, struct buf *why);

#endif
