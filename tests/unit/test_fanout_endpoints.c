/* A perspective with several endpoints: spread over, ejected, probed, and asked again elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "coordinator/fanout.h"
#include "endpoint.h"
#include "log.h"
#include "monotonic.h"
#include "server.h"
#include "server_connection.h"
#include "tls_files.h"

#define SIDES	3
#define CALLS	64
#define TICK_MS	10
#define PROBE	100	/* ms */

/* What an endpoint does with a call. */
enum conduct { ANSWERS, BUSY, BROKEN, OPEN_MPIC, HOLDS };

struct side {
	enum conduct conduct;
	bool ready;
	size_t asked, probed;
	struct exchange *held[CALLS];
	size_t held_count;
	struct endpoint at;
	int fd;			/* -1: nobody listens */
	struct server *server;
	char url[ENDPOINT_TEXT_MAX + 16];
};

struct spread {
	struct event_base *base;
	const struct tls_files_made *made;
	bool http2;
	struct side sides[SIDES];
	char *urls[SIDES];
	struct fleet fleet;
	struct fanout *fanout;
	struct call calls[CALLS];
	size_t begun, ended, answered;
	size_t retries, ejections, returns;
	char why[256];		/* of the last ejection */
	char message[CHECK_MESSAGE_MAX];
};

/* ---- endpoints ---- */

static void
on_caa(struct exchange *x, void *arg)
{
	struct side *side = arg;

	side->asked++;
	switch (side->conduct) {
	case BUSY:
		exchange_refuse(x, 503, "too much to do");
		break;
	case BROKEN:
		exchange_reply(x, 500, NULL, "", 0, NULL, 0);
		break;
	case OPEN_MPIC:
		exchange_reply(x, 500, NULL, "{\"check_completed\":false}", 25, NULL, 0);
		break;
	case HOLDS:
		side->held[side->held_count++] = x;
		break;
	default:
		exchange_reply(x, 200, NULL, "yes", 3, NULL, 0);
	}
}

static void
on_readyz(struct exchange *x, void *arg)
{
	struct side *side = arg;

	side->probed++;
	if (side->ready)
		exchange_reply(x, 200, NULL, "{}", 2, NULL, 0);
	else
		exchange_refuse(x, 503, "not ready");
}

static const struct route routes[] = {
	{ "POST", "/caa", 0, on_caa },
	{ "GET", "/readyz", 0, on_readyz },
};

static void
side_open(struct spread *s, struct side *side)
{
	struct server_config cfg = { .tls = s->made->server };
	struct buf why = BUF_INIT(1024);
	char text[ENDPOINT_TEXT_MAX];

	side->fd = endpoint_listen(&side->at, 64);
	assert_true(side->fd >= 0);
	side->at.len = sizeof(side->at.addr);
	getsockname(side->fd, (struct sockaddr *)&side->at.addr, &side->at.len);
	endpoint_text(&side->at, text);
	snprintf(side->url, sizeof(side->url), "https://%s/", text);
	side->server = server_new(s->base, &cfg, side->fd, routes, 2, side, &why);
	if (side->server == NULL)
		fail_msg("%s", why.data);
	if (!s->http2)
		SSL_CTX_set_alpn_select_cb(side->server->tls, NULL, NULL);
}

static void
side_release(struct side *side)
{
	while (side->held_count > 0)
		exchange_reply(side->held[--side->held_count], 200, NULL, "yes", 3, NULL, 0);
}

/* As a process that is killed. */
static void
side_close(struct side *side)
{
	if (side->fd < 0)
		return;
	server_free(side->server);
	side_release(side);
	close(side->fd);
	side->fd = -1;
}

/* ---- the fan-out ---- */

static void
on_news(void *arg, const struct fanout_news *news)
{
	struct spread *s = arg;

	assert_int_equal(news->perspective, 0);
	s->retries += news->event == FANOUT_RETRY;
	s->ejections += news->event == FANOUT_EJECTED;
	s->returns += news->event == FANOUT_RETURNED;
	if (news->event == FANOUT_EJECTED)
		snprintf(s->why, sizeof(s->why), "%s: %s", news->url, news->why);
}

static void
on_done(struct call *call)
{
	struct spread *s = call->owner;

	s->ended++;
	s->answered += call->problem == PROBLEM_NONE;
	snprintf(s->message, sizeof(s->message), "%s", call->message);
	buf_free(&call->reply);
	fanout_body_free(call->body);
	call->body = NULL;
}

