/* HTTP/1.1: a connection for each client, handshakes a few at a time. */
#include "tests/bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#define HANDSHAKES	16	/* at once, as clients come one by one */
#define REPLY_MAX	((size_t)4 * 1024 * 1024)

struct h1 {
	struct client *client;
	struct bufferevent *bev;
	size_t head_len, body_len;	/* head_len 0: the head is not yet there */
	int status;
};

static void h1_open(struct client *c);

static void
h1_send(struct client *c, const char *body)
{
	const struct load *l = c->load;
	struct evbuffer *out = bufferevent_get_output(((struct h1 *)c->wire)->bev);

	if (body != NULL)
		evbuffer_add_printf(out, "POST %s HTTP/1.1\r\nHost: %s\r\n"
		    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		    l->path, l->authority, strlen(body), body);
	else
		evbuffer_add_printf(out, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", l->path,
		    l->authority);
}

static bool
h1_head(struct h1 *h, struct evbuffer *in)
{
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	const char *length;
	char *head;

	if (end.pos < 0)
		return false;
	h->head_len = (size_t)end.pos + 4;
	head = strndup((const char *)evbuffer_pullup(in, (ssize_t)h->head_len), h->head_len);
	length = head != NULL ? strcasestr(head, "\r\nContent-Length:") : NULL;
	if (length == NULL || sscanf(head, "HTTP/1.1 %d", &h->status) != 1)
		load_fail("a reply without status or Content-Length");
	h->body_len = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
	if (h->body_len > REPLY_MAX)
		load_fail("a reply too large");
	free(head);
	return true;
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct h1 *h = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	static char body[REPLY_MAX + 1];

	if (h->head_len == 0 && !h1_head(h, in))
		return;
	if (evbuffer_get_length(in) < h->head_len + h->body_len)
		return;
	evbuffer_drain(in, h->head_len);
	evbuffer_remove(in, body, h->body_len);
	body[h->body_len] = '\0';
	h->head_len = 0;
	load_reply(h->client, h->status, body);
}

/* Each connection that stands opens the next that does not. */
static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = ((struct h1 *)arg)->client;
	struct load *l = c->load;

	load_connected(bev, what);
	load_ready(c);
	if ((size_t)(c - l->clients) + HANDSHAKES < l->in_flight)
		h1_open(c + HANDSHAKES);
}

static void
h1_open(struct client *c)
{
	struct h1 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		load_fail("out of memory");
	c->wire = h;
	h->client = c;
	h->bev = load_connect(c->load);
	bufferevent_setcb(h->bev, on_read, NULL, on_event, h);
}

static void
h1_begin(struct load *l)
{
	for (size_t i = 0; i < HANDSHAKES && i < l->in_flight; i++)
		h1_open(&l->clients[i]);
}

static void
h1_close(struct load *l)
{
	for (size_t i = 0; i < l->in_flight; i++) {
		struct h1 *h = l->clients[i].wire;

		bufferevent_free(h->bev);
		free(h);
	}
}

const struct wire load_h1 = { h1_begin, h1_send, h1_close };
