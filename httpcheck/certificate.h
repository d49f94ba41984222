/*
 * What a server's leaf certificate says, read from its DER: the facts that
 * RFC 8737 asks for and records keep. A pure function of hostile bytes;
 * nothing is verified here.
 */
#ifndef MPIC_CERTIFICATE_H
#define MPIC_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

#include "httpcheck/fetch.h"

#define CERTIFICATE_NAME_MAX 255	/* bytes of a name that is kept */

/* Where the strings of a struct fetch_certificate live. */
struct certificate_texts {
	char common_name[CERTIFICATE_NAME_MAX + 1];
	char names[FETCH_NAMES_MAX][CERTIFICATE_NAME_MAX + 1];
};

/*
 * `parsed` is false if the bytes are no certificate, have more behind it, or
 * hold a subjectAltName that is none or is there twice. A dNSName with bytes no
 * name has (a NUL, a space) is FETCH_OTHER_NAME, so that nothing equals it.
 */
void certificate_read(struct fetch_certificate *c, struct certificate_texts *texts,
    const uint8_t *der, size_t len);

#endif
