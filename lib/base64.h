/* Base64 (RFC 4648 4). */
#ifndef MPIC_BASE64_H
#define MPIC_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* White space means nothing. False: it is none, or longer than `out` may be. */
bool base64_decode(const char *text, size_t len, struct buf *out);
/* Without line ends. False: longer than `out` may be. */
bool base64_encode(const void *bytes, size_t len, struct buf *out);

#endif
