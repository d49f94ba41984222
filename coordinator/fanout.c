#include "coordinator/fanout.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "coordinator/multi.h"

#define IDENTITY_PREFIX	"urn:mpic:perspective:"
/*
 * libcurl's buffer for a reply, which must hold a whole one: before 8.1, what
 * does not fit stops the HTTP/2 connection it came on, and with
 * curl_multi_socket_action() nothing may ever set it going again.
 */
#define REPLY_CHUNK	(CHECK_RESULT_MAX + (size_t)16 * 1024)
/* libcurl's least; its default of 64 KiB would be most of the memory of a connection. */
#define UPLOAD_CHUNK	16384
/*
 * Handshakes with one perspective at a time. More would take both sides so long
 * that they time out, and calls that end free connections meanwhile.
 */
#define CONNECTING_MAX	16
#define MAPPED_MIN	(128 * 1024)	/* glibc's own default */
#define QUOTED_MAX	200	/* bytes of a peer's words in a sentence */

/* An easy handle that goes from call to call of one perspective. */
struct fanout_slot {
	CURL *easy;
	struct fanout_line *line;
	struct call *call;	/* NULL: idle, or running on for nobody */
	struct fanout_body *body;	/* what is being sent; NULL: idle */
	enum check_type type;	/* whose URL is set */
	bool warm;		/* its last call left an open connection */
	bool connecting;
	bool connected;		/* the call has its connection */
	bool sent;		/* all of `body` */
	struct fanout_slot *prev, *next;	/* of the line's */
	struct fanout_slot *next_idle;
	char error[CURL_ERROR_SIZE];
};

/* Everything about one perspective. */
struct fanout_line {
	struct fanout *fanout;
	const struct perspective *perspective;
	struct tls_peer peer;
	char identity[sizeof(IDENTITY_PREFIX) + CHECK_CODE_MAX];
	char *urls[CHECK_TYPE_COUNT];
	struct fanout_slot *slots, *idle;
	size_t slot_count;
	size_t connecting;	/* slots that are */
	bool multiplexes;	/* it chose HTTP/2 on its last connection */
	struct call *first, *last;	/* waiting for a slot */
};

struct fanout {
	const struct fleet *fleet;
	struct multi *multi;
	struct tls_client *tls;
	struct curl_slist *headers;
	size_t connections;
	struct event *wake;	/* there may be room in a line */
	char message[CHECK_MESSAGE_MAX];	/* of the call that ended last */
	struct fanout_line lines[FLEET_MAX];
};

static void __attribute__((format(printf, 3, 4)))
call_fail(struct call *call, enum problem problem, const char *fmt, ...)
{
	va_list ap;

	call->problem = problem;
	call->message = call->line->fanout->message;
	va_start(ap, fmt);
	vsnprintf(call->line->fanout->message, CHECK_MESSAGE_MAX, fmt, ap);
	va_end(ap);
}

/* ---- waiting in line ---- */

static void
line_append(struct fanout_line *line, struct call *call)
{
	call->prev = line->last;
	call->next = NULL;
	if (line->last != NULL)
		line->last->next = call;
	else
		line->first = call;
	line->last = call;
}

static void
line_remove(struct fanout_line *line, struct call *call)
{
	if (call->prev != NULL)
		call->prev->next = call->next;
	else
		line->first = call->next;
	if (call->next != NULL)
		call->next->prev = call->prev;
	else
		line->last = call->prev;
}

/* ---- slots ---- */

static size_t
on_reply(char *bytes, size_t size, size_t n, void *arg)
{
	struct fanout_slot *slot = arg;
	struct call *call = slot->call;

	if (call == NULL)
		return size * n;
	buf_add(&call->reply, bytes, size * n);
	return call->reply.failed ? 0 : size * n;
}

static void
slot_connected(struct fanout_slot *slot)
{
	slot->line->connecting -= slot->connecting;
	slot->connecting = false;
}

