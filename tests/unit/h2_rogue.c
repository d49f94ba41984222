#include "h2_rogue.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#define LINKS_MAX	128
#define FLOOD_FRAMES	30000
#define BABBLE_FRAMES	64
#define BABBLE_SIZE	16384

struct rogue_link {
	struct rogue *rogue;
	size_t number;		/* from 0 */
	int fd;			/* -1: closed */
	SSL *ssl;
	struct event *event;
	nghttp2_session *session;
	bool accepted, cut, mute, flooded;
};

struct rogue {
	struct event_base *base;
	struct event *accepting;
	SSL_CTX *tls;
	enum rogue_script script;
	struct rogue_link links[LINKS_MAX];
	size_t connections, requests;
};

static void
link_close(struct rogue_link *l)
{
	if (l->fd < 0)
		return;
	event_free(l->event);
	nghttp2_session_del(l->session);
	SSL_free(l->ssl);
	close(l->fd);
	l->fd = -1;
}

/* ---- what it says ---- */

static nghttp2_nv
field(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
		NGHTTP2_NV_FLAG_NONE };
}

static ssize_t
read_ok(nghttp2_session *session, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *arg)
{
	struct rogue_link *l = arg;
	nghttp2_nv trailer = field("x-checksum", "none");

	memcpy(out, "ok", 2);
	if (l->rogue->script == ROGUE_CUT_REPLY || l->rogue->script == ROGUE_NUMBERLESS)
		return 2;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (l->rogue->script == ROGUE_INTERIM) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, id, &trailer, 1);
	}
	return 2;
}

static void
answer(struct rogue_link *l, int32_t id)
{
	static char long_value[4000];
	nghttp2_data_provider body = { { .ptr = NULL }, read_ok };
	nghttp2_nv fields[16] = { field(":status", "200") }, interim = field(":status", "103");
	size_t count = 1;

	memset(long_value, 'x', sizeof(long_value) - 1);
	if (l->rogue->script == ROGUE_HEADERS)
		while (count < 11)
			fields[count++] = field("x-long", long_value);
	if (l->rogue->script == ROGUE_NUMBERLESS)
		fields[0] = field(":status", "000");
	if (l->rogue->script == ROGUE_SHORT)
		fields[count++] = field("content-length", "3");
	if (l->rogue->script == ROGUE_INTERIM)
		nghttp2_submit_headers(l->session, NGHTTP2_FLAG_NONE, id, NULL, &interim, 1, NULL);
	nghttp2_submit_response(l->session, id, fields, count, &body);
}

/* A record at a time. The socket takes all of it. */
static void
write_raw(struct rogue_link *l, const uint8_t *bytes, size_t len)
{
	for (size_t sent = 0; sent < len; ) {
		int n = SSL_write(l->ssl, bytes + sent, (int)(len - sent));

		assert_true(n > 0);
		sent += (size_t)n;
	}
}

