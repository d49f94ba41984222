#include <config.h>

#include "server_h2.h"

#include <stdlib.h>
#include <string.h>

#define READ_SIZE	16384
#define READS_MAX	16	/* before other connections have their turn */
#define DRAIN_MS	2000	/* for the client to take note of the GOAWAY */
/*
 * Frames that carry no request (PING, SETTINGS, RST_STREAM and so on) cost us
 * work without being counted as in flight. A client has PATIENCE_MAX of them
 * at once, PATIENCE_S more a second and PATIENCE_REPLY more a reply; a
 * coordinator that gives up a thousand checks a second is still within that.
 */
#define PATIENCE_MAX	10000
#define PATIENCE_S	1000
#define PATIENCE_REPLY	4

/* ---- what the client sends ---- */

static void
patience_spend(struct h2 *h)
{
	uint64_t now = monotonic_ns();

	h->patience += (int64_t)((now - h->patience_ns) / (1000000000 / PATIENCE_S));
	if (h->patience > PATIENCE_MAX)
		h->patience = PATIENCE_MAX;
	h->patience_ns = now - (now - h->patience_ns) % (1000000000 / PATIENCE_S);
	if (--h->patience < 0 && !h->broken) {
		h->broken = true;
		nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
	}
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct connection *c = arg;
	struct h2_stream *s;

	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	s = h2_stream_new(c, frame->hd.stream_id);
	if (s == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	nghttp2_session_set_stream_user_data(session, s->id, s);
	return 0;
}

/* Trailer fields mean nothing here. */
static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct h2_stream *s = nghttp2_session_get_stream_user_data(session,
	    frame->hd.stream_id);

	if (s != NULL && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		h2_stream_field(s, (const char *)name, name_len, (const char *)value, value_len);
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
    void *arg)
{
	struct h2_stream *s = nghttp2_session_get_stream_user_data(session, id);

	if (s != NULL)
		h2_stream_body(s, bytes, len);
	else
		nghttp2_session_consume_connection(session, len);
	return 0;
}

/* The answer to the PING that followed the first GOAWAY: what was on its way by then is here. */
static void
drain_finish(struct h2 *h)
{
	if (h->drained)
		return;
	h->drained = true;
	nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR, NULL, 0);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct connection *c = arg;
	bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	bool data = frame->hd.type == NGHTTP2_DATA;
	struct h2_stream *s = NULL;

	if (data || frame->hd.type == NGHTTP2_HEADERS)
		s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	else if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
	    connection_leaves(c))
		drain_finish(c->h2);
	if (s == NULL || (data && frame->hd.length == 0 && !ends))
		patience_spend(c->h2);
	if (s == NULL)
		return 0;
	if (!data && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		h2_stream_head(s, ends);
	if (ends)
		h2_stream_whole(s);
	return 0;
}

/*
 * RFC 9113 8.1: after a reply that did not wait for the request, the rest is
 * not wanted. 6.8: a PING behind the first GOAWAY tells when the client knows.
 */
static int
on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct connection *c = arg;
	struct h2_stream *s;

	if (frame->hd.type == NGHTTP2_GOAWAY && connection_leaves(c) && !c->h2->drained)
		return nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, NULL);
	if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (s != NULL && !s->whole)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
	return 0;
}

static int
on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *arg)
{
	struct connection *c = arg;

	patience_spend(c->h2);
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
	struct h2_stream *s = nghttp2_session_get_stream_user_data(session, id);

	if (s != NULL)
		h2_stream_leave(s);
	return 0;
}

/* ---- the session ---- */

static nghttp2_session *
session_new(struct connection *c)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_session *session = NULL;
	nghttp2_option *option = NULL;

	if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
		goto out;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks,
	    on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
#ifdef HAVE_NGHTTP2_OPTION_SET_STREAM_RESET_RATE_LIMIT
	/* Its own limit is a 30th of this, less than a busy coordinator may need. */
	nghttp2_option_set_stream_reset_rate_limit(option, PATIENCE_MAX, PATIENCE_S);
#endif
	if (nghttp2_session_server_new2(&session, callbacks, c, option) != 0)
		session = NULL;
out:
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return session;
}

