/*
 * The course of a check over the web in a worker: acme-http-01,
 * website-change and acme-tls-alpn-01.
 *
 * URL by URL: its host is looked up, its addresses are judged and then tried
 * in turn, IPv6 first, until one answers; a redirect leads to the next URL,
 * anything else to the verdict. Nothing is dialled but by the fetcher, and
 * only addresses that address_refused() lets through, which the fetcher asks
 * again. The check ends by run_reply(), or in the run's `end`.
 */
#ifndef MPIC_WEB_CHECK_H
#define MPIC_WEB_CHECK_H

#include "httpcheck/run.h"

#define WEB_CONNECT_MS	10000	/* most for TCP, and for TLS, of one address */
#define WEB_TRY_MS	1000	/* least for one address, if as much is left */

/* Of a run whose method is one of these. It may end within, but is not called twice. */
void web_check_start(struct run *run);

#endif
