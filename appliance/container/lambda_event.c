#include "appliance/container/lambda_event.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

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
struct headers_part {
	bool set;
	const char *key;
};
/* Of both payload formats; what the other one has is absent. */
struct request_event {
	struct context_part context;
	struct headers_part headers;
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
/* A function URL has its names in lower case, and so does our coordinator. */
static const struct json_field headers_fields[] = {
	JSON_ROW("x-api-key", STRING, headers_part, key, .max = 4096),
	{ .key = NULL },
};
static const struct json_field request_fields[] = {
	JSON_ROW("requestContext", OBJECT, request_event, context, .fields = context_fields),
	JSON_ROW("headers", OBJECT, request_event, headers, .fields = headers_fields),
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

static const struct route {
	const char *method, *path;
} routes[] = {
	{ "POST", "/caa" }, { "POST", "/dcv" }, { "GET", "/readyz" }, { "GET", "/identity" },
};

/* What a stage or a custom domain puts before the path does not matter. */
static const struct route *
route_of(const char *path)
{
	const char *last = path != NULL ? strrchr(path, '/') : NULL;

	for (size_t i = 0; last != NULL && i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(last, routes[i].path) == 0)
			return &routes[i];
	return NULL;
}

static bool
has_key(const struct request_event *r, const unsigned char *key_sha256)
{
	const char *key = r->headers.key;
	unsigned char sha256[SHA256_DIGEST_LENGTH];

	if (key == NULL || SHA256((const unsigned char *)key, strlen(key), sha256) == NULL)
		return false;
	return CRYPTO_memcmp(sha256, key_sha256, sizeof(sha256)) == 0;
}

static int
request_read(struct lambda_event *event, const struct request_event *r,
    const unsigned char *key_sha256, struct buf *why)
{
	const char *method = r->context.http.method != NULL ? r->context.http.method : r->method_1;
	const struct route *route = route_of(r->path_2 != NULL ? r->path_2 : r->path_1);

	event->http = true;
	if (key_sha256 != NULL && !has_key(r, key_sha256))
		return wrong(why, 403, "expected the header field x-api-key with the caller's key");
	if (route == NULL)
		return wrong(why, 404, "there is only POST /caa, POST /dcv, GET /readyz and "
		    "GET /identity");
	if (method == NULL || strcmp(method, route->method) != 0) {
		buf_addf(why, "%s is asked for with %s", route->path, route->method);
		return 405;
	}
	event->path = route->path;
	event->method = route->method;
	if (strcmp(method, "GET") == 0)
		return 0;
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
	event->method = "POST";
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
lambda_event_read(struct lambda_event *event, const char *text, size_t len,
    const unsigned char *key_sha256, struct buf *why)
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
		status = request.context.set ? request_read(event, &request, key_sha256, why) :
		    bare_read(event, &bare, text, len, why);
	else
		status = faults_read(&faults, why);
	json_tokens_free(document);
	return status;
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
