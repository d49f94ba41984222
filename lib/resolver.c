#include "resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "log.h"

#define SLOTS		4096	/* questions a connection can hold, late ones counted */
#define NO_SLOT		UINT16_MAX
#define FRAME_HEAD	2	/* RFC 1035 4.2.2 */
#define RETRY_DELAY_MS	100	/* after a connection could not be made */
#define FAILURES_MAX	20	/* in a row, before questions stop waiting */
#define CALLED_MAX	64	/* bytes of the resolver's name in a sentence */
#define STALE_MAX	1024	/* late replies a connection without questions waits for */

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
	struct slot slots[SLOTS];
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
	unsigned int failures;		/* connections that failed in a row */
};

static void connection_drop(struct connection *c);
static void resolver_pump(struct resolver *r);

static void
query_list_add(struct query_list *list, struct resolver_query *q)
{
	TAILQ_INSERT_TAIL(list, q, entry);
	q->list = list;
}

static void
query_list_remove(struct resolver_query *q)
{
	TAILQ_REMOVE(q->list, q, entry);
	q->list = NULL;
}

/*
 * Takes a question off its list or connection before its reply. Its slot stays
 * busy, for the reply is on its way; but Unbound may have dropped the question,
 * and slots that wait for nothing must not fill the connection for good. Those
 * that waited for room on it get a new one.
 */
static void
query_unlink(struct resolver_query *q)
{
	struct connection *c = q->connection;

	if (q->list != NULL)
		query_list_remove(q);
	if (c == NULL)
		return;
	q->connection = NULL;
	c->slots[q->slot].query = NULL;
	if (--c->live == 0 && c->busy > STALE_MAX) {
		connection_drop(c);
		event_active(c->resolver->retry, EV_TIMEOUT, 0);
	}
}

static void
query_free(struct resolver_query *q)
{
	event_free(q->timer);
	free(q);
}

/* Ends a question that is on no list and no connection any more. */
static void
query_end(struct resolver_query *q, const struct resolver_answer *answer)
{
	resolver_done *done = q->done;
	void *arg = q->arg;

	query_free(q);
	done(arg, answer);
}

static void
query_fail(struct resolver_query *q, enum problem problem, const char *message)
{
	struct resolver_answer answer = { .problem = problem, .message = message };

	query_unlink(q);
	query_end(q, &answer);
}

/* Ends it for want of the resolver: `how` follows what that is called. */
static void
query_unreachable(struct resolver_query *q, const char *how)
{
	char message[CALLED_MAX + 64];

	snprintf(message, sizeof(message), "%.*s %s", CALLED_MAX, q->resolver->cfg.called, how);
	query_fail(q, PROBLEM_RESOLVER_UNREACHABLE, message);
}

static void
query_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct resolver_query *q = arg;
	char message[NAME_TEXT_MAX + 96];

	snprintf(message, sizeof(message), "no answer from the name servers of %s within %lld ms",
	    q->question.name.text, (long long)q->deadline_ms);
	if (q->connection != NULL && q->connection->state == OPEN)
		query_fail(q, PROBLEM_DNS_TIMEOUT, message);
	else
		query_unreachable(q, "could not be reached in time");
}

/* Takes every question off a connection that is gone; those resent already end here. */
static void
connection_drop(struct connection *c)
{
	struct resolver *r = c->resolver;
	struct resolver_query *q;

	if (c->bev != NULL)
		bufferevent_free(c->bev);
	c->bev = NULL;
	c->state = CLOSED;
	for (size_t i = 0; i < SLOTS && c->busy > 0; i++) {
		if (!c->slots[i].busy)
			continue;
		c->busy--;
		q = c->slots[i].query;
		c->slots[i] = (struct slot){ 0 };
		if (q == NULL)
			continue;
		c->live--;
		q->connection = NULL;
		query_list_add(q->resent ? &r->lost : &r->waiting, q);
		q->resent = true;
	}
	while ((q = TAILQ_FIRST(&r->lost)) != NULL)
		query_unreachable(q, "broke the connection twice");
}

/* Hands a reply to its question; a place whose question ended is just freed. */
static void
connection_reply(struct connection *c, const struct dns_reply *reply)
{
	struct slot *s = &c->slots[reply->id];
	struct resolver_query *q = s->query;
	struct resolver_answer answer = {
		.evidence = reply->evidence, .evidence_len = reply->evidence_len,
	};

	s->busy = false;
	s->query = NULL;
	c->busy--;
	if (q == NULL)
		return;
	c->live--;
	if (reply->evidence == NULL) {
		answer.problem = PROBLEM_RESOLVER_NO_EVIDENCE;
		answer.message = "the resolver answered without evidence: its mpic module did not run";
	}
	q->connection = NULL;
	query_end(q, &answer);
}

