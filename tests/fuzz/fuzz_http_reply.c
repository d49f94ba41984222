/*
 * What a web server sends, any octets, through libcurl and the fetcher's HTTP
 * up to the verdict. The input goes over a real connection on loopback, which
 * is then closed.
 */
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "fuzz.h"
#include "httpcheck/fetch_http.h"
#include "httpcheck/http_check.h"

#define VALUE	"token.thumbprint"

static struct event_base *base;
static struct fetch_http *http;
static struct sockaddr_in server;
static int listener;

/* The input, while it is being sent. */
static const uint8_t *reply;
static size_t reply_len;

const char *__wrap_address_sockaddr_refused(const struct sockaddr *sa);

/* The product dials public addresses alone. */
const char *
__wrap_address_sockaddr_refused(const struct sockaddr *sa)
{
	return NULL;
}

/* The request has come: closing a socket with octets nobody read would reset it. */
static void
on_request(evutil_socket_t fd, short what, void *arg)
{
	char request[4096];

	while (recv(fd, request, sizeof(request), MSG_DONTWAIT) > 0)
		;
	/* Who stops reading early leaves some of it. */
	(void)send(fd, reply, reply_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void
on_connection(evutil_socket_t fd, short what, void *arg)
{
	int client = accept(fd, NULL, NULL);

	REQUIRE(client >= 0);
	event_base_once(base, client, EV_READ, on_request, NULL, NULL);
}

static void
start(void)
{
	socklen_t len = sizeof(server);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	base = event_base_new();
	http = fetch_http_new(base);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	REQUIRE(http != NULL && bind(listener, (struct sockaddr *)&server, len) == 0);
	REQUIRE(listen(listener, 16) == 0);
	REQUIRE(getsockname(listener, (struct sockaddr *)&server, &len) == 0);
	event_add(event_new(base, listener, EV_READ | EV_PERSIST, on_connection, NULL), NULL);
}

/* Passing needs the value in what was sent, in a reply that is one. */
static void
check_verdict(const struct fetch_outcome *o, enum dcv_method method)
{
	const struct check_dcv_parameters p = { .set = true, .method = method,
		.key_authorization = VALUE, .challenge_value = VALUE };
	const struct http_page page = { .url = "http://example.com/", .status = o->status,
		.body = o->body, .len = o->body_len, .more = o->more };
	struct check_result r;

	check_result_init(&r, CHECK_DCV);
	http_check_judge(&p, &page, &r);
	if (!r.check_passed)
		return;
	REQUIRE(o->status >= 200 && o->status <= 299);
	REQUIRE(memcmp(reply, "HTTP/1.", 7) == 0);
	REQUIRE(memmem(o->body, o->body_len, VALUE, strlen(VALUE)) != NULL);
}

static void
on_done(void *arg, const struct fetch_outcome *o)
{
	bool *done = arg;

	*done = true;
	if (o->problem != PROBLEM_NONE) {
		REQUIRE(o->sentence != NULL && *o->sentence != '\0');
		return;
	}
	REQUIRE(o->status >= 101 && o->status <= 999 && o->body_len <= FETCH_BODY_MAX);
	REQUIRE(o->location == NULL || strlen(o->location) <= FETCH_URL_MAX);
	if (o->status / 100 == 3)
		return;
	check_verdict(o, DCV_ACME_HTTP_01);
	check_verdict(o, DCV_WEBSITE_CHANGE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fetch_job job = { .kind = FETCH_HTTP, .authority = "example.com",
		.path = "/.well-known/acme-challenge/token", .user_agent = "fuzz",
		.connect_ms = 2000, .total_ms = 2000 };
	bool done = false;

	if (base == NULL)
		start();
	job.address.family = AF_INET;
	memcpy(job.address.bytes, &server.sin_addr, 4);
	job.port = ntohs(server.sin_port);
	reply = data;
	reply_len = len;
	REQUIRE(http_try_start(http, &job, on_done, &done) != NULL);
	while (!done)
		event_base_loop(base, EVLOOP_ONCE);
	return 0;
}