/* What the perspective chose by ALPN, known before its first reply. */
static bool
slot_multiplexes(const struct fanout_slot *slot)
{
	struct curl_tlssessioninfo *tls = NULL;
	const unsigned char *name = NULL;
	unsigned int len = 0;

	if (curl_easy_getinfo(slot->easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK &&
	    tls != NULL && tls->backend == CURLSSLBACKEND_OPENSSL && tls->internals != NULL)
		SSL_get0_alpn_selected(tls->internals, &name, &len);
	return len == 2 && memcmp(name, "h2", 2) == 0;
}

/* The connection stands, the request goes out next. */
static int
on_connected(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct fanout_slot *slot = arg;

	slot_connected(slot);
	slot->warm = true;
	slot->connected = true;
	slot->line->multiplexes = slot_multiplexes(slot);
	/* libcurl takes no new transfers from within its callbacks. */
	if (slot->line->first != NULL)
		event_active(slot->line->fanout->wake, EV_TIMEOUT, 0);
	return CURL_PREREQFUNC_OK;
}

/*
 * libcurl before 8.7 keeps the buffer of UPLOAD_CHUNK bytes of each transfer
 * until the reply is there; setting its size frees it, and a transfer that is
 * tried again gets a new one. Later ones have a single buffer for all.
 */
static int
on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	struct fanout_slot *slot = arg;

	if (!slot->sent && up > 0 && up == up_all) {
		slot->sent = true;
		curl_easy_setopt(slot->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_CHUNK);
	}
	return 0;	/* CURL_PROGRESSFUNC_CONTINUE has libcurl print its meter on stderr */
}

static CURLcode
on_ssl_context(CURL *easy, void *ctx, void *arg)
{
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return tls_client_apply(ctx, arg) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

static bool
slot_set_tls(struct fanout_slot *slot, struct fanout_line *line)
{
	CURL *e = slot->easy;

	/*
	 * The identity in the certificate says who it is, wherever it runs. It is
	 * looked at anew for each connection: no session is resumed.
	 */
	return curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_CAINFO, NULL) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSL_ENABLE_ALPN, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, &line->peer) == CURLE_OK;
}

static bool
slot_set_http(struct fanout_slot *slot, struct fanout_line *line)
{
	CURL *e = slot->easy;

	return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)REPLY_CHUNK) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_CHUNK) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTPHEADER, line->fanout->headers) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_reply) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, slot) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PREREQDATA, slot) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_XFERINFODATA, slot) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, slot->error) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PRIVATE, slot) == CURLE_OK;
}

static struct fanout_slot *
slot_new(struct fanout_line *line)
{
	struct fanout_slot *slot = calloc(1, sizeof(*slot));

	if (slot == NULL)
		return NULL;
	slot->easy = curl_easy_init();
	slot->line = line;
	slot->type = CHECK_TYPE_COUNT;
	if (slot->easy == NULL || !multi_adopt(line->fanout->multi, slot->easy) ||
	    !slot_set_http(slot, line) || !slot_set_tls(slot, line)) {
		curl_easy_cleanup(slot->easy);
		free(slot);
		return NULL;
	}
	slot->next = line->slots;
	if (slot->next != NULL)
		slot->next->prev = slot;
	line->slots = slot;
	line->slot_count++;
	return slot;
}

/* Calls that may be under way. */
static size_t
line_room(const struct fanout_line *line)
{
	return line->multiplexes ? FANOUT_CALLS_MAX : line->fanout->connections;
}

static struct fanout_slot *
slot_take(struct fanout_line *line)
{
	struct fanout_slot *slot = line->idle;

	if (!line->multiplexes && (slot == NULL || !slot->warm) &&
	    line->connecting >= CONNECTING_MAX)
		return NULL;
	if (slot == NULL)
		return line->slot_count < line_room(line) ? slot_new(line) : NULL;
	line->idle = slot->next_idle;
	return slot;
}

/* One that is in no transfer. */
static void
slot_free(struct fanout_slot *slot)
{
	struct fanout_line *line = slot->line;

	if (slot->prev != NULL)
		slot->prev->next = slot->next;
	else
		line->slots = slot->next;
	if (slot->next != NULL)
		slot->next->prev = slot->prev;
	line->slot_count--;
	curl_easy_cleanup(slot->easy);
	free(slot);
}

static void
slot_release(struct fanout_line *line, struct fanout_slot *slot)
{
	slot->call = NULL;
	slot_connected(slot);
	fanout_body_free(slot->body);
	slot->body = NULL;
	/* Those of a burst of calls go, tens of kB each. */
	if (line->slot_count > line->fanout->connections) {
		slot_free(slot);
		return;
	}
	slot->next_idle = line->idle;
	line->idle = slot;
}

static bool
slot_start(struct fanout_line *line, struct fanout_slot *slot, struct call *call)
{
	enum check_type type = call->type;

	slot->call = call;
	slot->body = call->body;
	slot->body->users++;
	slot->error[0] = '\0';
	slot->connected = false;
	slot->sent = false;
	slot->connecting = !slot->warm;
	line->connecting += slot->connecting;
	call->slot = slot;
	if (slot->type != type && curl_easy_setopt(slot->easy, CURLOPT_URL,
	    line->urls[type]) != CURLE_OK)
		return false;
	slot->type = type;
	return curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, call->body->text.data) ==
	    CURLE_OK && curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE,
	    (long)call->body->text.len) == CURLE_OK && curl_easy_setopt(slot->easy,
	    CURLOPT_TIMEOUT_MS, (long)call->limit_ms) == CURLE_OK && multi_add(line->fanout->multi, slot->easy);
}

