/*
 * base64url without padding (RFC 4648 section 5, RFC 7515 section 2): the one
 * spelling of each value. What has padding, white space, the other alphabet or
 * bits left over is refused, so that no two texts mean the same bytes.
 */
#ifndef MPIC_BASE64URL_H
#define MPIC_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Characters of so many bytes, and bytes of so many characters at most. */
#define BASE64URL_LEN(bytes)	(((bytes) * 4 + 2) / 3)
#define BASE64URL_BYTES(len)	((len) * 3 / 4)

void base64url_add(struct buf *out, const void *bytes, size_t len);
/* Adds the bytes to `out`; false, with part of them there, if `text` is not the one spelling. */
bool base64url_decode(const char *text, size_t len, struct buf *out);

#endif
