/* mpic-appliance lambda: a perspective as a custom runtime of AWS Lambda. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "appliance/appliance.h"
#include "appliance/container/child.h"
#include "appliance/container/container.h"
#include "appliance/container/lambda_event.h"
#include "appliance/http_ask.h"
#include "appliance/resolver/resolver_watch.h"
#include "check.h"
#include "log.h"
#include "monotonic.h"

#define NAME		"mpic-appliance lambda"
#define RUNTIME		"/2018-06-01/runtime"
#define ID_MAX		64
#define KEY_VARIABLE	"MPIC_CALLER_KEY_SHA256"
#define REPLY_MAX	((size_t)512 * 1024)
#define MS_NS		UINT64_C(1000000)
#define START_MS	8000	/* Lambda gives ten seconds */
#define LOOK_MS		2	/* between two looks at what is being started */
#define SPARE_MS	250	/* of an invocation's time: for the way back */
#define DEFAULT_MS	3000	/* Lambda's own, where it does not say */
#define POST_MS		5000

static const char usage[] =
    "usage: mpic-appliance lambda [--document FILE]\n"
    "Runs a perspective as a custom runtime of AWS Lambda: checks are events.\n\n"
    "  --document FILE  the document; else $MPIC_DOCUMENT_FILE, $MPIC_DOCUMENT, or\n"
    "                   " CONTAINER_FILE "\n\n"
    "With $" KEY_VARIABLE " an HTTP request must have the field X-API-Key whose\n"
    "value has this SHA-256, in hexadecimal digits.\n";

struct runtime {
	struct endpoint api;
	char host[ENDPOINT_TEXT_MAX];	/* of the API, for the field Host */
	struct endpoint httpcheck, resolver;
	struct child children[2];
	bool keyed;			/* HTTP requests must have the key of: */
	unsigned char key_sha256[SHA256_DIGEST_LENGTH];
};

struct invocation {
	char id[ID_MAX + 1];
	uint64_t until_ns;	/* CLOCK_MONOTONIC */
	struct lambda_event event;
};

/* ---- the Runtime API ---- */

/* POSTs to RUNTIME + path; the answer says nothing that would be of use. */
static bool
post(const struct runtime *r, const char *path, const char *field, const struct buf *body)
{
	struct buf request = BUF_INIT(REPLY_MAX + 4096), why = BUF_INIT(256);
	struct http_answer answer;
	bool ok;

	http_answer_init(&answer, NULL);
	buf_addf(&request, "POST " RUNTIME "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
	    "Content-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n", path, r->host, field,
	    body->len);
	buf_add(&request, body->data != NULL ? body->data : "", body->len);
	ok = !request.failed && http_ask_until(&r->api, request.data, request.len,
	    monotonic_ns() + POST_MS * MS_NS, &answer, &why) && answer.status < 300;
	if (!ok)
		log_error("the Runtime API takes no reply", "path", path, "why",
		    why.data != NULL ? why.data : "its status");
	http_answer_free(&answer);
	buf_free(&request);
	buf_free(&why);
	return ok;
}

/* What went wrong, in the words that the API has for it. */
static bool
post_error(const struct runtime *r, const char *path, const char *type, const char *text)
{
	struct buf body = BUF_INIT(DOCUMENT_FAULTS_MAX + 1024);
	bool ok;

	buf_adds(&body, "{\"errorMessage\":");
	buf_add_json(&body, text, strlen(text));
	buf_addf(&body, ",\"errorType\":\"%s\",\"stackTrace\":[]}", type);
	ok = post(r, path, "Lambda-Runtime-Function-Error-Type: Unhandled\r\n", &body);
	buf_free(&body);
	return ok;
}

