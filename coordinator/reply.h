/*
 * What came of a call: the problem, and the sentence that says what was seen.
 * The sentence is kept in the fan-out until the next call ends.
 */
#ifndef MPIC_REPLY_H
#define MPIC_REPLY_H

#include <curl/curl.h>

#include "coordinator/fanout.h"

/* `status` and `reply` are whole: not every status is an answer. */
void reply_judge(struct call *call);
/* Larger than its cap. */
void reply_too_long(struct call *call);
/* None came, or not all of it: `why`. */
void reply_missing(struct call *call, const char *why);
/* There was no connection to be had; libcurl's code and sentence ("" if it has none). */
void reply_unreachable(struct call *call, CURLcode code, const char *error);
/* We could not make the call. */
void reply_unasked(struct call *call, const char *why);

#endif
