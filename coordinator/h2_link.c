#include "coordinator/h2_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "coordinator/reply.h"

#define READ_SIZE	16384
#define READS_MAX	16	/* before other connections have their turn */
#define CONNECT_TICKS	10
/*
 * A perspective that vanished without a word, or whose connection a firewall has
 * forgotten, is found out in ticks: with calls under way soon, else in time to
 * keep the connection in a firewall's memory.
 */
#define PING_TICKS	3
#define PING_IDLE_TICKS	20
#define ANSWER_TICKS	3
/* As many frames of no use in one tick are no accident. */
#define IDLE_FRAMES_MAX	10000
/* As many connections in a row that took no call will be followed by others of the kind. */
#define WASTED_MAX	3

/* ---- the end ---- */

static void
link_close(struct h2_link *link)
{
	event_del(&link->readable);
	event_del(&link->writable);
	event_del(&link->again);
	nghttp2_session_del(link->session);
	link->session = NULL;
	h2_out_free(&link->out);
	if (link->transfer.easy == NULL)
		return;
	multi_remove(link->line->fanout->multi, &link->transfer);
	curl_easy_cleanup(link->transfer.easy);
	link->transfer.easy = NULL;
}

static void
link_leave(struct h2_link *link)
{
	TAILQ_REMOVE(&link->line->h2.links, link, entry);
	link->line->h2.count--;
	link_close(link);
}

void
h2_link_free(struct h2_link *link)
{
	if (link == NULL)
		return;
	link_leave(link);
	free(link);
}

/*
 * Calls without a byte of a reply are made again if this was an HTTP/2 server at
 * all; the others fail, and those that wait do if they wait in vain. Frees the link.
 */
static void
link_lost(struct h2_link *link, const char *why)
{
	struct fanout_line *line = link->line;
	struct call_list failed = { TAILQ_HEAD_INITIALIZER(failed.calls) };
	struct call *call;

	link_leave(link);
	if (link->count > 0)
		line_failed(line, why);
	/* The last first: each goes to the head of the line. */
	while ((call = TAILQ_LAST(&link->calls.calls, call_head)) != NULL) {
		call->link = NULL;
		call->counted = true;
		if (!link->greeted || call->status != 0 || !call_retry(call))
			call_move(call, &failed);
	}
	while ((call = TAILQ_FIRST(&failed.calls)) != NULL) {
		reply_missing(call, why);
		call_end(call);
	}
	if (!link->used && ++line->h2.wasted >= WASTED_MAX) {
		line->h2.wasted = 0;
		line_unreachable(line, CURLE_HTTP2, why);
	}
	free(link);
	line_advance(line);
}

static void
link_failed(struct h2_link *link, CURLcode code)
{
	link_lost(link, link->error[0] != '\0' ? link->error : curl_easy_strerror(code));
}

/* ---- moving bytes ---- */

static void
write_soon(struct h2_link *link)
{
	event_active(&link->writable, EV_WRITE, 0);
}

/* CURLE_AGAIN: all there is to write has gone, or will when the socket takes more. */
static CURLcode
link_write(struct h2_link *link)
{
	struct h2_out *out = &link->out;
	CURLcode code;
	size_t sent;

	for (;;) {
		if (out->sent == out->len && !h2_out_fill(out, link->session))
			return CURLE_OUT_OF_MEMORY;
		if (out->len == 0)
			return CURLE_AGAIN;
		code = curl_easy_send(link->transfer.easy, out->bytes + out->sent,
		    out->len - out->sent, &sent);
		if (code == CURLE_AGAIN)
			event_add(&link->writable, NULL);
		if (code != CURLE_OK)
			return code;
		out->sent += sent;
	}
}

/* What came is no HTTP/2, or no longer. */
static CURLcode
link_take(struct h2_link *link, const uint8_t *bytes, size_t len)
{
	ssize_t taken = nghttp2_session_mem_recv(link->session, bytes, len);

	link->quiet = link->unanswered = 0;
	if (taken >= 0 && link->idle_frames <= IDLE_FRAMES_MAX)
		return CURLE_OK;
	snprintf(link->error, sizeof(link->error), "it broke HTTP/2: %s",
	    taken < 0 ? nghttp2_strerror((int)taken) : "frame after frame of no use");
	return CURLE_HTTP2;
}

