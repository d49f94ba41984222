/*
 * Tries of FETCH_HTTP and FETCH_HTTPS, by libcurl. In the fetcher's process.
 *
 * libcurl is given the address and never a name to resolve. Every socket's
 * address is checked where it is opened. Nothing is kept from one try to the
 * next: no connection, TLS session, cookie or cached answer.
 */
#ifndef MPIC_FETCH_HTTP_H
#define MPIC_FETCH_HTTP_H

#include <event2/event.h>

#include "httpcheck/fetch.h"
#include "httpcheck/fetcher.h"

struct fetch_http;
struct http_try;

/* After curl_global_init(). NULL without memory. */
struct fetch_http *fetch_http_new(struct event_base *base);
/* Every try must have ended or been cancelled. */
void fetch_http_free(struct fetch_http *h);

/* Nothing of the job is kept. `done` is never called from within. NULL without memory. */
struct http_try *http_try_start(struct fetch_http *h, const struct fetch_job *job,
    fetch_done *done, void *arg);
void http_try_cancel(struct http_try *t);

#endif
