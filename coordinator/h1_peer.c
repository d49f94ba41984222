#include "coordinator/h1_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/call_headers.h"
#include "coordinator/fanout_line.h"
#include "coordinator/reply.h"
#include "monotonic.h"

/*
 * Handshakes with one perspective at a time. More would take both sides so long
 * that they time out, and calls that end free connections meanwhile.
 */
#define CONNECTING_MAX	16

/*
 * Room for one call at a time. Each has a libcurl handle of its own: libcurl 7.88
 * takes a reply whose first field is folded for more of the last field of the
 * handle's reply before, which it has freed. Connections are the multi's.
 */
struct h1_slot {
	struct transfer transfer;	/* first; without a handle when idle */
	struct fanout_line *line;
	struct call *call;	/* NULL: idle, or running on for nobody */
	struct fanout_body *body;	/* what is being sent; NULL: idle */
	bool warm;		/* under way, or its last call left a connection open */
	bool connecting;
	bool orphan;		/* running on for nobody */
	/* The headers of the call: these, where it has a trace, before the line's. */
	struct curl_slist parent, state;
	char parent_text[sizeof("traceparent: ") + TRACEPARENT_TEXT];
	char *state_text;	/* owned; or NULL */
	struct h1_slot *next, *next_idle;
	char error[CURL_ERROR_SIZE];
};

static size_t
on_reply(char *bytes, size_t size, size_t n, void *arg)
{
	struct h1_slot *slot = arg;
	struct call *call = slot->call;

	if (call == NULL)
		return size * n;
	buf_add(&call->reply, bytes, size * n);
	return call->reply.failed ? 0 : size * n;
}

static void
slot_connected(struct h1_slot *slot)
{
	slot->line->h1.connecting -= slot->connecting;
	slot->connecting = false;
}

/* The connection stands, the request goes out next. */
static int
on_connected(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct h1_slot *slot = arg;

	slot_connected(slot);
	line_wake(slot->line);
	return CURL_PREREQFUNC_OK;
}

/* A handle for the call to come. */
static bool
slot_prepare(struct h1_slot *slot)
{
	struct fanout_line *line = slot->line;
	CURL *e = curl_easy_init();

	slot->transfer.easy = e;
	slot->error[0] = '\0';
	return e != NULL && multi_adopt(line->fanout->multi, &slot->transfer) &&
	    line_prepare(line, e, NULL) &&
	    curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_reply) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, slot) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PREREQDATA, slot) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, slot->error) == CURLE_OK;
}

static void
slot_warm(struct h1_slot *slot, bool warm)
{
	struct h1_peer *h1 = &slot->line->h1;

	h1->warm += (size_t)warm - (size_t)slot->warm;
	slot->warm = warm;
	/* What it speaks is to be found out anew. */
	if (h1->warm == 0)
		h1->chosen = false;
}

static void
slot_release(struct h1_slot *slot)
{
	struct h1_peer *h1 = &slot->line->h1;

	slot->call = NULL;
	if (slot->orphan)
		line_leave(slot->line);
	slot->orphan = false;
	slot_connected(slot);
	curl_easy_cleanup(slot->transfer.easy);
	slot->transfer.easy = NULL;
	fanout_body_free(slot->body);
	slot->body = NULL;
	free(slot->state_text);
	slot->state_text = NULL;
	slot->next_idle = h1->idle;
	h1->idle = slot;
}

static void
on_ended(struct transfer *t, CURLcode code)
{
	struct h1_slot *slot = (struct h1_slot *)t;
	struct fanout_line *line = slot->line;
	struct call *call = slot->call;

	slot_warm(slot, code == CURLE_OK);
	if (call != NULL) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &call->status);
		if (code == CURLE_OK)
			reply_judge(call);
		else if (call->reply.failed)
			reply_too_long(call);
		else
			reply_unreachable(call, code, slot->error);
		call->slot = NULL;
		call->signing_key = line_signing_key(line, line->peer.signing_key);
	}
	slot_release(slot);
	if (call != NULL)
		call_end(call);
	line_advance(line);
}

static struct h1_slot *
slot_new(struct fanout_line *line)
{
	struct h1_slot *slot = calloc(1, sizeof(*slot));

	if (slot == NULL)
		return NULL;
	slot->transfer.ended = on_ended;
	slot->line = line;
	slot->next = line->h1.slots;
	line->h1.slots = slot;
	line->h1.count++;
	return slot;
}

/* NULL in `*slot` when there is no memory for one. */
static bool
slot_take(struct fanout_line *line, struct h1_slot **slot)
{
	struct h1_peer *h1 = &line->h1;

	*slot = h1->idle;
	if ((*slot == NULL || !(*slot)->warm) && h1->connecting >= CONNECTING_MAX)
		return false;
	if (*slot != NULL)
		h1->idle = (*slot)->next_idle;
	else if (h1->count < line->fanout->connections)
		*slot = slot_new(line);
	else
		return false;
	return true;
}

/* What is left of its limit; for libcurl 0 would be none. */
static long
time_left_ms(const struct call *call)
{
	uint64_t now = monotonic_ns();

	return call->until_ns > now ? (long)((call->until_ns - now) / 1000000) + 1 : 1;
}

/*
 * Connections older than the expiry of the certificates that they were made with
 * are closed instead of used; libcurl knows how old they are, in seconds.
 */
