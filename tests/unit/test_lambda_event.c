/* Events of AWS Lambda as requests, who may make them, and what goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/container/lambda_event.h"

#define HTTP(method, path, rest)	"{\"version\":\"2.0\",\"rawPath\":\"" path "\"," \
	"\"requestContext\":{\"http\":{\"method\":\"" method "\"}}" rest "}"
#define OLD(method, path, rest)	"{\"httpMethod\":\"" method "\",\"path\":\"" path "\"," \
	"\"requestContext\":{\"stage\":\"prod\"}" rest "}"

/* `body`: of a good one, as the check's; else the status and what `says` why. */
static const struct {
	const char *event;
	int status;
	const char *path, *body, *says;
} events[] = {
	/* the check itself */
	{ "{\"domain_or_ip_target\":\"a.com\"}", 0, "/caa", "{\"domain_or_ip_target\":\"a.com\"}", NULL },
	{ "{\"check_type\":\"caa\",\"dcv_check_parameters\":{}}", 0, "/caa",
	    "{\"check_type\":\"caa\",\"dcv_check_parameters\":{}}", NULL },
	{ "{\"dcv_check_parameters\":{}}", 0, "/dcv", "{\"dcv_check_parameters\":{}}", NULL },
	{ "{\"dcv_check_parameters\":null}", 0, "/caa", "{\"dcv_check_parameters\":null}", NULL },
	{ " {\"check_type\":\"dcv\"} ", 0, "/dcv", " {\"check_type\":\"dcv\"} ", NULL },
	{ "{\"check_type\":\"both\"}", 400, NULL, NULL, "check_type: expected caa or dcv" },
	{ "{\"check_type\":7}", 400, NULL, NULL, "check_type" },
	/* HTTP, payload 2.0 */
	{ HTTP("POST", "/caa", ",\"body\":\"{}\""), 0, "/caa", "{}", NULL },
	{ HTTP("POST", "/prod/dcv", ",\"body\":\"{}\",\"isBase64Encoded\":false"), 0, "/dcv", "{}", NULL },
	{ HTTP("POST", "/caa", ",\"body\":\"eyJhIjoxfQ==\",\"isBase64Encoded\":true"), 0, "/caa",
	    "{\"a\":1}", NULL },
	{ HTTP("POST", "/caa", ",\"body\":\"+/+/\",\"isBase64Encoded\":true"), 0, "/caa",
	    "\xfb\xff\xbf", NULL },
	{ HTTP("POST", "/caa", ",\"body\":\"-_-_\",\"isBase64Encoded\":true"), 400, NULL, NULL, "base64" },
	{ HTTP("POST", "/caa", ",\"body\":\"eyJ\",\"isBase64Encoded\":true"), 400, NULL, NULL, "base64" },
	{ HTTP("POST", "/caa", ",\"body\":\"e===\",\"isBase64Encoded\":true"), 400, NULL, NULL, "base64" },
	{ HTTP("POST", "/caa", ",\"body\":\"\",\"isBase64Encoded\":true"), 0, "/caa", "", NULL },
	{ HTTP("POST", "/caa", ""), 400, NULL, NULL, "no body" },
	{ HTTP("GET", "/caa", ",\"body\":\"{}\""), 405, NULL, NULL, "POST" },
	{ HTTP("POST", "/", ",\"body\":\"{}\""), 404, NULL, NULL, "/dcv" },
	{ HTTP("POST", "/caa/", ",\"body\":\"{}\""), 404, NULL, NULL, "/dcv" },
	{ HTTP("POST", "/xcaa", ",\"body\":\"{}\""), 404, NULL, NULL, "/dcv" },
	{ HTTP("POST", "/metrics", ",\"body\":\"{}\""), 404, NULL, NULL, "/dcv" },
	{ HTTP("POST", "/caa", ",\"body\":7"), 400, NULL, NULL, "body" },
	{ HTTP("GET", "/readyz", ""), 0, "/readyz", "", NULL },
	{ HTTP("GET", "/prod/identity", ",\"body\":\"x\""), 0, "/identity", "", NULL },
	{ HTTP("POST", "/readyz", ",\"body\":\"{}\""), 405, NULL, NULL, "/readyz is asked for with GET" },
	/* HTTP, payload 1.0 */
	{ OLD("GET", "/readyz", ""), 0, "/readyz", "", NULL },
	{ OLD("POST", "/caa", ",\"body\":\"{}\""), 0, "/caa", "{}", NULL },
	{ OLD("PUT", "/caa", ",\"body\":\"{}\""), 405, NULL, NULL, "POST" },
	{ "{\"requestContext\":{},\"path\":\"/caa\",\"body\":\"{}\"}", 405, NULL, NULL, "POST" },
	{ "{\"requestContext\":{}}", 404, NULL, NULL, "/dcv" },
	/* nothing of the kind */
	{ "", 400, NULL, NULL, "the event is none" },
	{ "[]", 400, NULL, NULL, "" },
	{ "\"caa\"", 400, NULL, NULL, "" },
	{ "{\"a\":1", 400, NULL, NULL, "the event is none" },
	{ "{\"requestContext\":[]}", 400, NULL, NULL, "requestContext" },
};

