/* fetch_http.h, through a fetcher of our own: every way a web server can answer, or not. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetcher_fixture.h"
#include "log.h"
#include "web_server.h"

static struct fixture fixture;
static struct tried tried;

enum then { CLOSES, HANGS, RESETS };

/* What a server sends to any request, and what it does after that. */
struct scene {
	const char *name;
	const char *reply;
	size_t len;		/* 0: up to the NUL */
	enum then then;
	enum problem problem;
	const char *sentence;	/* part of it */
	int status;
	const char *location, *body;
};

static void
play(int fd, void *arg)
{
	const struct scene *s = arg;
	char head[8192];

	web_read_head(fd, head, sizeof(head));
	web_write(fd, s->reply, s->len > 0 ? s->len : strlen(s->reply));
	if (s->then == HANGS)
		web_wait(fd);
	if (s->then == RESETS) {
		usleep(50000);	/* what was sent is read first */
		web_reset(fd);
	}
}

static const struct scene scenes[] = {
	{ "a page", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, HANGS,
	    PROBLEM_NONE, "answered", 200, NULL, "hello" },
	{ "a page to the end", "HTTP/1.0 200 OK\r\n\r\nhello", 0, CLOSES,
	    PROBLEM_NONE, "answered", 200, NULL, "hello" },
	{ "a page in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\nhe\r\n3\r\nllo\r\n0\r\nLocation: /not\r\n\r\n", 0, HANGS,
	    PROBLEM_NONE, "answered", 200, NULL, "hello" },
	{ "an empty page", "HTTP/1.1 204 No Content\r\n\r\n", 0, HANGS,
	    PROBLEM_NONE, "answered", 204, NULL, "" },
	{ "an error", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 0, HANGS,
	    PROBLEM_NONE, "answered", 404, NULL, "no" },
	{ "a redirect", "HTTP/1.1 302 Found\r\nlocation: \t http://a.example/b?c \r\n"
	    "Content-Length: 0\r\n\r\n", 0, HANGS,
	    PROBLEM_NONE, "answered", 302, "http://a.example/b?c", "" },
	{ "an empty Location", "HTTP/1.1 302 Found\r\nLocation:\r\nContent-Length: 0\r\n\r\n", 0,
	    HANGS, PROBLEM_NONE, "answered", 302, "", "" },
	{ "interim replies", "HTTP/1.1 103 Early Hints\r\nLocation: /early\r\n\r\n"
	    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", 0, HANGS,
	    PROBLEM_NONE, "answered", 200, NULL, "a" },
	{ "bytes of every sort", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\0b", 41, HANGS,
	    PROBLEM_NONE, "answered", 200, NULL, NULL },
	{ "compressed", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"
	    "\x1f\x8b\x08", 0, HANGS, PROBLEM_NONE, "answered", 200, NULL, "\x1f\x8b\x08" },

	{ "two Locations", "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /a\r\n\r\n", 0, CLOSES,
	    PROBLEM_HTTP_MALFORMED, "two Location fields", 0, NULL, NULL },
	{ "a folded Location", "HTTP/1.1 302 Found\r\nLocation: /a\r\n /b\r\n\r\n", 0, CLOSES,
	    PROBLEM_HTTP_MALFORMED, "two lines", 0, NULL, NULL },
	{ "a transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 0,
	    CLOSES, PROBLEM_HTTP_MALFORMED, "a transfer coding nobody asked for: ", 0, NULL, NULL },
	{ "broken chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 0, HANGS,
	    PROBLEM_HTTP_MALFORMED, "broken chunks", 200, NULL, NULL },
	{ "a chunk cut", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", 0, CLOSES,
	    PROBLEM_CONNECTION_RESET, "after 2 bytes of a page that is not whole", 200, NULL, "he" },
	{ "garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, CLOSES,
	    PROBLEM_HTTP_MALFORMED, "no HTTP/1 reply", 0, NULL, NULL },
	{ "HTTP/2", "\0\0\0\4\0\0\0\0\0", 9, HANGS,
	    PROBLEM_HTTP_MALFORMED, "no HTTP/1 reply", 0, NULL, NULL },
	{ "HTTP/0.9", "<html>hello", 0, CLOSES,
	    PROBLEM_HTTP_MALFORMED, "no HTTP/1 reply", 0, NULL, NULL },
	{ "endless interim replies", "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n"
	    "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n"
	    "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n", 0, HANGS,
	    PROBLEM_HTTP_MALFORMED, "more than 7 interim", 0, NULL, NULL },
	{ "nothing", "", 0, CLOSES, PROBLEM_CONNECTION_RESET,
	    "closed the connection before the first line", 0, NULL, NULL },
	{ "a reset", "", 0, RESETS, PROBLEM_CONNECTION_RESET,
	    "reset the connection before the first line", 0, NULL, NULL },
	{ "half a head", "HTTP/1.1 200 OK\r\nContent-Ty", 0, CLOSES, PROBLEM_CONNECTION_RESET,
	    "after 17 bytes of its reply's header fields", 0, NULL, NULL },
	{ "a page cut", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 0, CLOSES,
	    PROBLEM_CONNECTION_RESET, "closed the connection after 5 bytes of a page", 200, NULL,
	    "hello" },
	{ "a page reset", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 0, RESETS,
	    PROBLEM_CONNECTION_RESET, "reset the connection after 5 bytes of a page", 200, NULL,
	    "hello" },
	{ "no reply", "", 0, HANGS, PROBLEM_HTTP_TIMEOUT,
	    "not one line of a reply within 400 ms", 0, NULL, NULL },
	{ "an endless head", "HTTP/1.1 200 OK\r\nX: y\r\n", 0, HANGS, PROBLEM_HTTP_TIMEOUT,
	    "sent 23 bytes of header fields without an end within 400 ms", 0, NULL, NULL },
	{ "an endless page", "HTTP/1.1 200 OK\r\n\r\nhello", 0, HANGS, PROBLEM_HTTP_TIMEOUT,
	    "sent 5 bytes of a page without an end within 400 ms", 200, NULL, "hello" },
};

