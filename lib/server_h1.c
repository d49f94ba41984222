#include "server_h1.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

#define WASTE_SIZE	4096
#define LINGER_MS	2000
#define HEAD_MAX	4096	/* of a reply, our own headers included */

/* ---- replies ---- */

/* `framing` is the header that says where the body ends. */
static void
head_write(struct connection *c, struct buf *out, const struct reply *r, const char *framing)
{
	buf_addf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n%s", r->status,
	    status_reason(r->status), server_date(c->server), r->content_type, framing);
	for (size_t i = 0; i < r->extra_count; i++)
		if (header_fits(&r->extra[i]))
			buf_addf(out, "%s: %s\r\n", r->extra[i].name, r->extra[i].value);
	buf_adds(out, c->h1->close ? "Connection: close\r\n\r\n" : "\r\n");
}

/* Fills `out` with the whole reply, so that it leaves in one write. */
static void
reply_write(struct connection *c, const struct reply *r)
{
	struct h1 *h = c->h1;
	struct buf out = BUF_INIT(HEAD_MAX);
	char length[48];

	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", r->len);
	head_write(c, &out, r, length);
	out.max += r->len;
	if (!h->exchange.head_only)
		buf_add(&out, r->body, r->len);
	if (out.failed) {
		/* Memory ran out, or headers of ours are far too long: no reply is better. */
		h->close = true;
		buf_reset(&out);
	}
	h->out_len = out.len;
	h->out_sent = 0;
	h->out = buf_take(&out);
	h->state = H1_WRITE;
	h->after_write = H1_HEAD;
	connection_deadline_in(c, c->server->cfg.write_timeout_ms);
}

static void
h1_reply(struct exchange *x, const struct reply *r)
{
	struct connection *c = x->connection;

	c->h1->close = x->head.close || connection_leaves(c);
	c->h1->linger = false;
	reply_write(c, r);
	if (!c->running)
		connection_run(c);
}

/* ---- replies in parts ---- */

/* RFC 9112 7.1; a client of 1.0 reads until the connection ends. */
static void
h1_stream(struct exchange *x, const struct reply *r)
{
	struct connection *c = x->connection;
	struct h1 *h = c->h1;

	if (x->stream == NULL)
		return;
	h->close = x->head.close || connection_leaves(c);
	h->linger = false;
	head_write(c, &x->stream->queue, r,
	    x->head.http10 ? "" : "Transfer-Encoding: chunked\r\n");
	h->state = H1_STREAM;
	connection_run_soon(c);
}

static void
h1_send(struct exchange *x, const void *bytes, size_t len)
{
	struct buf *queue = &x->stream->queue;

	if (!x->head.http10)
		buf_addf(queue, "%zx\r\n", len);
	buf_add(queue, bytes, len);
	if (!x->head.http10)
		buf_adds(queue, "\r\n");
	connection_run_soon(x->connection);
}

static void
h1_end(struct exchange *x)
{
	if (!x->head.http10 && !x->head_only)
		buf_adds(&x->stream->queue, "0\r\n\r\n");
	connection_run_soon(x->connection);
}

void
h1_refuse(struct connection *c, int status, const char *detail)
{
	struct buf body = BUF_INIT(4096);

	detail_json(&body, detail);
	c->h1->close = true;
	c->h1->linger = true;
	c->h1->exchange.head_only = false;
	exchange_count_reply(c, status);
	reply_write(c, &(struct reply){ status, "application/json", body.data, body.len, NULL, 0 });
	buf_free(&body);
}

/* ---- steps ---- */

/*
 * Readable during an exchange: the client left, or pipelines. The byte is only
 * looked at. A pipelining client is not watched further: it is found gone when
 * the reply is written.
 */
static enum step
step_exchange(struct connection *c)
{
	char byte;
	enum step step = connection_peek(c, &byte);

	if (step == STEP_AGAIN) {
		connection_read_arm(c, false);
		step = STEP_WAIT;
	}
	return step;
}

/* Takes the request that was answered out of `text` and readies for the next. */
static enum step
next_request(struct connection *c)
{
	struct h1 *h = c->h1;
	struct exchange *x = &h->exchange;
	size_t used = x->head_len + x->body_len;

	x->text[used] = h->after_body;
	h->len -= used;
	h->searched = 0;
	h->timed = false;
	h->state = H1_HEAD;
	if (h->len > 0) {
		memmove(x->text, x->text + used, h->len + 1);
		return STEP_AGAIN;
	}
	h1_text_drop(h);
	if (connection_leaves(c))
		return STEP_CLOSE;
	connection_deadline_in(c, c->server->cfg.idle_timeout_ms);
	connection_read_arm(c, true);
	return connection_has_pending(c) ? STEP_AGAIN : STEP_WAIT;
}

