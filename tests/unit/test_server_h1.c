/* HTTP/1.1 as it stands on the wire: what is understood, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "h1_client.h"

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

/* Whole, and a byte at a time: the answer must not depend on segments. */
static void
test_requests(void **state)
{
	struct fixture *f = fixture_start(fixture_plain);

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t row = i / 2, len = strlen(rows[row].request);
		struct h1_client *c = h1_open(f, NULL);

		for (size_t k = 0; i % 2 == 1 && k < len; k++) {
			char byte[2] = { rows[row].request[k], '\0' };

			if (send(c->fd, byte, 1, MSG_NOSIGNAL) != 1)
				break;
		}
		if (i % 2 == 0)
			h1_send(c, rows[row].request);
		if (h1_reply(c) != rows[row].status)
			fail_msg("row %zu: %s", row, c->in);
		assert_non_null(strstr(c->in, rows[row].in_head));
		assert_null(strstr(c->in, "Forged"));
		assert_string_equal(c->body, rows[row].body);
		if (rows[row].closes)
			assert_true(h1_closed(c));
		else
			assert_int_equal(h1_ask(c, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
		h1_close(c);
	}
	fixture_stop(f);
}

static void
test_large_head(void **state)
{
	struct fixture *f = fixture_start(fixture_plain);
	struct h1_client *c = h1_open(f, NULL);
	struct buf text = BUF_INIT(8192);

	buf_adds(&text, "GET /query HTTP/1.1\r\nHost: x\r\nX: ");
	while (text.len < 2500)
		buf_addc(&text, 'x');
	buf_adds(&text, "\r\n\r\n");
	assert_int_equal(h1_ask(c, text.data), 431);
	assert_true(h1_closed(c));
	h1_close(c);
	c = h1_open(f, NULL);
	buf_reset(&text);
	buf_adds(&text, "GET /query HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 70; i++)
		buf_adds(&text, "A: b\r\n");
	buf_adds(&text, "\r\n");
	assert_int_equal(h1_ask(c, text.data), 431);
	h1_close(c);
	buf_free(&text);
	fixture_stop(f);
}

static void
test_head_and_continue(void **state)
{
	struct fixture *f = fixture_start(fixture_plain);
	struct h1_client *c = h1_open(f, NULL);

	h1_send(c, "HEAD /query HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(h1_reply_of(c, true), 200);
	assert_non_null(strstr(c->in, "Content-Length: 9\r\n"));
	h1_send(c, "HEAD /nope HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(h1_reply_of(c, true), 404);
	h1_send(c, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
	    "Content-Length: 3\r\n\r\n");
	assert_int_equal(h1_reply(c), 100);
	assert_int_equal(h1_ask(c, "abc"), 200);
	assert_string_equal(c->body, "abc");
	h1_close(c);
	fixture_stop(f);
}

static void
test_pipelined(void **state)
{
	struct fixture *f = fixture_start(fixture_plain);
	struct h1_client *c = h1_open(f, NULL);
	char body[32];

	for (int i = 0; i < 3; i++)
		h1_send(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
		    "GET /query?1 HTTP/1.1\r\nHost: x\r\n\r\n"
		    "GET /query?2 HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(h1_reply(c), 200);
		assert_memory_equal(c->body, "ab", 2);
		for (int k = 1; k <= 2; k++) {
			assert_int_equal(h1_reply(c), 200);
			snprintf(body, sizeof(body), "%d|none", k);
			assert_memory_equal(c->body, body, strlen(body));
		}
	}
	h1_close(c);
	fixture_stop(f);
}

static void
test_big_reply(void **state)
{
	struct fixture *f = fixture_start(fixture_plain);
	struct h1_client *c = h1_open(f, NULL);

	h1_send(c, "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /query HTTP/1.1\r\nHost: x\r\n\r\n");
	usleep(50000);
	assert_int_equal(h1_reply(c), 200);
	assert_int_equal(c->used - (size_t)(c->body - c->in), 1 << 20);
	assert_int_equal(h1_reply(c), 200);
	h1_close(c);
	fixture_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_large_head),
		cmocka_unit_test(test_head_and_continue),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_big_reply),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
