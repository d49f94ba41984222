#include "coordinator/fanout_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/probe.h"
#include "coordinator/reply.h"
#include "monotonic.h"

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

/* ---- which endpoint ---- */

static size_t
line_index(const struct fanout_line *line)
{
	return (size_t)(line - line->group->lines);
}

static void
group_tell(const struct fanout_line *line, enum fanout_event event, enum problem problem,
    const char *why)
{
	const struct fanout *f = line->fanout;
	const struct fanout_news news = { .event = event, .url = line->url, .why = why,
		.problem = problem,
		.perspective = (size_t)(line->group - f->groups) };

	if (f->on_news != NULL)
		f->on_news(f->arg, &news);
}

/* For whoever looks after the fleet. */
static void
line_note(struct fanout_line *line, const char *why)
{
	snprintf(line->last_error, sizeof(line->last_error), "%s", why);
	line->last_error_s = (int64_t)time(NULL);
}

void
line_failed(struct fanout_line *line, const char *why)
{
	line_note(line, why);
	if (balance_failed(&line->group->balance, line_index(line), monotonic_ns()))
		group_tell(line, FANOUT_EJECTED, PROBLEM_NONE, why);
}

void
line_dead(struct fanout_line *line, const char *why)
{
	line_note(line, why);
	if (balance_eject(&line->group->balance, line_index(line), monotonic_ns()))
		group_tell(line, FANOUT_EJECTED, PROBLEM_NONE, why);
}

void
line_succeeded(struct fanout_line *line)
{
	if (balance_succeeded(&line->group->balance, line_index(line)))
		group_tell(line, FANOUT_RETURNED, PROBLEM_NONE, "");
}

bool
call_choose(struct call *call, struct fanout_group *group, bool healthy)
{
	size_t i = balance_begin(&group->balance, call->tried, healthy);

	if (i == BALANCE_NONE)
		return false;
	call->line = &group->lines[i];
	call->tried |= (uint16_t)(1U << i);
	return true;
}

void
line_leave(struct fanout_line *line)
{
	balance_end(&line->group->balance, line_index(line));
}

/* To the head of its line, which may be another than the one it was `before` on. */
static void
call_again(struct call *call, const struct fanout_line *before)
{
	struct call_list *waiting = &call->line->waiting;

	group_tell(before, FANOUT_RETRY, call->problem, call->message);
	call->retries++;
	call->counted = false;
	call->status = 0;
	call->problem = PROBLEM_NONE;
	call->message = "";
	buf_reset(&call->reply);
	call_move(call, NULL);
	TAILQ_INSERT_HEAD(&waiting->calls, call, entry);
	call->list = waiting;
	line_wake(call->line);
}

bool
call_retry(struct call *call)
{
	struct fanout_line *before = call->line;

	if (call->retries == RETRIES_MAX)
		return false;
	if (call_choose(call, before->group, true))
		line_leave(before);
	call_again(call, before);
	return true;
}

/* On an endpoint that it was not made on. */
static bool
call_retry_elsewhere(struct call *call)
{
	struct fanout_line *before = call->line;

	if (call->retries == RETRIES_MAX || !call_choose(call, before->group, false))
		return false;
	line_leave(before);
	call_again(call, before);
	return true;
}

/* What came of it was the endpoint's doing. */
static bool
call_failed(const struct call *call)
{
	if (call->problem == PROBLEM_NONE || call->problem == PROBLEM_INTERNAL)
		return false;
	return call->problem == PROBLEM_PERSPECTIVE_UNREACHABLE || call->status == 0 ||
	    call->status >= 500;
}

void
call_end(struct call *call)
{
	/* Nobody waits any longer for what is late: the target may be why. */
	bool failed = call_failed(call) && monotonic_ns() < call->until_ns;

	call_move(call, NULL);
	if (failed && !call->counted)
		line_failed(call->line, call->message);
	else if (call->problem == PROBLEM_NONE)
		line_succeeded(call->line);
	else if (call->problem == PROBLEM_NOT_ADMITTED)
		line_note(call->line, call->message);
	call->counted = false;
	/* A check may be asked for twice, but not if it was answered in part. */
	if (failed && (call->status == 0 || call->status >= 500) && call_retry_elsewhere(call))
		return;
	line_leave(call->line);
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
	/* Calls that wait are failures of their own. */
	if (TAILQ_EMPTY(&line->waiting.calls))
		line_failed(line, error);
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

static CURLcode
on_ssl_context(CURL *easy, void *ctx, void *arg)
{
	return tls_client_apply(ctx, arg) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
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
	    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION,
	    offer != NULL ? offer : on_ssl_context) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &line->peer) == CURLE_OK;
}

