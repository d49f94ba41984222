/* HTTP/2: the clients share a few connections, a stream for each request. */
#include "tests/bench/load.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <nghttp2/nghttp2.h>

#include "buf.h"

#define CONNECTIONS	4
#define REPLY_MAX	((size_t)4 * 1024 * 1024)
#define WINDOW		(16 * 1024 * 1024)	/* never what a server waits for */

struct h2 {
	struct load *load;
	struct bufferevent *bev;
	nghttp2_session *session;
	size_t index;
	bool reading;		/* what is submitted is flushed after the read */
};

/* One client's request. */
struct stream {
	struct h2 *h2;
	struct client *client;
	struct buf body, reply;
	size_t sent;
	int status;
};

static struct h2 connections[CONNECTIONS];

static void
h2_flush(struct h2 *h)
{
	const uint8_t *bytes;
	ssize_t len;

	while ((len = nghttp2_session_mem_send(h->session, &bytes)) > 0)
		bufferevent_write(h->bev, bytes, (size_t)len);
	if (len < 0)
		load_fail("HTTP/2 cannot go on");
}

static ssize_t
on_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *arg)
{
	struct stream *s = source->ptr;
	size_t left = s->body.len - s->sent, len = left < room ? left : room;

	memcpy(out, s->body.data + s->sent, len);
	s->sent += len;
	if (len == left)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

static nghttp2_nv
field(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
		NGHTTP2_NV_FLAG_NONE };
}

static void
h2_send(struct client *c, const char *body)
{
	struct stream *s = c->wire;
	const struct load *l = c->load;
	nghttp2_data_provider provider = { { .ptr = s }, on_body };
	const nghttp2_nv fields[] = { field(":method", body != NULL ? "POST" : "GET"),
		field(":scheme", "https"), field(":authority", l->authority),
		field(":path", l->path), field("content-type", "application/json") };

	buf_reset(&s->body);
	buf_adds(&s->body, body != NULL ? body : "");
	buf_reset(&s->reply);
	buf_adds(&s->reply, "");
	s->sent = 0;
	s->status = 0;
	if (nghttp2_submit_request(s->h2->session, NULL, fields, body != NULL ? 5 : 4,
	    body != NULL ? &provider : NULL, s) < 0)
		load_fail("no stream is left");
	if (!s->h2->reading)
		h2_flush(s->h2);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	if (name_len == 7 && memcmp(name, ":status", 7) == 0)
		s->status = atoi((const char *)value);
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
    void *arg)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	buf_add(&s->reply, bytes, len);
	return 0;
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	if (s->reply.failed)
		load_fail("a reply too large");
	load_reply(s->client, error == 0 ? s->status : 0,
	    s->reply.data != NULL ? s->reply.data : "");
	return 0;
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct h2 *h = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);

	h->reading = true;
	if (nghttp2_session_mem_recv(h->session, evbuffer_pullup(in, -1), len) != (ssize_t)len)
		load_fail("the server does not speak HTTP/2");
	evbuffer_drain(in, len);
	h->reading = false;
	/* The last reply may have begun the measured part on all connections. */
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (connections[i].session != NULL)
			h2_flush(&connections[i]);
}

/* The connection stands: all of its clients begin. */
static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct h2 *h = arg;
	struct load *l = h->load;
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW } };

	load_connected(bev, what);
	nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, 1);
	nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, WINDOW);
	for (size_t i = h->index; i < l->in_flight; i += CONNECTIONS)
		load_ready(&l->clients[i]);
}

static void
h2_open(struct load *l, struct h2 *h, nghttp2_session_callbacks *callbacks)
{
	h->load = l;
	h->index = (size_t)(h - connections);
	if (nghttp2_session_client_new(&h->session, callbacks, h) != 0)
		load_fail("out of memory");
	for (size_t i = h->index; i < l->in_flight; i += CONNECTIONS) {
		struct stream *s = calloc(1, sizeof(*s));

		if (s == NULL)
			load_fail("out of memory");
		*s = (struct stream){ .h2 = h, .client = &l->clients[i],
			.body = BUF_INIT(REPLY_MAX), .reply = BUF_INIT(REPLY_MAX) };
		l->clients[i].wire = s;
	}
	h->bev = load_connect(l);
	bufferevent_setcb(h->bev, on_read, NULL, on_event, h);
}

static void
h2_begin(struct load *l)
{
	nghttp2_session_callbacks *callbacks;

	SSL_CTX_set_alpn_protos(l->context, (const unsigned char *)"\x02h2", 3);
	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		load_fail("out of memory");
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	for (size_t i = 0; i < CONNECTIONS && i < l->in_flight; i++)
		h2_open(l, &connections[i], callbacks);
	nghttp2_session_callbacks_del(callbacks);
}

static void
h2_close(struct load *l)
{
	for (size_t i = 0; i < l->in_flight; i++) {
		struct stream *s = l->clients[i].wire;

		buf_free(&s->body);
		buf_free(&s->reply);
		free(s);
	}
	for (size_t i = 0; i < CONNECTIONS && i < l->in_flight; i++) {
		nghttp2_session_del(connections[i].session);
		bufferevent_free(connections[i].bev);
	}
}

const struct wire load_h2 = { h2_begin, h2_send, h2_close };
