/* The HTTP server over loopback: what holds for every protocol, by libcurl. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "endpoint.h"
#include "server_fixture.h"

/* libcurl, so that an ordinary client judges; NULL and 0 are "not" and "any". */
static const struct scenario {
	const char *method, *path, *header, *body;
	int status;
	const char *in_head, *answer;
} scenarios[] = {
	{ "POST", "/echo", NULL, "hello", 200, "x-who: ", "hello" },
	{ "POST", "/echo", NULL, "", 200, "content-length: 0\r\n", "" },
	{ "GET", "/query?a=b", "X-TEST: v", NULL, 200, "content-type: application/json", "a=b|v" },
	{ "GET", "/query", NULL, NULL, 200, "date: ", "none|none" },
	{ "POST", "/query?", "Expect: 100-continue", "x", 200, "", "none|none" },
	{ "POST", "/query?a?b", NULL, "x", 200, "", "a?b|none" },
	{ "HEAD", "/query", NULL, NULL, 200, "content-length: 9\r\n", "" },
	{ "HEAD", "/nope", NULL, NULL, 404, "", "" },
	{ "GET", "/nope", NULL, NULL, 404, "", "{\"detail\":\"Not Found\"}" },
	{ "GET", "/echo/", NULL, NULL, 404, "", "{\"detail\":\"Not Found\"}" },
	{ "PUT", "/query", NULL, "x", 405, "allow: get, head, post\r\n",
	    "{\"detail\":\"Method Not Allowed\"}" },
	{ "GET", "/echo", NULL, NULL, 405, "allow: post\r\n",
	    "{\"detail\":\"Method Not Allowed\"}" },
};

static size_t
on_curl(char *bytes, size_t size, size_t n, void *arg)
{
	buf_add(arg, bytes, size * n);
	return size * n;
}

static CURLcode
on_curl_tls(CURL *easy, void *ctx, void *arg)
{
	return tls_client_apply(ctx, arg) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

static CURL *
curl_open(struct tls_peer *peer, long version)
{
	CURL *e = curl_easy_init();

	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, version);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, 5000L);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_curl);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_curl);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_curl_tls);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, peer);
	return e;
}

static void
curl_ask(CURL *e, const struct fixture *f, bool tls, const struct scenario *row)
{
	struct buf head = BUF_INIT(4096), body = BUF_INIT(4096);
	struct curl_slist *headers = curl_slist_append(NULL,
	    row->header != NULL ? row->header : "Expect:");
	char url[256], at[ENDPOINT_TEXT_MAX];
	long status = 0;
	CURLcode code;

	endpoint_text(&f->at, at);
	snprintf(url, sizeof(url), "%s://%s%s", tls ? "https" : "http", at, row->path);
	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
	if (row->body != NULL)
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, row->body);
	curl_easy_setopt(e, CURLOPT_NOBODY, strcmp(row->method, "HEAD") == 0 ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, row->method);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, &head);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, &body);
	buf_adds(&body, "");
	code = curl_easy_perform(e);
	if (code != CURLE_OK)
		fail_msg("%s %s %s: %s", row->method, row->path, row->header,
		    curl_easy_strerror(code));
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	for (char *p = head.data; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (status != row->status || strcmp(body.data, row->answer) != 0 ||
	    strstr(head.data, row->in_head) == NULL || strstr(head.data, "forged") != NULL)
		fail_msg("%s %s: %ld\n%s%s", row->method, row->path, status, head.data, body.data);
	curl_slist_free_all(headers);
	buf_free(&head);
	buf_free(&body);
}

/* One connection serves them all, unless HTTP/1.1 has to close it after a refusal. */
static void
scenarios_run(struct fixture *f, struct tls_peer *peer, long version)
{
	CURL *e = curl_open(peer, version);
	long spoken = 0;

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		curl_ask(e, f, peer != NULL, &scenarios[i]);
		curl_easy_getinfo(e, CURLINFO_HTTP_VERSION, &spoken);
		assert_int_equal(spoken, version == CURL_HTTP_VERSION_2TLS && peer != NULL ?
		    CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_1_1);
	}
	if (spoken == CURL_HTTP_VERSION_2_0)
		assert_int_equal(fixture_metric(f, METRIC_HTTP_CONNECTIONS_TOTAL), 1);
	curl_easy_cleanup(e);
}

static void
test_scenarios(void **state)
{
	static const long versions[] = { CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_2TLS };
	struct tls_peer peer = peer_make(&fixture_files.client, FIXTURE_PERSPECTIVE);
	struct fixture *f;

	for (int i = 0; i < 4; i++) {
		f = i < 2 ? fixture_start(fixture_plain) :
		    fixture_start_tls((struct server_config){ 0 });
		scenarios_run(f, i < 2 ? NULL : &peer, versions[i % 2]);
		fixture_stop(f);
	}
	peer_free(&peer);
}

static void
test_refused_configurations(void **state)
{
	struct event_base *base = event_base_new();
	struct buf why = BUF_INIT(1024);
	struct endpoint any = { .len = 0 };
	struct server_config cfg = { .plain = true };
	int fd;

	endpoint_parse(&any, "0.0.0.0:0");
	fd = endpoint_listen(&any, 1);
	assert_null(server_new(base, &cfg, fd, fixture_routes, 1, NULL, &why));
	assert_string_equal(why.data, "plain HTTP is served on loopback addresses only");
	buf_reset(&why);
	/* nor anywhere, whatever was asked for, what is more than telling */
	cfg.plain_anywhere = true;
	assert_null(server_new(base, &cfg, fd, fixture_routes, 1, NULL, &why));
	assert_string_equal(why.data, "plain HTTP is served on loopback addresses only");
	buf_reset(&why);
	cfg.plain = false;
	assert_null(server_new(base, &cfg, fd, fixture_routes, 1, NULL, &why));
	assert_string_equal(why.data, "no client identity is allowed, so nobody could use /echo");
	buf_reset(&why);
	assert_null(server_new(base, &cfg, fd, fixture_routes + 1, 1, NULL, &why));
	assert_non_null(strstr(why.data, "certificate"));
	buf_free(&why);
	close(fd);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_refused_configurations),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
