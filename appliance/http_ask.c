#include "appliance/http_ask.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "monotonic.h"

struct connection {
	int fd;
	uint64_t until_ns;
};

/* False, with errno, when the time is up first. */
static bool
await(const struct connection *c, short events)
{
	struct pollfd pfd = { .fd = c->fd, .events = events };
	uint64_t now, left_ms;
	int ready;

	do {
		now = monotonic_ns();
		if (now >= c->until_ns) {
			errno = ETIMEDOUT;
			return false;
		}
		left_ms = (c->until_ns - now) / 1000000 + 1;
		ready = poll(&pfd, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
	} while (ready == 0 || (ready < 0 && errno == EINTR));
	return ready > 0;
}

static bool
begin(struct connection *c, const struct endpoint *server)
{
	int error = 0;
	socklen_t len = sizeof(error);

	c->fd = socket(server->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd == -1)
		return false;
	if (connect(c->fd, (const struct sockaddr *)&server->addr, server->len) == 0)
		return true;
	if (errno != EINPROGRESS || !await(c, POLLOUT) ||
	    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return false;
	errno = error;
	return error == 0;
}

static bool
send_all(const struct connection *c, const char *text, size_t left)
{
	ssize_t n;

	while (left > 0) {
		n = send(c->fd, text, left, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n < 0 && !await(c, POLLOUT))
			return false;
		text += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* HTTP_MORE: the connection failed, with errno. */
static enum http_progress
receive(const struct connection *c, struct http_answer *answer)
{
	enum http_progress progress = HTTP_MORE;
	char block[8192];
	ssize_t n;

	while (progress == HTTP_MORE) {
		n = recv(c->fd, block, sizeof(block), 0);
		if (n > 0)
			progress = http_answer_feed(answer, block, (size_t)n);
		else if (n == 0)
			progress = http_answer_end(answer);
		else if (errno == EAGAIN || errno == EINTR) {
			if (!await(c, POLLIN))
				break;
		} else {
			break;
		}
	}
	explicit_bzero(block, sizeof(block));
	return progress;
}

bool
http_ask(const struct endpoint *server, const char *request, struct http_answer *answer,
    struct buf *why)
{
	return http_ask_until(server, request, strlen(request),
	    monotonic_ns() + HTTP_ASK_MS * UINT64_C(1000000), answer, why);
}

bool
http_ask_until(const struct endpoint *server, const char *request, size_t len,
    uint64_t until_ns, struct http_answer *answer, struct buf *why)
{
	struct connection c = { .until_ns = until_ns };
	enum http_progress progress = HTTP_MORE;

	if (begin(&c, server) && send_all(&c, request, len))
		progress = receive(&c, answer);
	if (progress == HTTP_MORE)
		buf_addf(why, "cannot be asked: %s", strerror(errno));
	else if (progress == HTTP_BAD)
		buf_addf(why, "gave an answer that %s", answer->why);
	if (c.fd != -1)
		close(c.fd);
	return progress == HTTP_DONE;
}