static void
spread_init(struct spread *s, void **state, bool http2)
{
	struct buf why = BUF_INIT(1024);
	struct fanout_config cfg = { .fleet = &s->fleet, .connections = 8, .tick_ms = TICK_MS,
		.probe_ms = PROBE, .on_news = on_news, .arg = s };

	*s = (struct spread){ .base = event_base_new(), .made = *state, .http2 = http2 };
	for (size_t i = 0; i < SIDES; i++) {
		assert_true(endpoint_parse(&s->sides[i].at, "127.0.0.1:0"));
		s->sides[i].ready = true;
		side_open(s, &s->sides[i]);
		s->urls[i] = s->sides[i].url;
	}
	s->fleet.members[0] = (struct perspective){ .code = "test", .urls = s->urls,
		.url_count = SIDES };
	s->fleet.count = 1;
	cfg.tls = &s->made->client;
	s->fanout = fanout_new(s->base, &cfg, &why);
	if (s->fanout == NULL)
		fail_msg("%s", why.data);
}

static void
spread_free(struct spread *s)
{
	fanout_free(s->fanout);
	for (size_t i = 0; i < SIDES; i++)
		side_close(&s->sides[i]);
	event_base_free(s->base);
}

static void
start(struct spread *s)
{
	struct call *call = &s->calls[s->begun++ % CALLS];

	*call = (struct call){ .limit_ms = 20000, .done = on_done, .owner = s,
		.body = fanout_body_new(CHECK_REQUEST_MAX) };
	assert_non_null(call->body);
	buf_adds(&call->body->text, "check");
	fanout_call(s->fanout, 0, CHECK_CAA, call);
}

/* Five seconds of the loop for what the condition says to come true. */
#define RUN_UNTIL(s, condition) do { \
	uint64_t until_ = monotonic_ns() + UINT64_C(5000000000); \
	while (!(condition) && monotonic_ns() < until_) \
		event_base_loop((s)->base, EVLOOP_ONCE); \
	assert_true(condition); \
} while (0)

/* One after the other. */
static void
ask(struct spread *s, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		start(s);
		RUN_UNTIL(s, s->ended == s->begun);
	}
}

/* ---- the tests, over both versions of HTTP ---- */

static void
spreads(void **state, bool http2)
{
	struct spread s;

	spread_init(&s, state, http2);
	ask(&s, 9);
	for (size_t i = 0; i < SIDES; i++)
		assert_int_equal(s.sides[i].asked, 3);
	/* One of them holds its calls: the others get what comes. */
	s.sides[1].conduct = HOLDS;
	for (size_t i = 0; i < 3; i++)
		start(&s);
	RUN_UNTIL(&s, s.ended == 11 && s.sides[1].held_count == 1);
	for (size_t i = 0; i < 10; i++) {
		start(&s);
		RUN_UNTIL(&s, s.ended == 12 + i);
	}
	assert_int_equal(s.sides[1].asked, 4);
	side_release(&s.sides[1]);
	RUN_UNTIL(&s, s.ended == s.begun);
	assert_int_equal(s.answered, s.begun);
	assert_int_equal(s.retries + s.ejections, 0);
	spread_free(&s);
}

static void
test_spread(void **state)
{
	spreads(state, true);
	spreads(state, false);
}

/* One is killed: no call fails, it is ejected, and is back when it is. */
static void
killed(void **state, bool http2)
{
	struct spread s;
	size_t before;

	spread_init(&s, state, http2);
	ask(&s, 6);
	side_close(&s.sides[2]);
	ask(&s, 30);
	assert_int_equal(s.answered, 36);
	assert_int_equal(s.ejections, 1);
	assert_non_null(strstr(s.why, s.sides[2].url));
	assert_non_null(strstr(s.why, "no answer from test at "));
	assert_int_equal(fanout_ejected(s.fanout, 0), 1);
	before = s.retries;
	assert_in_range(before, 1, 4);
	ask(&s, 30);
	assert_int_equal(s.retries, before);
	/* Back, but not well yet: probes go on, calls stay away. */
	s.sides[2].ready = false;
	s.sides[2].asked = 0;
	side_open(&s, &s.sides[2]);
	RUN_UNTIL(&s, s.sides[2].probed > 0);
	ask(&s, 10);
	assert_int_equal(s.sides[2].asked, 0);
	assert_int_equal(s.returns, 0);
	s.sides[2].ready = true;
	RUN_UNTIL(&s, s.returns == 1);
	assert_int_equal(fanout_ejected(s.fanout, 0), 0);
	ask(&s, 9);
	assert_int_equal(s.sides[2].asked, 3);
	assert_int_equal(s.answered, s.begun);
	assert_int_equal(s.ejections, 1);
	spread_free(&s);
}

static void
test_killed(void **state)
{
	killed(state, true);
	killed(state, false);
}

