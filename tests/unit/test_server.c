/*
 * The HTTP server over loopback: it runs in a thread with a loop of its own,
 * the tests are blocking clients. What only the loop may do (answer held
 * exchanges, drain) is asked for by requests.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cmocka.h>

#include "endpoint.h"
#include "log.h"
#include "server.h"
#include "tls_files.h"

#define HELD_MAX 64

struct fixture {
	struct event_base *base;
	struct server *server;
	struct server_config cfg;
	struct metrics *metrics;
	struct endpoint at;
	int listen_fd;
	pthread_t thread;
	struct exchange *held[HELD_MAX];
	size_t held_count, gone_count;
	char body[256];		/* last body seen, for comparing */
};

enum { SERVER_METRICS(METRIC_ENUM) METRIC_COUNT };
static const struct metric metric_table[] = { SERVER_METRICS(METRIC_ROW) };

static struct tls_files_made made;

static void
on_echo(struct exchange *x, void *arg)
{
	size_t len;
	const char *body = exchange_body(x, &len);
	const struct header extra[] = { { "X-Who", exchange_identity(x) },
		{ "X-Bad", "a\r\nX-Forged: yes" } };

	assert_int_equal(body[len], '\0');
	exchange_reply(x, 200, "text/plain", body, len, extra, 2);
}

static void
on_query(struct exchange *x, void *arg)
{
	const char *query = exchange_query(x), *header = exchange_header(x, "x-test");
	struct buf out = BUF_INIT(4096);

	buf_addf(&out, "%s|%s", query != NULL ? query : "none", header != NULL ? header : "none");
	exchange_reply(x, 200, NULL, out.data, out.len, NULL, 0);
	buf_free(&out);
}

static void
on_gone(struct exchange *x, void *arg)
{
	struct fixture *f = arg;

	f->gone_count++;
}

static void
on_hold(struct exchange *x, void *arg)
{
	struct fixture *f = arg;

	assert_true(f->held_count < HELD_MAX);
	f->held[f->held_count++] = x;
	exchange_on_gone(x, on_gone, f);
}

static void
on_release(struct exchange *x, void *arg)
{
	struct fixture *f = arg;
	char body[64];

	while (f->held_count > 0)
		exchange_reply(f->held[--f->held_count], 200, NULL, "{}", 2, NULL, 0);
	snprintf(body, sizeof(body), "gone %zu", f->gone_count);
	exchange_reply(x, 200, NULL, body, strlen(body), NULL, 0);
}

static void
on_drained(void *arg)
{
	struct fixture *f = arg;

	event_base_loopbreak(f->base);
}

static void
on_drain(struct exchange *x, void *arg)
{
	struct fixture *f = arg;

	server_drain(f->server, on_drained, f);
	exchange_reply(x, 200, NULL, "{}", 2, NULL, 0);
}

static void
on_big(struct exchange *x, void *arg)
{
	static char big[1 << 20];

	memset(big, 'b', sizeof(big));
	exchange_reply(x, 200, NULL, big, sizeof(big), NULL, 0);
}

static const struct route routes[] = {
	{ "POST", "/echo", ROUTE_COUNTED | ROUTE_IDENTIFIED, on_echo },
	{ "GET", "/query", 0, on_query },
	{ "POST", "/query", 0, on_query },
	{ "POST", "/hold", ROUTE_COUNTED, on_hold },
	{ "GET", "/release", 0, on_release },
	{ "GET", "/drain", 0, on_drain },
	{ "GET", "/big", 0, on_big },
};

static void *
fixture_loop(void *arg)
{
	struct fixture *f = arg;

	event_base_dispatch(f->base);
	return NULL;
}