/* Starts as many calls as there are slots for. */
static void
line_advance(struct fanout_line *line)
{
	struct call *call;
	struct fanout_slot *slot;

	while ((call = line->first) != NULL && (slot = slot_take(line)) != NULL) {
		line_remove(line, call);
		if (slot_start(line, slot, call))
			continue;
		slot_release(line, slot);
		call_fail(call, PROBLEM_INTERNAL, "libcurl could not start the call to %s",
		    line->perspective->code);
		call->done(call);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct fanout *f = arg;

	for (size_t i = 0; i < f->fleet->count; i++)
		line_advance(&f->lines[i]);
}

/* ---- what came of a call ---- */

/* The "detail" of a refusal, or the first bytes of whatever it was. */
static void
quote_reply(const struct buf *reply, char text[QUOTED_MAX + 1])
{
	struct json_object *o = reply->data != NULL ? json_tokener_parse(reply->data) : NULL;
	struct json_object *detail;
	const char *s = reply->data != NULL ? reply->data : "";

	if (json_object_is_type(o, json_type_object) &&
	    json_object_object_get_ex(o, "detail", &detail) &&
	    json_object_is_type(detail, json_type_string))
		s = json_object_get_string(detail);
	snprintf(text, QUOTED_MAX + 1, "%s", s);
	json_object_put(o);
}

/* An Open MPIC checker answers a failed lookup with 500 and a complete body. */
static void
judge_status(struct fanout_line *line, struct call *call)
{
	const char *code = line->perspective->code;
	char said[QUOTED_MAX + 1];

	if (call->status == 200 || (call->status == 500 && call->reply.len > 0))
		return;
	quote_reply(&call->reply, said);
	if (call->status == 503)
		call_fail(call, PROBLEM_OVERLOADED, "%s has no room for another check: "
		    "it answered 503, \"%s\"", code, said);
	else if (call->status == 401 || call->status == 403)
		call_fail(call, PROBLEM_PERSPECTIVE_IDENTITY, "%s does not take checks from "
		    "this coordinator: it answered %ld, \"%s\"", code, call->status, said);
	else
		call_fail(call, PROBLEM_PERSPECTIVE_REPLY, "%s answered with HTTP status %ld "
		    "instead of 200, \"%s\"", code, call->status, said);
}

static void
judge_failure(struct fanout_line *line, struct call *call, struct fanout_slot *slot, CURLcode code)
{
	const struct tls_peer *peer = &line->peer;
	const char *name = line->perspective->code;

	if (call->reply.failed)
		call_fail(call, PROBLEM_PERSPECTIVE_REPLY, "%s answered with more than "
		    "%zu bytes", name, call->reply.max);
	else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR)
		call_fail(call, peer->outcome == TLS_NOT_REACHED ?
		    PROBLEM_PERSPECTIVE_UNREACHABLE : PROBLEM_PERSPECTIVE_IDENTITY,
		    peer->outcome == TLS_IDENTITY_MISMATCH ?
		    "the server at %s is not %s: its certificate says \"%s\"" :
		    "no trusted connection to %s for %s: %s", line->perspective->url, name,
		    peer->outcome == TLS_IDENTITY_MISMATCH ? peer->presented :
		    peer->outcome == TLS_UNTRUSTED ? peer->reason : slot->error);
	else
		call_fail(call, PROBLEM_PERSPECTIVE_UNREACHABLE, "no answer from %s at %s: %s",
		    name, line->perspective->url, slot->error[0] != '\0' ? slot->error :
		    curl_easy_strerror(code));
}

static void
on_done(CURL *easy, CURLcode code, void *arg)
{
	struct fanout_slot *slot;
	struct fanout_line *line;
	struct call *call;
	char *private = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	slot = (struct fanout_slot *)private;
	line = slot->line;
	call = slot->call;
	slot->warm = code == CURLE_OK;
	if (call != NULL) {
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &call->status);
		if (code == CURLE_OK)
			judge_status(line, call);
		else
			judge_failure(line, call, slot, code);
	}
	slot_release(line, slot);
	if (call != NULL)
		call->done(call);
	line_advance(line);
}

/* ---- calls ---- */

void
fanout_call(struct fanout *f, size_t perspective, enum check_type type, struct call *call)
{
	struct fanout_line *line = &f->lines[perspective];

	call->line = line;
	call->slot = NULL;
	call->type = type;
	call->status = 0;
	call->problem = PROBLEM_NONE;
	call->message = "";
	call->reply = BUF_INIT(CHECK_RESULT_MAX);
	line_append(line, call);
	line_advance(line);
}

