#include "h2_client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/time.h>

/* What is left to send of a body. */
struct upload {
	const char *bytes;
	size_t len;
	bool unfinished;
};

static void
append(char **text, size_t *len, const void *bytes, size_t more)
{
	*text = realloc(*text, *len + more + 1);
	if (*text == NULL)
		abort();
	memcpy(*text + *len, bytes, more);
	*len += more;
	(*text)[*len] = '\0';
}

struct h2_reply *
h2_reply(struct h2_client *c, int32_t id)
{
	return &c->replies[(size_t)id / 2 % H2_STREAMS_MAX];
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct h2_reply *r = h2_reply(arg, frame->hd.stream_id);

	if (name_len == 7 && memcmp(name, ":status", 7) == 0)
		r->status = atoi((const char *)value);
	append(&r->head, &r->head_len, name, name_len);
	append(&r->head, &r->head_len, ": ", 2);
	append(&r->head, &r->head_len, value, value_len);
	append(&r->head, &r->head_len, "\n", 1);
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
    void *arg)
{
	struct h2_reply *r = h2_reply(arg, id);

	append(&r->body, &r->body_len, bytes, len);
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2_client *c = arg;

	if (frame->hd.type != NGHTTP2_GOAWAY)
		return 0;
	c->goaways++;
	c->goaway_error = frame->goaway.error_code;
	c->goaway_last = frame->goaway.last_stream_id;
	return 0;
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
	struct h2_client *c = arg;
	struct h2_reply *r = h2_reply(c, id);

	free(nghttp2_session_get_stream_user_data(session, id));
	r->closed = true;
	r->error = error;
	r->order = ++c->closed;
	return 0;
}

static nghttp2_session *
session_new(struct h2_client *c, const nghttp2_option *option)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *session;

	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	if (nghttp2_session_client_new2(&session, callbacks, c, option) != 0)
		abort();
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
	return session;
}

struct h2_client *
h2_open(const struct sockaddr_storage *addr, socklen_t len, struct tls_peer *peer)
{
	struct h2_client *c = calloc(1, sizeof(*c));
	struct timeval tv = { .tv_sec = 5 };
	const unsigned char *chosen;
	unsigned int chosen_len;

	c->fd = socket(addr->ss_family, SOCK_STREAM, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (connect(c->fd, (const struct sockaddr *)addr, len) != 0)
		abort();
	c->ctx = SSL_CTX_new(TLS_client_method());
	tls_client_apply(c->ctx, peer);
	c->ssl = SSL_new(c->ctx);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_alpn_protos(c->ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	c->session = session_new(c, NULL);
	if (SSL_connect(c->ssl) == 1) {
		SSL_get0_alpn_selected(c->ssl, &chosen, &chosen_len);
		if (chosen_len == 2 && memcmp(chosen, "h2", 2) == 0)
			return c;
	}
	SSL_free(c->ssl);
	c->ssl = NULL;
	return c;
}

void
h2_give_no_room(struct h2_client *c)
{
	nghttp2_option *option;

	nghttp2_option_new(&option);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_session_del(c->session);
	c->session = session_new(c, option);
	nghttp2_option_del(option);
}

void
h2_close(struct h2_client *c)
{
	for (size_t i = 0; i < H2_STREAMS_MAX; i++) {
		free(c->replies[i].head);
		free(c->replies[i].body);
		free(nghttp2_session_get_stream_user_data(c->session, (int32_t)i * 2 + 1));
	}
	nghttp2_session_del(c->session);
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
	free(c);
}

static ssize_t
on_upload(nghttp2_session *session, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *arg)
{
	struct upload *u = source->ptr;
	size_t len = u->len < room ? u->len : room;

	if (len == 0 && u->unfinished)
		return NGHTTP2_ERR_DEFERRED;
	memcpy(out, u->bytes, len);
	u->bytes += len;
	u->len -= len;
	if (u->len == 0 && !u->unfinished)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

static nghttp2_nv
field(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), 0 };
}

int32_t
h2_send(struct h2_client *c, const struct h2_ask *ask)
{
	struct upload *u = calloc(1, sizeof(*u));
	nghttp2_data_provider provider = { { .ptr = u }, on_upload };
	bool sends = ask->body != NULL || ask->unfinished;
	size_t count = 4;
	nghttp2_nv fields[5] = { field(":method", ask->method), field(":scheme", "https"),
		field(":authority", "test"), field(":path", ask->path) };
	int32_t id;

	u->bytes = ask->body != NULL ? ask->body : "";
	u->len = ask->body_len != 0 ? ask->body_len : strlen(u->bytes);
	u->unfinished = ask->unfinished;
	if (ask->name != NULL)
		fields[count++] = field(ask->name, ask->value);
	id = nghttp2_submit_request(c->session, NULL, fields, count, sends ? &provider : NULL, u);
	if (id < 0)
		free(u);
	return id;
}

bool
h2_flush(struct h2_client *c)
{
	const uint8_t *bytes;
	ssize_t len;
	int n;

	while ((len = nghttp2_session_mem_send(c->session, &bytes)) > 0)
		for (; len > 0; len -= n, bytes += n)
			if ((n = SSL_write(c->ssl, bytes, (int)len)) <= 0)
				return false;
	return len == 0;
}

bool
h2_turn(struct h2_client *c)
{
	static uint8_t bytes[65536];
	int n;

	if (c->gone)
		return false;
	if (!h2_flush(c) || (n = SSL_read(c->ssl, bytes, sizeof(bytes))) <= 0 ||
	    nghttp2_session_mem_recv(c->session, bytes, (size_t)n) < 0) {
		c->gone = true;
		return false;
	}
	return true;
}

int
h2_wait(struct h2_client *c, int32_t id)
{
	struct h2_reply *r = h2_reply(c, id);

	while (!r->closed && h2_turn(c))
		;
	return r->status;
}

int
h2_get(struct h2_client *c, const char *path)
{
	return h2_wait(c, h2_send(c, &(struct h2_ask){ .method = "GET", .path = path }));
}

void
h2_wait_gone(struct h2_client *c)
{
	while (h2_turn(c))
		;
}
