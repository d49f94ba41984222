/*
 * The keys that are born on an appliance, and its certificate: files in the folder
 * of mpic-enrol, in memory that no disk has.
 *
 *   tls.key       P-256
 *   signing.key   Ed25519, which signs results; only with a token, and not where the
 *                 document has one
 *   tls.pem       written last, with the CAs between it and the root
 *
 * Keys are there before a certificate is asked for, so that one that was sent and
 * lost can be asked for again.
 */
#ifndef MPIC_APPLIANCE_ENROL_KEYS_H
#define MPIC_APPLIANCE_ENROL_KEYS_H

#include <openssl/x509.h>

#include "appliance/enrol/enrol_due.h"
#include "buf.h"

#define ENROL_FOLDER	"/run/mpic-enrol"

struct enrol_keys {
	EVP_PKEY *tls, *signing;	/* signing NULL: it is none of ours */
	X509 *certificate;		/* NULL: there is none that goes with the key */
	struct lifetime lifetime;	/* of it */
};

/* Those that are there below `root`. What cannot be read is not there. */
void enrol_keys_read(struct enrol_keys *k, const char *root);
/* Makes and writes those that are not; `signs`: the signing key, too. False, with a sentence. */
bool enrol_keys_make(struct enrol_keys *k, const char *root, bool signs, struct buf *why);
/* The base64 of a request for a certificate (PKCS #10) that names the signing key. */
bool enrol_request(const struct enrol_keys *k, struct buf *base64);
/*
 * Takes what came: the leaf must be of the key, for the perspective of this code, and
 * lead by the others to a root in the file `ca`. False, with a sentence: nothing
 * has changed.
 */
bool enrol_keys_take(struct enrol_keys *k, const char *root, const char *code, const char *ca,
    STACK_OF(X509) *leaf, STACK_OF(X509) *others, struct buf *why);
void enrol_keys_free(struct enrol_keys *k);

/* A file of the folder, in the place of what it may have been. */
bool enrol_write(const char *root, const char *name, const struct buf *text, unsigned mode,
    struct buf *why);

#endif
