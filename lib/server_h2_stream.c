#include "server_h2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_SIZE	512	/* first room for a request */
#define REPLY_FIELDS	16	/* headers of a handler's reply, more are left out */

struct h2_stream *
h2_stream_new(struct connection *c, int32_t id)
{
	struct h2_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->exchange.connection = c;
	s->exchange.text = malloc(TEXT_SIZE);
	if (s->exchange.text == NULL) {
		free(s);
		return NULL;
	}
	/* What the head does not give is the empty string at its start. */
	s->exchange.text[0] = '\0';
	s->size = TEXT_SIZE;
	s->len = 1;
	s->id = id;
	h2_stream_move(s, &c->h2->arriving);
	return s;
}

void
h2_stream_free(struct h2_stream *s)
{
	stream_free(s->exchange.stream);
	free(s->exchange.text);
	free(s->reply);
	free(s);
}

void
h2_stream_move(struct h2_stream *s, struct h2_list *list)
{
	if (s->list != NULL)
		TAILQ_REMOVE(&s->list->streams, s, entry);
	s->list = list;
	if (list == NULL)
		return;
	s->since_ns = monotonic_ns();
	TAILQ_INSERT_TAIL(&list->streams, s, entry);
}

/* Lets the client send as many bytes more, on whatever stream. */
static void
window_renew(struct h2_stream *s, size_t len)
{
	if (len > 0)
		nghttp2_session_consume_connection(s->exchange.connection->h2->session, len);
}

void
h2_stream_leave(struct h2_stream *s)
{
	h2_stream_move(s, NULL);
	window_renew(s, s->held);
	s->held = 0;
	if (s->exchange.open)
		exchange_lost(&s->exchange);
	else
		h2_stream_free(s);
}

/* ---- the request ---- */

static bool
text_add(struct h2_stream *s, const void *bytes, size_t len)
{
	size_t size = s->size;
	char *text;

	while (size < s->len + len + 1)
		size *= 2;
	if (size != s->size) {
		text = realloc(s->exchange.text, size);
		if (text == NULL)
			return false;
		s->exchange.text = text;
		s->size = size;
	}
	memcpy(s->exchange.text + s->len, bytes, len);
	s->len += len;
	s->exchange.text[s->len] = '\0';
	return true;
}

/* The string's offset; 0, the empty string's, when memory ran out. */
static uint32_t
string_add(struct h2_stream *s, const char *string, size_t len)
{
	size_t at = s->len;

	if (!text_add(s, string, len) || !text_add(s, "", 1)) {
		s->refused = 503;
		return 0;
	}
	return (uint32_t)at;
}

static void
path_add(struct h2_stream *s, const char *value, size_t len)
{
	struct head *h = &s->exchange.head;
	const char *query = memchr(value, '?', len);
	size_t path_len = query != NULL ? (size_t)(query - value) : len;

	h->path = string_add(s, value, path_len);
	if (query != NULL)
		h->query = string_add(s, query + 1, len - path_len - 1);
}

/* The library has checked that it is digits. */
static uint64_t
length_of(const char *value, size_t len)
{
	uint64_t length = 0;

	if (len > 18)
		return UINT64_MAX;
	for (size_t i = 0; i < len; i++)
		length = length * 10 + (uint64_t)(value[i] - '0');
	return length;
}

static bool
named(const char *name, size_t len, const char *expected)
{
	return len == strlen(expected) && memcmp(name, expected, len) == 0;
}

void
h2_stream_field(struct h2_stream *s, const char *name, size_t name_len, const char *value,
    size_t value_len)
{
	const struct server_config *cfg = &s->exchange.connection->server->cfg;
	struct head *h = &s->exchange.head;

	if (s->refused != 0)
		return;
	if (s->len + name_len + value_len + 2 > cfg->max_head ||
	    h->field_count == HEAD_FIELDS_MAX) {
		s->refused = 431;
	} else if (named(name, name_len, ":method")) {
		h->method = string_add(s, value, value_len);
	} else if (named(name, name_len, ":path")) {
		path_add(s, value, value_len);
	} else if (!named(name, name_len, ":scheme")) {
		/* RFC 9113 8.3.1: :authority stands for Host. */
		if (named(name, name_len, ":authority"))
			h->fields[h->field_count].name = string_add(s, "host", 4);
		else
			h->fields[h->field_count].name = string_add(s, name, name_len);
		h->fields[h->field_count++].value = string_add(s, value, value_len);
		if (named(name, name_len, "content-length"))
			h->content_length = length_of(value, value_len);
	}
}

