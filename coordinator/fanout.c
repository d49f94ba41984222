#include "coordinator/fanout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/fanout_line.h"
#include "coordinator/reply.h"
#include "monotonic.h"

#define TICK_MS		1000
#define RETRIES_MAX	2	/* of a call that came to nothing unheard */
/*
 * A perspective that spoke HTTP/1.1 is asked again after a while: it may be a
 * better one by now.
 */
#define ASK_AGAIN_NS	UINT64_C(600000000000)

/* ---- a call on its way ---- */

void
call_move(struct call *call, struct call_list *list)
{
	if (call->list != NULL)
		TAILQ_REMOVE(&call->list->calls, call, entry);
	call->list = list;
	if (list != NULL)
		TAILQ_INSERT_TAIL(&list->calls, call, entry);
}

void
call_list_expire(struct call_list *list, uint64_t now, struct call_list *expired)
{
	struct call *call, *next;

	for (call = TAILQ_FIRST(&list->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entry);
		if (call->until_ns > now)
			continue;
		if (call->link != NULL)
			h2_peer_give_up(call);
		call_move(call, expired);
	}
}

bool
call_retry(struct call *call)
{
	struct fanout_line *line = call->line;

	if (call->retries == RETRIES_MAX)
		return false;
	call->retries++;
	call_move(call, NULL);
	TAILQ_INSERT_HEAD(&line->waiting.calls, call, entry);
	call->list = &line->waiting;
	line_wake(line);
	return true;
}

void
call_end(struct call *call)
{
	call_move(call, NULL);
	call->done(call);
}

/* ---- the line ---- */

/* What it speaks has to be asked by a connection that offers both. */
static bool
line_asks(const struct fanout_line *line)
{
	return !line->plain && (!line->h1.chosen ||
	    monotonic_ns() - line->h1.chosen_ns > ASK_AGAIN_NS);
}

/* All calls that wait fail: there is nothing they could wait for. */
static void
line_fail(struct fanout_line *line, CURLcode code, const char *error)
{
	struct call_list failed = { TAILQ_HEAD_INITIALIZER(failed.calls) };
	struct call *call;

	while ((call = TAILQ_FIRST(&line->waiting.calls)) != NULL)
		call_move(call, &failed);
	while ((call = TAILQ_FIRST(&failed.calls)) != NULL) {
		if (code == CURLE_OUT_OF_MEMORY)
			reply_unasked(call, "out of memory");
		else
			reply_unreachable(call, code, error);
		call_end(call);
	}
}

/* False: it waits. */
static bool
line_start(struct fanout_line *line, struct call *call)
{
	if (h2_peer_start(&line->h2, call))
		return true;
	if (line_asks(line) && !h2_peer_connect(line) && !line->h1.chosen &&
	    !h2_peer_ready(&line->h2)) {
		line_fail(line, CURLE_OUT_OF_MEMORY, "");
		return false;
	}
	return (line->plain || line->h1.chosen) && h1_peer_start(line, call);
}

void
line_advance(struct fanout_line *line)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&line->waiting.calls)) != NULL && line_start(line, call))
		;
}

void
line_wake(struct fanout_line *line)
{
	if (!TAILQ_EMPTY(&line->waiting.calls))
		event_active(line->fanout->wake, EV_TIMEOUT, 0);
}

void
line_unreachable(struct fanout_line *line, CURLcode code, const char *error)
{
	line->h1.chosen_ns = monotonic_ns();
	if (!h2_peer_ready(&line->h2) && !line->h1.chosen)
		line_fail(line, code, error);
}

void
line_speaks(struct fanout_line *line, bool http2)
{
	line->h1.chosen = !http2;
	line->h1.chosen_ns = monotonic_ns();
	line_advance(line);
}

