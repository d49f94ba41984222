#include "coordinator/fanout.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/fanout_line.h"
#include "monotonic.h"

#define TICK_MS		1000
#define EJECT_AFTER	3
#define PROBE_MS	2000

/* ---- time ---- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct fanout *f = arg;

	for (size_t i = 0; i < f->line_count; i++)
		line_tick(&f->lines[i]);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct fanout *f = arg;

	for (size_t i = 0; i < f->line_count; i++)
		line_advance(&f->lines[i]);
}

/* ---- calls ---- */

void
fanout_call(struct fanout *f, size_t perspective, enum check_type type, struct call *call)
{
	call->tried = 0;
	call->counted = false;
	call_choose(call, &f->groups[perspective], false);
	call->list = NULL;
	call->slot = NULL;
	call->link = NULL;
	call->until_ns = monotonic_ns() + (uint64_t)call->limit_ms * 1000000;
	call->retries = 0;
	call->type = type;
	call->status = 0;
	call->problem = PROBLEM_NONE;
	call->message = "";
	call->signing_key = NULL;
	call->reply = BUF_INIT(CHECK_RESULT_MAX);
	call_move(call, &call->line->waiting);
	line_advance(call->line);
}

void
fanout_give_up(struct call *call)
{
	struct fanout_line *line = call->line;

	/* What runs on for nobody is still work of the endpoint's. */
	if (call->slot == NULL)
		line_leave(line);
	if (call->link != NULL)
		call->message = h2_peer_give_up(call);
	else if (call->slot != NULL)
		call->message = h1_peer_give_up(call);
	else
		call->message = line->plain || line->h1.chosen || h2_peer_ready(&line->h2) ?
		    "no connection was free" : "the connection was not established";
	call_move(call, NULL);
	buf_free(&call->reply);
	/* Not now: the owner may be giving up calls that wait in line, too. */
	line_wake(line);
}

uint64_t
call_took_ns(const struct call *call)
{
	return monotonic_ns() - (call->until_ns - (uint64_t)call->limit_ms * 1000000);
}

void
call_trace(const struct call *call, char text[TRACEPARENT_TEXT])
{
	struct trace t = call->body->trace;

	memcpy(t.span, call->span, sizeof(t.span));
	trace_text(&t, text);
}

struct fanout_body *
fanout_body_new(size_t max)
{
	struct fanout_body *body = malloc(sizeof(*body));

	if (body != NULL)
		*body = (struct fanout_body){ .text = BUF_INIT(max), .users = 1,
		    .trace = { .flags = 0 }, .tracestate = NULL };
	return body;
}

void
fanout_body_free(struct fanout_body *body)
{
	if (body == NULL || --body->users > 0)
		return;
	buf_free(&body->text);
	free(body->tracestate);
	free(body);
}

/* ---- life ---- */

static bool
clock_init(struct fanout *f, int64_t tick_ms)
{
	struct timeval tv;

	f->tick_ms = tick_ms > 0 ? tick_ms : TICK_MS;
	tv = (struct timeval){ f->tick_ms / 1000, f->tick_ms % 1000 * 1000 };
	f->wake = evtimer_new(f->base, on_wake, f);
	f->tick = event_new(f->base, -1, EV_PERSIST, on_tick, f);
	return f->wake != NULL && f->tick != NULL && event_add(f->tick, &tv) == 0;
}

/* Lines that can be freed, whatever happens to them until then. */
static bool
lines_new(struct fanout *f)
{
	size_t count = 0;

	for (size_t i = 0; i < f->fleet->count; i++)
		count += perspective_endpoints(&f->fleet->members[i]);
	f->lines = calloc(count > 0 ? count : 1, sizeof(*f->lines));
	if (f->lines == NULL)
		return false;
	f->line_count = count;
	for (size_t i = 0; i < count; i++)
		h2_peer_init(&f->lines[i].h2);
	return true;
}

/* A group a perspective, with a line an endpoint. */
static bool
groups_init(struct fanout *f, const struct fanout_config *cfg, struct buf *why)
{
	struct fanout_line *line = f->lines;

	for (size_t i = 0; i < f->fleet->count; i++) {
		const struct perspective *p = &f->fleet->members[i];
		struct fanout_group *group = &f->groups[i];

		group->lines = line;
		balance_init(&group->balance, perspective_endpoints(p), cfg->eject_after > 0 ?
		    cfg->eject_after : EJECT_AFTER, cfg->probe_ms > 0 ? cfg->probe_ms : PROBE_MS);
		for (size_t k = 0; k < group->balance.count; k++, line++) {
			line->fanout = f;
			line->perspective = p;
			if (!line_init(line, group, perspective_url(p, k), cfg->tls, why))
				return false;
		}
	}
	return true;
}

struct fanout *
fanout_new(struct event_base *base, const struct fanout_config *cfg, struct buf *why)
{
	struct fanout *f = calloc(1, sizeof(*f));

	if (f == NULL)
		goto fail;
	f->base = base;
	f->fleet = cfg->fleet;
	f->connections = cfg->connections;
	f->on_news = cfg->on_news;
	f->arg = cfg->arg;
	if (!lines_new(f))
		goto fail;
	if (cfg->tls != NULL && (f->tls = tls_client_new(cfg->tls, why)) == NULL)
		goto fail;
	f->multi = multi_new(base, (long)(cfg->connections * f->line_count));
	if (f->multi == NULL || !clock_init(f, cfg->tick_ms))
		goto fail;
	if (!groups_init(f, cfg, why))
		goto fail;
	return f;
fail:
	if (why->len == 0)
		buf_adds(why, "out of memory");
	fanout_free(f);
	return NULL;
}

void
fanout_free(struct fanout *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->line_count; i++)
		line_free(&f->lines[i]);
	/* Closes the connections, which needs the contexts made from `tls`. */
	multi_free(f->multi);
	if (f->wake != NULL)
		event_free(f->wake);
	if (f->tick != NULL)
		event_free(f->tick);
	tls_client_free(f->tls);
	free(f->lines);
	free(f);
}

void
fanout_recheck(struct fanout *older, const struct fanout *now)
{
	if (older->tls == NULL || now->tls == NULL)
		return;
	tls_client_trust_as(older->tls, now->tls);
	older->rechecked = true;
	for (size_t i = 0; i < older->line_count; i++)
		if (older->lines[i].own_tls == NULL && !older->lines[i].plain)
			line_recheck(&older->lines[i]);
}

int64_t
fanout_expires_s(const struct fanout *f, size_t perspective)
{
	const struct fanout_group *group = &f->groups[perspective];
	int64_t first = 0, s;

	for (size_t i = 0; i < group->balance.count; i++) {
		s = group->lines[i].peer.expires_s;
		if (s != 0 && (first == 0 || s < first))
			first = s;
	}
	return first;
}

size_t
fanout_ejected(const struct fanout *f, size_t perspective)
{
	return balance_ejected(&f->groups[perspective].balance);
}
