#include "server_stream.h"

#include <stdlib.h>

#include "server_connection.h"

static void
on_sent(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	if (s->on_sent != NULL && !s->ended)
		s->on_sent(s->exchange, s->on_sent_arg);
}

struct stream *
stream_new(struct exchange *x)
{
	const struct server *server = x->connection->server;
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->exchange = x;
	s->queue = (struct buf)BUF_INIT(server->cfg.max_unsent);
	event_assign(&s->sent, server->base, -1, 0, on_sent, s);
	return s;
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	event_del(&s->sent);
	buf_free(&s->queue);
	free(s);
}

char *
stream_take(struct stream *s, size_t *len)
{
	*len = s->queue.len;
	s->taken = *len;
	return *len > 0 ? buf_take(&s->queue) : NULL;
}

void
stream_left(struct stream *s, size_t len)
{
	s->taken -= len;
	if (s->taken == 0 && s->queue.len == 0 && s->on_sent != NULL && !s->ended)
		event_active(&s->sent, EV_TIMEOUT, 0);
}

/* ---- the handler's side ---- */

void
exchange_stream(struct exchange *x, int status, const char *content_type,
    const struct header *extra, size_t extra_count)
{
	struct connection *c = x->connection;
	const struct reply head = { .status = status, .content_type = content_type,
		.extra = extra, .extra_count = extra_count };

	if (x->lost || c->fd < 0)
		return;
	exchange_count_reply(c, status);
	x->stream = stream_new(x);
	c->protocol->stream(x, &head);
}

bool
exchange_send(struct exchange *x, const void *bytes, size_t len)
{
	struct connection *c = x->connection;

	if (x->lost || c->fd < 0 || x->stream == NULL)
		return false;
	if (len == 0 || x->head_only)
		return true;
	c->protocol->send(x, bytes, len);
	return !x->stream->queue.failed;
}

size_t
exchange_unsent(const struct exchange *x)
{
	return x->stream != NULL ? x->stream->taken + x->stream->queue.len : 0;
}

void
exchange_on_sent(struct exchange *x, void (*sent)(struct exchange *x, void *arg), void *arg)
{
	if (x->stream == NULL)
		return;
	x->stream->on_sent = sent;
	x->stream->on_sent_arg = arg;
}

void
exchange_end(struct exchange *x)
{
	static const struct reply no_memory = { .status = 503, .content_type = "application/json",
		.body = "{\"detail\":\"out of memory\"}", .len = 26 };
	struct connection *c = x->connection;

	exchange_finish(x);
	x->open = false;
	c->exchanges--;
	if (x->lost || c->fd < 0) {
		stream_free(x->stream);
		x->stream = NULL;
		c->protocol->discard(x);
		connection_settle(c);
	} else if (x->stream == NULL) {
		c->protocol->reply(x, &no_memory);
	} else {
		x->stream->ended = true;
		c->protocol->end(x);
	}
}