bool
line_prepare(struct fanout_line *line, CURL *easy, curl_ssl_ctx_callback offer)
{
	/*
	 * The identity in the certificate says who it is, wherever it runs. It is
	 * looked at anew for each connection: no session is resumed. libcurl before
	 * 8.5 would put the first connection's CA in place of a newer one's.
	 */
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, offer) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &line->peer) == CURLE_OK;
}

/* ---- time ---- */

static void
line_tick(struct fanout_line *line)
{
	struct call_list expired = { TAILQ_HEAD_INITIALIZER(expired.calls) };
	uint64_t now = monotonic_ns();
	struct call *call;

	call_list_expire(&line->waiting, now, &expired);
	h2_peer_expire(&line->h2, now, &expired);
	while ((call = TAILQ_FIRST(&expired.calls)) != NULL) {
		reply_missing(call, "it took too long");
		call_end(call);
	}
	h2_peer_tick(&line->h2);
	line_advance(line);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct fanout *f = arg;

	for (size_t i = 0; i < f->fleet->count; i++)
		line_tick(&f->lines[i]);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct fanout *f = arg;

	for (size_t i = 0; i < f->fleet->count; i++)
		line_advance(&f->lines[i]);
}

/* ---- calls ---- */

void
fanout_call(struct fanout *f, size_t perspective, enum check_type type, struct call *call)
{
	struct fanout_line *line = &f->lines[perspective];

	call->line = line;
	call->list = NULL;
	call->slot = NULL;
	call->link = NULL;
	call->until_ns = monotonic_ns() + (uint64_t)call->limit_ms * 1000000;
	call->retries = 0;
	call->type = type;
	call->status = 0;
	call->problem = PROBLEM_NONE;
	call->message = "";
	call->reply = BUF_INIT(CHECK_RESULT_MAX);
	call_move(call, &line->waiting);
	line_advance(line);
}

void
fanout_give_up(struct call *call)
{
	struct fanout_line *line = call->line;

	if (call->link != NULL)
		call->message = h2_peer_give_up(call);
	else if (call->slot != NULL)
		call->message = h1_peer_give_up(call);
	else
		call->message = line->plain || line->h1.chosen || h2_peer_ready(&line->h2) ?
		    "no connection was free" : "the connection was not established";
	call_move(call, NULL);
	buf_free(&call->reply);
	/* Not now: the owner may be giving up calls that wait in line, too. */
	line_wake(line);
}

uint64_t
call_took_ns(const struct call *call)
{
	return monotonic_ns() - (call->until_ns - (uint64_t)call->limit_ms * 1000000);
}

void
call_trace(const struct call *call, char text[TRACEPARENT_TEXT])
{
	struct trace t = call->body->trace;

	memcpy(t.span, call->span, sizeof(t.span));
	trace_text(&t, text);
}

struct fanout_body *
fanout_body_new(size_t max)
{
	struct fanout_body *body = malloc(sizeof(*body));

	if (body != NULL)
		*body = (struct fanout_body){ .text = BUF_INIT(max), .users = 1,
		    .trace = { .flags = 0 }, .tracestate = NULL };
	return body;
}

void
fanout_body_free(struct fanout_body *body)
{
	if (body == NULL || --body->users > 0)
		return;
	buf_free(&body->text);
	free(body->tracestate);
	free(body);
}

/* ---- life ---- */

/* The host of a URL's authority, without brackets and port. */
static void
host_copy(const char *authority, char *host, size_t size)
{
	size_t len;

	if (*authority == '[') {
		len = strcspn(authority + 1, "]/");
		snprintf(host, size, "%.*s", (int)len, authority + 1);
	} else {
		len = strcspn(authority, ":/");
		snprintf(host, size, "%.*s", (int)len, authority);
	}
}

/* A server of another make is known by its host name, under a CA of its own. */
static bool
line_read_ca(struct fanout_line *line, struct buf *why)
{
	line->own_tls = tls_client_new_anonymous(line->perspective->ca, why);
	if (line->own_tls == NULL)
		return false;
	line->peer.client = line->own_tls;
	line->peer.expected = line->host;
	line->peer.by_host = true;
	return true;
}

