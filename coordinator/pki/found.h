/*
 * The certificate of a part in a file: a leaf in PEM, or in a document as mpic pki
 * issue prints it.
 */
#ifndef MPIC_PKI_FOUND_H
#define MPIC_PKI_FOUND_H

#include <openssl/x509.h>

#include "buf.h"

/*
 * The first certificate in the text that is no CA's, whether or not the lines are
 * indented. NULL, with a sentence that begins with `name`. The caller frees it.
 */
X509 *found_certificate(const char *name, const struct buf *text, struct buf *why);
/* The document with another certificate in it. False: it is none. */
bool found_replace(const struct buf *document, const struct buf *certificate, struct buf *out);

#endif
