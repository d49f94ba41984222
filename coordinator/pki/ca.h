/*
 * The private CA of a deployment: a root, or the enrolment CA below it, that
 * issues the certificates by which the parts know each other (lib/tls.h).
 *
 * Keys that are made here are EC P-256.
 */
#ifndef MPIC_PKI_CA_H
#define MPIC_PKI_CA_H

#include "coordinator/pki/certificate.h"

struct pki_ca {
	X509 *certificate;
	EVP_PKEY *key;
	STACK_OF(X509) *above;	/* CAs between it and the root, the nearest first; may be empty */
};

/* What is handed out, in PEM. */
struct pki_issued {
	struct buf certificate;	/* the leaf, then the CAs between it and the root */
	struct buf key;		/* empty: it is elsewhere */
	X509 *x;
	char serial[CERTIFICATE_SERIAL_MAX];
	char identity[256];	/* "" of a CA */
	int64_t expires_s;	/* notAfter, Unix time */
};

/* False, with a sentence; `ca` is to be freed either way. */
bool pki_ca_make(struct pki_ca *ca, const char *name, int64_t days, struct buf *why);
/*
 * One below `root` for enrolment at a coordinator, so that the root's key can
 * stay away from it. It vouches for perspectives only (lib/tls_extension.h).
 */
bool pki_ca_make_enrolment(struct pki_ca *ca, const struct pki_ca *root, const char *name,
    int64_t days, struct buf *why);
/* `certificate` is a PEM file with the CA's own, then CAs above it, of which roots are skipped. */
bool pki_ca_read(struct pki_ca *ca, const char *certificate, const char *key, struct buf *why);
void pki_ca_free(struct pki_ca *ca);
bool pki_ca_is_root(const struct pki_ca *ca);
/* Both halves, in PEM; the key's text must not be left in memory. */
bool pki_ca_write(const struct pki_ca *ca, struct pki_issued *out, struct buf *why);

/*
 * A certificate for the holder that ends no later than the CA's: of a fresh key,
 * or of `key`, of which only the public half is looked at and nothing is handed
 * out. False, with a sentence; to be freed either way.
 */
bool pki_issue(const struct pki_ca *ca, const struct pki_holder *holder, EVP_PKEY *key,
    int64_t days, struct pki_issued *out, struct buf *why);
/* Another certificate for whom `old` is, with the same key. */
bool pki_renew(const struct pki_ca *ca, const X509 *old, int64_t days, struct pki_issued *out,
    struct buf *why);
/* Whether the CA has signed it. */
bool pki_is_ours(const struct pki_ca *ca, const X509 *x);
void pki_issued_free(struct pki_issued *issued);

/* A fresh Ed25519 key for signing results: PEM, and the base64 of its public half's DER. */
bool pki_signing_key(struct buf *private_pem, struct buf *public_line, struct buf *why);

#endif
