#include "appliance/lambda_event.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "check.h"
#include "json_tokens.h"

/* ---- what an event holds ---- */

struct http_part {
	bool set;
	const char *method;
};
struct context_part {
	bool set;
	struct http_part http;
};
/* Of both payload formats; what the other one has is absent. */
struct request_event {
	struct context_part context;
	const char *path_2, *path_1, *method_1;
	const char *body;
	struct json_bool base64;
};
/* Of the body of a check, what says which it is. */
struct bare_event {
	const char *type;
	const struct json_token *dcv;
};

static const struct json_field http_fields[] = {
	JSON_ROW("method", STRING, http_part, method, .max = 16),
	{ .key = NULL },
};
static const struct json_field context_fields[] = {
	JSON_ROW("http", OBJECT, context_part, http, .fields = http_fields),
	{ .key = NULL },
};
static const struct json_field request_fields[] = {
	JSON_ROW("requestContext", OBJECT, request_event, context, .fields = context_fields),
	JSON_ROW("rawPath", STRING, request_event, path_2, .max = 2048),
	JSON_ROW("path", STRING, request_event, path_1, .max = 2048),
	JSON_ROW("httpMethod", STRING, request_event, method_1, .max = 16),
	JSON_ROW("body", STRING, request_event, body, .max = LAMBDA_EVENT_MAX),
	JSON_ROW("isBase64Encoded", BOOL, request_event, base64),
	{ .key = NULL },
};
static const struct json_field bare_fields[] = {
	JSON_ROW("check_type", STRING, bare_event, type, .max = 16),
	JSON_ROW("dcv_check_parameters", RAW, bare_event, dcv),
	{ .key = NULL },
};

static int
wrong(struct buf *why, int status, const char *sentence)
{
	buf_adds(why, sentence);
	return status;
}

/* ---- as a request ---- */

/* What a stage or a custom domain puts before the path does not matter. */
static const char *
route_of(const char *path)
{
	const char *last = path != NULL ? strrchr(path, '/') : NULL;

	if (last != NULL && strcmp(last, "/caa") == 0)
		return "/caa";
	return last != NULL && strcmp(last, "/dcv") == 0 ? "/dcv" : NULL;
}

static int
request_read(struct lambda_event *event, const struct request_event *r, struct buf *why)
{
	const char *method = r->context.http.method != NULL ? r->context.http.method : r->method_1;

	event->http = true;
	event->path = route_of(r->path_2 != NULL ? r->path_2 : r->path_1);
	if (event->path == NULL)
		return wrong(why, 404, "there is only POST /caa and POST /dcv");
	if (method == NULL || strcmp(method, "POST") != 0)
		return wrong(why, 405, "a check is asked for with POST");
	if (r->body == NULL)
		return wrong(why, 400, "the request has no body");
	if (!r->base64.value)
		buf_adds(&event->body, r->body);
	else if (!base64_decode(r->body, strlen(r->body), &event->body))
		return wrong(why, 400, "the body is not the base64 it is said to be");
	return event->body.failed ? wrong(why, 413, "the body is too large") : 0;
}

/* ---- as a check ---- */

static int
bare_read(struct lambda_event *event, const struct bare_event *b, const char *text, size_t len,
    struct buf *why)
{
	if (b->type == NULL)
		event->path = b->dcv != NULL ? "/dcv" : "/caa";
	else if (strcmp(b->type, "caa") == 0 || strcmp(b->type, "dcv") == 0)
		event->path = b->type[0] == 'c' ? "/caa" : "/dcv";
	else
		return wrong(why, 400, "check_type: expected caa or dcv");
	buf_add(&event->body, text, len);
	return event->body.failed ? wrong(why, 413, "the body is too large") : 0;
}

static int
faults_read(const struct json_faults *faults, struct buf *why)
{
	const struct json_fault *f = &faults->list[0];

	if (faults->count == 0)
		return wrong(why, 500, "out of memory");
	buf_addf(why, "the event is none: %s%s%s", f->path, f->path[0] != '\0' ? ": " : "",
	    f->message);
	return 400;
}

int
lambda_event_read(struct lambda_event *event, const char *text, size_t len, struct buf *why)
{
	struct request_event request = { .body = NULL };
	struct bare_event bare = { .type = NULL };
	struct json_tokens *document;
	struct json_faults faults;
	int status;

	event->body = BUF_INIT(CHECK_REQUEST_MAX);
	json_faults_init(&faults);
	document = json_tokens_parse(text, len, &faults);
	if (document != NULL && json_tokens_read(document, json_tokens_top(document),
	    request_fields, &request, "", &faults) &&
	    json_tokens_read(document, json_tokens_top(document), bare_fields, &bare, "", &faults))
		status = request.context.set ? request_read(event, &request, why) :
		    bare_read(event, &bare, text, len, why);
	else
		status = faults_read(&faults, why);
	json_tokens_free(document);
	return status;
}

/* ---- the deadline ---- */

void
lambda_event_limit(const struct lambda_event *event, int64_t left_ms, struct buf *out)
{
	const char *body = event->body.data, *open, *value;
	size_t len = event->body.len, at;
	struct json_scanned found;

	if (body == NULL || !json_scan(body, len, "deadline_ms", &found) ||
	    (open = memchr(body, '{', len)) == NULL || body + strspn(body, " \t\r\n") != open) {
		buf_add(out, body != NULL ? body : "", len);
		return;
	}
	value = found.value.text;
	if (value != NULL) {
		/* what is no number is httpcheck's to complain about */
		bool later = value[0] >= '0' && value[0] <= '9' && strtoll(value, NULL, 10) > left_ms;

		at = (size_t)(value - body);
		buf_add(out, body, at);
		if (later)
			buf_addf(out, "%" PRId64, left_ms);
		else
			buf_add(out, value, found.value.len);
		at += found.value.len;
	} else {
		at = (size_t)(open - body) + 1;
		buf_add(out, body, at);
		buf_addf(out, "\"deadline_ms\":%" PRId64 "%s", left_ms, found.members > 0 ? "," : "");
	}
	buf_add(out, body + at, len - at);
}

/* ---- the reply ---- */

void
lambda_event_reply(const struct lambda_event *event, int status, const char *body, size_t len,
    struct buf *out)
{
	if (!event->http) {
		buf_add(out, body, len);
		return;
	}
	buf_addf(out, "{\"statusCode\":%d,\"headers\":{\"content-type\":\"application/json\"},"
	    "\"isBase64Encoded\":false,\"body\":", status);
	buf_add_json(out, body, len);
	buf_addc(out, '}');
}

void
lambda_event_free(struct lambda_event *event)
{
	buf_free(&event->body);
}
