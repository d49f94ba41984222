/*
 * Inside the fan-out: HTTP/1.1 with one perspective, by libcurl. An Open MPIC
 * checker behind TLS, or anything plain on loopback.
 *
 * A slot carries one call at a time, on a connection that libcurl keeps for
 * the next.
 */
#ifndef MPIC_H1_PEER_H
#define MPIC_H1_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

struct call;
struct fanout_line;
struct h1_slot;

struct h1_peer {
	struct h1_slot *slots, *idle;
	size_t count;
	size_t connecting;	/* slots that are */
	size_t warm;		/* slots under way, or whose last call left a connection open */
	struct curl_slist *headers;
	bool chosen;		/* it is what the perspective speaks */
	uint64_t chosen_ns;	/* since when we know */
	int64_t expired_s;	/* the expiry of certificates that came last, in Unix seconds */
	uint64_t expired_ns;	/* when that was seen; 0: none came yet */
};

bool h1_peer_init(struct fanout_line *line);
/* Calls under way must have been given up. */
void h1_peer_free(struct fanout_line *line);
/*
 * Starts a call. False: there is no slot, and it waits. True is also a call that
 * has ended at once, without memory.
 */
bool h1_peer_start(struct fanout_line *line, struct call *call);
/* A tick is over: connections whose certificates have expired are used no more. */
void h1_peer_tick(struct fanout_line *line);
/* Calls over connections with whoever is no longer trusted fail; no connection of now is used again. */
void h1_peer_recheck(struct fanout_line *line);
/* Forgets the call; its transfer goes on for nobody. How far it had got. */
const char *h1_peer_give_up(struct call *call);

#endif