/* CURLE_AGAIN: all there was has been read. */
static CURLcode
link_read(struct h2_link *link)
{
	static const struct timeval now = { 0, 0 };
	uint8_t bytes[READ_SIZE];
	CURLcode code;
	size_t got;

	for (int reads = 0; reads < READS_MAX; reads++) {
		code = curl_easy_recv(link->transfer.easy, bytes, sizeof(bytes), &got);
		if (code != CURLE_OK)
			return code;
		if (got == 0) {
			snprintf(link->error, sizeof(link->error), "it closed the connection");
			return CURLE_RECV_ERROR;
		}
		code = link_take(link, bytes, got);
		if (code != CURLE_OK)
			return code;
	}
	/*
	 * TLS may hold bytes that no event will tell of. Not event_active(): libevent
	 * runs what is active before it looks at anything else.
	 */
	event_add(&link->again, &now);
	return CURLE_AGAIN;
}

/* Nothing is left to do on it. */
static bool
link_over(const struct h2_link *link)
{
	return link->out.bytes == NULL && ((link->leaving && link->count == 0) ||
	    (!nghttp2_session_want_read(link->session) &&
	    !nghttp2_session_want_write(link->session)));
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct h2_link *link = arg;
	CURLcode code = CURLE_AGAIN;

	if ((what & (EV_READ | EV_TIMEOUT)) != 0)
		code = link_read(link);
	if (code == CURLE_AGAIN)
		code = link_write(link);
	if (code != CURLE_AGAIN)
		link_failed(link, code);
	else if (link_over(link))
		link_failed(link, CURLE_HTTP2);
	else
		line_advance(link->line);
}

/* ---- the beginning ---- */

static CURLcode
on_ssl_context(CURL *easy, void *ctx, void *arg)
{
	SSL_CTX_set_read_ahead(ctx, 1);
	return tls_client_apply(ctx, arg) && tls_client_offer_http2(ctx) ? CURLE_OK :
	    CURLE_SSL_CERTPROBLEM;
}

/*
 * What the handshake chose. libcurl knows the TLS of a finished transfer only once
 * bytes have been asked for, and some may have come.
 */
static CURLcode
link_begin(struct h2_link *link, bool *http2)
{
	CURL *e = link->transfer.easy;
	struct curl_tlssessioninfo *tls = NULL;
	uint8_t bytes[READ_SIZE];
	size_t got = 0;
	CURLcode code = curl_easy_recv(e, bytes, sizeof(bytes), &got);

	*http2 = false;
	if (code != CURLE_OK && code != CURLE_AGAIN)
		return code;
	if (curl_easy_getinfo(e, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls != NULL &&
	    tls->backend == CURLSSLBACKEND_OPENSSL && tls->internals != NULL) {
		*http2 = tls_chose_http2(tls->internals);
		tls_peer_signing_key(tls->internals, link->signing_key);
	}
	if (!*http2)
		return CURLE_OK;
	link->session = h2_session_new(link);
	if (link->session == NULL)
		return CURLE_OUT_OF_MEMORY;
	return got > 0 ? link_take(link, bytes, got) : CURLE_OK;
}

static void
link_watch(struct h2_link *link, evutil_socket_t fd)
{
	struct event_base *base = link->line->fanout->base;

	event_assign(&link->readable, base, fd, EV_READ | EV_PERSIST, on_event, link);
	event_assign(&link->writable, base, fd, EV_WRITE, on_event, link);
	event_add(&link->readable, NULL);
	/* What TLS has read already no event will tell of. */
	event_active(&link->readable, EV_READ, 0);
}

/* Whom the fan-out trusts may have changed while it was made. */
static bool
link_trusted(struct h2_link *link)
{
	struct tls_peer *peer = &link->line->peer;
	char reason[TLS_REASON_MAX];

	if (!link->line->fanout->rechecked || line_trusts(link->line, link->transfer.easy, reason))
		return true;
	peer->outcome = TLS_UNTRUSTED;
	snprintf(peer->reason, sizeof(peer->reason), "%s", reason);
	return false;
}

static void
on_connected(struct transfer *t, CURLcode code)
{
	struct h2_link *link = (struct h2_link *)t;
	struct fanout_line *line = link->line;
	curl_socket_t fd = CURL_SOCKET_BAD;
	bool http2;

	if (code == CURLE_OK)
		code = curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (code == CURLE_OK)
		code = link_begin(link, &http2);
	if (code == CURLE_OK && !link_trusted(link))
		code = CURLE_PEER_FAILED_VERIFICATION;
	if (code != CURLE_OK) {
		link_leave(link);
		line_unreachable(line, code, link->error);
		free(link);
	} else if (!http2) {
		h2_link_free(link);
		line_speaks(line, false);
	} else {
		link->expires_s = line_expires_s(line);
		link_watch(link, fd);
		line_speaks(line, true);
	}
}

static bool
link_prepare(struct h2_link *link)
{
	CURL *e = link->transfer.easy;
	struct fanout_line *line = link->line;

	return multi_adopt(line->fanout->multi, &link->transfer) &&
	    line_prepare(line, e, on_ssl_context) &&
	    /* The protocol is ours to choose, not libcurl's. */
	    curl_easy_setopt(e, CURLOPT_SSL_ENABLE_ALPN, 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_URL, line->urls[0]) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(CONNECT_TICKS * line->fanout->tick_ms)) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, link->error) == CURLE_OK;
}

