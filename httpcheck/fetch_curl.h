/*
 * libcurl's multi interface on libevent, for transfers of which each has a
 * connection of its own that nothing uses again.
 */
#ifndef MPIC_FETCH_CURL_H
#define MPIC_FETCH_CURL_H

#include <stdbool.h>

#include <curl/curl.h>
#include <event2/event.h>

struct fetch_curl;

/* `done` runs from the loop; the handle is the caller's again by then. */
struct fetch_curl *fetch_curl_new(struct event_base *base,
    void (*done)(CURL *easy, CURLcode code, void *arg), void *arg);
/* Every transfer must have ended or be removed before. */
void fetch_curl_free(struct fetch_curl *c);
bool fetch_curl_add(struct fetch_curl *c, CURL *easy);
/* Gives up a transfer and closes its connection. */
void fetch_curl_remove(struct fetch_curl *c, CURL *easy);

#endif
