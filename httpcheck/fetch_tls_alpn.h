/*
 * Tries of FETCH_TLS_ALPN: a TCP connection, a handshake that offers
 * acme-tls/1 alone (RFC 8737), the certificate's facts, and nothing after
 * that. In the fetcher's process.
 */
#ifndef MPIC_FETCH_TLS_ALPN_H
#define MPIC_FETCH_TLS_ALPN_H

#include <event2/event.h>

#include "httpcheck/fetch.h"
#include "httpcheck/fetcher.h"

struct fetch_tls_alpn;
struct tls_alpn_try;

/* Has OpenSSL load what it reads from files. NULL if it cannot. */
struct fetch_tls_alpn *fetch_tls_alpn_new(struct event_base *base);
/* Every try must have ended or been cancelled. */
void fetch_tls_alpn_free(struct fetch_tls_alpn *f);

/* Nothing of the job is kept. `done` is never called from within. NULL without memory. */
struct tls_alpn_try *tls_alpn_try_start(struct fetch_tls_alpn *f, const struct fetch_job *job,
    fetch_done *done, void *arg);
void tls_alpn_try_cancel(struct tls_alpn_try *t);

#endif
