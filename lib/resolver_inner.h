/*
 * What resolver.c, resolver_connection.c and resolver_query.c share: the
 * questions of a resolver and its connections.
 */
#ifndef MPIC_RESOLVER_INNER_H
#define MPIC_RESOLVER_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/bufferevent.h>

#include "resolver.h"

#define RESOLVER_SLOTS	4096	/* questions a connection can hold, late ones counted */
#define RESOLVER_PULSE_MS	500	/* an Unbound that is silent so long is asked for a sign of life */

enum connection_state { CLOSED, CONNECTING, OPEN };

/*
 * One place for a question on a connection; its index is the DNS ID. A
 * question that ended early leaves its place busy until the late reply comes.
 */
struct slot {
	struct resolver_query *query;
	bool busy;
};

struct connection {
	struct resolver *resolver;
	enum connection_state state;
	struct bufferevent *bev;
	size_t busy;		/* slots */
	size_t live;		/* of these, with a question that waits still */
	uint16_t next_free;	/* where the search for a free slot begins */
	bool heard;		/* something came since the last pulse */
	uint64_t pulse_ns;	/* when a sign of life was asked for in vain so far; 0: not */
	struct slot slots[RESOLVER_SLOTS];
};

TAILQ_HEAD(query_list, resolver_query);

/* On a list of the resolver's or on a connection, until it ends. */
struct resolver_query {
	TAILQ_ENTRY(resolver_query) entry;
	struct resolver *resolver;
	struct query_list *list;	/* NULL: none */
	struct connection *connection;	/* NULL: none */
	uint16_t slot;
	bool resent;
	struct dns_question question;
	int64_t deadline_ms;
	struct event *timer;
	resolver_done *done;
	void *arg;
};

struct resolver {
	struct event_base *base;
	struct resolver_config cfg;
	struct connection **connections;
	struct query_list waiting;	/* for a connection, or room on one */
	struct query_list lost;		/* about to end: their connections broke twice */
	struct event *retry;		/* tries the waiting ones again */
	struct event *pulse;		/* while questions are on connections */
	unsigned int failures;		/* connections that failed in a row */
};

/* resolver.c: sends what waits; the same a little later. */
void resolver_pump(struct resolver *r);
void resolver_retry_later(struct resolver *r);

/* resolver_connection.c */
void connection_open(struct connection *c);
/* Takes every question off a connection that is gone; those resent already end here. */
void connection_drop(struct connection *c);
/* Writes a question that waits; false when the connection is full. */
bool connection_send(struct connection *c, struct resolver_query *q);
/* Asks for a sign of life where questions wait and nothing came since the last call. */
void connection_pulse(struct connection *c);
/* Unbound has left a sign of life unanswered that was asked for a whole pulse ago. */
bool connection_is_hung(const struct connection *c);

/* resolver_query.c */
void query_list_add(struct query_list *list, struct resolver_query *q);
void query_list_remove(struct resolver_query *q);
/*
 * Takes a question off its list or connection before its reply. Its slot stays
 * busy, for the reply is on its way; but Unbound may have dropped the question,
 * and slots that wait for nothing must not fill the connection for good. Those
 * that waited for room on it get a new one.
 */
void query_unlink(struct resolver_query *q);
void query_free(struct resolver_query *q);
/* Ends a question that is on no list and no connection any more. */
void query_end(struct resolver_query *q, const struct resolver_answer *answer);
/* Ends it for want of the resolver: `how` follows what that is called. */
void query_unreachable(struct resolver_query *q, const char *how);
/* The event of its deadline. */
void query_timeout(evutil_socket_t fd, short what, void *arg);

#endif