/* A body that is permitted fits its stream's window, so that only the connection's is renewed. */
static bool
session_greet(nghttp2_session *session, const struct server_config *cfg)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)cfg->max_streams },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)cfg->max_head },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)cfg->max_body + 1024 },
	};

	return nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
	    sizeof(settings) / sizeof(settings[0])) == 0 &&
	    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, H2_WINDOW) == 0;
}

static bool
h2_start(struct connection *c)
{
	struct h2 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return false;
	h->session = session_new(c);
	if (h->session == NULL || !session_greet(h->session, &c->server->cfg)) {
		nghttp2_session_del(h->session);
		free(h);
		return false;
	}
	TAILQ_INIT(&h->arriving.streams);
	TAILQ_INIT(&h->handled.streams);
	TAILQ_INIT(&h->replying.streams);
	h->idle_ns = h->patience_ns = monotonic_ns();
	h->patience = PATIENCE_MAX;
	c->h2 = h;
	c->can_read = true;
	return true;
}

/* ---- moving bytes ---- */

/* STEP_AGAIN: all there is to write has gone. */
static enum step
h2_write(struct connection *c)
{
	struct h2 *h = c->h2;
	struct h2_out *out = &h->out;
	enum step step;
	size_t sent;

	for (;;) {
		if (out->sent == out->len && !h2_out_fill(out, h->session))
			return STEP_CLOSE;
		if (out->len == 0)
			return STEP_AGAIN;
		step = connection_write(c, out->bytes + out->sent, out->len - out->sent, &sent);
		if (step == STEP_WAIT) {
			/* Who does not read is not read from. */
			connection_read_arm(c, false);
			if (h->stalled_ns == 0)
				h->stalled_ns = monotonic_ns();
		}
		if (step != STEP_AGAIN)
			return step;
		h->stalled_ns = 0;
		out->sent += sent;
	}
}

/* STEP_AGAIN: all there was has been read. */
static enum step
h2_read(struct connection *c)
{
	struct h2 *h = c->h2;
	uint8_t bytes[READ_SIZE];
	enum step step;
	size_t got;
	int reads = 0;

	connection_read_arm(c, true);
	do {
		if (reads++ == READS_MAX) {
			connection_read_again(c);
			break;
		}
		step = connection_read(c, bytes, sizeof(bytes), &got);
		if (step != STEP_AGAIN)
			return step == STEP_WAIT ? STEP_AGAIN : step;
		if (nghttp2_session_mem_recv(h->session, bytes, got) < 0)
			return STEP_CLOSE;
	} while (connection_has_pending(c));
	return STEP_AGAIN;
}

static bool
h2_empty(const struct h2 *h)
{
	return TAILQ_EMPTY(&h->arriving.streams) && TAILQ_EMPTY(&h->handled.streams) &&
	    TAILQ_EMPTY(&h->replying.streams);
}

/* The earlier of the two limits; 0 is none. */
static uint64_t
earlier(uint64_t a, uint64_t since_ns, int64_t ms)
{
	uint64_t b = since_ns + (uint64_t)ms * 1000000;

	return a != 0 && a < b ? a : b;
}

static void
h2_deadline(struct connection *c)
{
	const struct server_config *cfg = &c->server->cfg;
	struct h2 *h = c->h2;
	const struct h2_stream *arriving = TAILQ_FIRST(&h->arriving.streams);
	const struct h2_stream *replying = TAILQ_FIRST(&h->replying.streams);

	c->deadline_ns = 0;
	if (h->stalled_ns != 0)
		c->deadline_ns = earlier(0, h->stalled_ns, cfg->write_timeout_ms);
	if (arriving != NULL)
		c->deadline_ns = earlier(c->deadline_ns, arriving->since_ns,
		    cfg->request_timeout_ms);
	if (replying != NULL)
		c->deadline_ns = earlier(c->deadline_ns, replying->since_ns,
		    cfg->write_timeout_ms);
	if (!h2_empty(h))
		h->idle_ns = 0;
	else if (h->idle_ns == 0)
		h->idle_ns = monotonic_ns();
	if (h->idle_ns != 0)
		c->deadline_ns = earlier(c->deadline_ns, h->idle_ns,
		    connection_leaves(c) ? DRAIN_MS : cfg->idle_timeout_ms);
}

