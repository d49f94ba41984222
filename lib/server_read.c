#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "server_connection.h"

#define READ_SIZE 2048		/* first room for a request */

/* From the first byte that did not bring the whole request. */
static void
request_clock(struct connection *c)
{
	if (c->timed)
		return;
	c->timed = true;
	connection_deadline_in(c, c->server->cfg.request_timeout_ms);
}

/* Room for `want` bytes and a NUL. */
static bool
text_room(struct connection *c, size_t want)
{
	char *text;

	if (want + 1 <= c->size)
		return true;
	text = realloc(c->text, want + 1);
	if (text == NULL)
		return false;
	c->text = text;
	c->size = want + 1;
	return true;
}

void
connection_text_drop(struct connection *c)
{
	free(c->text);
	c->text = NULL;
	c->size = 0;
}

/* Reads what fits; STEP_AGAIN when something came. */
static enum step
text_read(struct connection *c)
{
	size_t room = c->size - 1 - c->len, got = 0;
	ssize_t n;

	if (c->ssl != NULL) {
		ERR_clear_error();
		if (SSL_read_ex(c->ssl, c->text + c->len, room, &got) != 1)
			return connection_ssl_step(c, 0);
	} else {
		n = read(c->fd, c->text + c->len, room);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return STEP_WAIT;
		if (n <= 0)
			return STEP_CLOSE;
		got = (size_t)n;
	}
	c->len += got;
	c->text[c->len] = '\0';
	return STEP_AGAIN;
}

static enum step
head_complete(struct connection *c, size_t end)
{
	const struct server_config *cfg = &c->server->cfg;
	const char *why;
	int status = head_parse(&c->head, c->text, end, &why);

	c->head_len = end;
	c->body_len = 0;
	c->chunks = (struct chunk_decoder){ CHUNK_SIZE, 0, 0, 0 };
	if (status == 0 && c->head.content_length > cfg->max_body) {
		status = 413;
		why = "the body is too large";
	}
	if (status != 0) {
		connection_refuse(c, status, why);
		return STEP_AGAIN;
	}
	c->state = CONNECTION_BODY;
	if (!c->head.expect_continue || c->len > end)
		return STEP_AGAIN;
	c->out = strdup("HTTP/1.1 100 Continue\r\n\r\n");
	if (c->out == NULL)
		return STEP_CLOSE;
	c->out_len = strlen(c->out);
	c->out_sent = 0;
	c->state = CONNECTION_WRITE;
	c->after_write = CONNECTION_BODY;
	return STEP_AGAIN;
}

/* RFC 9112 2.2: an empty line before a request is skipped. */
static void
skip_empty_line(struct connection *c)
{
	if (c->len < 2 || memcmp(c->text, "\r\n", 2) != 0)
		return;
	c->len -= 2;
	memmove(c->text, c->text + 2, c->len);
	c->searched = 0;
}

enum step
connection_step_head(struct connection *c)
{
	const struct server_config *cfg = &c->server->cfg;
	size_t end, want;
	enum step step;

	connection_read_arm(c, true);
	skip_empty_line(c);
	end = c->len > 0 ? head_end(c->text, c->len, c->searched) : 0;
	if (end > cfg->max_head || (end == 0 && c->len >= cfg->max_head)) {
		connection_refuse(c, 431, "the head of the request is too large");
		return STEP_AGAIN;
	}
	if (end > 0)
		return head_complete(c, end);
	if (c->len > 0)
		request_clock(c);
	c->searched = c->len;
	want = c->len < READ_SIZE / 2 ? READ_SIZE : c->len * 2;
	if (!text_room(c, want < cfg->max_head ? want : cfg->max_head))
		return STEP_CLOSE;
	step = text_read(c);
	if (step == STEP_WAIT && c->len == 0)
		connection_text_drop(c);
	return step;
}

static enum step
body_complete(struct connection *c, size_t len)
{
	char *end = c->text + c->head_len + len;

	c->body_len = len;
	c->after_body = *end;
	*end = '\0';
	c->state = CONNECTION_EXCHANGE;
	c->deadline_ns = 0;
	server_dispatch(c->server, c);
	return c->state == CONNECTION_EXCHANGE ? STEP_WAIT : STEP_AGAIN;
}

static enum step
step_chunked(struct connection *c)
{
	const struct server_config *cfg = &c->server->cfg;
	size_t len = c->len - c->head_len, want;
	enum chunk_result result;

	result = chunk_decode(&c->chunks, c->text + c->head_len, &len, cfg->max_body);
	c->len = c->head_len + len;
	if (result == CHUNK_COMPLETE)
		return body_complete(c, c->chunks.decoded);
	if (result == CHUNK_TOO_LARGE || result == CHUNK_MALFORMED) {
		if (result == CHUNK_TOO_LARGE)
			connection_refuse(c, 413, "the body is too large");
		else
			connection_refuse(c, 400, "malformed chunk");
		return STEP_AGAIN;
	}
	/* Raw bytes that wait are at most a line; twice the need keeps this linear. */
	want = c->len + READ_SIZE;
	if (want > c->size - 1)
		want = c->len * 2 + READ_SIZE;
	if (!text_room(c, want))
		return STEP_CLOSE;
	request_clock(c);
	return text_read(c);
}

enum step
connection_step_body(struct connection *c)
{
	connection_read_arm(c, true);
	if (c->head.chunked)
		return step_chunked(c);
	if (c->len - c->head_len >= c->head.content_length)
		return body_complete(c, (size_t)c->head.content_length);
	if (!text_room(c, c->head_len + (size_t)c->head.content_length))
		return STEP_CLOSE;
	request_clock(c);
	return text_read(c);
}