static void
head_expect(struct h2_stream *s)
{
	static uint8_t name[] = ":status", value[] = "100";
	static const nghttp2_nv nv = { name, value, 7, 3,
		NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };
	const char *expect = exchange_header(&s->exchange, "expect");

	if (expect == NULL)
		return;
	if (strcasecmp(expect, "100-continue") != 0)
		h2_stream_refuse(s, 417, "the only expectation known here is 100-continue");
	else
		nghttp2_submit_headers(s->exchange.connection->h2->session,
		    NGHTTP2_FLAG_NONE, s->id, NULL, &nv, 1, NULL);
}

void
h2_stream_head(struct h2_stream *s, bool whole)
{
	const struct server_config *cfg = &s->exchange.connection->server->cfg;

	s->exchange.head_len = s->len;
	s->max_body = cfg->max_body;
	if (!whole)
		s->max_body = server_max_body(s->exchange.connection->server,
		    s->exchange.text + s->exchange.head.path);
	if (s->refused == 431)
		h2_stream_refuse(s, 431, "the head of the request is too large");
	else if (s->refused != 0)
		h2_stream_refuse(s, s->refused, status_reason(s->refused));
	else if (s->exchange.head.content_length > s->max_body)
		h2_stream_refuse(s, 413, "the body is too large");
	else if (!whole)
		head_expect(s);
}

void
h2_stream_body(struct h2_stream *s, const uint8_t *bytes, size_t len)
{
	struct connection *c = s->exchange.connection;
	size_t had = s->len - s->exchange.head_len;

	/* Other bodies fit their stream's window; see session_greet(). */
	if (s->max_body > c->server->cfg.max_body)
		nghttp2_session_consume_stream(c->h2->session, s->id, len);
	if (s->refused == 0 && len > s->max_body - had)
		h2_stream_refuse(s, 413, "the body is too large");
	else if (s->refused == 0 && !text_add(s, bytes, len))
		h2_stream_refuse(s, 503, "out of memory");
	if (s->refused == 0)
		s->held += len;
	else
		window_renew(s, len);
}

void
h2_stream_whole(struct h2_stream *s)
{
	struct connection *c = s->exchange.connection;

	s->whole = true;
	if (s->refused != 0)
		return;
	/* From here it counts as a request in flight, no longer as bytes on their way. */
	window_renew(s, s->held);
	s->held = 0;
	s->exchange.body_len = s->len - s->exchange.head_len;
	h2_stream_move(s, &c->h2->handled);
	exchange_begin(&s->exchange);
}

/* ---- the reply ---- */

static ssize_t
reply_read(nghttp2_session *session, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *arg)
{
	struct h2_stream *s = source->ptr;
	size_t len = s->reply_len - s->reply_sent;

	if (len <= room)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	else
		len = room;
	memcpy(out, s->reply + s->reply_sent, len);
	s->reply_sent += len;
	return (ssize_t)len;
}

/* The library copies both strings. */
static nghttp2_nv
field(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
		NGHTTP2_NV_FLAG_NONE };
}

static bool
reply_keep(struct h2_stream *s, const struct reply *r)
{
	if (s->exchange.head_only || r->len == 0)
		return true;
	s->reply = malloc(r->len);
	if (s->reply == NULL)
		return false;
	memcpy(s->reply, r->body, r->len);
	s->reply_len = r->len;
	return true;
}

