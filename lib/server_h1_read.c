#include "server_h1.h"

#include <stdlib.h>
#include <string.h>

#define READ_SIZE 2048		/* first room for a request */

/* From the first byte that did not bring the whole request. */
static void
request_clock(struct connection *c)
{
	if (c->h1->timed)
		return;
	c->h1->timed = true;
	connection_deadline_in(c, c->server->cfg.request_timeout_ms);
}

/* Room for `want` bytes and a NUL. */
static bool
text_room(struct h1 *h, size_t want)
{
	char *text;

	if (want + 1 <= h->size)
		return true;
	text = realloc(h->exchange.text, want + 1);
	if (text == NULL)
		return false;
	h->exchange.text = text;
	h->size = want + 1;
	return true;
}

void
h1_text_drop(struct h1 *h)
{
	free(h->exchange.text);
	h->exchange.text = NULL;
	h->size = 0;
}

/* Reads what fits; STEP_AGAIN when something came. */
static enum step
text_read(struct connection *c)
{
	struct h1 *h = c->h1;
	size_t got = 0;
	enum step step = connection_read(c, h->exchange.text + h->len,
	    h->size - 1 - h->len, &got);

	h->len += got;
	h->exchange.text[h->len] = '\0';
	return step;
}

static enum step
head_complete(struct connection *c, size_t end)
{
	struct h1 *h = c->h1;
	struct exchange *x = &h->exchange;
	const struct server_config *cfg = &c->server->cfg;
	const char *why;
	int status = head_parse(&x->head, x->text, end, &why);

	x->head_len = end;
	x->body_len = 0;
	h->chunks = (struct chunk_decoder){ CHUNK_SIZE, 0, 0, 0 };
	h->max_body = cfg->max_body;
	if (status == 0 && (x->head.chunked || x->head.content_length > h->max_body))
		h->max_body = server_max_body(c->server, x->text + x->head.path);
	if (status == 0 && x->head.content_length > h->max_body) {
		status = 413;
		why = "the body is too large";
	}
	if (status != 0) {
		h1_refuse(c, status, why);
		return STEP_AGAIN;
	}
	h->state = H1_BODY;
	if (!x->head.expect_continue || h->len > end)
		return STEP_AGAIN;
	h->out = strdup("HTTP/1.1 100 Continue\r\n\r\n");
	if (h->out == NULL)
		return STEP_CLOSE;
	h->out_len = strlen(h->out);
	h->out_sent = 0;
	h->state = H1_WRITE;
	h->after_write = H1_BODY;
	return STEP_AGAIN;
}

/* RFC 9112 2.2: an empty line before a request is skipped. */
static void
skip_empty_line(struct connection *c)
{
	struct h1 *h = c->h1;
	char *text = h->exchange.text;

	if (h->len < 2 || memcmp(text, "\r\n", 2) != 0)
		return;
	h->len -= 2;
	memmove(text, text + 2, h->len);
	h->searched = 0;
}

enum step
h1_step_head(struct connection *c)
{
	struct h1 *h = c->h1;
	const struct server_config *cfg = &c->server->cfg;
	size_t end, want;
	enum step step;

	connection_read_arm(c, true);
	skip_empty_line(c);
	end = h->len > 0 ? head_end(h->exchange.text, h->len, h->searched) : 0;
	if (end > cfg->max_head || (end == 0 && h->len >= cfg->max_head)) {
		h1_refuse(c, 431, "the head of the request is too large");
		return STEP_AGAIN;
	}
	if (end > 0)
		return head_complete(c, end);
	if (h->len > 0)
		request_clock(c);
	h->searched = h->len;
	want = h->len < READ_SIZE / 2 ? READ_SIZE : h->len * 2;
	if (!text_room(h, want < cfg->max_head ? want : cfg->max_head))
		return STEP_CLOSE;
	step = text_read(c);
	if (step == STEP_WAIT && h->len == 0)
		h1_text_drop(h);
	return step;
}

static enum step
body_complete(struct connection *c, size_t len)
{
	struct h1 *h = c->h1;
	struct exchange *x = &h->exchange;
	char *end = x->text + x->head_len + len;

	x->body_len = len;
	h->after_body = *end;
	*end = '\0';
	h->state = H1_EXCHANGE;
	c->deadline_ns = 0;
	exchange_begin(x);
	return h->state == H1_EXCHANGE ? STEP_WAIT : STEP_AGAIN;
}

static enum step
step_chunked(struct connection *c)
{
	struct h1 *h = c->h1;
	struct exchange *x = &h->exchange;
	size_t len = h->len - x->head_len, want;
	enum chunk_result result;

	result = chunk_decode(&h->chunks, x->text + x->head_len, &len, h->max_body);
	h->len = x->head_len + len;
	if (result == CHUNK_COMPLETE)
		return body_complete(c, h->chunks.decoded);
	if (result == CHUNK_TOO_LARGE || result == CHUNK_MALFORMED) {
		if (result == CHUNK_TOO_LARGE)
			h1_refuse(c, 413, "the body is too large");
		else
			h1_refuse(c, 400, "malformed chunk");
		return STEP_AGAIN;
	}
	/* Raw bytes that wait are at most a line; twice the need keeps this linear. */
	want = h->len + READ_SIZE;
	if (want > h->size - 1)
		want = h->len * 2 + READ_SIZE;
	if (!text_room(h, want))
		return STEP_CLOSE;
	request_clock(c);
	return text_read(c);
}

enum step
h1_step_body(struct connection *c)
{
	struct h1 *h = c->h1;
	struct exchange *x = &h->exchange;

	connection_read_arm(c, true);
	if (x->head.chunked)
		return step_chunked(c);
	if (h->len - x->head_len >= x->head.content_length)
		return body_complete(c, (size_t)x->head.content_length);
	if (!text_room(h, x->head_len + (size_t)x->head.content_length))
		return STEP_CLOSE;
	request_clock(c);
	return text_read(c);
}
