#include "server_inner.h"

#include <stdlib.h>
#include <string.h>

#include "monotonic.h"
#include "server_connection.h"

struct inner {
	struct exchange exchange;
	void (*replied)(void *arg, const struct inner_answer *answer);
	void *arg;
};

/* The head as it is within the outer text, then the body: places in the head stay true. */
static bool
request_copy(struct exchange *x, const struct exchange *outer, const char *body, size_t len)
{
	x->text = malloc(outer->head_len + len + 1);
	if (x->text == NULL)
		return false;
	memcpy(x->text, outer->text, outer->head_len);
	memcpy(x->text + outer->head_len, body, len);
	x->text[outer->head_len + len] = '\0';
	x->head = outer->head;
	x->head_len = outer->head_len;
	x->body_len = len;
	return true;
}

bool
exchange_room(const struct exchange *x)
{
	const struct server *s = x->connection->server;

	return s != NULL && s->in_flight < s->cfg.max_in_flight;
}

bool
exchange_draining(const struct exchange *x)
{
	const struct server *s = x->connection->server;

	return s == NULL || s->draining;
}

struct exchange *
exchange_within(struct exchange *outer, const char *body, size_t len,
    void (*replied)(void *arg, const struct inner_answer *answer), void *arg)
{
	struct connection *c = outer->connection;
	struct inner *inner = c->server != NULL ? calloc(1, sizeof(*inner)) : NULL;

	if (inner == NULL)
		return NULL;
	if (!request_copy(&inner->exchange, outer, body, len)) {
		free(inner);
		return NULL;
	}
	inner->exchange.connection = c;
	inner->exchange.route = outer->route;
	inner->exchange.started_ns = monotonic_ns();
	inner->exchange.open = true;
	inner->exchange.inner = inner;
	inner->replied = replied;
	inner->arg = arg;
	c->exchanges++;
	exchange_count(&inner->exchange);
	return &inner->exchange;
}

void
exchange_within_gone(struct exchange *x)
{
	void (*gone)(struct exchange *, void *) = x->gone;

	x->lost = true;
	x->gone = NULL;
	if (gone != NULL)
		gone(x, x->gone_arg);
}

void
inner_reply(struct exchange *x, const struct reply *r)
{
	struct inner *inner = x->inner;
	const struct inner_answer answer = { .status = r->status, .body = r->body, .len = r->len,
		.extra = r->extra, .extra_count = r->extra_count, .lost = x->lost };

	inner->replied(inner->arg, &answer);
	free(x->text);
	free(inner);
}
