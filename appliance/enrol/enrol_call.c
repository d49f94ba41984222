#include "appliance/enrol/enrol_call.h"

#include <stdio.h>
#include <string.h>

#include <curl/curl.h>
#include <json-c/json.h>

#include "certs_only.h"
#include "tls.h"

#define COORDINATOR	"urn:mpic:coordinator"
#define ANSWER_MAX	((size_t)1024 * 1024)
#define TIMEOUT_MS	30000L
#define QUOTED_MAX	200

static size_t
on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	struct buf *answer = arg;

	buf_add(answer, bytes, size * n);
	return answer->failed ? 0 : size * n;
}

static CURLcode
on_ssl_context(CURL *easy, void *ctx, void *arg)
{
	return tls_client_apply(ctx, arg) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* The host of a URL, without brackets and port. */
static void
host_of(const char *url, char *host, size_t size)
{
	const char *at = url + strlen("https://");
	size_t len;

	at += *at == '[';
	len = strcspn(at, at[-1] == '[' ? "]" : ":/");
	snprintf(host, size, "%.*s", (int)len, at);
}

static struct tls_client *
client_of(const struct enrol_server *s, const struct enrol_by *by, struct buf *why)
{
	const struct tls_files files = { by != NULL ? by->certificate : NULL,
		by != NULL ? by->key : NULL, s->ca, NULL };

	return by != NULL ? tls_client_new(&files, why) : tls_client_new_anonymous(s->ca, why);
}

/* ---- answers ---- */

/* What the coordinator says of it, to be read on a console. */
static void
add_detail(const struct buf *answer, struct buf *why)
{
	struct json_object *o = answer->data != NULL ? json_tokener_parse(answer->data) : NULL;
	struct json_object *detail;
	const char *text = answer->data != NULL ? answer->data : "";
	size_t len;

	if (json_object_is_type(o, json_type_object) &&
	    json_object_object_get_ex(o, "detail", &detail) &&
	    json_object_is_type(detail, json_type_string))
		text = json_object_get_string(detail);
	len = strlen(text);
	buf_add_escaped(why, text, len < QUOTED_MAX ? len : QUOTED_MAX);
	json_object_put(o);
}

static bool
judge(const struct enrol_server *s, CURLcode code, long status, const struct tls_peer *peer,
    const char *error, const struct buf *answer, struct buf *why)
{
	if (code == CURLE_OK && status == 200)
		return true;
	if (code == CURLE_OK) {
		buf_addf(why, "%s answered with status %ld: ", s->url, status);
		add_detail(answer, why);
	} else if (peer->outcome == TLS_IDENTITY_MISMATCH) {
		buf_addf(why, "%s is not %s: its certificate says \"%s\"", s->url, peer->expected,
		    peer->presented);
	} else if (peer->outcome == TLS_UNTRUSTED) {
		buf_addf(why, "%s is not trusted: %s", s->url, peer->reason);
	} else {
		buf_addf(why, "%s cannot be reached: %s", s->url, error[0] != '\0' ? error :
		    curl_easy_strerror(code));
	}
	return false;
}

/* ---- calls ---- */

static bool
prepare(CURL *easy, const struct enrol_server *s, const char *path, struct tls_peer *peer,
    struct buf *answer, char *error)
{
	char url[1280];

	snprintf(url, sizeof(url), "%.*s/.well-known/est/%s", (int)(strlen(s->url) -
	    (strlen(s->url) > 0 && s->url[strlen(s->url) - 1] == '/')), s->url, path);
	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, s->timeout_ms > 0 ? s->timeout_ms :
	    TIMEOUT_MS) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, peer) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer) == CURLE_OK;
}

/* The body of a POST; `by` NULL: the token goes with it. */
static bool
prepare_post(CURL *easy, const struct enrol_server *s, const struct enrol_by *by,
    const struct buf *request, struct curl_slist *headers)
{
	if (curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->data) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)request->len) != CURLE_OK)
		return false;
	return by != NULL || (curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_USERNAME, s->code) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PASSWORD, s->token) == CURLE_OK);
}

/* What came: either may be NULL. */
struct bag {
	STACK_OF(X509) *certificates;
	STACK_OF(X509_CRL) *crls;
};

/* `request` NULL: a GET. False, with a sentence, and an empty bag. */
static bool
call(const struct enrol_server *s, const char *path, const struct enrol_by *by,
    const struct buf *request, struct bag *bag, struct buf *why)
{
	char error[CURL_ERROR_SIZE] = "", host[256];
	struct tls_peer peer = { .expected = s->own_ca ? COORDINATOR : host, .by_host = !s->own_ca };
	struct tls_client *client = client_of(s, by, why);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/pkcs10");
	struct buf answer = BUF_INIT(ANSWER_MAX);
	CURL *easy = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;
	bool ok = false;

	*bag = (struct bag){ NULL, NULL };
	host_of(s->url, host, sizeof(host));
	peer.client = client;
	if (client == NULL)
		goto out;
	if (easy != NULL && prepare(easy, s, path, &peer, &answer, error) &&
	    (request == NULL || prepare_post(easy, s, by, request, headers)))
		code = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (!judge(s, code, status, &peer, error, &answer, why))
		goto out;
	ok = certs_only_decode(answer.data != NULL ? answer.data : "", answer.len,
	    &bag->certificates, &bag->crls);
	if (!ok)
		buf_addf(why, "%s/.well-known/est/%s: what it answered is no PKCS #7", s->url, path);
out:
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	tls_client_free(client);
	buf_free(&answer);
	return ok;
}

static STACK_OF(X509) *
certificates_of(const struct enrol_server *s, struct bag *bag, struct buf *why)
{
	if (bag->certificates == NULL)
		buf_addf(why, "%s answered with no certificates", s->url);
	sk_X509_CRL_pop_free(bag->crls, X509_CRL_free);
	return bag->certificates;
}

STACK_OF(X509) *
enrol_call(const struct enrol_server *s, const struct enrol_by *by, const struct buf *request,
    struct buf *why)
{
	struct bag bag;

	return call(s, by != NULL ? "simplereenroll" : "simpleenroll", by, request, &bag, why) ?
	    certificates_of(s, &bag, why) : NULL;
}

STACK_OF(X509) *
enrol_call_cas(const struct enrol_server *s, struct buf *why)
{
	struct bag bag;

	return call(s, "cacerts", NULL, NULL, &bag, why) ? certificates_of(s, &bag, why) : NULL;
}

STACK_OF(X509_CRL) *
enrol_call_crls(const struct enrol_server *s, struct buf *why)
{
	struct bag bag;

	if (!call(s, "crls", NULL, NULL, &bag, why))
		return NULL;
	if (bag.crls == NULL)
		buf_addf(why, "%s answered with no certificate revocation lists", s->url);
	sk_X509_pop_free(bag.certificates, X509_free);
	return bag.crls;
}
