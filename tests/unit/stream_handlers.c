/* Handlers of the fixture's that reply in parts, or with what exchanges within another gave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "server_connection.h"
#include "server_fixture.h"

#define SPILL_MAX ((size_t)256 * 1024 * 1024)

/* ---- parts when asked for ---- */

static void
count_gone(struct exchange *x, void *arg)
{
	struct fixture *f = arg;

	f->gone_count++;
}

void
on_parts(struct exchange *x, void *arg)
{
	static const struct header extra = { "X-Parts", "yes" };
	struct fixture *f = arg;

	f->held[f->held_count++] = x;
	exchange_on_gone(x, count_gone, f);
	exchange_stream(x, 200, "text/plain", &extra, 1);
	exchange_send(x, "first\n", 6);
}

void
on_part(struct exchange *x, void *arg)
{
	struct fixture *f = arg;
	size_t len;
	const char *body = exchange_body(x, &len);
	bool sent = f->held_count > 0 && exchange_send(f->held[0], body, len);

	exchange_reply(x, 200, NULL, sent ? "sent" : "not sent", sent ? 4 : 8, NULL, 0);
}

void
on_end(struct exchange *x, void *arg)
{
	struct fixture *f = arg;
	char body[64];

	while (f->held_count > 0)
		exchange_end(f->held[--f->held_count]);
	snprintf(body, sizeof(body), "gone %zu", f->gone_count);
	exchange_reply(x, 200, NULL, body, strlen(body), NULL, 0);
}

/* ---- as much as the client takes, and more ---- */

struct flood {
	struct fixture *f;
	size_t sent;
};

static void
flood_end(struct exchange *x, void *arg)
{
	struct flood *flood = arg;

	free(flood);
	exchange_end(x);
}

static void
flood_more(struct exchange *x, void *arg)
{
	static char part[FLOOD_PART];
	struct flood *flood = arg;

	if (flood->sent == FLOOD) {
		flood_end(x, flood);
		return;
	}
	memset(part, 'a' + (char)(flood->sent / FLOOD_PART % 26), sizeof(part));
	flood->sent += FLOOD_PART;
	assert_true(exchange_send(x, part, sizeof(part)));
	if (exchange_unsent(x) > flood->f->most_unsent)
		flood->f->most_unsent = exchange_unsent(x);
}

void
on_flood(struct exchange *x, void *arg)
{
	struct flood *flood = calloc(1, sizeof(*flood));

	flood->f = arg;
	exchange_stream(x, 200, "text/plain", NULL, 0);
	exchange_on_gone(x, flood_end, flood);
	exchange_on_sent(x, flood_more, flood);
	flood_more(x, flood);
}

static void
spill_gone(struct exchange *x, void *arg)
{
	count_gone(x, arg);
	exchange_end(x);
}

void
on_spill(struct exchange *x, void *arg)
{
	static const char part[FLOOD_PART];
	struct fixture *f = arg;
	size_t sent = 0;

	exchange_stream(x, 200, "text/plain", NULL, 0);
	exchange_on_gone(x, spill_gone, f);
	while (exchange_send(x, part, sizeof(part))) {
		sent += sizeof(part);
		assert_true(sent < SPILL_MAX);
		if (exchange_unsent(x) > f->most_unsent)
			f->most_unsent = exchange_unsent(x);
	}
	assert_false(exchange_send(x, part, sizeof(part)));
}

/* ---- exchanges within another ---- */

#define PARTS_MAX 16

struct whole {
	struct fixture *f;
	struct exchange *outer, *parts[PARTS_MAX];
	size_t made, open, held;
	bool lost;
	struct buf replies;
};

static void
whole_reply(struct whole *w)
{
	exchange_reply(w->outer, 200, "text/plain", w->replies.data, w->replies.len, NULL, 0);
	buf_free(&w->replies);
	free(w);
}

static void
part_replied(void *arg, const struct inner_answer *answer)
{
	struct whole *w = arg;

	buf_addf(&w->replies, "%d%s ", answer->status, answer->lost ? " lost" : "");
	buf_add(&w->replies, answer->body, answer->len);
	buf_adds(&w->replies, "\n");
	w->open--;
}

/* A part of its own: it ends when its client has gone. */
static void
part_gone(struct exchange *x, void *arg)
{
	exchange_refuse(x, 503, "gone");
}

static void
handle_part(struct exchange *x, struct whole *w)
{
	const char *query = exchange_query(x), *header = exchange_header(x, "x-test");
	struct buf out = BUF_INIT(4096);
	size_t len;
	const char *body = exchange_body(x, &len);

	if (strcmp(body, "hold") == 0) {
		w->parts[w->held++] = x;
		exchange_on_gone(x, part_gone, NULL);
		return;
	}
	buf_addf(&out, "%s|%s|%s|%s|%zu", body, query != NULL ? query : "none",
	    header != NULL ? header : "none", exchange_identity(x), w->f->server->in_flight);
	exchange_reply(x, 200, NULL, out.data, out.len, NULL, 0);
	buf_free(&out);
}

static void
whole_gone(struct exchange *x, void *arg)
{
	struct whole *w = arg;

	w->f->gone_count++;
	for (size_t i = 0; i < w->held; i++)
		exchange_within_gone(w->parts[i]);
	assert_int_equal(w->open, 0);
	assert_non_null(strstr(w->replies.data, "503 lost {\"detail\":\"gone\"}"));
	whole_reply(w);
}

void
on_within(struct exchange *x, void *arg)
{
	struct whole *w = calloc(1, sizeof(*w));
	size_t len;
	const char *at = exchange_body(x, &len), *end = at + len, *line;

	w->f = arg;
	w->outer = x;
	w->replies = (struct buf)BUF_INIT(65536);
	w->open = 1;
	exchange_on_gone(x, whole_gone, w);
	for (; at < end; at += len + 1) {
		line = memchr(at, '\n', (size_t)(end - at));
		len = (size_t)((line != NULL ? line : end) - at);
		w->open++;
		handle_part(exchange_within(x, at, len, part_replied, w), w);
	}
	buf_addf(&w->replies, "%s", exchange_room(x) ? "room" : "no room");
	if (--w->open == 0)
		whole_reply(w);
}
