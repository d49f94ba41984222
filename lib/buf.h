/*
 * A growable byte buffer that cannot grow past the cap it was made with.
 *
 * The error is sticky: once an addition would pass the cap or memory runs
 * out, `failed` is set and every later addition is ignored, so a writer adds
 * everything and checks once. `data` is always NUL-terminated when not NULL.
 */
#ifndef MPIC_BUF_H
#define MPIC_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;	/* owned; NULL until the first addition */
	size_t len;	/* bytes used, the NUL not counted */
	size_t cap;	/* bytes allocated */
	size_t max;	/* `len` never exceeds this */
	bool failed;
};

#define BUF_INIT(max_bytes) ((struct buf){ .max = (max_bytes) })

/* Frees the bytes and leaves an empty buffer with the same cap. */
void buf_free(struct buf *b);
/* Empties the buffer, keeps its memory, clears `failed`. */
void buf_reset(struct buf *b);
/* Makes room for `more` bytes at once, as far as the cap allows: saves growing step by step. */
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *bytes, size_t len);
/* What stands in it already, `len` bytes from `at` on, once more at its end; else nothing. */
void buf_add_again(struct buf *b, size_t at, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* In decimal. */
void buf_add_uint(struct buf *b, uint64_t value);
/* Adds `s` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_add_json(struct buf *b, const char *s, size_t len);
/*
 * Adds text of a stranger's to be read: as it is if it is UTF-8 without control
 * characters, else with backslashes and all octets outside printable ASCII as \DDD.
 */
void buf_add_escaped(struct buf *b, const void *bytes, size_t len);
/* Hands the bytes to the caller, who frees them; the buffer is empty after. NULL if failed. */
char *buf_take(struct buf *b);

#endif