static bool
slot_renounce(struct h1_slot *slot)
{
	uint64_t expired_ns = slot->line->h1.expired_ns, age_s;

	if (expired_ns == 0)
		return true;
	age_s = (monotonic_ns() - expired_ns) / 1000000000U;
	return curl_easy_setopt(slot->transfer.easy, CURLOPT_MAXLIFETIME_CONN,
	    age_s > 0 ? (long)age_s : 1L) == CURLE_OK;
}

/* The list is in the slot itself: libcurl reads it until the call is over, which may be given up. */
static struct curl_slist *
slot_headers(struct h1_slot *slot, const struct call *call)
{
	char parent[TRACEPARENT_TEXT];

	call_trace(call, parent);
	if (parent[0] == '\0')
		return slot->line->h1.headers;
	snprintf(slot->parent_text, sizeof(slot->parent_text), "traceparent: %s", parent);
	slot->parent = (struct curl_slist){ slot->parent_text, slot->line->h1.headers };
	if (call->body->tracestate != NULL && asprintf(&slot->state_text, "tracestate: %s",
	    call->body->tracestate) < 0)
		slot->state_text = NULL;
	if (slot->state_text == NULL)
		return &slot->parent;
	slot->state = (struct curl_slist){ slot->state_text, &slot->parent };
	return &slot->state;
}

static bool
slot_start(struct h1_slot *slot, struct call *call)
{
	struct fanout_line *line = slot->line;
	CURL *e;

	slot->call = call;
	slot->body = call->body;
	slot->body->users++;
	slot->connecting = !slot->warm;
	line->h1.connecting += slot->connecting;
	if (!slot_prepare(slot))
		return false;
	e = slot->transfer.easy;
	if (curl_easy_setopt(e, CURLOPT_URL, line->urls[call->type]) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_HTTPHEADER, slot_headers(slot, call)) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->body->text.data) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)call->body->text.len) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, time_left_ms(call)) != CURLE_OK ||
	    !slot_renounce(slot) ||
	    !multi_add(line->fanout->multi, &slot->transfer))
		return false;
	call->slot = slot;
	slot_warm(slot, true);
	return true;
}

bool
h1_peer_start(struct fanout_line *line, struct call *call)
{
	struct h1_slot *slot;

	if (!slot_take(line, &slot))
		return false;
	call_move(call, NULL);
	if (slot != NULL && slot_start(slot, call))
		return true;
	if (slot != NULL)
		slot_release(slot);
	reply_unasked(call, "libcurl could not start the transfer");
	call_end(call);
	return true;
}

const char *
h1_peer_give_up(struct call *call)
{
	curl_off_t sent_us = 0;

	curl_easy_getinfo(call->slot->transfer.easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	call->slot->call = NULL;
	call->slot->orphan = true;
	call->slot = NULL;
	return sent_us > 0 ? "connected, no answer came" : "the connection was not established";
}

static bool
add_line(struct fanout_line *line, const char *text)
{
	struct curl_slist *longer = curl_slist_append(line->h1.headers, text);

	if (longer == NULL)
		return false;
	line->h1.headers = longer;
	return true;
}

/* What the perspective's configuration adds. */
static bool
add_configured(struct fanout_line *line)
{
	const struct call_headers *h = line->perspective->headers;
	char text[CALL_HEADER_MAX + 8];
	bool ok = true;

	for (size_t i = 0; h != NULL && i < h->count && ok; i++) {
		snprintf(text, sizeof(text), "%s: %s", h->list[i].name, h->list[i].value);
		ok = add_line(line, text);
	}
	explicit_bzero(text, sizeof(text));
	return ok;
}

void
h1_peer_tick(struct fanout_line *line)
{
	struct h1_peer *h1 = &line->h1;
	int64_t expires_s = line_expires_s(line);

	if (expires_s == 0 || time(NULL) < expires_s || h1->expired_s == expires_s)
		return;
	h1->expired_s = expires_s;
	h1->expired_ns = monotonic_ns();
}

void
h1_peer_recheck(struct fanout_line *line)
{
	struct call_list failed = { TAILQ_HEAD_INITIALIZER(failed.calls) };
	char reason[TLS_REASON_MAX];
	struct call *call;

	line->h1.expired_ns = monotonic_ns();
	for (struct h1_slot *slot = line->h1.slots; slot != NULL; slot = slot->next) {
		call = slot->call;
		if (call == NULL || line_trusts(line, slot->transfer.easy, reason))
			continue;
		slot->call = NULL;
		call->slot = NULL;
		call_move(call, &failed);
	}
	while ((call = TAILQ_FIRST(&failed.calls)) != NULL) {
		reply_missing(call, reason);
		call_end(call);
	}
}

bool
h1_peer_init(struct fanout_line *line)
{
	/* libcurl's own Accept and its wait for 100-continue are of no use here. */
	static const char *const lines[] = { "Content-Type: application/json", "Accept:",
		"Expect:" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!add_line(line, lines[i]))
			return false;
	return add_configured(line);
}

void
h1_peer_free(struct fanout_line *line)
{
	struct h1_slot *slot;

	while ((slot = line->h1.slots) != NULL) {
		line->h1.slots = slot->next;
		if (slot->transfer.easy != NULL)
			multi_remove(line->fanout->multi, &slot->transfer);
		fanout_body_free(slot->body);
		free(slot->state_text);
		curl_easy_cleanup(slot->transfer.easy);
		free(slot);
	}
	for (struct curl_slist *l = line->h1.headers; l != NULL; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(line->h1.headers);
}