static void
test_events(void **state)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct lambda_event event = { .http = false };
		struct buf why = BUF_INIT(1024);
		int status = lambda_event_read(&event, events[i].event, strlen(events[i].event),
		    NULL, &why);

		assert_int_equal(status, events[i].status);
		if (status == 0) {
			assert_string_equal(event.path, events[i].path);
			assert_string_equal(event.method, strcmp(event.path, "/caa") == 0 ||
			    strcmp(event.path, "/dcv") == 0 ? "POST" : "GET");
			assert_int_equal(event.body.len, strlen(events[i].body));
			assert_memory_equal(event.body.data != NULL ? event.body.data : "",
			    events[i].body, event.body.len);
			assert_int_equal(why.len, 0);
		} else {
			assert_non_null(why.data);
			assert_non_null(strstr(why.data, events[i].says));
		}
		lambda_event_free(&event);
		buf_free(&why);
	}
}

/* SHA-256 of "key". */
static const unsigned char key_sha256[] = {
	0x2c, 0x70, 0xe1, 0x2b, 0x7a, 0x06, 0x46, 0xf9, 0x22, 0x79, 0xf4, 0x27, 0xc7, 0xb3, 0x8e, 0x73,
	0x34, 0xd8, 0xe5, 0x38, 0x9c, 0xff, 0x16, 0x7a, 0x1d, 0xc3, 0x0e, 0x73, 0xf8, 0x26, 0xb6, 0x83,
};

static const struct {
	const char *event;
	int status;
} keyed[] = {
	{ HTTP("POST", "/caa", ",\"body\":\"{}\",\"headers\":{\"x-api-key\":\"key\"}"), 0 },
	{ HTTP("GET", "/readyz", ",\"headers\":{\"a\":\"b\",\"x-api-key\":\"key\"}"), 0 },
	{ HTTP("POST", "/caa", ",\"body\":\"{}\",\"headers\":{\"x-api-key\":\"Key\"}"), 403 },
	{ HTTP("POST", "/caa", ",\"body\":\"{}\",\"headers\":{\"x-api-key\":\"\"}"), 403 },
	{ HTTP("POST", "/caa", ",\"body\":\"{}\",\"headers\":{}"), 403 },
	{ HTTP("POST", "/caa", ",\"body\":\"{}\",\"headers\":null"), 403 },
	{ HTTP("POST", "/caa", ",\"body\":\"{}\""), 403 },
	/* Nor does a stranger learn what there is. */
	{ HTTP("GET", "/metrics", ""), 403 },
	{ OLD("POST", "/caa", ",\"body\":\"{}\",\"headers\":{\"x-api-key\":\"key\"}"), 0 },
	/* Invoke is AWS's own to permit. */
	{ "{\"check_type\":\"caa\"}", 0 },
};

static void
test_keys(void **state)
{
	for (size_t i = 0; i < sizeof(keyed) / sizeof(keyed[0]); i++) {
		struct lambda_event event = { .http = false };
		struct buf why = BUF_INIT(1024);
		int status = lambda_event_read(&event, keyed[i].event, strlen(keyed[i].event),
		    key_sha256, &why);

		assert_int_equal(status, keyed[i].status);
		if (status != 0)
			assert_non_null(strstr(why.data, "x-api-key"));
		lambda_event_free(&event);
		buf_free(&why);
	}
}

static void
test_replies(void **state)
{
	const struct lambda_event http = { .http = true }, bare = { .http = false };
	struct buf out = BUF_INIT(4096);

	lambda_event_reply(&http, 400, "{\"a\":\"\\n\"}", 10, &out);
	assert_string_equal(out.data, "{\"statusCode\":400,\"headers\":{\"content-type\":"
	    "\"application/json\"},\"isBase64Encoded\":false,\"body\":\"{\\\"a\\\":\\\"\\\\n\\\"}\"}");
	buf_reset(&out);
	lambda_event_reply(&bare, 200, "{\"a\":1}", 7, &out);
	assert_string_equal(out.data, "{\"a\":1}");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
