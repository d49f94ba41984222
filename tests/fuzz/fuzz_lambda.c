/*
 * An event of AWS Lambda: read as a request or refused with a sentence; what goes back is JSON
 * whatever the body was.
 */
#include <string.h>

#include "appliance/container/lambda_event.h"
#include "fuzz.h"
#include "json_scan.h"

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

	status = lambda_event_read(&event, (const char *)data, len, NULL, &why);
	if (status == 0) {
		bool check = strcmp(event.path, "/caa") == 0 || strcmp(event.path, "/dcv") == 0;

		REQUIRE(strcmp(event.method, check ? "POST" : "GET") == 0);
		REQUIRE(check || event.body.len == 0);
		check_reply(&event);
	} else {
		REQUIRE(status >= 400 && status < 600);
		REQUIRE(why.len > 0);
	}
	lambda_event_free(&event);
	buf_free(&why);
	return 0;
}
