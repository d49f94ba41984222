/* Answers of HTTP/1.1 servers, good and hostile, whole and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/http_answer.h"

#define OK	"HTTP/1.1 200 OK\r\n"

/* `body`: of a good one; else `why`. `ends`: the server closes the connection after it. */
static const struct {
	const char *bytes;
	bool ends;
	int status;
	const char *body, *why;
} answers[] = {
	{ OK "Content-Length: 5\r\n\r\nhello", false, 200, "hello", NULL },
	{ OK "content-length:5\r\n\r\nhello", false, 200, "hello", NULL },
	{ OK "Content-Length: 0\r\n\r\n", false, 200, "", NULL },
	{ OK "\r\nuntil the end", true, 200, "until the end", NULL },
	{ OK "\r\n", true, 200, "", NULL },
	{ "HTTP/1.0 404 Not Found\r\n\r\nno", true, 404, "no", NULL },
	{ "HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno", false, 404, "no", NULL },
	{ "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", false, 204, "", NULL },
	{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n", false, 200,
	    "abcdefg", NULL },
	{ OK "Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", false, 200, "", NULL },
	{ OK "Content-Encoding: identity\r\nContent-Length: 1\r\n\r\nx", false, 200, "x", NULL },
	/* cut off */
	{ "", true, 0, NULL, "is missing: the connection ended" },
	{ "HTTP/1.1 200 O", true, 0, NULL, "ends too early" },
	{ OK "Content-Length: 5\r\n", true, 0, NULL, "ends too early" },
	{ OK "Content-Length: 5\r\n\r\nhell", true, 0, NULL, "ends too early" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true, 0, NULL, "ends too early" },
	/* no answers */
	{ "SSH-2.0-OpenSSH\r\n\r\n", false, 0, NULL, "is no HTTP/1.1" },
	{ "HTTP/2 200 OK\r\n\r\n", false, 0, NULL, "is no HTTP/1.1" },
	{ "HTTP/1.1 20 OK\r\n\r\n", false, 0, NULL, "is no HTTP/1.1" },
	{ "HTTP/1.1 2000 OK\r\n\r\n", false, 0, NULL, "is no HTTP/1.1" },
	{ "HTTP/1.1 100 Continue\r\n\r\n" OK "\r\n", false, 0, NULL, "is no HTTP/1.1" },
	{ "\r\n\r\n", false, 0, NULL, "is no HTTP/1.1" },
	{ OK "Content-Length: -1\r\n\r\n", false, 0, NULL, "has a Content-Length that is none" },
	{ OK "Content-Length: 0x5\r\n\r\n", false, 0, NULL, "has a Content-Length that is none" },
	{ OK "Content-Length: 5, 5\r\n\r\n", false, 0, NULL, "has a Content-Length that is none" },
	{ OK "Content-Length: \r\n\r\n", false, 0, NULL, "has a Content-Length that is none" },
	{ OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", false, 0, NULL,
	    "has a Content-Length that is none" },
	{ OK "Content-Length: 99999999999999999999\r\n\r\n", false, 0, NULL,
	    "has a Content-Length that is none" },
	{ OK "Content-Length: 999999999\r\n\r\n", false, 0, NULL, "is too large" },
	{ OK "Transfer-Encoding: gzip, chunked\r\n\r\n", false, 0, NULL,
	    "has a transfer coding other than chunked" },
	{ OK "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", false, 0, NULL,
	    "has both a Content-Length and a transfer coding" },
	{ OK "Transfer-Encoding: chunked\r\n\r\nx\r\n", false, 0, NULL, "has chunks that are none" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", false, 0, NULL,
	    "has chunks that are none" },
	{ OK "Transfer-Encoding: chunked\r\n\r\nfffffff0\r\n", false, 0, NULL, "is too large" },
	{ OK "Content-Encoding: gzip\r\n\r\n", false, 0, NULL, "is compressed" },
	{ OK "No colon\r\n\r\n", false, 0, NULL, "has a field that is none" },
	{ OK ": no name\r\n\r\n", false, 0, NULL, "has a field that is none" },
	{ OK "Name : blank\r\n\r\n", false, 0, NULL, "has a field that is none" },
	{ OK "A: b\r\n folded\r\n\r\n", false, 0, NULL, "has a field that is none" },
};

/* All at once, or a byte at a time. What comes after the end is seen only at once. */
static enum http_progress
feed(struct http_answer *a, const char *bytes, size_t len, bool ends, size_t step)
{
	enum http_progress progress = HTTP_MORE;

	http_answer_init(a, NULL);
	for (size_t at = 0; at < len && progress == HTTP_MORE; at += step)
		progress = http_answer_feed(a, bytes + at, len - at < step ? len - at : step);
	return progress == HTTP_MORE && ends ? http_answer_end(a) : progress;
}

