/*
 * A perspective that speaks only the Open MPIC API: what it is asked, and what
 * its result is worth. Pure.
 *
 * That protocol knows no nonce, no deadline, no RFC 8657, and cannot prove a
 * domain Insecure. What it does not say, its result is not taken to mean: where
 * the question has more than it could be asked, the records it saw are
 * evaluated here, too.
 */
#ifndef MPIC_OPEN_MPIC_H
#define MPIC_OPEN_MPIC_H

#include "check.h"

struct buf;

/*
 * The body for it, from that for ours. False, with the end of a sentence: the
 * API has no words for what is asked.
 */
bool open_mpic_request(enum check_type type, const struct buf *body, struct buf *out,
    const char **why);
/*
 * Whether its result may count as it is: any that did not pass may. False, with
 * the problem that it has instead and the end of a sentence, if it passed and
 * what it saw does not permit what `body` asks for. `result` still has its document.
 */
bool open_mpic_suffices(enum check_type type, const struct buf *body,
    const struct check_result *result, enum problem *problem, struct buf *why);

#endif
