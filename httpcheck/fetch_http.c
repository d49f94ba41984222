#include "httpcheck/fetch_http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "check.h"
#include "httpcheck/fetch_http_try.h"
#include "monotonic.h"

#define READ_BUFFER	1024	/* a waiting transfer's share of memory */

struct fetch_http {
	struct event_base *base;
	struct multi *multi;
	struct http_try **open;		/* by descriptor: whose connection it is */
	size_t open_count;
};

static int64_t
elapsed_us(const struct http_try *t)
{
	return (int64_t)(monotonic_ns() - t->started_ns) / 1000;
}

/* --- called by libcurl ------------------------------------------------------- */

static size_t
on_header(char *line, size_t size, size_t count, void *arg)
{
	return http_try_line(arg, line, size * count) ? size * count : 0;
}

static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	return http_try_body(arg, bytes, size * count) ? size * count : 0;
}

static bool
note_open(struct http_try *t)
{
	struct fetch_http *h = t->http;
	size_t count = h->open_count > 0 ? h->open_count : 64;
	struct http_try **grown;

	while (count <= (size_t)t->fd)
		count *= 2;
	if (count > h->open_count) {
		grown = realloc(h->open, count * sizeof(*grown));
		if (grown == NULL)
			return false;
		memset(grown + h->open_count, 0, (count - h->open_count) * sizeof(*grown));
		h->open = grown;
		h->open_count = count;
	}
	h->open[t->fd] = t;
	return true;
}

/* The last look at what is dialled, at the very address connect(2) is given. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_try *t = arg;

	t->refused = address_sockaddr_refused(&address->addr);
	if (t->refused != NULL)
		return CURL_SOCKET_BAD;
	t->fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    address->protocol);
	if (t->fd < 0)
		t->socket_error = errno;
	if (t->fd >= 0 && (!multi_opened(t->http->multi, t->fd) || !note_open(t))) {
		t->socket_error = ENOMEM;
		multi_closing(t->http->multi, t->fd);
		close(t->fd);
		t->fd = CURL_SOCKET_BAD;
	}
	return t->fd >= 0 ? t->fd : CURL_SOCKET_BAD;
}

/* Perhaps long after its try, which may be gone. */
static int
close_socket(void *arg, curl_socket_t fd)
{
	struct fetch_http *h = arg;

	if ((size_t)fd < h->open_count)
		h->open[fd] = NULL;
	multi_closing(h->multi, fd);
	return close(fd);
}

/*
 * Later libcurls (8.12 on) wait for the server's close_notify, without an end
 * if none comes. Nobody is interested in it here.
 */
static void
hang_up(struct http_try *t)
{
	struct fetch_http *h = t->http;

	if (t->fd == CURL_SOCKET_BAD || h->open[t->fd] != t)
		return;
	h->open[t->fd] = NULL;
	if (t->ctx != NULL)
		SSL_CTX_set_app_data(t->ctx, NULL);
	shutdown(t->fd, SHUT_RDWR);
}

/* Of the handshake of a try's one connection; what comes after it is no news. */
static void
on_tls(const SSL *ssl, int where, int result)
{
	struct http_try *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	unsigned char *der = NULL;
	X509 *leaf;
	int len;

	if (t == NULL || (where & SSL_CB_HANDSHAKE_DONE) == 0 || t->tls_version[0] != '\0')
		return;
	snprintf(t->tls_version, sizeof(t->tls_version), "%s", SSL_get_version(ssl));
	leaf = SSL_get0_peer_certificate(ssl);
	len = leaf != NULL ? i2d_X509(leaf, &der) : 0;
	t->certificate = len > 0 ? calloc(1, sizeof(*t->certificate)) : NULL;
	if (t->certificate != NULL)
		certificate_read(&t->certificate->facts, &t->certificate->texts, der, (size_t)len);
	OPENSSL_free(der);
}

/*
 * TCP is connected now. Whatever certificate there is proves nothing here, so no key is too small
 * for it; but what is older than TLS 1.2 is not spoken.
 */
static CURLcode
prepare_tls(CURL *easy, void *ctx, void *arg)
{
	struct http_try *t = arg;

	t->connect_us = elapsed_us(t);
	t->ctx = ctx;
	SSL_CTX_set_app_data(ctx, t);
	SSL_CTX_set_info_callback(ctx, on_tls);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 ? CURLE_OK :
	    CURLE_SSL_CONNECT_ERROR;
}

/* --- a try ------------------------------------------------------------------- */

static bool
set_callbacks(struct http_try *t)
{
	return multi_adopt(t->http->multi, &t->transfer) &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_ERRORBUFFER, t->curl_says) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_CLOSESOCKETDATA, t->http) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_SSL_CTX_FUNCTION, prepare_tls) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_SSL_CTX_DATA, t) == CURLE_OK;
}

