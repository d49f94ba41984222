/*
 * The HTTP server over loopback: what holds for every protocol, by libcurl,
 * and HTTP/1.1 as it stands on the wire.
 */
#include <ctype.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/time.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "endpoint.h"
#include "log.h"
#include "server_fixture.h"

static struct tls_files_made made;

/* One client's connection. */
struct client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	char in[1 << 21];
	size_t len, used;	/* bytes of the reply before, to be dropped */
	int status;
	char *body;
};

static struct client *
client_open(const struct fixture *f, struct tls_peer *peer)
{
	struct client *c = calloc(1, sizeof(*c));
	struct timeval tv = { .tv_sec = 5 };

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	assert_int_equal(connect(c->fd, (const struct sockaddr *)&f->at.addr, f->at.len), 0);
	if (peer == NULL)
		return c;
	c->ctx = SSL_CTX_new(TLS_client_method());
	assert_true(tls_client_apply(c->ctx, peer));
	c->ssl = SSL_new(c->ctx);
	SSL_set_fd(c->ssl, c->fd);
	if (SSL_connect(c->ssl) != 1)
		c->status = -1;
	return c;
}

static void
client_close(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
	free(c);
}

static void
client_send(struct client *c, const char *text)
{
	if (c->ssl != NULL)
		assert_true(SSL_write(c->ssl, text, (int)strlen(text)) > 0);
	else
		assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static int
client_read(struct client *c)
{
	size_t room = sizeof(c->in) - 1 - c->len;
	int n;

	n = c->ssl != NULL ? SSL_read(c->ssl, c->in + c->len, (int)room) :
	    (int)recv(c->fd, c->in + c->len, room, 0);
	if (n > 0)
		c->len += (size_t)n;
	c->in[c->len] = '\0';
	return n;
}

/* The next reply's status, 0 when the server closed instead; `head_only` has no body. */
static int
client_reply_of(struct client *c, bool head_only)
{
	size_t need = 0;
	char *end, *length;

	c->len -= c->used;
	memmove(c->in, c->in + c->used, c->len + 1);
	c->used = 0;
	for (;;) {
		end = strstr(c->in, "\r\n\r\n");
		length = end != NULL ? strstr(c->in, "Content-Length: ") : NULL;
		if (end != NULL)
			need = (size_t)(end + 4 - c->in) +
			    (length != NULL && length < end && !head_only ?
			    strtoul(length + 16, NULL, 10) : 0);
		if (end != NULL && c->len >= need)
			break;
		if (client_read(c) <= 0)
			return 0;
	}
	c->body = end + 4;
	c->used = need;
	return atoi(c->in + 9);
}

static int
client_reply(struct client *c)
{
	return client_reply_of(c, false);
}

static int
client_ask(struct client *c, const char *request)
{
	client_send(c, request);
	return client_reply(c);
}

static bool
client_closed(struct client *c)
{
	return c->len == c->used && client_read(c) == 0;
}

static const struct {
	const char *request;
	int status;
	const char *in_head, *body;
	bool closes;
} rows[] = {
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200,
	    "X-Who: plain\r\n", "hello", false },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n", 200, "", "hello", false },
	{ "GET /query?a=b HTTP/1.1\r\nHost: x\r\nX-TEST: \t v \t\r\n\r\n", 200, "", "a=b|v", false },
	{ "GET http://h/query HTTP/1.1\r\nHost: x\r\n\r\n", 200, "", "none|none", false },
	{ "\r\nGET /query HTTP/1.1\r\nHost: x\r\nConnection: x, Close\r\n\r\n", 200,
	    "Connection: close\r\n", "none|none", true },
	{ "GET /query HTTP/1.0\r\n\r\n", 200, "Connection: close\r\n", "none|none", true },
	{ "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n", 404, "", "{\"detail\":\"Not Found\"}", false },
	{ "GET /echo/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, "", "{\"detail\":\"Not Found\"}", false },
	{ "PUT /query HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: GET, HEAD, POST\r\n",
	    "{\"detail\":\"Method Not Allowed\"}", false },
	{ "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: POST\r\n",
	    "{\"detail\":\"Method Not Allowed\"}", false },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2001\r\n\r\n", 413, "",
	    "{\"detail\":\"the body is too large\"}", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d1\r\n", 413, "",
	    "{\"detail\":\"the body is too large\"}", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "",
	    "{\"detail\":\"malformed chunk\"}", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 400,
	    "", "{\"detail\":\"malformed chunk\"}", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400,
	    "", "{\"detail\":\"ambiguous length of the body\"}", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n", 400, "", "{\"detail\":\"ambiguous length of the body\"}", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400, "",
	    "{\"detail\":\"ambiguous length of the body\"}", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400, "",
	    "{\"detail\":\"ambiguous length of the body\"}", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "",
	    "{\"detail\":\"the only transfer coding known here is chunked\"}", true },
	{ "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417, "",
	    "{\"detail\":\"the only expectation known here is 100-continue\"}", true },
	{ "GET /query HTTP/1.1\r\n\r\n", 400, "", "{\"detail\":\"exactly one Host field is needed\"}",
	    true },
	{ "GET /query HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "",
	    "{\"detail\":\"exactly one Host field is needed\"}", true },
	{ "GET /query HTTP/1.1\r\nHost : x\r\n\r\n", 400, "",
	    "{\"detail\":\"malformed header field\"}", true },
	{ "GET /query HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400, "",
	    "{\"detail\":\"malformed header field\"}", true },
	{ "GET /query HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400, "",
	    "{\"detail\":\"control character in the head\"}", true },
	{ "GET  /query HTTP/1.1\r\nHost: x\r\n\r\n", 400, "",
	    "{\"detail\":\"malformed request line\"}", true },
	{ "GET query HTTP/1.1\r\nHost: x\r\n\r\n", 400, "",
	    "{\"detail\":\"malformed request line\"}", true },
	{ "GET /query HTTP/2.0\r\nHost: x\r\n\r\n", 505, "",
	    "{\"detail\":\"only HTTP/1.1 and HTTP/1.0 are spoken here\"}", true },
};

static const struct server_config plain = { .plain = true, .max_in_flight = 2, .max_body = 2000,
	.max_head = 2000, .request_timeout_ms = 200, .idle_timeout_ms = 400 };

/* Whole, and a byte at a time: the answer must not depend on segments. */
static void
test_requests(void **state)
{
	struct fixture *f = fixture_start(plain);

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t row = i / 2, len = strlen(rows[row].request);
		struct client *c = client_open(f, NULL);

		for (size_t k = 0; i % 2 == 1 && k < len; k++) {
			char byte[2] = { rows[row].request[k], '\0' };

			if (send(c->fd, byte, 1, MSG_NOSIGNAL) != 1)
				break;
		}
		if (i % 2 == 0)
			client_send(c, rows[row].request);
		if (client_reply(c) != rows[row].status)
			fail_msg("row %zu: %s", row, c->in);
		assert_non_null(strstr(c->in, rows[row].in_head));
		assert_null(strstr(c->in, "Forged"));
		assert_string_equal(c->body, rows[row].body);
		if (rows[row].closes)
			assert_true(client_closed(c));
		else
			assert_int_equal(client_ask(c, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
		client_close(c);
	}
	fixture_stop(f);
}

static void
test_large_head(void **state)
{
	struct fixture *f = fixture_start(plain);
	struct client *c = client_open(f, NULL);
	struct buf text = BUF_INIT(8192);

	buf_adds(&text, "GET /query HTTP/1.1\r\nHost: x\r\nX: ");
	while (text.len < 2500)
		buf_addc(&text, 'x');
	buf_adds(&text, "\r\n\r\n");
	assert_int_equal(client_ask(c, text.data), 431);
	assert_true(client_closed(c));
	client_close(c);
	c = client_open(f, NULL);
	buf_reset(&text);
	buf_adds(&text, "GET /query HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 70; i++)
		buf_adds(&text, "A: b\r\n");
	buf_adds(&text, "\r\n");
	assert_int_equal(client_ask(c, text.data), 431);
	client_close(c);
	buf_free(&text);
	fixture_stop(f);
}

static void
test_head_and_continue(void **state)
{
	struct fixture *f = fixture_start(plain);
	struct client *c = client_open(f, NULL);

	client_send(c, "HEAD /query HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(client_reply_of(c, true), 200);
	assert_non_null(strstr(c->in, "Content-Length: 9\r\n"));
	client_send(c, "HEAD /nope HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(client_reply_of(c, true), 404);
	client_send(c, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
	    "Content-Length: 3\r\n\r\n");
	assert_int_equal(client_reply(c), 100);
	assert_int_equal(client_ask(c, "abc"), 200);
	assert_string_equal(c->body, "abc");
	client_close(c);
	fixture_stop(f);
}

static void
test_pipelined(void **state)
{
	struct fixture *f = fixture_start(plain);
	struct client *c = client_open(f, NULL);
	char body[32];

	for (int i = 0; i < 3; i++)
		client_send(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
		    "GET /query?1 HTTP/1.1\r\nHost: x\r\n\r\n"
		    "GET /query?2 HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(client_reply(c), 200);
		assert_memory_equal(c->body, "ab", 2);
		for (int k = 1; k <= 2; k++) {
			assert_int_equal(client_reply(c), 200);
			snprintf(body, sizeof(body), "%d|none", k);
			assert_memory_equal(c->body, body, strlen(body));
		}
	}
	client_close(c);
	fixture_stop(f);
}

static const char hold[] = "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
static const char release[] = "GET /release HTTP/1.1\r\nHost: x\r\n\r\n";

/* Two are held; the third is turned away at once, an uncounted route is not. */
static void
test_overload(void **state)
{
	struct fixture *f = fixture_start(plain);
	struct client *c[3];

	for (int i = 0; i < 3; i++)
		c[i] = client_open(f, NULL);
	client_send(c[0], hold);
	client_send(c[1], hold);
	fixture_await(f, METRIC_HTTP_IN_FLIGHT, 2);
	assert_int_equal(client_ask(c[2], hold), 503);
	assert_non_null(strstr(c[2]->in, "Retry-After: 1\r\n"));
	assert_string_equal(c[2]->body, "{\"detail\":\"too many requests in flight\"}");
	assert_int_equal(client_ask(c[2], release), 200);
	assert_int_equal(client_reply(c[0]), 200);
	assert_int_equal(client_reply(c[1]), 200);
	assert_int_equal(client_ask(c[2],
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), 200);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_OVERLOADED), 1);
	for (int i = 0; i < 3; i++)
		client_close(c[i]);
	fixture_stop(f);
}

/* The exchange of a client that left stays counted until its handler replies. */
static void
test_gone(void **state)
{
	struct fixture *f = fixture_start(plain);
	struct client *c = client_open(f, NULL), *other = client_open(f, NULL);

	client_send(c, hold);
	fixture_await(f, METRIC_HTTP_IN_FLIGHT, 1);
	client_close(c);
	fixture_await(f, METRIC_HTTP_GONE, 1);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_IN_FLIGHT), 1);
	assert_int_equal(client_ask(other, release), 200);
	assert_string_equal(other->body, "gone 1");
	assert_int_equal(fixture_metric(f, METRIC_HTTP_IN_FLIGHT), 0);
	client_close(other);
	fixture_stop(f);
}

/* Neither silence nor a byte now and then keeps a request open; an idle one ends too. */
static void
test_slow(void **state)
{
	static const char *const starts[] = { "G", "GET /query HTTP/1.1\r\nHost: x\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab" };
	struct fixture *f = fixture_start(plain);
	struct client *c;

	for (size_t i = 0; i < 3; i++) {
		c = client_open(f, NULL);
		client_send(c, starts[i]);
		for (int k = 0; k < 5; k++) {
			usleep(30000);
			client_send(c, "x");
		}
		assert_int_equal(client_reply(c), 408);
		assert_true(client_closed(c));
		client_close(c);
	}
	c = client_open(f, NULL);
	assert_true(client_closed(c));
	client_close(c);
	fixture_stop(f);
}

/* A drain waits for what is held, closes what is idle and accepts nothing new. */
static void
test_drain(void **state)
{
	struct fixture *f = fixture_start(plain);
	struct client *held = client_open(f, NULL), *idle = client_open(f, NULL);
	struct client *c = client_open(f, NULL), *other = client_open(f, NULL);

	assert_int_equal(client_ask(idle, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	client_send(held, hold);
	fixture_await(f, METRIC_HTTP_IN_FLIGHT, 1);
	client_send(c, "GET /qu");
	assert_int_equal(client_ask(other, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	fixture_drain(f);
	assert_true(client_closed(idle));
	assert_true(client_closed(other));
	assert_int_equal(client_ask(c, "ery HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_non_null(strstr(c->in, "Connection: close\r\n"));
	assert_true(client_closed(c));
	client_close(held);
	fixture_await(f, METRIC_HTTP_GONE, 1);
	/* The loop has nothing left but the held exchange: from here it is ours. */
	fixture_join(f);
	server_free(f->server);
	assert_int_equal(f->gone_count, 1);
	exchange_reply(f->held[0], 200, NULL, "{}", 2, NULL, 0);
	client_close(idle);
	client_close(other);
	client_close(c);
	fixture_free(f);
}

static void
test_big_reply(void **state)
{
	struct fixture *f = fixture_start(plain);
	struct client *c = client_open(f, NULL);

	client_send(c, "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /query HTTP/1.1\r\nHost: x\r\n\r\n");
	usleep(50000);
	assert_int_equal(client_reply(c), 200);
	assert_int_equal(c->used - (size_t)(c->body - c->in), 1 << 20);
	assert_int_equal(client_reply(c), 200);
	client_close(c);
	fixture_stop(f);
}

static void
test_connection_limit(void **state)
{
	struct server_config cfg = plain;
	struct fixture *f;
	struct client *c[3];

	cfg.max_connections = 2;
	f = fixture_start(cfg);
	for (int i = 0; i < 3; i++)
		c[i] = client_open(f, NULL);
	client_send(c[2], "GET /query HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(client_ask(c[0], "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_int_equal(fixture_metric(f, METRIC_HTTP_CONNECTIONS_TOTAL), 2);
	client_close(c[0]);
	assert_int_equal(client_reply(c[2]), 200);
	client_close(c[1]);
	client_close(c[2]);
	fixture_stop(f);
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

static struct fixture *
fixture_tls(void)
{
	return fixture_start_tls(&made, (struct server_config){ .handshake_timeout_ms = 200 });
}

static void
test_tls(void **state)
{
	struct tls_peer peer = peer_make(&made.client, FIXTURE_PERSPECTIVE);
	struct fixture *f = fixture_tls();
	struct client *c = client_open(f, &peer);

	assert_int_equal(peer.outcome, TLS_ACCEPTED);
	assert_true(peer.expires_s > 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(client_ask(c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
		    "Content-Length: 2\r\n\r\nab"), 200);
		assert_non_null(strstr(c->in, "X-Who: urn:mpic:coordinator\r\n"));
	}
	client_send(c, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(client_reply(c), 200);
	client_send(c, "GET /query?1 HTTP/1.1\r\nHost: x\r\n\r\nGET /query?2 HTTP/1.1\r\n"
	    "Host: x\r\n\r\n");
	assert_int_equal(client_reply(c), 200);
	assert_int_equal(client_reply(c), 200);
	client_close(c);
	assert_true(fixture_metric(f, METRIC_TLS_EXPIRES) > 0);
	fixture_stop(f);
	peer_free(&peer);
}

/* The client's certificate is good but not for this service. */
static void
test_identity_refused(void **state)
{
	struct tls_peer other = peer_make(&made.other, FIXTURE_PERSPECTIVE);
	struct tls_peer nobody = peer_make(&made.nobody, FIXTURE_PERSPECTIVE);
	struct fixture *f = fixture_tls();
	struct client *c = client_open(f, &other);

	assert_int_equal(client_ask(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
	    403);
	assert_string_equal(c->body,
	    "{\"detail\":\"the identity urn:mpic:other may not use this service\"}");
	assert_int_equal(client_ask(c, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	client_close(c);
	c = client_open(f, &nobody);
	assert_int_equal(client_ask(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
	    403);
	client_close(c);
	fixture_stop(f);
	peer_free(&other);
	peer_free(&nobody);
}

/* The server's certificate is good but another one's; or not good at all. */
static void
test_server_refused(void **state)
{
	struct tls_peer peer = peer_make(&made.client, FIXTURE_PERSPECTIVE ":b");
	struct tls_peer stranger = peer_make(&made.stranger, FIXTURE_PERSPECTIVE);
	struct tls_peer misused = peer_make(&made.server, FIXTURE_PERSPECTIVE);
	struct tls_peer good = peer_make(&made.client, FIXTURE_PERSPECTIVE);
	struct fixture *f = fixture_tls();
	struct client *c = client_open(f, &peer);

	assert_int_equal(c->status, -1);
	assert_int_equal(peer.outcome, TLS_IDENTITY_MISMATCH);
	assert_string_equal(peer.presented, FIXTURE_PERSPECTIVE);
	client_close(c);
	c = client_open(f, &stranger);
	assert_int_equal(c->status, -1);
	assert_int_equal(stranger.outcome, TLS_UNTRUSTED);
	assert_string_equal(stranger.presented, "");
	client_close(c);
	/* A server's certificate is none for a client: refused by the other side. */
	c = client_open(f, &misused);
	assert_true(client_read(c) <= 0);
	client_close(c);
	/* No handshake at all. */
	c = client_open(f, NULL);
	assert_true(client_closed(c));
	client_close(c);
	fixture_stop(f);
	peer_free(&peer);
	peer_free(&stranger);
	peer_free(&misused);
	peer_free(&good);
}

/* ---- what holds for every protocol ---- */

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
	struct tls_peer peer = peer_make(&made.client, FIXTURE_PERSPECTIVE);
	struct fixture *f;

	for (int i = 0; i < 4; i++) {
		f = i < 2 ? fixture_start(plain) :
		    fixture_start_tls(&made, (struct server_config){ 0 });
		scenarios_run(f, i < 2 ? NULL : &peer, versions[i % 2]);
		fixture_stop(f);
	}
	peer_free(&peer);
}

static int
setup(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	log_init("test_server", LOG_LEVEL_ERROR, false);
	return tls_files_make(&made) ? 0 : -1;
}

static int
teardown(void **state)
{
	tls_files_remove(&made);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_large_head),
		cmocka_unit_test(test_head_and_continue),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_big_reply),
		cmocka_unit_test(test_connection_limit),
		cmocka_unit_test(test_refused_configurations),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_identity_refused),
		cmocka_unit_test(test_server_refused),
		cmocka_unit_test(test_scenarios),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