static enum step
h2_step(struct connection *c)
{
	struct h2 *h = c->h2;
	enum step step = h2_write(c);

	if (step == STEP_AGAIN && c->can_read) {
		c->can_read = false;
		step = h2_read(c);
		if (step == STEP_AGAIN)
			step = h2_write(c);
	}
	if (step == STEP_CLOSE)
		return step;
	if (h->out.bytes == NULL && ((h->drained && h2_empty(h)) ||
	    (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session)))) {
		connection_goodbye(c);
		return STEP_CLOSE;
	}
	/* What came while we could not write has not been read. */
	if (step == STEP_AGAIN && !c->read_armed) {
		c->can_read = true;
		return STEP_AGAIN;
	}
	h2_deadline(c);
	return STEP_WAIT;
}

/* ---- the rest of the protocol ---- */

static bool
past(uint64_t now, uint64_t since_ns, int64_t ms)
{
	return since_ns + (uint64_t)ms * 1000000 <= now;
}

static void
h2_expire(struct connection *c)
{
	const struct server_config *cfg = &c->server->cfg;
	uint64_t now = monotonic_ns();
	struct h2 *h = c->h2;
	struct h2_stream *s;

	if (h->stalled_ns != 0 && past(now, h->stalled_ns, cfg->write_timeout_ms)) {
		connection_end(c);
		return;
	}
	if (h->idle_ns != 0) {
		nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
		h2_write(c);
		connection_goodbye(c);
		connection_end(c);
		return;
	}
	while ((s = TAILQ_FIRST(&h->arriving.streams)) != NULL &&
	    past(now, s->since_ns, cfg->request_timeout_ms))
		h2_stream_refuse(s, 408, "the request did not arrive in time");
	while ((s = TAILQ_FIRST(&h->replying.streams)) != NULL &&
	    past(now, s->since_ns, cfg->write_timeout_ms)) {
		nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
		h2_stream_move(s, &h->handled);
	}
	connection_run(c);
}

/* RFC 9113 6.8: first no more, and after a round trip which were the last. */
static void
h2_drain(struct connection *c)
{
	nghttp2_submit_shutdown_notice(c->h2->session);
	connection_run_soon(c);
}

static void
h2_reply(struct exchange *x, const struct reply *r)
{
	struct connection *c = x->connection;

	c->h2->patience += PATIENCE_REPLY;
	h2_stream_reply((struct h2_stream *)x, r);
	connection_run_soon(c);
}

static void
h2_begin(struct exchange *x, const struct reply *head)
{
	struct connection *c = x->connection;

	if (x->stream == NULL)
		return;
	c->h2->patience += PATIENCE_REPLY;
	h2_stream_begin((struct h2_stream *)x, head);
	connection_run_soon(c);
}

static void
h2_send(struct exchange *x, const void *bytes, size_t len)
{
	buf_add(&x->stream->queue, bytes, len);
	h2_stream_resume((struct h2_stream *)x);
	connection_run_soon(x->connection);
}

static void
h2_end(struct exchange *x)
{
	h2_stream_resume((struct h2_stream *)x);
	connection_run_soon(x->connection);
}

static void
h2_discard(struct exchange *x)
{
	struct h2_stream *s = (struct h2_stream *)x;

	h2_stream_move(s, NULL);
	h2_stream_free(s);
}

static void
h2_lost(struct connection *c)
{
	struct h2 *h = c->h2;
	struct h2_list *const lists[] = { &h->arriving, &h->handled, &h->replying };
	struct h2_stream *s;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		while ((s = TAILQ_FIRST(&lists[i]->streams)) != NULL)
			h2_stream_leave(s);
	nghttp2_session_del(h->session);
	h->session = NULL;
	h2_out_free(&h->out);
}

static void
h2_free(struct connection *c)
{
	free(c->h2);
}

const struct protocol protocol_h2 = {
	.start = h2_start,
	.step = h2_step,
	.expire = h2_expire,
	.drain = h2_drain,
	.reply = h2_reply,
	.stream = h2_begin,
	.send = h2_send,
	.end = h2_end,
	.discard = h2_discard,
	.lost = h2_lost,
	.free = h2_free,
};
