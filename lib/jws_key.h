/*
 * An Ed25519 key for signatures in JWS (RFC 7515, RFC 8037): one half or both.
 *
 * Its identifier is the thumbprint of RFC 7638, so it follows from the key
 * alone; `header` is the one protected header a signature of this key has.
 */
#ifndef MPIC_JWS_KEY_H
#define MPIC_JWS_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "buf.h"

#define JWS_ID_LEN	43	/* a SHA-256 in base64url */
#define JWS_HEADER_MAX	192

struct jws_key {
	EVP_PKEY *pkey;
	EVP_MD *sha256;		/* looked up once: it takes as long as a short digest */
	/* Scratch, one each: a context that signed cannot digest again. */
	EVP_MD_CTX *digest, *context;
	char id[JWS_ID_LEN + 1];
	char header[JWS_HEADER_MAX];	/* in base64url */
	size_t header_len;
};

/*
 * The private key in a PEM file (openssl genpkey -algorithm ed25519) that not
 * everybody may read; never asks for a passphrase. NULL, with a sentence.
 */
struct jws_key *jws_key_read_private(const char *path, struct buf *why);
/*
 * A public key: PEM, or the one line of base64 within it, or the name of a
 * file with PEM (openssl pkey -pubout). NULL, with a sentence.
 */
struct jws_key *jws_key_read_public(const char *text, struct buf *why);
void jws_key_free(struct jws_key *key);

#endif