static void
check_scene(const struct scene *s, const struct fetch_outcome *o)
{
	const char *location = o->location != NULL ? o->location : "(none)";

	if (o->problem != s->problem || strstr(o->sentence, s->sentence) == NULL)
		fail_msg("%s: %s: %s", s->name, o->problem != PROBLEM_NONE ?
		    problem_code(o->problem) : "passed", o->sentence);
	if (o->status != s->status)
		fail_msg("%s: status %d", s->name, o->status);
	if (s->problem == PROBLEM_NONE &&
	    strcmp(location, s->location != NULL ? s->location : "(none)") != 0)
		fail_msg("%s: location %s", s->name, location);
	if (s->body != NULL && (o->body_len != strlen(s->body) ||
	    memcmp(o->body, s->body, o->body_len) != 0))
		fail_msg("%s: a page of %zu bytes", s->name, o->body_len);
	assert_false(o->more);
	assert_true(o->connect_us >= 0);
	assert_true(o->total_us >= o->connect_us);
	assert_true(o->tls_us == -1 && o->tls_version == NULL && !o->certificate.present);
}

static void
test_scenes(void **state)
{
	struct web_server server;
	struct fetch_job job;

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		web_start(&server, i % 2 == 0, play, (void *)&scenes[i]);
		job = fixture_job(FETCH_HTTP, server.port);
		if (i % 2 == 0)
			address_parse(&job.address, "::1");
		if (scenes[i].problem == PROBLEM_HTTP_TIMEOUT)
			job.total_ms = 400;
		try_whole(&fixture, &tried, &job);
		check_scene(&scenes[i], &tried.o);
		web_stop(&server);
	}
}

/* --- the request ---------------------------------------------------------------- */

static char seen[8192];

static void
note(int fd, void *arg)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	web_read_head(fd, seen, sizeof(seen));
	web_write(fd, reply, sizeof(reply) - 1);
	web_wait(fd);
}

