#include "resolver_inner.h"

#include <stdio.h>
#include <stdlib.h>

#define CALLED_MAX	64	/* bytes of the resolver's name in a sentence */
#define STALE_MAX	1024	/* late replies a connection without questions waits for */

void
query_list_add(struct query_list *list, struct resolver_query *q)
{
	TAILQ_INSERT_TAIL(list, q, entry);
	q->list = list;
}

void
query_list_remove(struct resolver_query *q)
{
	TAILQ_REMOVE(q->list, q, entry);
	q->list = NULL;
}

void
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

void
query_free(struct resolver_query *q)
{
	event_free(q->timer);
	free(q);
}

void
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

void
query_unreachable(struct resolver_query *q, const char *how)
{
	char message[CALLED_MAX + 64];

	snprintf(message, sizeof(message), "%.*s %s", CALLED_MAX, q->resolver->cfg.called, how);
	query_fail(q, PROBLEM_RESOLVER_UNREACHABLE, message);
}

void
query_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct resolver_query *q = arg;
	char message[NAME_TEXT_MAX + 96];

	snprintf(message, sizeof(message), "no answer from the name servers of %s within %lld ms",
	    q->question.name.text, (long long)q->deadline_ms);
	if (q->connection == NULL || q->connection->state != OPEN)
		query_unreachable(q, "could not be reached in time");
	else if (connection_is_hung(q->connection))
		query_unreachable(q, "does not answer");
	else
		query_fail(q, PROBLEM_DNS_TIMEOUT, message);
}
