#include "stand_in.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#define LINKS_MAX	64
#define HEAD_LEN	12
#define UNUSED_ID	0xfff0

/* A connection, and a question held on one. */
struct link {
	struct stand_in *server;
	struct bufferevent *bev;
};

struct held {
	struct link *link;
	uint8_t head[HEAD_LEN];
	char name[64];
};

struct stand_in {
	struct event_base *base;
	struct evconnlistener *listener;
	enum stand_in_script script;
	struct link links[LINKS_MAX];
	size_t connections, questions, pulses;
	struct held held[STAND_IN_HELD_MAX];
	size_t held_count;
};

static void
link_close(struct link *l)
{
	struct stand_in *s = l->server;
	size_t kept = 0;

	for (size_t i = 0; i < s->held_count; i++)
		if (s->held[i].link != l)
			s->held[kept++] = s->held[i];
	s->held_count = kept;
	if (l->bev != NULL)
		bufferevent_free(l->bev);
	l->bev = NULL;
}

/* The first label asked, so that a reply can be told from another's. */
static void
name_label(char out[64], const uint8_t *question)
{
	size_t len = question[0] < 64 ? question[0] : 0;

	memcpy(out, question + 1, len);
	out[len] = '\0';
}

/* A reply without a question section; its evidence is the label asked. */
static size_t
reply_make(uint8_t out[128], const struct held *h, bool option)
{
	size_t label = strlen(h->name), len = HEAD_LEN;

	memcpy(out, h->head, 2);
	memcpy(out + 2, "\x81\x80\0\0\0\0\0\0\0\1", 10);
	memcpy(out + len, "\0\0\x29\xfd\xe8\0\0\0\0\0", 10);
	len += 10;
	out[len++] = option ? (uint8_t)(4 + label) : 0;
	if (!option)
		return len;
	memcpy(out + len, "\xff\xa3\0", 3);
	out[len + 3] = (uint8_t)label;
	memcpy(out + len + 4, h->name, label);
	return len + 4 + label;
}

static void
link_send(struct link *l, const uint8_t *message, size_t len)
{
	uint8_t frame[2 + 128] = { 0, (uint8_t)len };
	int fd = bufferevent_getfd(l->bev);

	memcpy(frame + 2, message, len);
	if (l->server->script != DRIBBLE) {
		bufferevent_write(l->bev, frame, 2 + len);
		return;
	}
	for (size_t i = 0; i < 2 + len; i++) {
		if (write(fd, frame + i, 1) != 1)
			abort();
		usleep(200);
	}
}

static void
held_answer(const struct held *h)
{
	uint8_t message[128];

	link_send(h->link, message, reply_make(message, h, h->link->server->script != BARE));
}

/* False when the link is gone. */
static bool
link_question(struct link *l, const uint8_t *message)
{
	struct stand_in *s = l->server;
	struct held h = { .link = l };

	memcpy(h.head, message, HEAD_LEN);
	name_label(h.name, message + HEAD_LEN);
	if (s->script == HOLD && strcmp(h.name, "pulse") == 0) {
		s->pulses++;
		held_answer(&h);
		return true;
	}
	s->questions++;
	switch (s->script) {
	case HUNG:
		return true;
	case HOLD:
		if (s->held_count == STAND_IN_HELD_MAX)
			abort();
		s->held[s->held_count++] = h;
		return true;
	case BREAK_ONCE:
		s->script = ANSWER;
		/* fall through */
	case BREAK:
		link_close(l);
		return false;
	case GARBAGE_ONCE:
		s->script = ANSWER;
		/* fall through */
	case GARBAGE:
		link_send(l, (const uint8_t *)"\xff\xff\xff\xff\xff", 5);
		return true;
	case STRANGER:
		h.head[0] = UNUSED_ID >> 8;
		h.head[1] = UNUSED_ID & 0xff;
		break;
	default:
		break;
	}
	held_answer(&h);
	return true;
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct link *l = arg;
	bool open = true;

	while (open && evbuffer_get_length(in) >= 2) {
		uint8_t frame[2 + 512];
		size_t len;

		evbuffer_copyout(in, frame, 2);
		len = (size_t)(frame[0] << 8 | frame[1]);
		if (len > 512 || len < HEAD_LEN)
			abort();
		if (evbuffer_get_length(in) < 2 + len)
			return;
		evbuffer_remove(in, frame, 2 + len);
		open = link_question(l, frame + 2);
	}
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		link_close(arg);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len,
    void *arg)
{
	static const int on = 1;
	struct stand_in *s = arg;
	struct link *l = &s->links[s->connections++];

	if (s->connections == LINKS_MAX)
		abort();
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	l->server = s;
	l->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(l->bev, on_read, NULL, on_event, l);
	bufferevent_enable(l->bev, EV_READ | EV_WRITE);
}

struct stand_in *
stand_in_new_at(struct event_base *base, enum stand_in_script script,
    const struct endpoint *address)
{
	struct stand_in *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->base = base;
	s->script = script;
	s->listener = evconnlistener_new_bind(base, on_accept, s,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 128,
	    (const struct sockaddr *)&address->addr, (int)address->len);
	if (s->listener == NULL)
		abort();
	return s;
}

struct stand_in *
stand_in_new(struct event_base *base, enum stand_in_script script)
{
	struct endpoint any = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (struct sockaddr_in *)&any.addr;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return stand_in_new_at(base, script, &any);
}

void
stand_in_free(struct stand_in *s)
{
	if (s == NULL)
		return;
	evconnlistener_free(s->listener);
	for (size_t i = 0; i < s->connections; i++)
		link_close(&s->links[i]);
	free(s);
}

void
stand_in_script(struct stand_in *s, enum stand_in_script script)
{
	s->script = script;
}

struct endpoint
stand_in_address(const struct stand_in *s)
{
	struct endpoint e = { .len = sizeof(e.addr) };

	if (getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)&e.addr,
	    &e.len) != 0)
		abort();
	return e;
}

size_t
stand_in_connections(const struct stand_in *s)
{
	return s->connections;
}

size_t
stand_in_questions(const struct stand_in *s)
{
	return s->questions;
}

size_t
stand_in_pulses(const struct stand_in *s)
{
	return s->pulses;
}

void
stand_in_release(struct stand_in *s)
{
	while (s->held_count > 0)
		held_answer(&s->held[--s->held_count]);
}
