/*
 * libcurl's multi interface driven by libevent's loop.
 *
 * A transfer either carries a request over HTTP/1.1, on one of the kept-alive
 * connections if there is one, or makes a connection and no more. Of the
 * latter, the connection is the owner's to use, by curl_easy_send() and
 * curl_easy_recv(), until multi_remove(), which closes it.
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

/* An easy handle and what it does here. */
struct transfer {
	CURL *easy;	/* the owner's; its CURLOPT_PRIVATE is the multi's */
	bool connects;	/* makes a connection and no more */
	/* From the loop, never from within multi_add(). */
	void (*ended)(struct transfer *t, CURLcode code);
};

/* Keeps at most `max_idle` connections that no transfer uses. */
struct multi *multi_new(struct event_base *base, long max_idle);
/* Every transfer must have ended or be removed before. */
void multi_free(struct multi *m);
/* Sets what the handle needs to work with this multi, once in its life. */
bool multi_adopt(struct multi *m, struct transfer *t);
/*
 * For whoever gives the handle socket functions of its own after that: each socket
 * is told of once it is open, and before it is closed. False without memory.
 */
bool multi_opened(struct multi *m, curl_socket_t fd);
void multi_closing(struct multi *m, curl_socket_t fd);
/*
 * The handle is the multi's until ended() runs; that of a connection that was
 * made, until multi_remove().
 */
bool multi_add(struct multi *m, struct transfer *t);
/* Gives up a transfer and closes its connection. */
void multi_remove(struct multi *m, struct transfer *t);

#endif
