#include "coordinator/mpic_call.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "endpoint.h"
#include "tls.h"

#define REPLY_MAX	((size_t)64 * 1024 * 1024)
#define TOKEN_MAX	512
#define SILENCE_MAX_S	300L
#define IDENTITY	"urn:mpic:coordinator"

/* What has come of the lines is taken from the reply. */
static void
take_lines(struct mpic_call *call)
{
	struct buf *reply = &call->reply;
	size_t at = 0;
	char *end;

	while ((end = memchr(reply->data + at, '\n', reply->len - at)) != NULL) {
		*end = '\0';
		call->line(call->line_arg, reply->data + at, (size_t)(end - reply->data) - at);
		at = (size_t)(end - reply->data) + 1;
	}
	reply->len -= at;
	memmove(reply->data, reply->data + at, reply->len + 1);
}

struct reply_sink {
	struct mpic_call *call;
	CURL *easy;
};

static size_t
on_reply(char *bytes, size_t size, size_t n, void *arg)
{
	struct reply_sink *sink = arg;
	struct mpic_call *call = sink->call;

	buf_add(&call->reply, bytes, size * n);
	if (call->reply.failed)
		return 0;
	curl_easy_getinfo(sink->easy, CURLINFO_RESPONSE_CODE, &call->status);
	if (call->line != NULL && call->status == 200 && size * n > 0)
		take_lines(call);
	return size * n;
}

static CURLcode
on_ssl_context(CURL *easy, void *ctx, void *arg)
{
	return tls_client_apply(ctx, arg) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* A CA of our own: the identity counts, not the host. Else a proxy's ordinary certificate. */
static void
set_tls(CURL *easy, const struct mpic_call *call, struct tls_peer *peer)
{
	if (call->ca != NULL && call->certificate != NULL) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
		curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, peer);
		return;
	}
	if (call->ca != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, call->ca);
	if (call->certificate != NULL) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, call->certificate);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, call->key);
	}
}

static void
explain(const struct mpic_call *call, CURLcode code, const struct tls_peer *peer,
    const char *error, struct buf *why)
{
	buf_addf(why, "no answer from %s: ", call->coordinator);
	if (peer->outcome == TLS_IDENTITY_MISMATCH)
		buf_addf(why, "its certificate says \"%s\" instead of " IDENTITY, peer->presented);
	else if (peer->outcome == TLS_UNTRUSTED)
		buf_adds(why, peer->reason);
	else
		buf_adds(why, error[0] != '\0' ? error : curl_easy_strerror(code));
}

/* The file's one line as a header; `out` is to be wiped. */
static bool
add_token(const char *path, struct buf *out, struct buf *why)
{
	char token[TOKEN_MAX + 2] = "";
	FILE *file = fopen(path, "re");
	size_t len = file != NULL ? fread(token, 1, sizeof(token) - 1, file) : 0;

	if (file == NULL) {
		buf_addf(why, "%s: %s", path, strerror(errno));
		return false;
	}
	fclose(file);
	while (len > 0 && isspace((unsigned char)token[len - 1]))
		token[--len] = '\0';
	if (len == 0 || len > TOKEN_MAX || strpbrk(token, " \t\r\n") != NULL)
		buf_addf(why, "%s: expected a file with one token of at most %d bytes", path,
		    TOKEN_MAX);
	else
		buf_addf(out, "Authorization: Bearer %s", token);
	OPENSSL_cleanse(token, sizeof(token));
	return why->len == 0 && !out->failed;
}

/* A token that goes in the clear is everybody's. */
static bool
token_allowed(const char *url, struct buf *why)
{
	char host[ENDPOINT_TEXT_MAX] = "";
	struct endpoint e;

	if (strncasecmp(url, "https://", 8) == 0)
		return true;
	if (strncasecmp(url, "http://", 7) == 0)
		snprintf(host, sizeof(host), "%.*s", (int)strcspn(url + 7, "/?#"), url + 7);
	if (endpoint_parse(&e, host) && endpoint_loopback(&e))
		return true;
	buf_adds(why, "a token is sent over https: only, or to a loopback ADDRESS:PORT");
	return false;
}

static bool
make_headers(const struct mpic_call *call, struct curl_slist **headers, struct buf *why)
{
	struct buf token = BUF_INIT(TOKEN_MAX + 64);
	bool ok = true;

	*headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (call->token_file != NULL) {
		ok = token_allowed(call->coordinator, why) && add_token(call->token_file, &token, why);
		if (ok)
			*headers = curl_slist_append(*headers, token.data);
		if (token.data != NULL)
			OPENSSL_cleanse(token.data, token.cap);
		buf_free(&token);
	}
	return ok;
}

/* `body` NULL: a GET. */
static bool
call_make(struct mpic_call *call, const char *path, const struct buf *body, struct buf *why)
{
	struct tls_files files = { call->certificate, call->key, call->ca, NULL };
	struct tls_peer peer = { .expected = IDENTITY };
	struct tls_client *client = NULL;
	struct curl_slist *headers = NULL;
	char url[1024], error[CURL_ERROR_SIZE] = "";
	CURL *easy = curl_easy_init();
	struct reply_sink sink = { call, easy };
	CURLcode code = CURLE_FAILED_INIT;

	call->reply = BUF_INIT(REPLY_MAX);
	call->status = 0;
	snprintf(url, sizeof(url), "%.*s%s", (int)strcspn(call->coordinator, "?#"),
	    call->coordinator, path);
	if (easy == NULL)
		goto out;
	if (files.ca != NULL && files.certificate != NULL) {
		client = tls_client_new(&files, why);
		if (client == NULL)
			goto out;
		peer.client = client;
	}
	if (!make_headers(call, &headers, why))
		goto out;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	if (body != NULL) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body->len);
	}
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, call->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_reply);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &sink);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SILENCE_MAX_S);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
	set_tls(easy, call, &peer);
	code = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &call->status);
out:
	if (code != CURLE_OK && why->len == 0)
		explain(call, code, &peer, error, why);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	tls_client_free(client);
	return code == CURLE_OK;
}

bool
mpic_call_post(struct mpic_call *call, const char *path, const struct buf *body,
    struct buf *why)
{
	return call_make(call, path, body, why);
}

bool
mpic_call_get(struct mpic_call *call, const char *path, struct buf *why)
{
	return call_make(call, path, NULL, why);
}
