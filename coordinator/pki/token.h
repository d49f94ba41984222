/*
 * Enrolment tokens: who brings one may have a certificate for one perspective, a
 * set number of times until a set time.
 *
 * A token is 256 random bits in base64url, handed out once; the folder of the
 * enrolment CA has its SHA-256 alone, as the name of a file:
 *
 *   tokens/HASH    what it is good for
 *   used/HASH.N    its Nth use: the key that it was used for, when, and by whom
 *
 * A use is taken by link(2), which one alone can do, whichever process, or
 * replica with the same folder, it runs in. Who comes again with the key of an
 * earlier use takes none: its certificate may have been lost on the way.
 */
#ifndef MPIC_PKI_TOKEN_H
#define MPIC_PKI_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "check.h"

#define TOKEN_USES_MAX	1000
#define TOKEN_HASH_HEX	64
#define TOKEN_TEXT_MAX	128	/* bytes of one that is looked at */

struct enrol_token {
	char hash[TOKEN_HASH_HEX + 1];
	char perspective[CHECK_CODE_MAX + 1];
	int64_t expires_s;	/* Unix time */
	int64_t uses;		/* in all */
};

enum token_fault {
	TOKEN_OK,
	TOKEN_UNKNOWN,		/* nobody's */
	TOKEN_ANOTHERS,		/* of another perspective */
	TOKEN_EXPIRED,
	TOKEN_USED_UP,
	TOKEN_BROKEN,		/* the folder cannot be read or written: see errno */
};
/* A sentence of the token, without its subject: "has expired". */
const char *token_fault_text(enum token_fault fault);

/* The folders for them, if need be. False, with a sentence. */
bool token_folders(const char *folder, struct buf *why);
/* Adds a new one to `text`, to be wiped. False, with a sentence. */
bool token_make(const char *folder, const char *perspective, int64_t days, int64_t uses,
    struct buf *text, struct buf *why);
/* Whether it could be used for the perspective at this time, so far as is known without using it. */
enum token_fault token_look(const char *folder, const char *text, const char *perspective,
    int64_t now_s, struct enrol_token *token);
/*
 * Takes a use of it for the key with this SHA-256 (hexadecimal); `note` is what
 * else is kept of it, one line. `use` is which, or TOKEN_NO_USE for a key that had
 * one already.
 */
#define TOKEN_NO_USE	((unsigned)-1)
enum token_fault token_take(const char *folder, const struct enrol_token *token,
    const char *key_hash, const char *note, unsigned *use);
/* Nothing came of the use. */
void token_give_back(const char *folder, const struct enrol_token *token, unsigned use);
/* Removes all of the perspective's. How many those were; -1 if the folder cannot be read. */
int token_cancel(const char *folder, const char *perspective);

#endif
