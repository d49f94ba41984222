/* Bytes of a peer's in a terminal. */
#ifndef MPIC_CLEAN_TEXT_H
#define MPIC_CLEAN_TEXT_H

#include <stddef.h>

struct buf;

/* No control characters, U+0080 to U+009F neither: a '?' for each. */
void clean_text_add(struct buf *out, const char *text);
/* At most `max` bytes of it, whole characters, and "..." where it was cut. */
void clean_text_add_short(struct buf *out, const char *text, size_t max);

#endif