/* What is the same for every try. A row that is libcurl's default stands for a rule. */
static bool
set_rules(CURL *easy)
{
	static const struct {
		CURLoption option;
		long value;
	} rows[] = {
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_HTTP09_ALLOWED, 0 },
		{ CURLOPT_HTTP_CONTENT_DECODING, 0 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_FRESH_CONNECT, 1 },
		{ CURLOPT_FORBID_REUSE, 1 },
		{ CURLOPT_DNS_CACHE_TIMEOUT, 0 },
		{ CURLOPT_SSL_SESSIONID_CACHE, 0 },
		{ CURLOPT_SSL_VERIFYPEER, 0 },
		{ CURLOPT_SSL_VERIFYHOST, 0 },
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_BUFFERSIZE, READ_BUFFER },
		{ CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024 },
		/* ours: http_try_late() */
		{ CURLOPT_CONNECTTIMEOUT_MS, 2 * CHECK_DEADLINE_MAX_MS },
	};
	static const struct {
		CURLoption option;
		const char *value;
	} texts[] = {
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
		{ CURLOPT_PROXY, "" },
		{ CURLOPT_NOPROXY, "*" },
		/* else the system's bundle is parsed for each connection */
		{ CURLOPT_CAINFO, NULL },
		{ CURLOPT_CAPATH, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (curl_easy_setopt(easy, rows[i].option, rows[i].value) != CURLE_OK)
			return false;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (curl_easy_setopt(easy, texts[i].option, texts[i].value) != CURLE_OK)
			return false;
	return true;
}

static void
try_free(struct http_try *t)
{
	if (t->transfer.easy != NULL)
		curl_easy_cleanup(t->transfer.easy);
	curl_slist_free_all(t->fields);
	curl_slist_free_all(t->connect_to);
	buf_free(&t->location);
	buf_free(&t->body);
	free(t->certificate);
	free(t);
}

static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_ended(struct transfer *transfer, CURLcode code);

static struct http_try *
try_new(struct fetch_http *h)
{
	struct http_try *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->http = h;
	t->transfer.ended = on_ended;
	t->fd = CURL_SOCKET_BAD;
	t->location = BUF_INIT(FETCH_URL_MAX);
	t->body = BUF_INIT(FETCH_BODY_MAX);
	evtimer_assign(&t->timer, h->base, on_timer, t);
	t->transfer.easy = curl_easy_init();
	if (t->transfer.easy == NULL || !set_callbacks(t) || !set_rules(t->transfer.easy)) {
		try_free(t);
		return NULL;
	}
	return t;
}

/*
 * Nothing of it is used again: libcurl 7.88 takes a reply that begins with
 * a folded line for more of the last field of the handle's reply before, which
 * it has freed.
 */
static void
try_release(struct http_try *t)
{
	evtimer_del(&t->timer);
	hang_up(t);
	try_free(t);
}

/* -1 for what libcurl says was not reached. */
static int64_t
phase_us(const struct http_try *t, CURLINFO info)
{
	curl_off_t us = 0;

	curl_easy_getinfo(t->transfer.easy, info, &us);
	return us > 0 ? us : -1;
}

static void
try_end(struct http_try *t)
{
	struct fetch_outcome o = {
		.problem = t->problem,
		.sentence = t->sentence,
		.location = t->located ? t->location.data : NULL,
		.body = (const uint8_t *)t->body.data,
		.body_len = t->body.len,
		.more = t->more,
		.tls_version = t->tls_version[0] != '\0' ? t->tls_version : NULL,
		.connect_us = t->connect_us >= 0 ? t->connect_us :
		    phase_us(t, CURLINFO_CONNECT_TIME_T),
		.tls_us = t->tls_version[0] != '\0' ? phase_us(t, CURLINFO_APPCONNECT_TIME_T) : -1,
		.first_byte_us = t->head_len > 0 ?
		    phase_us(t, CURLINFO_STARTTRANSFER_TIME_T) : -1,
		.total_us = elapsed_us(t),
	};
	long status = 0;

	if (t->certificate != NULL)
		o.certificate = t->certificate->facts;
	if (t->head_done)
		curl_easy_getinfo(t->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
	o.status = (int)status;
	t->done(t->arg, &o);
	try_release(t);
}

static void
on_ended(struct transfer *transfer, CURLcode code)
{
	struct http_try *t = (struct http_try *)transfer;

	http_try_judge(t, code);
	try_end(t);
}

/* --- its time ---------------------------------------------------------------- */

static void
arm(struct http_try *t, int64_t at_ms)
{
	int64_t now_ms = elapsed_us(t) / 1000, left;
	struct timeval tv;

	if (at_ms > t->total_ms)
		at_ms = t->total_ms;
	left = at_ms > now_ms ? at_ms - now_ms : 0;
	tv = (struct timeval){ left / 1000, left % 1000 * 1000 };
	evtimer_add(&t->timer, &tv);
}

/* TCP and TLS have connect_ms each, all of it total_ms: one timer for all three. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http_try *t = arg;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int64_t now_ms = elapsed_us(t) / 1000, limit;
	bool connected = t->fd != CURL_SOCKET_BAD &&
	    getpeername(t->fd, (struct sockaddr *)&peer, &len) == 0;

	if (!connected)
		limit = t->connect_ms;
	else if (t->kind == FETCH_HTTPS && t->tls_version[0] == '\0')
		limit = (t->connect_us > 0 ? t->connect_us / 1000 : 0) + t->connect_ms;
	else
		limit = t->total_ms;
	if (now_ms < limit && now_ms < t->total_ms) {
		arm(t, limit);
		return;
	}
	http_try_late(t, connected, limit < t->total_ms ? t->connect_ms : t->total_ms);
	multi_remove(t->http->multi, &t->transfer);
	try_end(t);
}

/* --- its request ------------------------------------------------------------- */

static bool
add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer != NULL)
		*list = longer;
	return longer != NULL;
}