static enum step
written(struct connection *c)
{
	struct h1 *h = c->h1;

	free(h->out);
	h->out = NULL;
	if (h->after_write != H1_HEAD) {
		h->state = h->after_write;
		return STEP_AGAIN;
	}
	if (!h->close)
		return next_request(c);
	connection_goodbye(c);
	if (!h->linger)
		return STEP_CLOSE;
	shutdown(c->fd, SHUT_WR);
	connection_deadline_in(c, LINGER_MS);
	h->state = H1_LINGER;
	return STEP_AGAIN;
}

/* STEP_AGAIN: all of `out` has left. */
static enum step
write_out(struct connection *c)
{
	struct h1 *h = c->h1;
	enum step step;
	size_t sent;

	while (h->out_sent < h->out_len) {
		/* Pipelined bytes must not wake us while we cannot write. */
		step = connection_write(c, h->out + h->out_sent, h->out_len - h->out_sent, &sent);
		if (step == STEP_WAIT)
			connection_read_arm(c, false);
		if (step != STEP_AGAIN)
			return step;
		h->out_sent += sent;
	}
	return STEP_AGAIN;
}

static enum step
step_write(struct connection *c)
{
	enum step step = write_out(c);

	return step == STEP_AGAIN ? written(c) : step;
}

static void
stream_drop(struct h1 *h)
{
	stream_free(h->exchange.stream);
	h->exchange.stream = NULL;
}

/* What was taken has its time to leave; then what has been queued meanwhile is taken. */
static enum step
step_stream(struct connection *c)
{
	struct h1 *h = c->h1;
	struct stream *s = h->exchange.stream;
	enum step step;

	for (;;) {
		if (h->out != NULL && (step = write_out(c)) != STEP_AGAIN)
			return step;
		if (h->out != NULL)
			stream_left(s, h->out_len);
		free(h->out);
		h->out = NULL;
		c->deadline_ns = 0;
		if (s->queue.failed)
			return STEP_CLOSE;
		h->out = stream_take(s, &h->out_len);
		h->out_sent = 0;
		if (h->out == NULL)
			break;
		connection_deadline_in(c, c->server->cfg.write_timeout_ms);
	}
	if (!s->ended)
		return step_exchange(c);
	stream_drop(h);
	h->after_write = H1_HEAD;
	return written(c);
}

/* Bytes unread at close() would turn into a reset that destroys the refusal on its way. */
static enum step
step_linger(struct connection *c)
{
	char waste[WASTE_SIZE];
	ssize_t n = recv(c->fd, waste, sizeof(waste), 0);

	connection_read_arm(c, true);
	if (n > 0)
		return STEP_WAIT;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? STEP_WAIT : STEP_CLOSE;
}

static enum step
h1_step(struct connection *c)
{
	static enum step (*const steps[H1_STATES])(struct connection *) = {
		[H1_HEAD] = h1_step_head,
		[H1_BODY] = h1_step_body,
		[H1_EXCHANGE] = step_exchange,
		[H1_STREAM] = step_stream,
		[H1_WRITE] = step_write,
		[H1_LINGER] = step_linger,
	};

	return steps[c->h1->state](c);
}

/* ---- life ---- */

static bool
h1_start(struct connection *c)
{
	c->h1 = calloc(1, sizeof(*c->h1));
	if (c->h1 == NULL)
		return false;
	c->h1->exchange.connection = c;
	connection_deadline_in(c, c->server->cfg.idle_timeout_ms);
	return true;
}

static void
h1_expire(struct connection *c)
{
	bool partial = c->h1->state == H1_BODY ||
	    (c->h1->state == H1_HEAD && c->h1->len > 0);

	if (!partial) {
		connection_end(c);
		return;
	}
	h1_refuse(c, 408, "the request did not arrive in time");
	connection_run(c);
}

static void
h1_drain(struct connection *c)
{
	if (!c->running && c->h1->state == H1_HEAD && c->h1->len == 0)
		connection_end(c);
}

/* The request's text stays: an exchange may still need it. */
static void
h1_lost(struct connection *c)
{
	free(c->h1->out);
	c->h1->out = NULL;
	if (c->h1->exchange.open)
		exchange_lost(&c->h1->exchange);
	else
		stream_drop(c->h1);
}

/* It goes with the connection. */
static void
h1_discard(struct exchange *x)
{
}

static void
h1_free(struct connection *c)
{
	h1_text_drop(c->h1);
	free(c->h1);
}

const struct protocol protocol_h1 = {
	.start = h1_start,
	.step = h1_step,
	.expire = h1_expire,
	.drain = h1_drain,
	.reply = h1_reply,
	.stream = h1_stream,
	.send = h1_send,
	.end = h1_end,
	.discard = h1_discard,
	.lost = h1_lost,
	.free = h1_free,
};
