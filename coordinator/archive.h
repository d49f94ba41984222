/*
 * An archived answer of a coordinator, verified with the perspectives' public
 * keys alone (lib/signature.h). Pure.
 *
 * What is verified is what perspectives said: each signed result has to be, to
 * the byte, what the holder of one of the keys signed for the perspective and
 * the target that the answer names; all that one attempt and check shows has to
 * answer one request; one key speaks for one perspective. The answer's own
 * words are the coordinator's and not signed; but is_valid is not believed
 * unless enough signed results passed.
 */
#ifndef MPIC_ARCHIVE_H
#define MPIC_ARCHIVE_H

#include "buf.h"
#include "check.h"
#include "jws_key.h"

#define ARCHIVE_KEYS_MAX	256
#define ARCHIVE_TEXT_MAX	((size_t)16 * 1024 * 1024)

struct archive_keys {
	struct archive_key {
		struct jws_key *key;			/* owned */
		char code[CHECK_CODE_MAX + 1];		/* whose it is; "" until it is known */
	} list[ARCHIVE_KEYS_MAX];
	size_t count;
};

void archive_keys_free(struct archive_keys *keys);

enum archive_verdict {
	ARCHIVE_GENUINE,	/* every result that counts is signed, and as it was signed */
	ARCHIVE_WRONG,		/* one is not */
	ARCHIVE_UNREADABLE,	/* no answer of a coordinator */
};

/* Adds one line a result to `out`. Keys without a code learn it from the first result. */
enum archive_verdict archive_verify(const char *text, size_t len, struct archive_keys *keys,
    struct buf *out);

#endif
