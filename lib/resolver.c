#include "resolver_inner.h"

#include <stdlib.h>

#define RETRY_DELAY_MS	100	/* after a connection could not be made */
#define FAILURES_MAX	20	/* in a row, before questions stop waiting */

static const struct timeval pulse = {
	.tv_sec = RESOLVER_PULSE_MS / 1000, .tv_usec = RESOLVER_PULSE_MS % 1000 * 1000,
};

void
resolver_retry_later(struct resolver *r)
{
	struct timeval delay = { .tv_usec = RETRY_DELAY_MS * 1000 };

	if (!evtimer_pending(r->retry, NULL))
		evtimer_add(r->retry, &delay);
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

void
resolver_pump(struct resolver *r)
{
	struct resolver_query *q;
	struct connection *c;

	while ((q = TAILQ_FIRST(&r->waiting)) != NULL) {
		c = resolver_choose(r);
		if (c == NULL || !connection_send(c, q))
			return;
		if (!evtimer_pending(r->pulse, NULL))
			evtimer_add(r->pulse, &pulse);
	}
}

/* For telling name servers that are silent from a resolver that is. */
static void
resolver_pulse(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	bool asked = false;

	for (size_t i = 0; i < r->cfg.connections; i++) {
		connection_pulse(r->connections[i]);
		asked = asked || r->connections[i]->live > 0;
	}
	if (asked)
		evtimer_add(r->pulse, &pulse);
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
	r->pulse = evtimer_new(base, resolver_pulse, r);
	r->connections = calloc(r->cfg.connections, sizeof(*r->connections));
	for (size_t i = 0; r->connections != NULL && i < r->cfg.connections; i++) {
		r->connections[i] = calloc(1, sizeof(*r->connections[i]));
		if (r->connections[i] == NULL)
			break;
		r->connections[i]->resolver = r;
	}
	if (r->retry == NULL || r->pulse == NULL || r->connections == NULL ||
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
	if (r->pulse != NULL)
		event_free(r->pulse);
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