/* `length` is NULL where the body's is not known yet. */
static bool
submit(struct h2_stream *s, const struct reply *r, const char *length,
    const nghttp2_data_provider *body)
{
	struct connection *c = s->exchange.connection;
	nghttp2_nv fields[4 + REPLY_FIELDS];
	char status[12];
	size_t count = 3;

	snprintf(status, sizeof(status), "%d", r->status);
	fields[0] = field(":status", status);
	fields[1] = field("date", server_date(c->server));
	fields[2] = field("content-type", r->content_type);
	if (length != NULL)
		fields[count++] = field("content-length", length);
	for (size_t i = 0; i < r->extra_count && count < 4 + REPLY_FIELDS; i++)
		if (header_fits(&r->extra[i]))
			fields[count++] = field(r->extra[i].name, r->extra[i].value);
	return nghttp2_submit_response(c->h2->session, s->id, fields, count, body) == 0;
}

void
h2_stream_reply(struct h2_stream *s, const struct reply *r)
{
	struct connection *c = s->exchange.connection;
	nghttp2_data_provider body = { { .ptr = s }, reply_read };
	char length[24];

	snprintf(length, sizeof(length), "%zu", r->len);
	h2_stream_move(s, &c->h2->replying);
	if (!reply_keep(s, r) || !submit(s, r, length, s->reply_len > 0 ? &body : NULL))
		nghttp2_submit_rst_stream(c->h2->session, NGHTTP2_FLAG_NONE, s->id,
		    NGHTTP2_INTERNAL_ERROR);
	/* The reply may have been made of it. */
	free(s->exchange.text);
	s->exchange.text = NULL;
}

/* ---- a reply in parts ---- */

/* Takes what is queued, which has its time to leave from now; else the handler has it. */
static void
part_take(struct h2_stream *s)
{
	struct h2 *h = s->exchange.connection->h2;

	free(s->reply);
	s->reply = stream_take(s->exchange.stream, &s->reply_len);
	s->reply_sent = 0;
	h2_stream_move(s, s->reply != NULL || s->exchange.stream->ended ? &h->replying :
	    &h->handled);
}

static ssize_t
part_read(nghttp2_session *session, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *arg)
{
	struct h2_stream *s = source->ptr;
	struct stream *stream = s->exchange.stream;
	size_t len;

	if (s->reply == NULL)
		part_take(s);
	if (s->reply == NULL && !stream->ended)
		return NGHTTP2_ERR_DEFERRED;
	len = s->reply_len - s->reply_sent < room ? s->reply_len - s->reply_sent : room;
	if (len > 0)
		memcpy(out, s->reply + s->reply_sent, len);
	s->reply_sent += len;
	stream_left(stream, len);
	if (s->reply != NULL && s->reply_sent == s->reply_len)
		part_take(s);
	if (s->reply == NULL && stream->ended)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

void
h2_stream_begin(struct h2_stream *s, const struct reply *head)
{
	const nghttp2_data_provider body = { { .ptr = s }, part_read };

	if (!submit(s, head, NULL, &body))
		nghttp2_submit_rst_stream(s->exchange.connection->h2->session, NGHTTP2_FLAG_NONE,
		    s->id, NGHTTP2_INTERNAL_ERROR);
}

void
h2_stream_resume(struct h2_stream *s)
{
	struct connection *c = s->exchange.connection;

	if (s->exchange.stream->queue.failed) {
		nghttp2_submit_rst_stream(c->h2->session, NGHTTP2_FLAG_NONE, s->id,
		    NGHTTP2_INTERNAL_ERROR);
		return;
	}
	/* From here it is the client that is waited for. */
	if (s->list == &c->h2->handled)
		h2_stream_move(s, &c->h2->replying);
	nghttp2_session_resume_data(c->h2->session, s->id);
}

void
h2_stream_refuse(struct h2_stream *s, int status, const char *detail)
{
	struct connection *c = s->exchange.connection;
	struct buf body = BUF_INIT(4096);

	s->refused = status;
	window_renew(s, s->held);
	s->held = 0;
	detail_json(&body, detail);
	exchange_count_reply(c, status);
	h2_stream_reply(s, &(struct reply){ status, "application/json", body.data, body.len,
	    NULL, 0 });
	buf_free(&body);
}