static void
test_request(void **state)
{
	struct web_server server;
	struct fetch_job job;

	web_start(&server, false, note, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	job.authority = "www.example.com:8080";
	job.path = "/.well-known/../a?b=%20#";
	job.headers[0] = (struct check_header){ "X-Name", "a value" };
	job.headers[1] = (struct check_header){ "X-Empty", " " };
	job.header_count = 2;
	try_whole(&fixture, &tried, &job);
	assert_string_equal(seen, "GET /.well-known/../a?b=%20# HTTP/1.1\r\n"
	    "Host: www.example.com:8080\r\nUser-Agent: tests\r\nAccept: */*\r\n"
	    "Connection: close\r\nX-Name: a value\r\nX-Empty:\r\n\r\n");
	/* the next one has nothing of it */
	job = fixture_job(FETCH_HTTP, server.port);
	try_whole(&fixture, &tried, &job);
	assert_string_equal(seen, "GET / HTTP/1.1\r\nHost: www.example.com\r\n"
	    "User-Agent: tests\r\nAccept: */*\r\nConnection: close\r\n\r\n");
	web_stop(&server);
}

/* --- sizes ----------------------------------------------------------------------- */

/* A head of lines, or a page, of so many bytes. */
struct flood {
	const char *head, *line;
	size_t lines;
};

static void
flood(int fd, void *arg)
{
	const struct flood *f = arg;
	char head[8192];

	web_read_head(fd, head, sizeof(head));
	web_write(fd, f->head, strlen(f->head));
	for (size_t i = 0; i < f->lines; i++)
		web_write(fd, f->line, strlen(f->line));
}

static void
try_flood(const char *head, const char *line, size_t lines)
{
	struct flood f = { head, line, lines };
	struct web_server server;
	struct fetch_job job;

	web_start(&server, false, flood, &f);
	job = fixture_job(FETCH_HTTP, server.port);
	try_whole(&fixture, &tried, &job);
	web_stop(&server);
}

static void
test_sizes(void **state)
{
	static char line[1024 + 1], location[FETCH_URL_MAX + 64], end[3 * 1024 + 1];

	memset(line, 'a', 1024);
	try_flood("HTTP/1.1 200 OK\r\n\r\n", line, 64);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_equal(tried.o.body_len, FETCH_BODY_MAX);
	assert_false(tried.o.more);
	try_flood("HTTP/1.1 200 OK\r\n\r\n", line, 1024 * 1024);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_equal(tried.o.body_len, FETCH_BODY_MAX);
	assert_true(tried.o.more);

	/* header fields: many, and one that does not end */
	memcpy(end, line, 1024);
	memcpy(end, "X: ", 3);
	memcpy(end + 1022, "\r\n", 2);
	try_flood("HTTP/1.1 200 OK\r\n", end, 1024 * 1024);
	assert_int_equal(tried.o.problem, PROBLEM_HTTP_TOO_LARGE);
	assert_string_equal(tried.o.sentence, "sent 32785 bytes of header fields, more than 32768");
	try_flood("HTTP/1.1 200 OK\r\nX: ", line, 1024 * 1024);
	assert_int_equal(tried.o.problem, PROBLEM_HTTP_TOO_LARGE);
	/* trailers */
	try_flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", end, 1024 * 1024);
	assert_int_equal(tried.o.problem, PROBLEM_HTTP_TOO_LARGE);

	strcpy(location, "HTTP/1.1 302 Found\r\nLocation: ");
	memset(location + strlen(location), 'l', FETCH_URL_MAX);
	try_flood(location, "\r\n\r\n", 1);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_equal(strlen(tried.o.location), FETCH_URL_MAX);
	try_flood(location, "l\r\n\r\n", 1);
	assert_int_equal(tried.o.problem, PROBLEM_HTTP_TOO_LARGE);
	assert_string_equal(tried.o.sentence, "sent a Location of 8193 bytes, more than 8192");
}

/* --- connections ------------------------------------------------------------------ */

static void
test_refused(void **state)
{
	struct web_server server;
	struct fetch_job job;

	web_start(&server, false, NULL, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	web_stop(&server);
	try_whole(&fixture, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_CONNECT_REFUSED);
	assert_string_equal(tried.o.sentence, "refused the connection");
	assert_int_equal(tried.o.connect_us, -1);
	for (enum fetch_kind kind = FETCH_HTTP; kind <= FETCH_HTTPS; kind++) {
		job = fixture_job(kind, 80);
		address_parse(&job.address, "127.0.0.66");
		try_whole(&fixture, &tried, &job);
		assert_int_equal(tried.o.problem, PROBLEM_ADDRESS_REFUSED);
		address_parse(&job.address, "::ffff:127.0.0.1");
		try_whole(&fixture, &tried, &job);
		assert_int_equal(tried.o.problem, PROBLEM_ADDRESS_REFUSED);
	}
}

/* A backlog that is full drops what comes: nobody completes the connection. */
static void
test_connect_timeout(void **state)
{
	struct web_server server;
	struct fetch_job job;
	int fds[3];

	web_start(&server, false, NULL, NULL);
	listen(server.listen_fd, 0);
	job = fixture_job(FETCH_HTTP, server.port);
	for (size_t i = 0; i < 3; i++) {
		struct sockaddr_storage sa;
		socklen_t len = address_to_sockaddr(&job.address, job.port, &sa);

		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fds[i], (struct sockaddr *)&sa, len);
	}
	job.connect_ms = 300;
	try_whole(&fixture, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_CONNECT_TIMEOUT);
	assert_string_equal(tried.o.sentence, "no TCP connection within 300 ms");
	assert_true(tried.o.total_us >= 300000 && tried.o.total_us < 2000000);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	web_stop(&server);
}

/* --- TLS --------------------------------------------------------------------------- */

static void
serve_tls(int fd, void *arg)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
	SSL *ssl = web_tls_accept(arg, fd);
	char head[8192];

	if (ssl == NULL)
		return;
	SSL_read(ssl, head, sizeof(head));
	SSL_write(ssl, reply, sizeof(reply) - 1);
	web_wait(fd);
	SSL_free(ssl);
}

