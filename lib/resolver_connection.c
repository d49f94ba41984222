#include "resolver_inner.h"

#include <string.h>

#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "log.h"
#include "monotonic.h"

#define NO_SLOT		UINT16_MAX
#define FRAME_HEAD	2	/* RFC 1035 4.2.2 */

void
connection_drop(struct connection *c)
{
	struct resolver *r = c->resolver;
	struct resolver_query *q;

	if (c->bev != NULL)
		bufferevent_free(c->bev);
	c->bev = NULL;
	c->state = CLOSED;
	c->pulse_ns = 0;
	for (size_t i = 0; i < RESOLVER_SLOTS && c->busy > 0; i++) {
		if (!c->slots[i].busy)
			continue;
		c->busy--;
		q = c->slots[i].query;
		c->slots[i] = (struct slot){ 0 };
		if (q == NULL)
			continue;
		c->live--;
		q->connection = NULL;
		query_list_add(q->resent ? &r->lost : &r->waiting, q);
		q->resent = true;
	}
	while ((q = TAILQ_FIRST(&r->lost)) != NULL)
		query_unreachable(q, "broke the connection twice");
}

/* Hands a reply to its question; a place whose question ended is just freed. */
static void
connection_reply(struct connection *c, const struct dns_reply *reply)
{
	struct slot *s = &c->slots[reply->id];
	struct resolver_query *q = s->query;
	struct resolver_answer answer = {
		.evidence = reply->evidence, .evidence_len = reply->evidence_len,
	};

	s->busy = false;
	s->query = NULL;
	c->busy--;
	if (q == NULL)
		return;
	c->live--;
	if (reply->evidence == NULL) {
		answer.problem = PROBLEM_RESOLVER_NO_EVIDENCE;
		answer.message = "the resolver answered without evidence: its mpic module did not run";
	}
	q->connection = NULL;
	query_end(q, &answer);
}

/* One whole message off the front of the input; false when there is none yet. */
static bool
connection_frame(struct connection *c, struct evbuffer *in, bool *broken)
{
	uint8_t head[FRAME_HEAD];
	struct dns_reply reply;
	const uint8_t *message;
	size_t len;

	if (evbuffer_copyout(in, head, sizeof(head)) < (ssize_t)sizeof(head))
		return false;
	len = (size_t)(head[0] << 8 | head[1]);
	if (evbuffer_get_length(in) < FRAME_HEAD + len)
		return false;
	message = evbuffer_pullup(in, (ssize_t)(FRAME_HEAD + len));
	if (message == NULL || !dns_reply_decode(&reply, message + FRAME_HEAD, len) ||
	    reply.id >= RESOLVER_SLOTS || !c->slots[reply.id].busy) {
		*broken = true;
		return false;
	}
	connection_reply(c, &reply);
	evbuffer_drain(in, FRAME_HEAD + len);
	return true;
}

/*
 * Unbound's side of the connection has Nagle's algorithm: a reply waits there
 * until we acknowledge the one before, which we would take our time over (40 ms).
 */