/* libcurl takes "X-Name:" for a field to leave out, and "X-Name;" for an empty one. */
static bool
set_fields(struct http_try *t, const struct fetch_job *job)
{
	struct buf line = BUF_INIT(2 * CHECK_HEADER_BYTES_MAX + 16);
	bool ok;

	buf_addf(&line, "Host: %s", job->authority);
	ok = add_line(&t->fields, "Connection: close") && !line.failed &&
	    add_line(&t->fields, line.data);
	for (size_t i = 0; ok && i < job->header_count; i++) {
		const struct check_header *h = &job->headers[i];

		buf_reset(&line);
		if (h->value[strspn(h->value, " \t")] != '\0')
			buf_addf(&line, "%s: %s", h->name, h->value);
		else
			buf_addf(&line, "%s;", h->name);
		ok = !line.failed && add_line(&t->fields, line.data);
	}
	buf_free(&line);
	return ok && curl_easy_setopt(t->transfer.easy, CURLOPT_HTTPHEADER, t->fields) == CURLE_OK;
}

/*
 * The URL's host is the address, so that there is nothing to resolve; with TLS
 * it is the name for SNI, and the connection is pinned to the address.
 */
static bool
set_url(struct http_try *t, const struct fetch_job *job)
{
	bool tls = job->kind == FETCH_HTTPS, six = job->address.family == AF_INET6;
	char address[ADDRESS_TEXT_MAX], host[ADDRESS_TEXT_MAX + 2], url[512], to[128];

	snprintf(host, sizeof(host), six ? "[%s]" : "%s", address_text(&job->address, address));
	snprintf(url, sizeof(url), "%s://%s:%u/", tls ? "https" : "http",
	    tls && job->server_name != NULL ? job->server_name : host, job->port);
	snprintf(to, sizeof(to), "::%s:%u", host, job->port);
	return (!tls || add_line(&t->connect_to, to)) &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_CONNECT_TO, t->connect_to) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_REQUEST_TARGET, job->path) == CURLE_OK &&
	    curl_easy_setopt(t->transfer.easy, CURLOPT_USERAGENT, job->user_agent) == CURLE_OK;
}

struct http_try *
http_try_start(struct fetch_http *h, const struct fetch_job *job, fetch_done *done, void *arg)
{
	struct http_try *t = try_new(h);

	if (t == NULL)
		return NULL;
	t->kind = job->kind;
	t->connect_ms = job->connect_ms;
	t->total_ms = job->total_ms;
	t->done = done;
	t->arg = arg;
	t->fd = CURL_SOCKET_BAD;
	t->connect_us = -1;
	t->started_ns = monotonic_ns();
	if (!set_url(t, job) || !set_fields(t, job) || !multi_add(h->multi, &t->transfer)) {
		try_release(t);
		return NULL;
	}
	arm(t, job->connect_ms);
	return t;
}

void
http_try_cancel(struct http_try *t)
{
	multi_remove(t->http->multi, &t->transfer);
	try_release(t);
}

/* --- all of them -------------------------------------------------------------- */

struct fetch_http *
fetch_http_new(struct event_base *base)
{
	struct fetch_http *h = calloc(1, sizeof(*h));
	struct http_try *warm;

	if (h == NULL)
		return NULL;
	h->base = base;
	h->multi = multi_new(base, 1);
	warm = h->multi != NULL ? try_new(h) : NULL;
	if (warm == NULL) {
		fetch_http_free(h);
		return NULL;
	}
	try_release(warm);
	return h;
}

void
fetch_http_free(struct fetch_http *h)
{
	if (h == NULL)
		return;
	multi_free(h->multi);
	free(h->open);
	free(h);
}