static void
test_https(void **state)
{
	static const struct {
		int version;
		const char *server_name, *text;
	} rows[] = {
		{ TLS1_3_VERSION, "www.example.com", "TLSv1.3" },
		{ TLS1_2_VERSION, NULL, "TLSv1.2" },
		{ TLS1_1_VERSION, "www.example.com", NULL },
	};
	struct web_server server;
	struct fetch_job job;
	struct web_tls tls;

	for (size_t i = 0; i < 3; i++) {
		web_tls_make(&tls, "DNS:other.example", NULL, NULL, rows[i].version);
		web_start(&server, false, serve_tls, &tls);
		job = fixture_job(FETCH_HTTPS, server.port);
		job.server_name = rows[i].server_name;
		try_whole(&fixture, &tried, &job);
		if (rows[i].text == NULL) {
			assert_int_equal(tried.o.problem, PROBLEM_TLS_FAILED);
		} else {
			assert_int_equal(tried.o.problem, PROBLEM_NONE);
			assert_int_equal(tried.o.body_len, 5);
			assert_string_equal(tried.o.tls_version, rows[i].text);
			assert_true(tried.o.certificate.parsed && tried.o.tls_us > 0);
			assert_string_equal(tried.o.certificate.names[0].text, "other.example");
			assert_string_equal(tls.server_name,
			    rows[i].server_name != NULL ? rows[i].server_name : "");
			assert_string_equal(tls.offered, "\x08http/1.1");
		}
		web_stop(&server);
		web_tls_free(&tls);
	}
}

static void
hang(int fd, void *arg)
{
	web_wait(fd);
}

static void
test_https_fails(void **state)
{
	static const struct scene plain = { .reply = "HTTP/1.1 400 Bad Request\r\n\r\n" };
	struct web_server server;
	struct fetch_job job;

	web_start(&server, false, hang, NULL);
	job = fixture_job(FETCH_HTTPS, server.port);
	job.connect_ms = 300;
	try_whole(&fixture, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_TLS_TIMEOUT);
	assert_string_equal(tried.o.sentence,
	    "connected, but no TLS handshake was finished within 300 ms");
	assert_true(tried.o.connect_us >= 0);
	web_stop(&server);

	web_start(&server, false, flood, (void *)&(struct flood){ plain.reply, "", 0 });
	job = fixture_job(FETCH_HTTPS, server.port);
	job.total_ms = 2000;
	try_whole(&fixture, &tried, &job);
	if (tried.o.problem != PROBLEM_TLS_FAILED && tried.o.problem != PROBLEM_TLS_TIMEOUT)
		fail_msg("%s", tried.o.sentence);
	web_stop(&server);
}

static int
set_up(void **state)
{
	log_init("test_fetch_http", LOG_LEVEL_ERROR, false);
	fixture_start(&fixture);
	return 0;
}

static int
tear_down(void **state)
{
	fixture_stop(&fixture);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_connect_timeout),
		cmocka_unit_test(test_https),
		cmocka_unit_test(test_https_fails),
	};

	if (fetcher_asked(argc, argv))
		return fetcher_main(argc, argv);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
