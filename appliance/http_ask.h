/*
 * One HTTP/1.1 request and its answer over a connection of its own, without TLS,
 * redirects or names to look up, and with a limit on everything (http_answer.h):
 * for a cloud's metadata service, and for nothing else.
 */
#ifndef MPIC_APPLIANCE_HTTP_ASK_H
#define MPIC_APPLIANCE_HTTP_ASK_H

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

#endif