/* Killed with calls under way: those are made again elsewhere. */
static void
test_killed_under_way(void **state)
{
	for (int http2 = 0; http2 < 2; http2++) {
		struct spread s;

		spread_init(&s, state, http2 > 0);
		ask(&s, 3);
		s.sides[0].conduct = HOLDS;
		for (size_t i = 0; i < 9; i++)
			start(&s);
		RUN_UNTIL(&s, s.sides[0].held_count == 3 && s.ended == 9);
		side_close(&s.sides[0]);
		RUN_UNTIL(&s, s.ended == 12);
		assert_int_equal(s.answered, 12);
		assert_int_equal(s.retries, 3);
		/* Over HTTP/2 they were on one connection, which failed once. */
		assert_int_equal(s.ejections, http2 > 0 ? 0 : 1);
		spread_free(&s);
	}
}

/* What an endpoint says that is no result is asked of another one. */
static void
test_refusals(void **state)
{
	static const struct {
		enum conduct conduct;
		size_t ejections, retries;
	} rows[] = { { BUSY, 1, 3 }, { BROKEN, 1, 3 }, { OPEN_MPIC, 0, 0 }, { ANSWERS, 0, 0 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spread s;

		spread_init(&s, state, true);
		s.sides[0].conduct = rows[i].conduct;
		s.sides[0].ready = false;
		ask(&s, 30);
		assert_int_equal(s.answered, 30);
		assert_int_equal(s.ejections, rows[i].ejections);
		assert_int_equal(s.retries, rows[i].retries);
		spread_free(&s);
	}
}

/* All are gone: calls fail, but are tried; the first that is back is used without a probe. */
static void
test_all_gone(void **state)
{
	struct spread s;

	spread_init(&s, state, true);
	for (size_t i = 0; i < SIDES; i++)
		side_close(&s.sides[i]);
	ask(&s, 6);
	assert_int_equal(s.answered, 0);
	assert_int_equal(s.ejections, SIDES);
	assert_int_equal(s.retries, 12);
	assert_non_null(strstr(s.message, "no answer from test at "));
	s.sides[1].ready = false;
	side_open(&s, &s.sides[1]);
	ask(&s, 10);
	assert_int_equal(s.answered, 10);
	assert_int_equal(s.returns, 1);
	spread_free(&s);
}

/* A call that is given up is no endpoint's fault, and leaves its place. */
static void
test_given_up(void **state)
{
	struct spread s;

	spread_init(&s, state, true);
	for (size_t i = 0; i < SIDES; i++)
		s.sides[i].conduct = HOLDS;
	for (size_t round = 0; round < 4; round++) {
		for (size_t i = 0; i < 6; i++)
			start(&s);
		RUN_UNTIL(&s, s.sides[0].asked + s.sides[1].asked + s.sides[2].asked == s.begun);
		for (size_t i = 0; i < 6; i++) {
			fanout_give_up(&s.calls[(s.begun - 1 - i) % CALLS]);
			fanout_body_free(s.calls[(s.begun - 1 - i) % CALLS].body);
		}
		for (size_t i = 0; i < SIDES; i++)
			assert_int_equal(s.sides[i].asked, 2 * (round + 1));
	}
	assert_int_equal(s.ejections + s.retries, 0);
	spread_free(&s);
}

/* Its certificate expires while connections are open: those carry no more calls. */
static void
test_expired(void **state)
{
	for (int http2 = 0; http2 < 2; http2++) {
		struct tls_files_made made, brief;
		const void *given = &brief;
		struct spread s;
		int64_t expires_s;

		assert_true(tls_files_make(&made));
		brief = made;
		brief.server = made.brief;
		spread_init(&s, (void **)&given, http2 > 0);
		ask(&s, 6);
		assert_int_equal(s.answered, 6);
		expires_s = fanout_expires_s(s.fanout, 0);
		assert_in_range(expires_s, time(NULL), time(NULL) + TLS_FILES_BRIEF_S);
		while (time(NULL) <= expires_s)
			event_base_loop(s.base, EVLOOP_ONCE);
		ask(&s, 1);
		assert_int_equal(s.answered, 6);
		assert_non_null(strstr(s.message, "no trusted connection to "));
		assert_non_null(strstr(s.message, "certificate has expired"));
		spread_free(&s);
		tls_files_remove(&made);
	}
}

static int
setup(void **state)
{
	struct tls_files_made *made = malloc(sizeof(*made));

	log_init("test_fanout_endpoints", LOG_LEVEL_ERROR, false);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	*state = made;
	return tls_files_make(made) ? 0 : -1;
}

static int
teardown(void **state)
{
	tls_files_remove(*state);
	free(*state);
	curl_global_cleanup();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_killed_under_way),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_all_gone),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_expired),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