static struct fixture *
fixture_start(struct server_config cfg)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct buf why = BUF_INIT(1024);

	f->at.len = sizeof(f->at.addr);
	assert_true(endpoint_parse(&f->at, "127.0.0.1:0"));
	f->listen_fd = endpoint_listen(&f->at, 64);
	assert_true(f->listen_fd >= 0);
	f->at.len = sizeof(f->at.addr);
	getsockname(f->listen_fd, (struct sockaddr *)&f->at.addr, &f->at.len);
	f->metrics = metrics_new(metric_table, METRIC_COUNT, 1);
	cfg.metrics = f->metrics;
	f->base = event_base_new();
	f->server = server_new(f->base, &cfg, f->listen_fd, routes,
	    sizeof(routes) / sizeof(routes[0]), f, &why);
	if (f->server == NULL)
		fail_msg("%s", why.data);
	assert_int_equal(pthread_create(&f->thread, NULL, fixture_loop, f), 0);
	return f;
}

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

static void
fixture_stop(struct fixture *f, struct tls_peer *peer)
{
	struct client *c = client_open(f, peer);

	assert_int_equal(client_ask(c, "GET /drain HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	pthread_join(f->thread, NULL);
	client_close(c);
	server_free(f->server);
	assert_int_equal(metric_value(f->metrics, METRIC_HTTP_CONNECTIONS, 0), 0);
	assert_int_equal(metric_value(f->metrics, METRIC_HTTP_IN_FLIGHT, 0), 0);
	metrics_free(f->metrics);
	event_base_free(f->base);
	close(f->listen_fd);
	free(f);
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
	fixture_stop(f, NULL);
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
	fixture_stop(f, NULL);
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
	fixture_stop(f, NULL);
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
	fixture_stop(f, NULL);
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
	while (metric_value(f->metrics, METRIC_HTTP_IN_FLIGHT, 0) < 2)
		usleep(1000);
	assert_int_equal(client_ask(c[2], hold), 503);
	assert_non_null(strstr(c[2]->in, "Retry-After: 1\r\n"));
	assert_string_equal(c[2]->body, "{\"detail\":\"too many requests in flight\"}");
	assert_int_equal(client_ask(c[2], release), 200);
	assert_int_equal(client_reply(c[0]), 200);
	assert_int_equal(client_reply(c[1]), 200);
	assert_int_equal(client_ask(c[2],
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), 200);
	assert_int_equal(metric_value(f->metrics, METRIC_HTTP_OVERLOADED, 0), 1);
	for (int i = 0; i < 3; i++)
		client_close(c[i]);
	fixture_stop(f, NULL);
}

/* The exchange of a client that left stays counted until its handler replies. */
static void
test_gone(void **state)
{
	struct fixture *f = fixture_start(plain);
	struct client *c = client_open(f, NULL), *other = client_open(f, NULL);

	client_send(c, hold);
	while (metric_value(f->metrics, METRIC_HTTP_IN_FLIGHT, 0) < 1)
		usleep(1000);
	client_close(c);
	while (metric_value(f->metrics, METRIC_HTTP_GONE, 0) < 1)
		usleep(1000);
	assert_int_equal(metric_value(f->metrics, METRIC_HTTP_IN_FLIGHT, 0), 1);
	assert_int_equal(client_ask(other, release), 200);
	assert_string_equal(other->body, "gone 1");
	assert_int_equal(metric_value(f->metrics, METRIC_HTTP_IN_FLIGHT, 0), 0);
	client_close(other);
	fixture_stop(f, NULL);
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
	fixture_stop(f, NULL);
}

/* A drain waits for what is held, closes what is idle and accepts nothing new. */
static void
test_drain(void **state)
{
	struct fixture *f = fixture_start(plain);
	struct client *held = client_open(f, NULL), *idle = client_open(f, NULL);
	struct client *c = client_open(f, NULL);

	assert_int_equal(client_ask(idle, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	client_send(held, hold);
	while (metric_value(f->metrics, METRIC_HTTP_IN_FLIGHT, 0) < 1)
		usleep(1000);
	/* Released by a request that stands behind the drain on the same connection. */
	client_send(c, "GET /drain HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(client_reply(c), 200);
	assert_non_null(strstr(c->in, "Connection: close\r\n"));
	assert_true(client_closed(idle));
	assert_true(client_closed(c));
	client_close(held);
	while (metric_value(f->metrics, METRIC_HTTP_GONE, 0) < 1)
		usleep(1000);
	/* The loop has nothing left but the held exchange: from here it is ours. */
	event_base_loopbreak(f->base);
	pthread_join(f->thread, NULL);
	server_free(f->server);
	assert_int_equal(f->gone_count, 1);
	exchange_reply(f->held[0], 200, NULL, "{}", 2, NULL, 0);
	client_close(idle);
	client_close(c);
	metrics_free(f->metrics);
	event_base_free(f->base);
	close(f->listen_fd);
	free(f);
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
	fixture_stop(f, NULL);
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
	assert_int_equal(metric_value(f->metrics, METRIC_HTTP_CONNECTIONS_TOTAL, 0), 2);
	client_close(c[0]);
	assert_int_equal(client_reply(c[2]), 200);
	client_close(c[1]);
	client_close(c[2]);
	fixture_stop(f, NULL);
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
	assert_null(server_new(base, &cfg, fd, routes, 1, NULL, &why));
	assert_string_equal(why.data, "plain HTTP is served on loopback addresses only");
	buf_reset(&why);
	cfg.plain = false;
	assert_null(server_new(base, &cfg, fd, routes, 1, NULL, &why));
	assert_string_equal(why.data, "no client identity is allowed, so nobody could use /echo");
	buf_reset(&why);
	assert_null(server_new(base, &cfg, fd, routes + 1, 1, NULL, &why));
	assert_non_null(strstr(why.data, "certificate"));
	buf_free(&why);
	close(fd);
	event_base_free(base);
}

static char coordinator[] = "urn:mpic:coordinator";
static char *const allowed[] = { coordinator };

static struct fixture *
fixture_tls(void)
{
	return fixture_start((struct server_config){ .tls = made.server, .identities = allowed,
	    .identity_count = 1, .handshake_timeout_ms = 200 });
}

static struct tls_peer
peer_make(const struct tls_files *files, const char *expected)
{
	struct buf why = BUF_INIT(1024);
	struct tls_peer peer = { .client = tls_client_new(files, &why), .expected = expected };

	if (peer.client == NULL)
		fail_msg("%s", why.data);
	return peer;
}

static void
peer_free(struct tls_peer *peer)
{
	tls_client_free((struct tls_client *)peer->client);
}

#define PERSPECTIVE "urn:mpic:perspective:test"

static void
test_tls(void **state)
{
	struct tls_peer peer = peer_make(&made.client, PERSPECTIVE);
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
	assert_true(metric_value(f->metrics, METRIC_TLS_EXPIRES, 0) > 0);
	fixture_stop(f, &peer);
	peer_free(&peer);
}

/* The client's certificate is good but not for this service. */
static void
test_identity_refused(void **state)
{
	struct tls_peer other = peer_make(&made.other, PERSPECTIVE);
	struct tls_peer nobody = peer_make(&made.nobody, PERSPECTIVE);
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
	fixture_stop(f, &other);
	peer_free(&other);
	peer_free(&nobody);
}

/* The server's certificate is good but another one's; or not good at all. */
static void
test_server_refused(void **state)
{
	struct tls_peer peer = peer_make(&made.client, PERSPECTIVE ":b");
	struct tls_peer stranger = peer_make(&made.stranger, PERSPECTIVE);
	struct tls_peer misused = peer_make(&made.server, PERSPECTIVE);
	struct tls_peer good = peer_make(&made.client, PERSPECTIVE);
	struct fixture *f = fixture_tls();
	struct client *c = client_open(f, &peer);

	assert_int_equal(c->status, -1);
	assert_int_equal(peer.outcome, TLS_IDENTITY_MISMATCH);
	assert_string_equal(peer.presented, PERSPECTIVE);
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
	fixture_stop(f, &good);
	peer_free(&peer);
	peer_free(&stranger);
	peer_free(&misused);
	peer_free(&good);
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
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
