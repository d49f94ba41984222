/*
 * One HTTP/1.1 request and its answer over a connection of its own, without TLS,
 * redirects or names to look up, and with a limit on everything (http_answer.h):
 * for a cloud's metadata service, for AWS Lambda's runtime and for httpcheck beside it.
 */
#ifndef MPIC_APPLIANCE_HTTP_ASK_H
#define MPIC_APPLIANCE_HTTP_ASK_H

#include <stdint.h>

#include "appliance/http_answer.h"
#include "endpoint.h"

#define HTTP_ASK_MS	5000	/* for all of it */

/*
 * `request` is the whole text. The answer is initialised by the caller, who frees
 * it either way. False, with the end of a sentence, unless an answer came, of
 * whatever status.
 */
bool http_ask(const struct endpoint *server, const char *request, struct http_answer *answer,
    struct buf *why);
/* The same with `len` bytes and until that moment (monotonic); UINT64_MAX: for ever. */
bool http_ask_until(const struct endpoint *server, const char *request, size_t len,
    uint64_t until_ns, struct http_answer *answer, struct buf *why);

#endif
