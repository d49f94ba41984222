/*
 * Inside the server: an exchange that a handler makes within another, so that
 * each part of one request can be handled as a request by itself.
 *
 * It has its own body and time of arrival; headers, query and client are those
 * of the exchange that it is within, which must not end before it. It counts
 * as in flight. What it is replied to with goes to a function.
 */
#ifndef MPIC_SERVER_INNER_H
#define MPIC_SERVER_INNER_H

#include "server_exchange.h"

/* From exchange_reply(). Frees it. */
void inner_reply(struct exchange *x, const struct reply *r);

#endif
