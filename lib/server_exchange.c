#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server_connection.h"

#define HEAD_MAX 4096		/* of a reply, our own headers included */

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" }, { 201, "Created" }, { 204, "No Content" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
	{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
	{ 409, "Conflict" }, { 411, "Length Required" }, { 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" }, { 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" }, { 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
	{ 501, "Not Implemented" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
};

static const char *
status_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

/* RFC 9110 6.6.1; made once a second. */
static const char *
server_date(struct server *s)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now != s->date_s) {
		s->date_s = now;
		gmtime_r(&now, &tm);
		strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	}
	return s->date;
}

/* Values with line ends would make headers of their own: such a header is left out. */
static bool
header_fits(const struct header *h)
{
	return strpbrk(h->name, "\r\n:") == NULL && strpbrk(h->value, "\r\n") == NULL;
}

static void
head_write(struct connection *c, struct buf *out, int status, const char *content_type,
    size_t len, const struct header *extra, size_t extra_count)
{
	buf_addf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n", status, status_reason(status),
	    server_date(c->server), content_type, len);
	for (size_t i = 0; i < extra_count; i++)
		if (header_fits(&extra[i]))
			buf_addf(out, "%s: %s\r\n", extra[i].name, extra[i].value);
	buf_adds(out, c->close ? "Connection: close\r\n\r\n" : "\r\n");
}

/* Fills `out` with the whole reply, so that it leaves in one write. */
static void
reply_write(struct connection *c, int status, const char *content_type,
    const void *body, size_t len, const struct header *extra, size_t extra_count)
{
	struct buf out = BUF_INIT(HEAD_MAX);

	head_write(c, &out, status, content_type, len, extra, extra_count);
	out.max += len;
	if (!c->exchange.head_only)
		buf_add(&out, body, len);
	if (out.failed) {
		/* Memory ran out, or headers of ours are far too long: no reply is better. */
		c->close = true;
		buf_reset(&out);
	}
	c->out_len = out.len;
	c->out_sent = 0;
	c->out = buf_take(&out);
	c->state = CONNECTION_WRITE;
	c->after_write = CONNECTION_HEAD;
	c->deadline_ns = monotonic_ns() +
	    (uint64_t)c->server->cfg.write_timeout_ms * 1000000u;
	metric_add(c->server->cfg.metrics, SERVER_METRIC_HTTP_REPLIES,
	    (size_t)(status / 100 - 1), 1);
}

static void
detail_json(struct buf *out, const char *detail)
{
	buf_adds(out, "{\"detail\":");
	buf_add_json(out, detail, strlen(detail));
	buf_addc(out, '}');
}

void
connection_refuse(struct connection *c, int status, const char *detail)
{
	struct buf body = BUF_INIT(4096);

	detail_json(&body, detail);
	c->close = true;
	c->linger = true;
	c->exchange.head_only = false;
	reply_write(c, status, "application/json", body.data, body.len, NULL, 0);
	buf_free(&body);
}

/* The exchange no longer counts; how long it took does. */
static void
exchange_finish(struct exchange *x)
{
	struct server *s = x->connection->server;

	x->gone = NULL;
	if (!x->counted)
		return;
	x->counted = false;
	if (s == NULL)
		return;
	s->in_flight--;
	metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_IN_FLIGHT, 0, -1);
	metric_observe(s->cfg.metrics, SERVER_METRIC_HTTP_SECONDS, 0,
	    (double)(monotonic_ns() - x->started_ns) / 1e9);
}

void
exchange_reply(struct exchange *x, int status, const char *content_type,
    const void *body, size_t len, const struct header *extra, size_t extra_count)
{
	struct connection *c = x->connection;

	exchange_finish(x);
	if (c->fd < 0) {
		c->state = CONNECTION_LINGER;	/* no longer an exchange: may be freed */
		connection_end(c);
		return;
	}
	c->close = c->head.close || c->server->draining;
	c->linger = false;
	reply_write(c, status, content_type != NULL ? content_type : "application/json",
	    body, len, extra, extra_count);
	if (!c->running)
		connection_run(c);
}

void
exchange_refuse(struct exchange *x, int status, const char *detail)
{
	struct buf body = BUF_INIT(65536);

	detail_json(&body, detail);
	if (body.failed) {
		buf_reset(&body);
		detail_json(&body, status_reason(status));
	}
	exchange_reply(x, status, NULL, body.data, body.len, NULL, 0);
	buf_free(&body);
}

const char *
exchange_header(const struct exchange *x, const char *name)
{
	return head_find(&x->connection->head, x->connection->text, name);
}

const char *
exchange_query(const struct exchange *x)
{
	const char *query = x->connection->text + x->connection->head.query;

	return *query != '\0' ? query : NULL;
}

const char *
exchange_body(const struct exchange *x, size_t *len)
{
	*len = x->connection->body_len;
	return x->connection->text + x->connection->head_len;
}

const char *
exchange_identity(const struct exchange *x)
{
	return x->connection->identity;
}

const char *
exchange_peer(const struct exchange *x)
{
	return x->connection->peer;
}

uint64_t
exchange_started_ns(const struct exchange *x)
{
	return x->started_ns;
}

struct server *
exchange_server(const struct exchange *x)
{
	return x->connection->server;
}

void
exchange_on_gone(struct exchange *x, void (*gone)(struct exchange *x, void *arg),
    void *arg)
{
	x->gone = gone;
	x->gone_arg = arg;
}
