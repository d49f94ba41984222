#include "appliance/notice.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "buf.h"
#include "monotonic.h"

/* Each steps on when its socket lets it, and is gone after `until_ns` wherever it stands. */
struct caller {
	int fd;			/* -1: the place is free */
	enum { ASKING, ANSWERED, LEAVING } state;
	uint64_t until_ns;
	struct buf answer;
	size_t sent;
};

struct notice {
	int listen_fd, stop_fd;
	pthread_t thread;
	pthread_mutex_t lock;	/* of `text` alone */
	struct buf text;
	struct caller callers[NOTICE_CALLERS_MAX];	/* the thread's */
};

/* ---- one caller ---- */

static void
caller_end(struct caller *c)
{
	close(c->fd);
	c->fd = -1;
	buf_free(&c->answer);
}

static void
caller_begin(struct caller *c, int fd)
{
	*c = (struct caller){ .fd = fd, .state = ASKING,
		.until_ns = monotonic_ns() + NOTICE_CALLER_MS * UINT64_C(1000000),
		.answer = BUF_INIT(NOTICE_TEXT_MAX + 1024) };
}

static void
caller_write_answer(struct caller *c, struct notice *n)
{
	pthread_mutex_lock(&n->lock);
	buf_addf(&c->answer, "HTTP/1.1 503 Service Unavailable\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
	    "Retry-After: 30\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n", n->text.len);
	if (n->text.len > 0)
		buf_add(&c->answer, n->text.data, n->text.len);
	pthread_mutex_unlock(&n->lock);
}

/* Takes bytes off the socket; false when the caller is gone. What they say is all the same. */
static bool
caller_asked(const struct caller *c)
{
	char block[4096];
	ssize_t got = read(c->fd, block, sizeof(block));

	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* False: this caller is done with. */
static bool
caller_send(struct caller *c)
{
	ssize_t n;

	if (c->answer.failed)
		return false;
	n = send(c->fd, c->answer.data + c->sent, c->answer.len - c->sent, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->sent += (size_t)n;
	if (c->sent < c->answer.len)
		return true;
	/* Until it closes, too: unread bytes would have the kernel take the answer back. */
	shutdown(c->fd, SHUT_WR);
	c->state = LEAVING;
	return true;
}

static void
caller_step(struct caller *c, struct notice *n, short ready)
{
	bool stays = true;

	if (c->state == ANSWERED) {
		stays = caller_send(c);
	} else if (ready != 0) {
		stays = caller_asked(c);
		if (stays && c->state == ASKING) {
			caller_write_answer(c, n);
			c->state = ANSWERED;
			stays = caller_send(c);
		}
	}
	if (!stays || monotonic_ns() >= c->until_ns)
		caller_end(c);
}

/* ---- all of them ---- */

static struct caller *
free_place(struct notice *n)
{
	for (size_t i = 0; i < NOTICE_CALLERS_MAX; i++)
		if (n->callers[i].fd == -1)
			return &n->callers[i];
	return NULL;
}

/* One set of sockets to wait for: stop, listen unless all places are taken, callers. */
static size_t
gather(struct notice *n, struct pollfd *fds, struct caller **whose)
{
	size_t count = 0;

	fds[count++] = (struct pollfd){ .fd = n->stop_fd, .events = POLLIN };
	fds[count++] = (struct pollfd){ .fd = free_place(n) != NULL ? n->listen_fd : -1,
		.events = POLLIN };
	for (size_t i = 0; i < NOTICE_CALLERS_MAX; i++) {
		struct caller *c = &n->callers[i];

		if (c->fd == -1)
			continue;
		whose[count] = c;
		fds[count++] = (struct pollfd){ .fd = c->fd,
			.events = c->state == ANSWERED ? POLLOUT : POLLIN };
	}
	return count;
}

static void
take_caller(struct notice *n)
{
	struct caller *c = free_place(n);
	int fd = accept4(n->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	if (c != NULL)
		caller_begin(c, fd);
	else
		close(fd);
}

/* Half a second, so that a deadline is kept though nothing happens. */
#define TURN_MS	500

static void *
serve(void *arg)
{
	struct notice *n = arg;
	struct pollfd fds[NOTICE_CALLERS_MAX + 2];
	struct caller *whose[NOTICE_CALLERS_MAX + 2];
	size_t count;

	for (;;) {
		count = gather(n, fds, whose);
		if (poll(fds, count, count > 2 ? TURN_MS : -1) == -1)
			continue;
		if (fds[0].revents != 0)
			break;
		for (size_t i = 2; i < count; i++)
			caller_step(whose[i], n, fds[i].revents);
		if (fds[1].revents != 0)
			take_caller(n);
	}
	for (size_t i = 0; i < NOTICE_CALLERS_MAX; i++)
		if (n->callers[i].fd != -1)
			caller_end(&n->callers[i]);
	return NULL;
}

/* IPv6 that takes IPv4 too; IPv4 alone where the kernel has no IPv6. -1 with errno. */
static int
listen_everywhere(uint16_t port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int off = 0, on = 1, error;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr *address = (const struct sockaddr *)&six;
	socklen_t len = sizeof(six);

	if (fd == -1) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		address = (const struct sockaddr *)&four;
		len = sizeof(four);
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	}
	if (fd == -1)
		return -1;
	/* the daemon's socket comes right after this one: no TIME_WAIT may be in its way */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address, len) == 0 && listen(fd, NOTICE_CALLERS_MAX) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* ---- the step's side ---- */

struct notice *
notice_new(uint16_t port, const char *text)
{
	struct notice *n = calloc(1, sizeof(*n));
	int error;

	if (n == NULL)
		return NULL;
	for (size_t i = 0; i < NOTICE_CALLERS_MAX; i++)
		n->callers[i].fd = -1;
	pthread_mutex_init(&n->lock, NULL);
	n->text = BUF_INIT(NOTICE_TEXT_MAX);
	n->stop_fd = eventfd(0, EFD_CLOEXEC);
	n->listen_fd = n->stop_fd != -1 ? listen_everywhere(port) : -1;
	notice_say(n, text);
	if (n->listen_fd != -1 && (errno = pthread_create(&n->thread, NULL, serve, n)) == 0)
		return n;
	error = errno;
	if (n->listen_fd != -1)
		close(n->listen_fd);
	if (n->stop_fd != -1)
		close(n->stop_fd);
	pthread_mutex_destroy(&n->lock);
	buf_free(&n->text);
	free(n);
	errno = error;
	return NULL;
}

void
notice_say(struct notice *n, const char *text)
{
	if (n == NULL)
		return;
	pthread_mutex_lock(&n->lock);
	buf_reset(&n->text);
	buf_add(&n->text, text, strnlen(text, NOTICE_TEXT_MAX));
	pthread_mutex_unlock(&n->lock);
}

void
notice_free(struct notice *n)
{
	const uint64_t one = 1;

	if (n == NULL)
		return;
	/* cannot fail: the counter is far from full */
	if (write(n->stop_fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
		pthread_join(n->thread, NULL);
	close(n->listen_fd);
	close(n->stop_fd);
	pthread_mutex_destroy(&n->lock);
	buf_free(&n->text);
	free(n);
}
