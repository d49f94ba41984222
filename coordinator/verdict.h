/* A coordinator's answer, for people to read. */
#ifndef MPIC_VERDICT_H
#define MPIC_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum verdict { VERDICT_YES, VERDICT_NO, VERDICT_ERROR };

/*
 * Reads the body of an answer to POST /mpic with this HTTP status and adds the
 * text to print: verdict, quorum, one line a perspective and check. Faults of
 * the request come out one a line. VERDICT_ERROR unless it is a whole answer.
 */
enum verdict verdict_read(long status, const char *text, size_t len, struct buf *out);

#endif