/* ---- time ---- */

int64_t
line_expires_s(const struct fanout_line *line)
{
	int64_t peer_s = line->peer.expires_s, own_s = line->peer.client != NULL ?
	    tls_client_expires_s(line->peer.client) : 0;

	if (line->plain || peer_s == 0)
		return 0;
	return own_s != 0 && own_s < peer_s ? own_s : peer_s;
}

void
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
	h1_peer_tick(line);
	if (line->probe == NULL && balance_probe(&line->group->balance, line_index(line), now))
		probe_start(line);
	line_advance(line);
}

/* ---- trust ---- */

const struct jws_key *
line_signing_key(struct fanout_line *line, const char *base64)
{
	struct buf why = BUF_INIT(256);
	struct line_key *place;

	for (size_t i = 0; i < LINE_KEYS_MAX; i++)
		if (line->keys[i].key != NULL && strcmp(line->keys[i].base64, base64) == 0)
			return line->keys[i].key;
	if (base64[0] == '\0' || !line->perspective->verify_enrolled)
		return NULL;
	place = &line->keys[line->key_count++ % LINE_KEYS_MAX];
	jws_key_free(place->key);
	place->key = jws_key_read_public(base64, &why);
	snprintf(place->base64, sizeof(place->base64), "%s", base64);
	buf_free(&why);
	return place->key;
}

bool
line_trusts(const struct fanout_line *line, CURL *easy, char reason[static TLS_REASON_MAX])
{
	struct curl_tlssessioninfo *tls = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || tls == NULL ||
	    tls->backend != CURLSSLBACKEND_OPENSSL || tls->internals == NULL)
		return true;	/* no handshake is over: what follows is judged by it */
	return tls_client_still_trusts(line->peer.client, tls->internals, reason);
}

void
line_recheck(struct fanout_line *line)
{
	h2_peer_recheck(&line->h2);
	h1_peer_recheck(line);
	line_advance(line);
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

/* A gateway, or a server of another make, is known by its host name, under a CA of its own. */
static bool
line_read_ca(struct fanout_line *line, const struct tls_files *tls, struct buf *why)
{
	const struct perspective *p = line->perspective;

	line->own_tls = p->show_certificate && tls != NULL ? tls_client_new(&(struct tls_files){
	    .certificate = tls->certificate, .key = tls->key, .ca = p->ca }, why) :
	    tls_client_new_anonymous(p->ca, why);
	if (line->own_tls == NULL)
		return false;
	line->peer.client = line->own_tls;
	line->peer.expected = line->host;
	line->peer.by_host = true;
	return true;
}

bool
line_init(struct fanout_line *line, struct fanout_group *group, const char *url,
    const struct tls_files *tls, struct buf *why)
{
	const struct perspective *p = line->perspective;
	const char *authority = strstr(url, "://");
	size_t len = strlen(url);

	line->group = group;
	line->url = url;
	line->plain = strncmp(url, "https:", 6) != 0;
	snprintf(line->identity, sizeof(line->identity), IDENTITY_PREFIX "%s", p->code);
	line->peer = (struct tls_peer){ .client = line->fanout->tls, .expected = line->identity };
	TAILQ_INIT(&line->waiting.calls);
	while (len > 0 && url[len - 1] == '/')
		len--;
	authority = authority != NULL ? authority + 3 : url;
	line->authority_at = (size_t)(authority - url);
	line->path_at = line->authority_at + strcspn(authority, "/");
	if (line->path_at > len)
		line->path_at = len;
	if (asprintf(&line->ready_url, "%.*s/readyz", (int)len, url) < 0) {
		line->ready_url = NULL;
		return false;
	}
	for (int type = 0; type < CHECK_TYPE_COUNT; type++)
		if (asprintf(&line->urls[type], "%.*s%s", (int)len, url,
		    check_type_path(type)) < 0) {
			line->urls[type] = NULL;
			return false;
		}
	host_copy(authority, line->host, sizeof(line->host));
	if (p->host != NULL)
		snprintf(line->host, sizeof(line->host), "%s", p->host);
	return h1_peer_init(line) && (p->ca == NULL || line_read_ca(line, tls, why));
}

void
line_free(struct fanout_line *line)
{
	probe_free(line->probe);
	h2_peer_free(&line->h2);
	h1_peer_free(line);
	tls_client_free(line->own_tls);
	for (size_t i = 0; i < LINE_KEYS_MAX; i++)
		jws_key_free(line->keys[i].key);
	for (int type = 0; type < CHECK_TYPE_COUNT; type++)
		free(line->urls[type]);
	free(line->ready_url);
}