/* One whole message off the front of the input; false when there is none yet. */
static bool
connection_frame(struct connection *c, struct evbuffer *in, bool *broken)
{
	uint8_t head[FRAME_HEAD];
	struct dns_reply reply;
	const uint8_t *message;
	size_t len;

	if (evbuffer_copyout(in, head, sizeof(head)) < (ssize_t)sizeof(head))
		return false;
	len = (size_t)(head[0] << 8 | head[1]);
	if (evbuffer_get_length(in) < FRAME_HEAD + len)
		return false;
	message = evbuffer_pullup(in, (ssize_t)(FRAME_HEAD + len));
	if (message == NULL || !dns_reply_decode(&reply, message + FRAME_HEAD, len) ||
	    reply.id >= SLOTS || !c->slots[reply.id].busy) {
		*broken = true;
		return false;
	}
	connection_reply(c, &reply);
	evbuffer_drain(in, FRAME_HEAD + len);
	return true;
}

/*
 * Unbound's side of the connection has Nagle's algorithm: a reply waits there
 * until we acknowledge the one before, which we would take our time over (40 ms).
 */
static void
acknowledge_now(struct bufferevent *bev)
{
	int one = 1;

	setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

static void
connection_read(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;
	bool broken = false;

	acknowledge_now(bev);
	/* whoever takes a reply may cancel the last question, and so end the connection */
	while (c->bev == bev && connection_frame(c, bufferevent_get_input(bev), &broken))
		;
	if (broken) {
		log_error("the resolver sent what is no reply to any question: connection closed");
		connection_drop(c);
	}
	resolver_pump(c->resolver);
}

static void
resolver_retry_later(struct resolver *r)
{
	struct timeval delay = { .tv_usec = RETRY_DELAY_MS * 1000 };

	if (!evtimer_pending(r->retry, NULL))
		evtimer_add(r->retry, &delay);
}

/* It could not be made; said once until one can. */
static void
connection_failed(struct connection *c, const char *why)
{
	struct resolver *r = c->resolver;

	if (r->failures++ == 0)
		log_warning("cannot connect to the resolver", "error", why);
	connection_drop(c);
	resolver_retry_later(r);
}

static void
connection_event(struct bufferevent *bev, short what, void *arg)
{
	struct connection *c = arg;
	struct resolver *r = c->resolver;

	if (what & BEV_EVENT_CONNECTED) {
		int one = 1;

		setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		acknowledge_now(bev);
		bufferevent_set_timeouts(bev, NULL, NULL);
		c->state = OPEN;
		r->failures = 0;
		resolver_pump(r);
		return;
	}
	if (c->state == OPEN) {
		bool asked = c->live > 0;

		connection_drop(c);
		/* Not at once: an Unbound that dies breaks every connection, new ones too. */
		if (asked)
			resolver_retry_later(r);
		else
			resolver_pump(r);
	} else {
		connection_failed(c, what & BEV_EVENT_TIMEOUT ? "timed out" :
		    evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
	}
}

static void
connection_open(struct connection *c)
{
	struct resolver *r = c->resolver;
	struct timeval timeout = {
		.tv_sec = r->cfg.connect_timeout_ms / 1000,
		.tv_usec = r->cfg.connect_timeout_ms % 1000 * 1000,
	};

	c->bev = bufferevent_socket_new(r->base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (c->bev == NULL) {
		connection_failed(c, "out of memory");
		return;
	}
	c->state = CONNECTING;
	bufferevent_setcb(c->bev, connection_read, NULL, connection_event, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	bufferevent_set_timeouts(c->bev, NULL, &timeout);
	if (bufferevent_socket_connect(c->bev, (struct sockaddr *)&r->cfg.address.addr,
	    (int)r->cfg.address.len) != 0)
		connection_failed(c, evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}

static uint16_t
connection_slot(struct connection *c)
{
	if (c->busy == SLOTS)
		return NO_SLOT;
	while (c->slots[c->next_free].busy)
		c->next_free = (uint16_t)((c->next_free + 1) % SLOTS);
	return c->next_free;
}

/* Writes a question that waits; false when the connection is full. */
static bool
connection_send(struct connection *c, struct resolver_query *q)
{
	uint8_t frame[FRAME_HEAD + DNS_QUESTION_MAX];
	uint16_t slot = connection_slot(c);
	size_t len;

	if (slot == NO_SLOT)
		return false;
	len = dns_question_encode(&q->question, slot, frame + FRAME_HEAD);
	frame[0] = (uint8_t)(len >> 8);
	frame[1] = (uint8_t)len;
	if (bufferevent_write(c->bev, frame, FRAME_HEAD + len) != 0)
		return false;
	query_list_remove(q);
	c->slots[slot] = (struct slot){ .query = q, .busy = true };
	c->next_free = (uint16_t)((slot + 1) % SLOTS);
	c->busy++;
	c->live++;
	q->connection = c;
	q->slot = slot;
	return true;
}

/* The open connection with the fewest questions; opens another when all are well used. */
static struct connection *
resolver_choose(struct resolver *r)
{
	struct connection *best = NULL, *closed = NULL;
	bool connecting = false;

	for (size_t i = 0; i < r->cfg.connections; i++) {
		struct connection *c = r->connections[i];

		if (c->state == CLOSED)
			closed = closed != NULL ? closed : c;
		else if (c->state == CONNECTING)
			connecting = true;
		else if (best == NULL || c->busy < best->busy)
			best = c;
	}
	if (closed != NULL && !connecting && !evtimer_pending(r->retry, NULL) &&
	    (best == NULL || best->busy >= r->cfg.share))
		connection_open(closed);
	return best;
}

static void
resolver_pump(struct resolver *r)
{
	struct resolver_query *q;
	struct connection *c;

	while ((q = TAILQ_FIRST(&r->waiting)) != NULL) {
		c = resolver_choose(r);
		if (c == NULL || !connection_send(c, q))
			return;
	}
}

/* A reload is over in well under two seconds; longer waits only hide that nobody listens. */
static void
resolver_retry(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct resolver_query *q;

	while (r->failures >= FAILURES_MAX && (q = TAILQ_FIRST(&r->waiting)) != NULL)
		query_unreachable(q, "cannot be reached");
	resolver_pump(r);
}

struct resolver *
resolver_new(struct event_base *base, const struct resolver_config *cfg)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->base = base;
	r->cfg = *cfg;
	if (r->cfg.called == NULL)
		r->cfg.called = "the resolver";
	if (r->cfg.connections == 0)
		r->cfg.connections = 8;
	if (r->cfg.share == 0)
		r->cfg.share = 64;
	if (r->cfg.connect_timeout_ms == 0)
		r->cfg.connect_timeout_ms = 2000;
	TAILQ_INIT(&r->waiting);
	TAILQ_INIT(&r->lost);
	r->retry = evtimer_new(base, resolver_retry, r);
	r->connections = calloc(r->cfg.connections, sizeof(*r->connections));
	for (size_t i = 0; r->connections != NULL && i < r->cfg.connections; i++) {
		r->connections[i] = calloc(1, sizeof(*r->connections[i]));
		if (r->connections[i] == NULL)
			break;
		r->connections[i]->resolver = r;
	}
	if (r->retry == NULL || r->connections == NULL ||
	    r->connections[r->cfg.connections - 1] == NULL) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	struct resolver_query *q;

	if (r == NULL)
		return;
	for (size_t i = 0; r->connections != NULL && i < r->cfg.connections; i++) {
		if (r->connections[i] != NULL)
			connection_drop(r->connections[i]);
		free(r->connections[i]);
	}
	free(r->connections);
	while ((q = TAILQ_FIRST(&r->waiting)) != NULL)
		query_unreachable(q, "is not asked any more: the program is stopping");
	if (r->retry != NULL)
		event_free(r->retry);
	free(r);
}

struct resolver_query *
resolver_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_ms,
    resolver_done *done, void *arg)
{
	struct timeval deadline = {
		.tv_sec = deadline_ms / 1000, .tv_usec = deadline_ms % 1000 * 1000,
	};
	struct resolver_query *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->timer = evtimer_new(r->base, query_timeout, q);
	if (q->timer == NULL || evtimer_add(q->timer, &deadline) != 0) {
		if (q->timer != NULL)
			event_free(q->timer);
		free(q);
		return NULL;
	}
	q->resolver = r;
	q->question = *question;
	q->deadline_ms = deadline_ms;
	q->done = done;
	q->arg = arg;
	query_list_add(&r->waiting, q);
	resolver_pump(r);
	return q;
}

void
resolver_cancel(struct resolver_query *q)
{
	query_unlink(q);
	query_free(q);
}
