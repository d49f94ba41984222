/*
 * The public keys that updates are signed with (Ed25519, RFC 8032), baked into
 * the image: a file of PEM blocks, "PUBLIC KEY" (RFC 8410). Two of them while a
 * key is being replaced. A signature by any of them is good.
 */
#ifndef MPIC_APPLIANCE_UPDATE_KEYS_H
#define MPIC_APPLIANCE_UPDATE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "buf.h"

#define UPDATE_KEYS_MAX		4
#define UPDATE_SIGNATURE_LEN	64

struct update_keys {
	EVP_PKEY *keys[UPDATE_KEYS_MAX];
	size_t count;
};

/* From the PEM text of the file; false, with a sentence, when it has anything else, or none. */
bool update_keys_parse(struct update_keys *k, const char *text, size_t len, struct buf *why);
/* Whether one of them made this signature of these bytes. */
bool update_keys_verify(const struct update_keys *k, const void *bytes, size_t len,
    const unsigned char signature[static UPDATE_SIGNATURE_LEN]);
void update_keys_free(struct update_keys *k);

#endif
