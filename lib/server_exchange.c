#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "server_connection.h"
#include "server_exchange.h"
#include "server_inner.h"

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

const char *
status_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

const char *
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

bool
header_fits(const struct header *h)
{
	return strpbrk(h->name, "\r\n:") == NULL && strpbrk(h->value, "\r\n") == NULL;
}

void
detail_json(struct buf *out, const char *detail)
{
	buf_adds(out, "{\"detail\":");
	buf_add_json(out, detail, strlen(detail));
	buf_addc(out, '}');
}

void
exchange_count_reply(const struct connection *c, int status)
{
	metric_add(c->server->cfg.metrics, SERVER_METRIC_HTTP_REPLIES,
	    (size_t)(status / 100 - 1), 1);
}

void
exchange_begin(struct exchange *x)
{
	x->route = NULL;
	x->gone = NULL;
	x->stream = NULL;
	x->inner = NULL;
	x->started_ns = monotonic_ns();
	x->open = true;
	x->lost = false;
	x->counted = false;
	x->head_only = strcmp(x->text + x->head.method, "HEAD") == 0;
	x->connection->exchanges++;
	server_dispatch(x->connection->server, x);
}

void
exchange_count(struct exchange *x)
{
	struct server *s = x->connection->server;

	x->counted = true;
	s->in_flight++;
	metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_IN_FLIGHT, 0, 1);
}

void
exchange_lost(struct exchange *x)
{
	struct server *s = x->connection->server;
	void (*gone)(struct exchange *, void *) = x->gone;

	x->lost = true;
	x->gone = NULL;
	if (s != NULL)
		metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_GONE, 0, 1);
	if (gone != NULL)
		gone(x, x->gone_arg);
}

void
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
	const struct reply reply = { status, content_type != NULL ? content_type :
		"application/json", body, len, extra, extra_count };

	exchange_finish(x);
	x->open = false;
	c->exchanges--;
	if (x->inner != NULL) {
		inner_reply(x, &reply);
		return;
	}
	if (x->lost || c->fd < 0) {
		c->protocol->discard(x);
		connection_settle(c);
		return;
	}
	exchange_count_reply(c, status);
	c->protocol->reply(x, &reply);
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
	return head_find(&x->head, x->text, name);
}

const char *
exchange_header_next(const struct exchange *x, const char *name, size_t *at)
{
	while (*at < x->head.field_count) {
		const struct head_field *field = &x->head.fields[(*at)++];

		if (strcasecmp(x->text + field->name, name) == 0)
			return x->text + field->value;
	}
	return NULL;
}

const char *
exchange_query(const struct exchange *x)
{
	const char *query = x->text + x->head.query;

	return *query != '\0' ? query : NULL;
}

const char *
exchange_body(const struct exchange *x, size_t *len)
{
	*len = x->body_len;
	return x->text + x->head_len;
}

const char *
exchange_identity(const struct exchange *x)
{
	return connection_expired(x->connection) ? "" : x->connection->identity;
}

X509 *
exchange_certificate(const struct exchange *x)
{
	return x->connection->ssl == NULL || connection_expired(x->connection) ? NULL :
	    SSL_get0_peer_certificate(x->connection->ssl);
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

void
exchange_on_gone(struct exchange *x, void (*gone)(struct exchange *x, void *arg),
    void *arg)
{
	x->gone = gone;
	x->gone_arg = arg;
}
