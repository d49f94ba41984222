/*
 * Inside the fan-out: HTTP/2 (RFC 9113) with one perspective.
 *
 * Calls are streams of up to H2_LINKS_MAX connections; the first that has room
 * takes them, and a further one is made only when all are full. The perspective
 * says how many a connection may have, up to H2_CALLS_MAX.
 *
 * A connection that it is closing (GOAWAY) keeps its calls and gets no more.
 */
#ifndef MPIC_H2_PEER_H
#define MPIC_H2_PEER_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define H2_LINKS_MAX	4
#define H2_CALLS_MAX	1000	/* on one connection */

struct call;
struct call_list;
struct fanout_line;
struct h2_link;

struct h2_peer {
	TAILQ_HEAD(, h2_link) links;
	size_t count;		/* links, those on their way out among them */
	size_t calls_max;	/* on one, by what the perspective said last */
	unsigned wasted;	/* links in a row that were lost before they had a call */
};

void h2_peer_init(struct h2_peer *h2);
/* Calls under way must have been given up. */
void h2_peer_free(struct h2_peer *h2);
/* Starts a call. False: no connection has room for it, and it waits. */
bool h2_peer_start(struct h2_peer *h2, struct call *call);
/* Resets its stream and forgets it. How far it had got. */
const char *h2_peer_give_up(struct call *call);
/*
 * Begins to make a connection, unless one is being made or there are enough.
 * False when there is no memory.
 */
bool h2_peer_connect(struct fanout_line *line);
/* A connection stands that takes calls. */
bool h2_peer_ready(const struct h2_peer *h2);
/* One is being made. */
bool h2_peer_connecting(const struct h2_peer *h2);
/* Gives up the calls whose limit is over, into `expired`. */
void h2_peer_expire(struct h2_peer *h2, uint64_t now_ns, struct call_list *expired);
/* Ends connections with whoever is no longer trusted. */
void h2_peer_recheck(struct h2_peer *h2);
/* A tick is over: connections on which nothing comes are looked after. */
void h2_peer_tick(struct h2_peer *h2);

#endif
