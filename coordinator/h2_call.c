#include "coordinator/h2_link.h"

#include <stdio.h>
#include <string.h>

#include "coordinator/call_headers.h"
#include "coordinator/reply.h"

/*
 * A permitted reply fits its stream's window, so that one that is too large is
 * seen to be. What comes is taken at once: the connection's window holds up nobody.
 */
#define STREAM_WINDOW	(CHECK_RESULT_MAX + 1024)
#define LINK_WINDOW	(16 * 1024 * 1024)
#define HEAD_MAX	16384

static struct call *
call_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

void
h2_call_leave(struct call *call)
{
	struct h2_link *link = call->link;

	nghttp2_session_set_stream_user_data(link->session, call->stream, NULL);
	call_move(call, NULL);
	call->link = NULL;
	link->count--;
}

void
h2_call_reset(struct call *call, uint32_t error)
{
	nghttp2_submit_rst_stream(call->link->session, NGHTTP2_FLAG_NONE, call->stream, error);
	h2_call_leave(call);
}

/* ---- what the perspective sends ---- */

/*
 * The status of a reply, not of what is sent on the way to it (RFC 9110 15.2).
 * The library has checked that it is three digits.
 */
static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct call *call = call_of(session, frame->hd.stream_id);

	if (call == NULL || name_len != 7 || memcmp(name, ":status", 7) != 0 || value_len != 3 ||
	    value[0] == '1')
		return 0;
	call->status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + value[2] - '0';
	if (call->status < 100) {
		h2_call_reset(call, NGHTTP2_PROTOCOL_ERROR);
		reply_missing(call, "the status of its reply is below 100");
		call_end(call);
	}
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
    void *arg)
{
	struct call *call = call_of(session, id);

	if (call == NULL)
		return 0;
	buf_add(&call->reply, bytes, len);
	if (call->reply.failed) {
		h2_call_reset(call, NGHTTP2_CANCEL);
		reply_too_long(call);
		call_end(call);
	}
	return 0;
}

/* The reply is whole, be the request or not. */
static void
stream_end(struct call *call)
{
	call->signing_key = line_signing_key(call->line, call->link->signing_key);
	if (call->sent < call->body->text.len)
		h2_call_reset(call, NGHTTP2_NO_ERROR);
	else
		h2_call_leave(call);
	reply_judge(call);
	call_end(call);
}

/* How many calls it takes at once; what it does not say is without limit. */
static void
take_settings(struct h2_link *link)
{
	size_t max = nghttp2_session_get_remote_settings(link->session,
	    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	link->greeted = true;
	link->line->h2.calls_max = max < H2_CALLS_MAX ? max : H2_CALLS_MAX;
}

/* Whether a frame brings its call further: an interim reply or padding alone does not. */
static bool
is_of_use(const nghttp2_frame *frame, const struct call *call)
{
	return call != NULL && call->status != 0 && (frame->hd.type != NGHTTP2_DATA ||
	    frame->hd.length > frame->data.padlen);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2_link *link = arg;
	struct call *call = NULL;

	if (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS)
		call = call_of(session, frame->hd.stream_id);
	if (!is_of_use(frame, call))
		link->idle_frames++;
	if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
		take_settings(link);
	} else if (frame->hd.type == NGHTTP2_GOAWAY) {
		link->leaving = true;
		snprintf(link->error, sizeof(link->error), "it is closing the connection, %s",
		    nghttp2_http2_strerror(frame->goaway.error_code));
	} else if (call != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
		stream_end(call);
	}
	return 0;
}

static int
on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *arg)
{
	((struct h2_link *)arg)->idle_frames++;
	return 0;
}

/* The perspective has not looked at it, and may be asked again (RFC 9113 8.7). */
static void
stream_refused(struct call *call, const char *why)
{
	h2_call_leave(call);
	if (call_retry(call))
		return;
	reply_missing(call, why);
	call_end(call);
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
	struct call *call = call_of(session, id);
	char why[64];

	if (call == NULL)
		return 0;
	snprintf(why, sizeof(why), "its stream ended with %s", nghttp2_http2_strerror(error));
	if (error == NGHTTP2_REFUSED_STREAM && call->status == 0) {
		stream_refused(call, why);
		return 0;
	}
	h2_call_leave(call);
	reply_missing(call, why);
	call_end(call);
	return 0;
}

