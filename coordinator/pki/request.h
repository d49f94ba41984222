/*
 * A request for a certificate (PKCS #10, RFC 2986) from whoever wants to enrol:
 * hostile until its bearer is known, and little is taken from it then.
 *
 * The key it is for, P-256, P-384 or Ed25519, whose private half must have signed
 * it; and the key that results will be signed with, if it names one
 * (lib/tls_extension.h). The names in it mean nothing: who brings it says whose
 * it is.
 */
#ifndef MPIC_PKI_REQUEST_H
#define MPIC_PKI_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "buf.h"
#include "tls_extension.h"

#define REQUEST_HASH_HEX	64

struct pki_request {
	EVP_PKEY *key;
	char key_hash[REQUEST_HASH_HEX + 1];	/* SHA-256 of its SubjectPublicKeyInfo */
	char signing_key[TLS_SIGNING_KEY_LEN + 1];	/* base64; "" none */
};

/* Base64 of the DER. False, with a sentence; to be freed either way. */
bool pki_request_read(struct pki_request *r, const char *base64, size_t len, struct buf *why);
void pki_request_free(struct pki_request *r);

#endif
