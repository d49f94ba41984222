#include "fanout_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "endpoint.h"
#include "log.h"
#include "monotonic.h"
#include "server_connection.h"

static const struct metric metric_table[] = { SERVER_METRICS(METRIC_ROW) };

/* ---- the perspective ---- */

static void
on_gone(struct exchange *x, void *arg)
{
	struct fan *f = arg;

	f->gone++;
}

/* The headers that came: "traceparent tracestate". */
static void
reply_trace(struct exchange *x)
{
	const char *parent = exchange_header(x, "traceparent");
	const char *state = exchange_header(x, "tracestate");
	char text[1024];

	snprintf(text, sizeof(text), "%s %s", parent != NULL ? parent : "-",
	    state != NULL ? state : "-");
	exchange_reply(x, 200, NULL, text, strlen(text), NULL, 0);
}

static void
on_caa(struct exchange *x, void *arg)
{
	struct fan *f = arg;
	size_t len;
	const char *body = exchange_body(x, &len);
	char *reply;

	if (strcmp(body, "hold") == 0) {
		assert_true(f->held_count < FAN_HELD_MAX);
		f->held[f->held_count++] = x;
		exchange_on_gone(x, on_gone, f);
	} else if (strcmp(body, "busy") == 0) {
		exchange_refuse(x, 503, "too much to do");
	} else if (strcmp(body, "trace") == 0) {
		reply_trace(x);
	} else {
		len = strtoul(body, NULL, 10);
		reply = malloc(len + 1);
		if (reply != NULL)
			memset(reply, 'r', len);
		exchange_reply(x, reply != NULL ? 200 : 503, NULL, reply,
		    reply != NULL ? len : 0, NULL, 0);
		free(reply);
	}
}

static const struct route routes[] = { { "POST", "/caa", 0, on_caa } };

void
fan_release(struct fan *f)
{
	while (f->held_count > 0)
		exchange_reply(f->held[--f->held_count], 200, NULL, "ok", 2, NULL, 0);
}

struct server *
fan_server(struct fan *f, enum fan_peer peer)
{
	struct server_config cfg = { .plain = peer == FAN_PLAIN, .tls = f->made->server,
		.metrics = f->metrics, .max_in_flight = FAN_HELD_MAX };
	struct buf why = BUF_INIT(1024);
	struct server *s = server_new(f->base, &cfg, f->fd, routes, 1, f, &why);

	if (s == NULL)
		fail_msg("%s", why.data);
	if (peer == FAN_HTTP1)
		SSL_CTX_set_alpn_select_cb(s->tls, NULL, NULL);
	f->server = s;
	return s;
}

int64_t
fan_connections(const struct fan *f)
{
	return (int64_t)metric_value(f->metrics, SERVER_METRIC_HTTP_CONNECTIONS, 0);
}

/* ---- the whole ---- */

int
fan_group_setup(void **state)
{
	struct tls_files_made *made = malloc(sizeof(*made));

	log_init("test_fanout", LOG_LEVEL_ERROR, false);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	*state = made;
	return tls_files_make(made) ? 0 : -1;
}

int
fan_group_teardown(void **state)
{
	tls_files_remove(*state);
	free(*state);
	curl_global_cleanup();
	return 0;
}

void
fan_listen(struct fan *f)
{
	f->fd = endpoint_listen(&f->at, 1024);
	assert_true(f->fd >= 0);
	f->at.len = sizeof(f->at.addr);
	getsockname(f->fd, (struct sockaddr *)&f->at.addr, &f->at.len);
}

struct fan *
fan_new(void **state, enum fan_peer peer, const char *code)
{
	struct fan *f = calloc(1, sizeof(*f));
	char text[ENDPOINT_TEXT_MAX];
	struct buf why = BUF_INIT(1024);
	struct fanout_config cfg = { .fleet = &f->fleet, .connections = 2,
		.tick_ms = FAN_TICK_MS };

	f->made = *state;
	f->base = event_base_new();
	f->metrics = metrics_new(metric_table, sizeof(metric_table) / sizeof(metric_table[0]), 1);
	assert_true(endpoint_parse(&f->at, "127.0.0.1:0"));
	fan_listen(f);
	endpoint_text(&f->at, text);
	snprintf(f->url, sizeof(f->url), "%s://%s/", peer == FAN_PLAIN ? "http" : "https", text);
	if (peer != FAN_NOBODY)
		fan_server(f, peer);
	f->fleet.members[0] = (struct perspective){ .code = code, .url = f->url };
	f->fleet.count = 1;
	cfg.tls = &f->made->client;
	f->fanout = fanout_new(f->base, &cfg, &why);
	if (f->fanout == NULL)
		fail_msg("%s", why.data);
	return f;
}

void
fan_free(struct fan *f)
{
	fanout_free(f->fanout);
	fan_release(f);
	if (f->server != NULL)
		server_free(f->server);
	if (f->fd >= 0)
		close(f->fd);
	metrics_free(f->metrics);
	event_base_free(f->base);
	free(f);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	*(bool *)arg = true;
}

void
fan_await(struct fan *f, const size_t *value, size_t least)
{
	uint64_t start = monotonic_ns();

	while (*value < least) {
		event_base_loop(f->base, EVLOOP_ONCE);
		if (monotonic_ns() - start > UINT64_C(20000000000))
			fail_msg("%zu instead of %zu after 20 s", *value, least);
	}
}

void
fan_run(struct fan *f, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	bool late = false;

	event_base_once(f->base, -1, EV_TIMEOUT, on_late, &late, &tv);
	while (!late)
		event_base_loop(f->base, EVLOOP_ONCE);
}

/* ---- calls ---- */

static void
on_done(struct call *call)
{
	struct ask *a = call->owner;

	assert_false(a->done);
	a->done = true;
	a->fan->ended++;
	snprintf(a->message, sizeof(a->message), "%s", call->message);
}

void
ask_start(struct ask *a, struct fan *f, const char *body)
{
	ask_start_limited(a, f, body, 20000);
}

void
ask_start_limited(struct ask *a, struct fan *f, const char *body, int64_t limit_ms)
{
	ask_start_traced(a, f, body, limit_ms, &(struct trace){ .flags = 0 }, NULL);
}

void
ask_start_traced(struct ask *a, struct fan *f, const char *body, int64_t limit_ms,
    const struct trace *trace, const char *tracestate)
{
	*a = (struct ask){ .fan = f,
		.call = { .limit_ms = limit_ms, .done = on_done, .owner = a } };
	memcpy(a->call.span, trace->span, TRACE_SPAN);
	a->call.body = fanout_body_new(CHECK_REQUEST_MAX);
	assert_non_null(a->call.body);
	a->call.body->trace = *trace;
	a->call.body->tracestate = tracestate != NULL ? strdup(tracestate) : NULL;
	buf_adds(&a->call.body->text, body);
	fanout_call(f->fanout, 0, CHECK_CAA, &a->call);
}

void
ask_give_up(struct ask *a)
{
	fanout_give_up(&a->call);
	snprintf(a->message, sizeof(a->message), "%s", a->call.message);
}

void
ask_free(struct ask *a)
{
	buf_free(&a->call.reply);
	fanout_body_free(a->call.body);
}

void
ask_now(struct ask *a, struct fan *f, const char *body)
{
	size_t before = f->ended;

	ask_start(a, f, body);
	fan_await(f, &f->ended, before + 1);
}