static bool
line_init(struct fanout *f, struct fanout_line *line, const struct perspective *p,
    struct buf *why)
{
	const char *authority = strstr(p->url, "://");
	size_t len = strlen(p->url);

	line->fanout = f;
	line->perspective = p;
	line->plain = strncmp(p->url, "https:", 6) != 0;
	snprintf(line->identity, sizeof(line->identity), IDENTITY_PREFIX "%s", p->code);
	line->peer = (struct tls_peer){ .client = f->tls, .expected = line->identity };
	TAILQ_INIT(&line->waiting.calls);
	while (len > 0 && p->url[len - 1] == '/')
		len--;
	authority = authority != NULL ? authority + 3 : p->url;
	line->authority_at = (size_t)(authority - p->url);
	line->path_at = line->authority_at + strcspn(authority, "/");
	if (line->path_at > len)
		line->path_at = len;
	for (int type = 0; type < CHECK_TYPE_COUNT; type++)
		if (asprintf(&line->urls[type], "%.*s%s", (int)len, p->url,
		    check_type_path(type)) < 0) {
			line->urls[type] = NULL;
			return false;
		}
	host_copy(authority, line->host, sizeof(line->host));
	if (p->host != NULL)
		snprintf(line->host, sizeof(line->host), "%s", p->host);
	return h1_peer_init(line) && (p->ca == NULL || line_read_ca(line, why));
}

static void
line_free(struct fanout_line *line)
{
	h2_peer_free(&line->h2);
	h1_peer_free(line);
	tls_client_free(line->own_tls);
	for (int type = 0; type < CHECK_TYPE_COUNT; type++)
		free(line->urls[type]);
}

static bool
clock_init(struct fanout *f, int64_t tick_ms)
{
	struct timeval tv;

	f->tick_ms = tick_ms > 0 ? tick_ms : TICK_MS;
	tv = (struct timeval){ f->tick_ms / 1000, f->tick_ms % 1000 * 1000 };
	f->wake = evtimer_new(f->base, on_wake, f);
	f->tick = event_new(f->base, -1, EV_PERSIST, on_tick, f);
	return f->wake != NULL && f->tick != NULL && event_add(f->tick, &tv) == 0;
}

struct fanout *
fanout_new(struct event_base *base, const struct fanout_config *cfg, struct buf *why)
{
	struct fanout *f = calloc(1, sizeof(*f));

	if (f == NULL)
		goto fail;
	f->base = base;
	f->fleet = cfg->fleet;
	f->connections = cfg->connections;
	for (size_t i = 0; i < FLEET_MAX; i++)
		h2_peer_init(&f->lines[i].h2);
	if (cfg->tls != NULL && (f->tls = tls_client_new(cfg->tls, why)) == NULL)
		goto fail;
	f->multi = multi_new(base, (long)(cfg->connections * cfg->fleet->count));
	if (f->multi == NULL || !clock_init(f, cfg->tick_ms))
		goto fail;
	for (size_t i = 0; i < f->fleet->count; i++)
		if (!line_init(f, &f->lines[i], &f->fleet->members[i], why))
			goto fail;
	return f;
fail:
	if (why->len == 0)
		buf_adds(why, "out of memory");
	fanout_free(f);
	return NULL;
}

void
fanout_free(struct fanout *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < FLEET_MAX; i++)
		line_free(&f->lines[i]);
	/* Closes the connections, which needs the contexts made from `tls`. */
	multi_free(f->multi);
	if (f->wake != NULL)
		event_free(f->wake);
	if (f->tick != NULL)
		event_free(f->tick);
	tls_client_free(f->tls);
	free(f);
}

int64_t
fanout_expires_s(const struct fanout *f, size_t perspective)
{
	return f->lines[perspective].peer.expires_s;
}