static void
acknowledge_now(struct bufferevent *bev)
{
	int one = 1;

	setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

static void
connection_read(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;
	bool broken = false;

	acknowledge_now(bev);
	c->heard = true;
	c->pulse_ns = 0;
	/* whoever takes a reply may cancel the last question, and so end the connection */
	while (c->bev == bev && connection_frame(c, bufferevent_get_input(bev), &broken))
		;
	if (broken) {
		log_error("the resolver sent what is no reply to any question: connection closed");
		connection_drop(c);
	}
	resolver_pump(c->resolver);
}

/* It could not be made; said once until one can. */
static void
connection_failed(struct connection *c, const char *why)
{
	struct resolver *r = c->resolver;

	if (r->failures++ == 0)
		log_warning("cannot connect to the resolver", "error", why);
	connection_drop(c);
	resolver_retry_later(r);
}

static void
connection_event(struct bufferevent *bev, short what, void *arg)
{
	struct connection *c = arg;
	struct resolver *r = c->resolver;

	if (what & BEV_EVENT_CONNECTED) {
		int one = 1;

		setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		acknowledge_now(bev);
		bufferevent_set_timeouts(bev, NULL, NULL);
		c->state = OPEN;
		r->failures = 0;
		resolver_pump(r);
		return;
	}
	if (c->state == OPEN) {
		bool asked = c->live > 0;

		connection_drop(c);
		/* Not at once: an Unbound that dies breaks every connection, new ones too. */
		if (asked)
			resolver_retry_later(r);
		else
			resolver_pump(r);
	} else {
		connection_failed(c, what & BEV_EVENT_TIMEOUT ? "timed out" :
		    evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
	}
}

void
connection_open(struct connection *c)
{
	struct resolver *r = c->resolver;
	struct timeval timeout = {
		.tv_sec = r->cfg.connect_timeout_ms / 1000,
		.tv_usec = r->cfg.connect_timeout_ms % 1000 * 1000,
	};

	c->bev = bufferevent_socket_new(r->base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (c->bev == NULL) {
		connection_failed(c, "out of memory");
		return;
	}
	c->state = CONNECTING;
	bufferevent_setcb(c->bev, connection_read, NULL, connection_event, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	bufferevent_set_timeouts(c->bev, NULL, &timeout);
	if (bufferevent_socket_connect(c->bev, (struct sockaddr *)&r->cfg.address.addr,
	    (int)r->cfg.address.len) != 0)
		connection_failed(c, evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}

static uint16_t
connection_slot(struct connection *c)
{
	if (c->busy == RESOLVER_SLOTS)
		return NO_SLOT;
	while (c->slots[c->next_free].busy)
		c->next_free = (uint16_t)((c->next_free + 1) % RESOLVER_SLOTS);
	return c->next_free;
}

/* A question's frame into the slot; false without memory. */
static bool
connection_write(struct connection *c, const struct dns_question *question, uint16_t slot)
{
	uint8_t frame[FRAME_HEAD + DNS_QUESTION_MAX];
	size_t len = dns_question_encode(question, slot, frame + FRAME_HEAD);

	frame[0] = (uint8_t)(len >> 8);
	frame[1] = (uint8_t)len;
	if (bufferevent_write(c->bev, frame, FRAME_HEAD + len) != 0)
		return false;
	c->slots[slot] = (struct slot){ .busy = true };
	c->next_free = (uint16_t)((slot + 1) % RESOLVER_SLOTS);
	c->busy++;
	return true;
}

bool
connection_send(struct connection *c, struct resolver_query *q)
{
	uint16_t slot = connection_slot(c);

	if (slot == NO_SLOT || !connection_write(c, &q->question, slot))
		return false;
	query_list_remove(q);
	c->slots[slot].query = q;
	c->live++;
	q->connection = c;
	q->slot = slot;
	return true;
}

/* ---- signs of life ---- */

/* A question that needs no name server; its reply is a late one's that nobody waits for. */
void
connection_pulse(struct connection *c)
{
	static const struct dns_question question = {
		.name = { .text = "pulse", .len = 5 },
		.type = DNS_TYPE_CAA,
		.option = { .operation = MPIC_STATS },
	};
	uint16_t slot;

	if (c->state != OPEN)
		return;
	if (!c->heard && c->live > 0 && c->pulse_ns == 0) {
		slot = connection_slot(c);
		if (slot != NO_SLOT && connection_write(c, &question, slot))
			c->pulse_ns = monotonic_ns();
	}
	c->heard = false;
}

bool
connection_is_hung(const struct connection *c)
{
	return c->pulse_ns != 0 &&
	    monotonic_ns() - c->pulse_ns >= RESOLVER_PULSE_MS * UINT64_C(1000000);
}
