#include "coordinator/mpic_call.h"

#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "tls.h"

#define REPLY_MAX	((size_t)64 * 1024 * 1024)
#define IDENTITY	"urn:mpic:coordinator"

static size_t
on_reply(char *bytes, size_t size, size_t n, void *arg)
{
	struct buf *reply = arg;

	buf_add(reply, bytes, size * n);
	return reply->failed ? 0 : size * n;
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

bool
mpic_call_post(struct mpic_call *call, const char *path, const struct buf *body,
    struct buf *why)
{
	struct tls_files files = { call->certificate, call->key, call->ca };
	struct tls_peer peer = { .expected = IDENTITY };
	struct tls_client *client = NULL;
	struct curl_slist *headers = NULL;
	char url[1024], error[CURL_ERROR_SIZE] = "";
	CURL *easy = curl_easy_init();
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
	headers = curl_slist_append(headers, "Content-Type: application/json");
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body->len);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, call->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_reply);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &call->reply);
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
