/*
 * A coordinator's answer as a support engineer tells it to a customer: which
 * perspective saw what, why it failed, what to change. Pure.
 *
 * The text is an answer, a refusal, a list of them or one a line, as a batch
 * gives them: a file from anywhere. What is said of each perspective is what the
 * answer holds; whether it is genuine, mpic verify tells.
 */
#ifndef MPIC_EXPLAIN_H
#define MPIC_EXPLAIN_H

#include "buf.h"
#include "coordinator/verdict.h"

#define EXPLAIN_TEXT_MAX	((size_t)64 * 1024 * 1024)
#define EXPLAIN_OUTPUT_MAX	((size_t)16 * 1024 * 1024)

/*
 * Adds the explanation. YES when every answer is valid, NO when one is not,
 * ERROR when there was none or one could not be read or was refused.
 */
enum verdict explain(const char *text, size_t len, struct buf *out);

#endif
