/*
 * What the calls of one check of an attempt share: the nonce, which is of this
 * attempt and check alone, and the bodies with it.
 */
#ifndef MPIC_SHEET_H
#define MPIC_SHEET_H

#include "coordinator/fanout.h"
#include "coordinator/question.h"
#include "signature.h"

#define SHEET_NONCE_BYTES	16

/* Zeroed at first. */
struct sheet {
	struct fanout_body *body;
	struct fanout_body *open_mpic;	/* for members of that protocol; NULL: none was asked yet */
	char nonce[2 * SHEET_NONCE_BYTES + 1];
	char request_sha256[SIGNATURE_DIGEST_LEN + 1];	/* "" until it is needed */
};

/*
 * Writes it for this of the question's checks, with so much time. Again, for
 * perspectives that are asked later, with less: the nonce stays. False without
 * memory or randomness.
 */
bool sheet_write(struct sheet *sheet, const struct question *question, size_t check,
    int64_t left_ms);
void sheet_free(struct sheet *sheet);
/* What this perspective is sent. NULL, with the end of a sentence: it cannot be asked this. */
struct fanout_body *sheet_body(struct sheet *sheet, const struct perspective *p,
    enum check_type type, const char **why);
/* What a signed result must name as the request; "" if that cannot be worked out. */
const char *sheet_digest(struct sheet *sheet, const struct jws_key *key);

#endif