void
fanout_give_up(struct call *call)
{
	curl_off_t sent_us = 0;

	if (call->slot == NULL) {
		line_remove(call->line, call);
		call->message = "no connection was free";
		return;
	}
	curl_easy_getinfo(call->slot->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	call->message = sent_us > 0 ? "connected, no answer came" :
	    "the connection was not established";
	call->slot->call = NULL;
	buf_free(&call->reply);
	if (call->line->multiplexes && call->slot->connected) {
		multi_remove(call->line->fanout->multi, call->slot->easy);
		slot_release(call->line, call->slot);
		/* Not now: the owner may be giving up calls that wait in line, too. */
		if (call->line->first != NULL)
			event_active(call->line->fanout->wake, EV_TIMEOUT, 0);
	}
}

struct fanout_body *
fanout_body_new(size_t max)
{
	struct fanout_body *body = malloc(sizeof(*body));

	if (body != NULL)
		*body = (struct fanout_body){ .text = BUF_INIT(max), .users = 1 };
	return body;
}

void
fanout_body_free(struct fanout_body *body)
{
	if (body == NULL || --body->users > 0)
		return;
	buf_free(&body->text);
	free(body);
}

/* ---- life ---- */

static bool
line_init(struct fanout *f, struct fanout_line *line, const struct perspective *p)
{
	size_t len = strlen(p->url);

	line->fanout = f;
	line->perspective = p;
	snprintf(line->identity, sizeof(line->identity), IDENTITY_PREFIX "%s", p->code);
	line->peer = (struct tls_peer){ .client = f->tls, .expected = line->identity };
	while (len > 0 && p->url[len - 1] == '/')
		len--;
	for (int type = 0; type < CHECK_TYPE_COUNT; type++)
		if (asprintf(&line->urls[type], "%.*s%s", (int)len, p->url,
		    check_type_path(type)) < 0) {
			line->urls[type] = NULL;
			return false;
		}
	return true;
}

static void
line_free(struct fanout_line *line)
{
	struct fanout_slot *slot;

	while ((slot = line->slots) != NULL) {
		multi_remove(line->fanout->multi, slot->easy);
		fanout_body_free(slot->body);
		slot_free(slot);
	}
	for (int type = 0; type < CHECK_TYPE_COUNT; type++)
		free(line->urls[type]);
}

static bool
headers_init(struct fanout *f)
{
	/* libcurl's own Accept and its wait for 100-continue are of no use here. */
	static const char *const lines[] = { "Content-Type: application/json", "Accept:",
		"Expect:" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct curl_slist *longer = curl_slist_append(f->headers, lines[i]);

		if (longer == NULL)
			return false;
		f->headers = longer;
	}
	return true;
}

struct fanout *
fanout_new(struct event_base *base, const struct fanout_config *cfg, struct buf *why)
{
	struct fanout *f = calloc(1, sizeof(*f));
	long all = (long)(cfg->connections * cfg->fleet->count);

	if (f == NULL)
		goto fail;
	/*
	 * Buffers of REPLY_CHUNK are mapped, so that each takes the pages that its
	 * reply fills. glibc would soon raise the limit and take them from the heap.
	 */
	mallopt(M_MMAP_THRESHOLD, MAPPED_MIN);
	f->fleet = cfg->fleet;
	f->connections = cfg->connections;
	if (cfg->tls != NULL && (f->tls = tls_client_new(cfg->tls, why)) == NULL)
		goto fail;
	f->multi = multi_new(base, all, (long)cfg->connections, on_done, f);
	f->wake = evtimer_new(base, on_wake, f);
	if (f->multi == NULL || f->wake == NULL || !headers_init(f))
		goto fail;
	for (size_t i = 0; i < f->fleet->count; i++)
		if (!line_init(f, &f->lines[i], &f->fleet->members[i]))
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
	tls_client_free(f->tls);
	curl_slist_free_all(f->headers);
	free(f);
}

int64_t
fanout_expires_s(const struct fanout *f, size_t perspective)
{
	return f->lines[perspective].peer.expires_s;
}

bool
fanout_reload_tls(struct fanout *f, const struct tls_files *files, struct buf *why)
{
	struct tls_client *tls = tls_client_new(files, why);

	if (tls == NULL)
		return false;
	for (size_t i = 0; i < f->fleet->count; i++)
		f->lines[i].peer.client = tls;
	/* Connections that are open hold what they use of the old one. */
	tls_client_free(f->tls);
	f->tls = tls;
	return true;
}