struct h2_link *
h2_link_new(struct fanout_line *line)
{
	struct h2_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->line = line;
	TAILQ_INIT(&link->calls.calls);
	event_assign(&link->readable, line->fanout->base, -1, 0, on_event, link);
	event_assign(&link->writable, line->fanout->base, -1, 0, on_event, link);
	event_assign(&link->again, line->fanout->base, -1, 0, on_event, link);
	link->transfer = (struct transfer){ .easy = curl_easy_init(), .connects = true,
		.ended = on_connected };
	if (link->transfer.easy == NULL || !link_prepare(link) ||
	    !multi_add(line->fanout->multi, &link->transfer)) {
		curl_easy_cleanup(link->transfer.easy);
		free(link);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&line->h2.links, link, entry);
	line->h2.count++;
	return link;
}

/* ---- calls ---- */

bool
h2_link_has_room(const struct h2_link *link)
{
	return link->session != NULL && !link->leaving &&
	    link->count < link->line->h2.calls_max;
}

bool
h2_link_call(struct h2_link *link, struct call *call)
{
	int error;

	call->link = link;
	error = h2_call_open(call);
	if (error == 0) {
		call_move(call, &link->calls);
		link->count++;
		link->used = true;
		link->line->h2.wasted = 0;
		write_soon(link);
		return true;
	}
	call->link = NULL;
	if (error != NGHTTP2_ERR_NOMEM) {
		/* Its stream numbers are used up, or it is being closed. */
		link->leaving = true;
		write_soon(link);
		return false;
	}
	call_move(call, NULL);
	reply_unasked(call, "out of memory");
	call_end(call);
	return true;
}

const char *
h2_link_give_up(struct call *call)
{
	struct h2_link *link = call->link;

	h2_call_reset(call, NGHTTP2_CANCEL);
	write_soon(link);
	return "connected, no answer came";
}

void
h2_link_tick(struct h2_link *link)
{
	link->idle_frames = 0;
	if (link->session == NULL)
		return;
	if (link->expires_s != 0 && !link->leaving && time(NULL) >= link->expires_s) {
		link->leaving = true;
		snprintf(link->error, sizeof(link->error), "a certificate has expired");
		write_soon(link);
	}
	link->quiet++;
	if (link->unanswered > 0 && ++link->unanswered > ANSWER_TICKS) {
		line_dead(link->line, "it no longer answers a PING");
		link_lost(link, "it no longer answers a PING");
	} else if (link->unanswered == 0 &&
	    link->quiet >= (link->count > 0 ? PING_TICKS : PING_IDLE_TICKS)) {
		nghttp2_submit_ping(link->session, NGHTTP2_FLAG_NONE, NULL);
		link->unanswered = 1;
		write_soon(link);
	}
}

void
h2_link_recheck(struct h2_link *link)
{
	char reason[TLS_REASON_MAX];

	/* One that is being made is judged when it is. */
	if (link->session != NULL && !line_trusts(link->line, link->transfer.easy, reason))
		link_lost(link, reason);
}