/* The id goes into a path: what else could be in it is none. */
static bool
read_id(struct invocation *v, const struct http_answer *answer)
{
	size_t len;
	const char *id = http_answer_field(answer, "Lambda-Runtime-Aws-Request-Id", &len);

	if (id == NULL || len == 0 || len > ID_MAX || strspn(id, "0123456789-"
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") < len)
		return false;
	memcpy(v->id, id, len);
	v->id[len] = '\0';
	return true;
}

/* It comes as a date (ms since 1970). */
static void
read_deadline(struct invocation *v, const struct http_answer *answer)
{
	size_t len;
	const char *text = http_answer_field(answer, "Lambda-Runtime-Deadline-Ms", &len);
	struct timespec now;
	int64_t left_ms = DEFAULT_MS;

	clock_gettime(CLOCK_REALTIME, &now);
	if (text != NULL && len > 0)
		left_ms = strtoll(text, NULL, 10) - ((int64_t)now.tv_sec * 1000 +
		    now.tv_nsec / 1000000);
	if (left_ms < 1)
		left_ms = 1;
	else if (left_ms > 900000)	/* Lambda's longest */
		left_ms = 900000;
	v->until_ns = monotonic_ns() + (uint64_t)left_ms * MS_NS;
}

/* ---- httpcheck ---- */

/* Its reply to the event's check, or that there is none, as status and body. */
static int
ask_httpcheck(const struct runtime *r, const struct invocation *v, struct http_answer *answer,
    struct buf *why)
{
	struct buf request = BUF_INIT(LAMBDA_EVENT_MAX + 1024);
	const struct buf *body = &v->event.body;
	uint64_t now = monotonic_ns();
	int64_t left_ms = v->until_ns > now ? (int64_t)((v->until_ns - now) / MS_NS) : 0;
	bool ok;

	buf_addf(&request, "%s %s HTTP/1.1\r\nHost: " CONTAINER_PLAIN "\r\nConnection: close\r\n"
	    CHECK_LIMIT_FIELD ": %" PRId64 "\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n", v->event.method, v->event.path,
	    left_ms > SPARE_MS ? left_ms - SPARE_MS : 1, body->len);
	buf_add(&request, body->data != NULL ? body->data : "", body->len);
	ok = !request.failed && http_ask_until(&r->httpcheck, request.data, request.len,
	    v->until_ns, answer, why);
	buf_free(&request);
	return ok ? answer->status : 502;
}

/* ---- an invocation ---- */

static bool
reply(const struct runtime *r, const struct invocation *v, int status, const char *body,
    size_t len)
{
	struct buf out = BUF_INIT(REPLY_MAX);
	char path[ID_MAX + 64];
	bool ok;

	snprintf(path, sizeof(path), "/invocation/%s/%s", v->id,
	    v->event.http || status == 200 ? "response" : "error");
	if (v->event.http || status == 200) {
		lambda_event_reply(&v->event, status, body, len, &out);
		ok = !out.failed && post(r, path, "", &out);
	} else {
		ok = post_error(r, path, status < 500 ? "Parallax.BadRequest" :
		    "Parallax.Unavailable", body);
	}
	buf_free(&out);
	return ok;
}

/* {"detail": ...}, as mpic-httpcheck's own refusals are. */
static bool
refuse(const struct runtime *r, const struct invocation *v, int status, const struct buf *why)
{
	const char *text = why->data != NULL ? why->data : "out of memory";
	struct buf body = BUF_INIT(4096);
	bool ok;

	log_warning("an event is refused", "id", v->id, "why", text);
	if (!v->event.http)
		return reply(r, v, status, text, strlen(text));
	buf_adds(&body, "{\"detail\":");
	buf_add_json(&body, text, strlen(text));
	buf_addc(&body, '}');
	ok = !body.failed && reply(r, v, status, body.data, body.len);
	buf_free(&body);
	return ok;
}

static bool
handle(const struct runtime *r, struct invocation *v, const struct http_answer *next)
{
	struct buf why = BUF_INIT(1024);
	struct http_answer answer;
	int status;
	bool ok;

	http_answer_init_max(&answer, NULL, REPLY_MAX);
	status = lambda_event_read(&v->event, next->body, next->body_len,
	    r->keyed ? r->key_sha256 : NULL, &why);
	if (status == 0)
		status = ask_httpcheck(r, v, &answer, &why);
	ok = answer.body == NULL ? refuse(r, v, status, &why) :
	    reply(r, v, status, answer.body, answer.body_len);
	http_answer_free(&answer);
	buf_free(&why);
	return ok;
}

/* Waits for one as long as it takes. False: the API is not to be had. */
static bool
serve_one(const struct runtime *r)
{
	struct buf request = BUF_INIT(512), why = BUF_INIT(256);
	struct invocation v = { .until_ns = 0 };
	struct http_answer next;
	bool ok;

	http_answer_init_max(&next, NULL, LAMBDA_EVENT_MAX);
	buf_addf(&request, "GET " RUNTIME "/invocation/next HTTP/1.1\r\nHost: %s\r\n"
	    "Connection: close\r\n\r\n", r->host);
	ok = http_ask_until(&r->api, request.data, request.len, UINT64_MAX, &next, &why);
	if (ok && (next.status != 200 || !read_id(&v, &next))) {
		buf_adds(&why, "gave no invocation");
		ok = false;
	}
	if (!ok)
		log_error("no invocation", "why", why.data != NULL ? why.data : "");
	if (ok) {
		read_deadline(&v, &next);
		ok = handle(r, &v, &next);
	}
	lambda_event_free(&v.event);
	http_answer_free(&next);
	buf_free(&request);
	buf_free(&why);
	return ok;
}

/* ---- the perspective ---- */

static bool
alive(struct runtime *r)
{
	int status;

	for (size_t i = 0; i < 2; i++)
		if (waitpid(r->children[i].pid, &status, WNOHANG) != 0) {
			log_error("died", "child", r->children[i].name);
			return false;
		}
	return true;
}

static bool
httpcheck_serves(const struct runtime *r)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: " CONTAINER_PLAIN
	    "\r\nConnection: close\r\n\r\n";
	struct http_answer answer;
	struct buf why = BUF_INIT(256);
	bool ok;

	http_answer_init(&answer, NULL);
	ok = http_ask_until(&r->httpcheck, request, sizeof(request) - 1,
	    monotonic_ns() + 1000 * MS_NS, &answer, &why) && answer.status == 200;
	http_answer_free(&answer);
	buf_free(&why);
	return ok;
}

static bool
start(struct runtime *r)
{
	const struct timespec wait = { .tv_nsec = LOOK_MS * (long)MS_NS };
	uint64_t now = monotonic_ns(), until = now + START_MS * MS_NS;
	bool serves = false, answers = false;

	for (size_t i = 0; i < 2; i++)
		if (!child_start(&r->children[i], now)) {
			log_error("cannot start", "child", r->children[i].name, "error",
			    strerror(errno));
			return false;
		}
	while (!(serves && answers) && monotonic_ns() < until && alive(r)) {
		serves = serves || httpcheck_serves(r);
		answers = answers || resolver_watch_ask(&r->resolver, 1);
		if (!(serves && answers))
			nanosleep(&wait, NULL);
	}
	return serves && answers;
}

static bool
configure(const struct runtime *r, const char *file)
{
	struct buf faults = BUF_INIT(DOCUMENT_FAULTS_MAX);
	struct container container = { .lambda = true };
	bool ok;

	container_find(&container, file);
	ok = container_configure(&container, &faults);
	if (!ok) {
		const char *text = faults.data != NULL ? faults.data : "out of memory\n";

		fprintf(stderr, NAME ": the document cannot be used:\n%s", text);
		post_error(r, "/init/error", "Parallax.Document", text);
	}
	container_free(&container);
	buf_free(&faults);
	return ok;
}

/* False, with a word to Lambda: what was meant to keep strangers out would not. */
static bool
read_key(struct runtime *r)
{
	const char *text = getenv(KEY_VARIABLE);
	size_t len = 0;

	if (text == NULL)
		return true;
	r->keyed = OPENSSL_hexstr2buf_ex(r->key_sha256, sizeof(r->key_sha256), &len, text,
	    '\0') == 1 && len == sizeof(r->key_sha256);
	if (!r->keyed)
		post_error(r, "/init/error", "Parallax.Document", KEY_VARIABLE ": expected the SHA-256 "
		    "of the caller's key, in 64 hexadecimal digits");
	return r->keyed;
}

int
appliance_lambda(int argc, char **argv)
{
	struct runtime r = { .children = {
	    { .name = "unbound", .argv = container_unbound, .folder = CONTAINER_UNBOUND_FOLDER },
	    { .name = "mpic-httpcheck", .argv = container_httpcheck, .folder = "/" },
	} };
	const char *api = getenv("AWS_LAMBDA_RUNTIME_API");

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(usage, stdout);
		return APPLIANCE_DONE;
	}
	if (argc != 1 && (argc != 3 || strcmp(argv[1], "--document") != 0)) {
		fputs(usage, stderr);
		return APPLIANCE_USAGE;
	}
	if (api == NULL || !endpoint_parse(&r.api, api)) {
		fprintf(stderr, NAME ": AWS_LAMBDA_RUNTIME_API: expected ADDR:PORT, found %s: this "
		    "is for AWS Lambda\n", api != NULL ? api : "nothing");
		return APPLIANCE_USAGE;
	}
	log_init(NAME, LOG_LEVEL_NOTICE, true);
	signal(SIGPIPE, SIG_IGN);
	umask(0077);
	endpoint_text(&r.api, r.host);
	endpoint_parse(&r.httpcheck, CONTAINER_PLAIN);
	endpoint_parse(&r.resolver, CONTAINER_RESOLVER);
	if (!read_key(&r) || !configure(&r, argc == 3 ? argv[2] : NULL))
		return APPLIANCE_FAILED;
	if (!start(&r)) {
		post_error(&r, "/init/error", "Parallax.Start", "the perspective does not start; its "
		    "log says why");
		return APPLIANCE_FAILED;
	}
	/* Lambda makes another one of a runtime that ends */
	while (alive(&r) && serve_one(&r))
		continue;
	return APPLIANCE_FAILED;
}