/* The library ends a session that is beyond use by a GOAWAY that says why. */
static int
on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2_link *link = arg;

	if (frame->hd.type == NGHTTP2_GOAWAY)
		snprintf(link->error, sizeof(link->error), "it broke HTTP/2: %s, %.*s",
		    nghttp2_http2_strerror(frame->goaway.error_code),
		    (int)frame->goaway.opaque_data_len,
		    frame->goaway.opaque_data != NULL ?
		    (const char *)frame->goaway.opaque_data : "");
	return 0;
}

/* A request that was overtaken by a GOAWAY before it left. */
static int
on_frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *arg)
{
	struct call *call;

	if (frame->hd.type == NGHTTP2_HEADERS &&
	    (call = call_of(session, frame->hd.stream_id)) != NULL)
		stream_refused(call, nghttp2_strerror(error));
	return 0;
}

/* ---- what it is sent ---- */

static ssize_t
body_read(nghttp2_session *session, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *arg)
{
	struct call *call = call_of(session, id);
	size_t len;

	if (call == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	len = call->body->text.len - call->sent;
	if (len <= room)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	else
		len = room;
	memcpy(out, call->body->text.data + call->sent, len);
	call->sent += (uint32_t)len;
	return (ssize_t)len;
}

/* The strings outlive the frame; the library copies those that do not. */
static nghttp2_nv
field(const char *name, const char *value, size_t value_len, uint8_t flags)
{
	return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), value_len,
		(uint8_t)(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME) };
}

#define FIELDS_ALWAYS	6
#define FIELDS_MAX	(FIELDS_ALWAYS + 2)	/* and the trace */

/* No other call has it: in the table it would only push out what others have. */
static size_t
add_trace(nghttp2_nv *fields, const struct call *call, char parent[TRACEPARENT_TEXT])
{
	const uint8_t unique = NGHTTP2_NV_FLAG_NO_INDEX;
	const char *state = call->body->tracestate;
	size_t count = 0;

	call_trace(call, parent);
	if (parent[0] == '\0')
		return 0;
	fields[count++] = field("traceparent", parent, TRACEPARENT_TEXT - 1, unique);
	if (state != NULL)
		fields[count++] = field("tracestate", state, strlen(state), unique);
	return count;
}

int
h2_call_open(struct call *call)
{
	const struct fanout_line *line = call->line;
	const char *url = line->urls[call->type], *path = url + line->path_at;
	const uint8_t lasting = NGHTTP2_NV_FLAG_NO_COPY_VALUE;
	const nghttp2_data_provider body = { { .ptr = NULL }, body_read };
	char length[24];
	int digits = snprintf(length, sizeof(length), "%zu", call->body->text.len);
	const struct call_headers *more = line->perspective->headers;
	nghttp2_nv fields[FIELDS_MAX + CALL_HEADERS_MAX] = {
		field(":method", "POST", 4, lasting),
		field(":scheme", "https", 5, lasting),
		field(":authority", url + line->authority_at, line->path_at - line->authority_at,
		    lasting),
		field(":path", path, strlen(path), lasting),
		field("content-type", "application/json", 16, lasting),
		field("content-length", length, (size_t)digits, NGHTTP2_NV_FLAG_NONE),
	};
	char parent[TRACEPARENT_TEXT];
	size_t count = FIELDS_ALWAYS + add_trace(fields + FIELDS_ALWAYS, call, parent);

	/* They may be secrets: no peer's table of fields keeps them (RFC 7541 7.1.3). */
	for (size_t i = 0; more != NULL && i < more->count; i++, count++)
		fields[count] = field(more->list[i].name, more->list[i].value,
		    strlen(more->list[i].value), lasting | NGHTTP2_NV_FLAG_NO_INDEX);
	call->sent = 0;
	call->stream = nghttp2_submit_request(call->link->session, NULL, fields, count, &body,
	    call);
	return call->stream < 0 ? call->stream : 0;
}

/* ---- the session ---- */

static bool
session_greet(nghttp2_session *session)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MAX },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
	};

	return nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
	    sizeof(settings) / sizeof(settings[0])) == 0 &&
	    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
	    LINK_WINDOW) == 0;
}

nghttp2_session *
h2_session_new(struct h2_link *link)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_session *session = NULL;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks,
	    on_invalid_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks,
	    on_frame_not_sent);
	if (nghttp2_session_client_new(&session, callbacks, link) != 0) {
		session = NULL;
	} else if (!session_greet(session)) {
		nghttp2_session_del(session);
		session = NULL;
	}
	nghttp2_session_callbacks_del(callbacks);
	return session;
}
