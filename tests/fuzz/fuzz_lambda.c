/*
 * An event of AWS Lambda: read as a check or refused with a sentence; what is handed on is no
 * later than its time, and what goes back is JSON whatever the body was. The first two bytes
 * are the milliseconds that are left.
 */
#include <string.h>

#include "appliance/lambda_event.h"
#include "fuzz.h"
#include "json_scan.h"

static void
check_limit(const struct lambda_event *event, int64_t left_ms)
{
	struct buf out = BUF_INIT(LAMBDA_EVENT_MAX);
	struct json_scanned was, now;
	const char *body = event->body.data != NULL ? event->body.data : "";

	lambda_event_limit(event, left_ms, &out);
	REQUIRE(!out.failed);
	if (json_scan(body, event->body.len, "deadline_ms", &was)) {
		REQUIRE(json_scan(out.data, out.len, "deadline_ms", &now));
		if (now.value.text != NULL && now.value.text[0] >= '0' && now.value.text[0] <= '9')
			REQUIRE(strtoll(now.value.text, NULL, 10) <= left_ms);
	}
	buf_free(&out);
}

static void
check_reply(const struct lambda_event *event)
{
	struct buf out = BUF_INIT(LAMBDA_EVENT_MAX * 8);
	struct json_scanned scanned;

	lambda_event_reply(event, 200, event->body.data != NULL ? event->body.data : "",
	    event->body.len, &out);
	REQUIRE(!out.failed);
	REQUIRE(!event->http || json_scan(out.data, out.len, "statusCode", &scanned));
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lambda_event event = { .http = false };
	struct buf why = BUF_INIT(1024);
	int status;

	if (len < 2)
		return 0;
	status = lambda_event_read(&event, (const char *)data + 2, len - 2, &why);
	if (status == 0) {
		REQUIRE(strcmp(event.path, "/caa") == 0 || strcmp(event.path, "/dcv") == 0);
		check_limit(&event, (int64_t)data[0] << 8 | data[1]);
		check_reply(&event);
	} else {
		REQUIRE(status >= 400 && status < 600);
		REQUIRE(why.len > 0);
	}
	lambda_event_free(&event);
	buf_free(&why);
	return 0;
}
