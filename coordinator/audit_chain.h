/*
 * The chain of the audit log: lines that name each other. Pure but for memory.
 *
 * A line is one JSON object that begins with
 *
 *   {"seq":17,"prev":"<64 hex digits>","time":"<RFC 3339>","event":"<word>"
 *
 * where `seq` is one more than that of the line before and `prev` the SHA-256
 * of that line's bytes, its line end included, so that whoever edits, drops or
 * moves a line has to write every later line anew. The first line of a chain
 * has seq 1 and a `prev` of zeros. A chain goes on over any number of files,
 * and seq goes on with it.
 *
 * A process killed in a write leaves a torn line. Its bytes stay: the next line
 * is an "open" one whose torn_bytes and torn_sha256 are those of all that
 * stands between it and the last whole line, which is the one its `prev` names.
 */
#ifndef MPIC_AUDIT_CHAIN_H
#define MPIC_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define AUDIT_HASH_LEN	64	/* hex digits */
#define AUDIT_EVENT_MAX	15

/* The last line of a chain, as the next one names it. */
struct audit_link {
	uint64_t seq;
	char hash[AUDIT_HASH_LEN + 1];
};

#define AUDIT_LINK_NONE ((struct audit_link){ 0, \
	"0000000000000000000000000000000000000000000000000000000000000000" })

/* SHA-256 without looking the algorithm up for each line. */
struct audit_digest;

/* NULL without memory. */
struct audit_digest *audit_digest_new(void);
void audit_digest_free(struct audit_digest *d);
/* Of bytes given piece by piece since the last audit_digest_hex(). */
void audit_digest_add(struct audit_digest *d, const void *bytes, size_t len);
/* False if any of it failed. */
bool audit_digest_hex(struct audit_digest *d, char hex[AUDIT_HASH_LEN + 1]);

/* ---- writing ---- */

/* Begins the line after `last`; members with a comma before each may follow. */
void audit_line_begin(struct buf *out, const struct audit_link *last, const char *time,
    const char *event);
/* Ends the line that began at `start` of `out` and makes it `last`. False leaves `last`. */
bool audit_line_end(struct buf *out, size_t start, struct audit_digest *d,
    struct audit_link *last);

/* ---- reading ---- */

/* What a line says of its place. */
struct audit_head {
	uint64_t seq;
	char prev[AUDIT_HASH_LEN + 1];
	char event[AUDIT_EVENT_MAX + 1];
};

/* False if these bytes, without line end, are no whole line. */
bool audit_head_read(struct audit_head *h, const char *line, size_t len);

/* How a file ends. */
struct audit_tail {
	bool found;		/* there is a whole line: `last` */
	struct audit_link last;
	bool line_end;		/* the last byte is one, or there is none */
	/* Bytes after the last whole line, with the line end that they have or will get. */
	uint64_t torn;
	char torn_hash[AUDIT_HASH_LEN + 1];
};

/*
 * Reads the end of a file: `text` are its last bytes, all of them if `whole`.
 * A last line without line end is whole if nothing else is missing. False if
 * the digest failed.
 */
bool audit_tail_read(struct audit_tail *t, const char *text, size_t len, bool whole,
    struct audit_digest *d);

#endif
