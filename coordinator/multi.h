/*
 * libcurl's multi interface driven by libevent's loop.
 *
 * Sockets of kept-alive connections stay registered between transfers, so
 * that a transfer on a warm connection makes no epoll_ctl(2) call: libcurl
 * asks for a socket anew with each transfer and drops it afterwards.
 */
#ifndef MPIC_MULTI_H
#define MPIC_MULTI_H

#include <stdbool.h>

#include <curl/curl.h>
#include <event2/event.h>

struct multi;

#define MULTI_STREAMS_MAX	1000	/* transfers on one HTTP/2 connection */

/*
 * `done` runs from the loop for each transfer that ended, never from within
 * multi_add(). The handle is no longer the multi's then.
 */
struct multi *multi_new(struct event_base *base, long max_connections,
    long max_host_connections, void (*done)(CURL *easy, CURLcode code, void *arg),
    void *arg);
/* Every easy handle must be removed or done before. */
void multi_free(struct multi *m);
/* Sets what an easy handle needs to work with this multi, once in its life. */
bool multi_adopt(struct multi *m, CURL *easy);
bool multi_add(struct multi *m, CURL *easy);
/* Gives up a transfer: resets its HTTP/2 stream, closes its HTTP/1.1 connection. */
void multi_remove(struct multi *m, CURL *easy);

#endif