static void
test_answers(void **state)
{
	for (size_t i = 0; i < 2 * sizeof(answers) / sizeof(answers[0]); i++) {
		const char *bytes = answers[i / 2].bytes;
		size_t step = i % 2 == 0 ? strlen(bytes) + 1 : 1;
		struct http_answer a;
		enum http_progress progress = feed(&a, bytes, strlen(bytes), answers[i / 2].ends, step);

		if (answers[i / 2].body != NULL) {
			assert_int_equal(progress, HTTP_DONE);
			assert_int_equal(a.status, answers[i / 2].status);
			assert_string_equal(a.body, answers[i / 2].body);
			assert_int_equal(a.body_len, strlen(answers[i / 2].body));
		} else {
			assert_int_equal(progress, HTTP_BAD);
			assert_string_equal(a.why, answers[i / 2].why);
		}
		http_answer_free(&a);
	}
}

static void
test_goes_on(void **state)
{
	static const char *const both[] = {
		OK "Content-Length: 2\r\n\r\nabc",
		OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	};
	struct http_answer a;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(feed(&a, both[i], strlen(both[i]), false, strlen(both[i])), HTTP_BAD);
		assert_string_equal(a.why, "goes on after its end");
		http_answer_free(&a);
	}
}

/* A server that never stops: fields, a body to the end, chunks. */
static void
assert_stopped(const char *begin, const char *again, const char *why, size_t most)
{
	enum http_progress progress;
	struct http_answer a;
	size_t sent = strlen(begin);

	http_answer_init(&a, NULL);
	progress = http_answer_feed(&a, begin, sent);
	for (; progress == HTTP_MORE && sent < 2 * most; sent += strlen(again))
		progress = http_answer_feed(&a, again, strlen(again));
	assert_int_equal(progress, HTTP_BAD);
	assert_string_equal(a.why, why);
	http_answer_free(&a);
}

static void
test_without_end(void **state)
{
	assert_stopped(OK, "X-Field: and so on and so on and so on\r\n",
	    "has more than 8192 bytes of fields", HTTP_ANSWER_HEAD_MAX);
	assert_stopped(OK "X: ", "and so on and so on and so on and so on",
	    "has more than 8192 bytes of fields", HTTP_ANSWER_HEAD_MAX);
	assert_stopped(OK "\r\n", "and so on and so on and so on and so on and so on",
	    "is too large", HTTP_ANSWER_BODY_MAX);
	assert_stopped(OK "Transfer-Encoding: chunked\r\n\r\n", "8\r\n01234567\r\n",
	    "is too large", 4 * HTTP_ANSWER_BODY_MAX);
}

static void
test_mark(void **state)
{
	static const struct {
		const char *bytes;
		bool marked;
	} cases[] = {
		{ OK "Metadata-Flavor: Google\r\n\r\n", true },
		{ OK "metadata-flavor:google \r\n\r\n", true },
		{ OK "Metadata-Flavor: Giggle\r\n\r\n", false },
		{ OK "X-Metadata-Flavor: Google\r\n\r\n", false },
		{ OK "\r\nMetadata-Flavor: Google\r\n", false },
	};
	struct http_answer a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		http_answer_init(&a, "Metadata-Flavor: Google");
		assert_int_equal(http_answer_feed(&a, cases[i].bytes, strlen(cases[i].bytes)),
		    HTTP_MORE);
		assert_int_equal(http_answer_end(&a), HTTP_DONE);
		assert_int_equal(a.marked, cases[i].marked);
		http_answer_free(&a);
	}
}

/* A NUL in a field ends no string of ours early. */
static void
test_nul(void **state)
{
	static const char bytes[] = OK "X: a\0b\r\n\r\n";
	struct http_answer a;

	assert_int_equal(feed(&a, bytes, sizeof(bytes) - 1, false, 1), HTTP_BAD);
	assert_string_equal(a.why, "has a field that is none");
	http_answer_free(&a);
}

/* Fields other than those that it goes by, and a cap that the caller chose. */
static void
test_fields_and_another_cap(void **state)
{
	static const char bytes[] = OK "X-Id:  a b \r\nx-id: second\r\nContent-Length: 3\r\n\r\nabc";
	struct http_answer a;
	const char *value;
	size_t len;

	http_answer_init_max(&a, NULL, 3);
	assert_int_equal(http_answer_feed(&a, bytes, sizeof(bytes) - 1), HTTP_DONE);
	value = http_answer_field(&a, "X-ID", &len);
	assert_non_null(value);
	assert_int_equal(len, 3);
	assert_memory_equal(value, "a b", 3);
	assert_null(http_answer_field(&a, "HTTP/1.1 200 OK", &len));
	assert_null(http_answer_field(&a, "abc", &len));
	http_answer_free(&a);
	http_answer_init_max(&a, NULL, 2);
	assert_int_equal(http_answer_feed(&a, bytes, sizeof(bytes) - 1), HTTP_BAD);
	assert_string_equal(a.why, "is too large");
	http_answer_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_without_end),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_fields_and_another_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
