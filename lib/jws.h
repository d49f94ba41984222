/*
 * Signatures in the compact form of JWS (RFC 7515 section 7.1) with EdDSA over
 * Ed25519 (RFC 8037).
 *
 * A signature is verified with one known key: its header must be, byte by
 * byte, the one that key's signatures have. So what a header asks for (another
 * algorithm, a key of its own, "none") is never looked at.
 */
#ifndef MPIC_JWS_H
#define MPIC_JWS_H

#include "jws_key.h"

#define JWS_SIGNATURE_LEN	64	/* bytes */

enum jws_fault {
	JWS_OK,
	JWS_MALFORMED,		/* not three parts of base64url, or 64 bytes in the last */
	JWS_OTHER_KEY,		/* not the header of this key and algorithm */
	JWS_FALSE,		/* this key did not sign these bytes */
	JWS_NO_MEMORY,
};

/* Adds the signed `payload` to `out`. False: `out` is of no use. */
bool jws_sign(const struct jws_key *key, const char *payload, size_t len, struct buf *out);
/* Whether the header is this key's: needed, and by itself nothing. */
bool jws_names(const struct jws_key *key, const char *text, size_t len);
/* Adds the payload to `payload` if, and only if, it is JWS_OK. */
enum jws_fault jws_verify(const struct jws_key *key, const char *text, size_t len,
    struct buf *payload);

#endif
