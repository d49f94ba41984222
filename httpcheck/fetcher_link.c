#include "httpcheck/fetcher_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event_struct.h>
#include <sys/socket.h>

#include "httpcheck/fetch.h"
#include "wire.h"

#define HEAD		4
#define WAITING_MAX	((size_t)64 * 1024 * 1024)	/* bytes that the socket does not take */

struct fetcher_link {
	struct fetcher_link_owner owner;
	int fd;
	struct event in, out;
	struct evbuffer *waiting;
	size_t have;			/* bytes of `input` */
	uint8_t input[HEAD + FETCH_MESSAGE_MAX];
};

/* The length of the message at the front; false if it is none. */
static bool
front(const struct fetcher_link *l, size_t at, size_t *len)
{
	struct wire_reader r;

	wire_reader_init(&r, l->input + at, HEAD);
	*len = wire_u32(&r);
	return *len > 0 && *len <= FETCH_MESSAGE_MAX;
}

/* Hands on every whole message. */
static bool
deliver(struct fetcher_link *l)
{
	size_t at = 0, len;

	while (l->have - at >= HEAD) {
		if (!front(l, at, &len))
			return false;
		if (l->have - at - HEAD < len)
			break;
		if (!l->owner.message(l->owner.arg, l->input + at + HEAD, len))
			return false;
		at += HEAD + len;
	}
	l->have -= at;
	if (at > 0)
		memmove(l->input, l->input + at, l->have);
	return true;
}

static void
on_in(evutil_socket_t fd, short what, void *arg)
{
	struct fetcher_link *l = arg;
	ssize_t n = recv(fd, l->input + l->have, sizeof(l->input) - l->have, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		l->have += (size_t)n;
		if (deliver(l))
			return;
	}
	event_del(&l->in);
	event_del(&l->out);
	l->owner.end(l->owner.arg);
}

static void
on_out(evutil_socket_t fd, short what, void *arg)
{
	struct fetcher_link *l = arg;

	/* a broken socket is seen where it is read */
	if (evbuffer_write(l->waiting, fd) < 0 && errno != EAGAIN && errno != EINTR)
		evbuffer_drain(l->waiting, evbuffer_get_length(l->waiting));
	if (evbuffer_get_length(l->waiting) == 0)
		event_del(&l->out);
}

struct fetcher_link *
fetcher_link_new(struct event_base *base, int fd, const struct fetcher_link_owner *owner)
{
	struct fetcher_link *l = malloc(sizeof(*l));	/* the input need not be zero */

	if (l == NULL)
		return NULL;
	l->owner = *owner;
	l->fd = fd;
	l->have = 0;
	l->waiting = evbuffer_new();
	event_assign(&l->in, base, fd, EV_READ | EV_PERSIST, on_in, l);
	event_assign(&l->out, base, fd, EV_WRITE | EV_PERSIST, on_out, l);
	if (l->waiting == NULL || event_add(&l->in, NULL) != 0) {
		l->fd = -1;
		fetcher_link_free(l);
		return NULL;
	}
	return l;
}

void
fetcher_link_free(struct fetcher_link *l)
{
	if (l == NULL)
		return;
	event_del(&l->in);
	event_del(&l->out);
	if (l->waiting != NULL)
		evbuffer_free(l->waiting);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

void
fetcher_link_begin(struct buf *message)
{
	buf_reset(message);
	buf_add(message, "\0\0\0", HEAD);
}

void
fetcher_link_put_id(struct buf *message, uint64_t id)
{
	uint8_t bytes[8];
	struct wire_writer w;

	wire_writer_init(&w, bytes, sizeof(bytes));
	wire_put_u64(&w, id);
	buf_add(message, bytes, sizeof(bytes));
}

bool
fetcher_link_send(struct fetcher_link *l, struct buf *message)
{
	size_t waiting = evbuffer_get_length(l->waiting);
	struct wire_writer w;
	ssize_t n = 0;

	if (message->failed || message->len - HEAD > FETCH_MESSAGE_MAX ||
	    waiting + message->len > WAITING_MAX)
		return false;
	wire_writer_init(&w, message->data, HEAD);
	wire_put_u32(&w, (uint32_t)(message->len - HEAD));
	if (waiting == 0)
		n = send(l->fd, message->data, message->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == (ssize_t)message->len)
		return true;
	if (n < 0)
		n = 0;		/* full; or broken, which is seen where it is read */
	return evbuffer_add(l->waiting, message->data + n, message->len - (size_t)n) == 0 &&
	    event_add(&l->out, NULL) == 0;
}