/* Those of a stream are of the first. */
static void
flood(struct rogue_link *l)
{
	static const uint8_t ping[] = { 0, 0, 8, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t begin[] = { 0, 0, 1, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS,
		0, 0, 0, 1, 0x88 };
	static const uint8_t padding[] = { 0, 0, 1, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED,
		0, 0, 0, 1, 0 };
	static const uint8_t interim[] = { 0, 0, 5, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS,
		0, 0, 0, 1, 0x08, 3, '1', '0', '3' };
	static uint8_t bytes[sizeof(ping) * FLOOD_FRAMES];
	const uint8_t *frame = ping;
	size_t len = sizeof(ping);

	if (l->rogue->script == ROGUE_INTERIM_FLOOD) {
		frame = interim;
		len = sizeof(interim);
	} else if (l->rogue->script == ROGUE_PADDING_FLOOD) {
		frame = padding;
		len = sizeof(padding);
		write_raw(l, begin, sizeof(begin));
	}
	for (size_t i = 0; i < FLOOD_FRAMES; i++)
		memcpy(bytes + i * len, frame, len);
	write_raw(l, bytes, len * FLOOD_FRAMES);
	l->flooded = true;
}

static void
babble(struct rogue_link *l)
{
	static const uint8_t head[9] = { BABBLE_SIZE >> 16, BABBLE_SIZE >> 8 & 255,
		BABBLE_SIZE & 255, 0xee };
	static uint8_t frame[sizeof(head) + BABBLE_SIZE];

	memcpy(frame, head, sizeof(head));
	for (int i = 0; i < BABBLE_FRAMES; i++)
		write_raw(l, frame, sizeof(frame));
}

/* ---- what it hears ---- */

static void
on_request(struct rogue_link *l, int32_t id)
{
	nghttp2_session *s = l->session;
	bool first = l->number == 0;

	l->rogue->requests++;
	switch (l->rogue->script) {
	case ROGUE_REFUSE:
	case ROGUE_REFUSE_FIRST:
		if (l->rogue->script == ROGUE_REFUSE || first)
			nghttp2_submit_rst_stream(s, 0, id, NGHTTP2_REFUSED_STREAM);
		else
			answer(l, id);
		break;
	case ROGUE_RESET:
		nghttp2_submit_rst_stream(s, 0, id, NGHTTP2_INTERNAL_ERROR);
		break;
	case ROGUE_CUT:
	case ROGUE_CUT_FIRST:
		l->cut = l->rogue->script == ROGUE_CUT || first;
		if (!l->cut)
			answer(l, id);
		break;
	case ROGUE_GOAWAY_FIRST:
		if (first)
			nghttp2_submit_goaway(s, 0, 0, NGHTTP2_NO_ERROR, NULL, 0);
		else
			answer(l, id);
		break;
	case ROGUE_BABBLE:
		babble(l);
		answer(l, id);
		break;
	case ROGUE_FLOOD:
	case ROGUE_INTERIM_FLOOD:
	case ROGUE_PADDING_FLOOD:
		if (!l->flooded)
			flood(l);
		break;
	case ROGUE_EARLY:
	case ROGUE_MUTE:
		break;
	default:
		answer(l, id);
	}
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct rogue_link *l = arg;

	if (frame->hd.type == NGHTTP2_HEADERS && l->rogue->script == ROGUE_EARLY)
		answer(l, frame->hd.stream_id);
	if (frame->hd.type == NGHTTP2_DATA && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		on_request(l, frame->hd.stream_id);
	return 0;
}

static void
link_say(struct rogue_link *l)
{
	const uint8_t *out;
	ssize_t len;

	while (!l->mute && !l->cut && (len = nghttp2_session_mem_send(l->session, &out)) > 0) {
		SSL_write(l->ssl, out, (int)len);
		l->cut = (l->rogue->script == ROGUE_CUT_REPLY ||
		    l->rogue->script == ROGUE_NUMBERLESS) && out[3] == NGHTTP2_DATA;
	}
}

static void
session_start(struct rogue_link *l)
{
	enum rogue_script script = l->rogue->script;
	bool never = script == ROGUE_NEVER || script == ROGUE_NEVER_CUT;
	nghttp2_settings_entry most = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
		script == ROGUE_ONE ? 1 : never ? 0 : 1000 };
	nghttp2_session_callbacks *callbacks;

	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	assert_int_equal(nghttp2_session_server_new(&l->session, callbacks, l), 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(l->session, NGHTTP2_FLAG_NONE, &most, 1);
	l->accepted = true;
	if (script == ROGUE_GARBAGE)
		SSL_write(l->ssl, "HTTP/1.1 200 OK\r\n\r\nno frames\r\n", 30);
	l->cut = script == ROGUE_NO_SETTINGS;
	link_say(l);
	l->cut = l->cut || script == ROGUE_NEVER_CUT;
}

static void
on_bytes(evutil_socket_t fd, short what, void *arg)
{
	struct rogue_link *l = arg;
	uint8_t bytes[16384];
	int got = 1;

	if (!l->accepted) {
		got = SSL_accept(l->ssl);
		if (got != 1 && SSL_get_error(l->ssl, got) != SSL_ERROR_WANT_READ)
			link_close(l);
		if (got != 1)
			return;
		session_start(l);
	}
	while (!l->cut && (got = SSL_read(l->ssl, bytes, sizeof(bytes))) > 0)
		if (!l->mute && nghttp2_session_mem_recv(l->session, bytes, (size_t)got) < 0)
			l->cut = true;
	if (got <= 0 && SSL_get_error(l->ssl, got) != SSL_ERROR_WANT_READ)
		l->cut = true;
	link_say(l);
	l->mute = l->rogue->requests > 0 && (l->rogue->script == ROGUE_MUTE ||
	    (l->rogue->script == ROGUE_VANISH_FIRST && l->number == 0));
	if (l->cut)
		link_close(l);
}

/* ---- life ---- */

static void
on_accept(evutil_socket_t listen_fd, short what, void *arg)
{
	struct rogue *r = arg;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct rogue_link *l = &r->links[r->connections];

	if (fd < 0)
		return;
	assert_true(r->connections < LINKS_MAX);
	*l = (struct rogue_link){ .rogue = r, .number = r->connections++, .fd = fd };
	l->ssl = SSL_new(r->tls);
	SSL_set_fd(l->ssl, fd);
	l->event = event_new(r->base, fd, EV_READ | EV_PERSIST, on_bytes, l);
	event_add(l->event, NULL);
}

struct rogue *
rogue_new(struct event_base *base, int fd, const struct tls_files *files,
    enum rogue_script script)
{
	struct rogue *r = calloc(1, sizeof(*r));
	struct buf why = BUF_INIT(1024);

	r->base = base;
	r->script = script;
	r->tls = tls_server_context(files, &why);
	if (r->tls == NULL)
		fail_msg("%s", why.data);
	r->accepting = event_new(base, fd, EV_READ | EV_PERSIST, on_accept, r);
	event_add(r->accepting, NULL);
	return r;
}

void
rogue_free(struct rogue *r)
{
	for (size_t i = 0; i < r->connections; i++)
		link_close(&r->links[i]);
	event_free(r->accepting);
	SSL_CTX_free(r->tls);
	free(r);
}

const size_t *
rogue_connections(const struct rogue *r)
{
	return &r->connections;
}

const size_t *
rogue_requests(const struct rogue *r)
{
	return &r->requests;
}
