#include "appliance/local_http.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "monotonic.h"

/* Until the socket can be read or written, or the time is over: false. */
static bool
wait_for(int fd, short what, uint64_t until_ns)
{
	struct pollfd pfd = { .fd = fd, .events = what };
	uint64_t now = monotonic_ns();

	return now < until_ns && poll(&pfd, 1, (int)((until_ns - now) / 1000000) + 1) == 1;
}

static int
connect_to(uint16_t port, uint64_t until_ns)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;
	socklen_t len = sizeof(error);

	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ||
	    (errno == EINPROGRESS && wait_for(fd, POLLOUT, until_ns) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0))
		return fd;
	close(fd);
	return -1;
}

/* To the end of the connection, or as much as there is room for. */
static void
read_answer(int fd, uint64_t until_ns, struct buf *answer)
{
	char block[4096];
	ssize_t n;

	while (!answer->failed && wait_for(fd, POLLIN, until_ns)) {
		n = recv(fd, block, sizeof(block), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return;
		if (n > 0)
			buf_add(answer, block, (size_t)n);
	}
}

/* "HTTP/1.1 503 ...", headers, an empty line, the body. */
static int
parse_answer(const struct buf *answer, struct buf *body)
{
	static const char version[] = "HTTP/1.1 ";
	const char *text = answer->data, *end;
	long status;

	if (text == NULL || strncmp(text, version, strlen(version)) != 0)
		return 0;
	status = strtol(text + strlen(version), NULL, 10);
	end = strstr(text, "\r\n\r\n");
	if (end == NULL || status < 100 || status > 599)
		return 0;
	buf_adds(body, end + 4);
	return (int)status;
}

int
local_http_get(uint16_t port, const char *path, int timeout_ms, struct buf *body)
{
	const uint64_t until_ns = monotonic_ns() + (uint64_t)timeout_ms * 1000000;
	struct buf request = BUF_INIT(1024), answer = BUF_INIT(body->max + 8192);
	int fd = connect_to(port, until_ns), status = 0;

	buf_addf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	if (fd != -1 && !request.failed &&
	    send(fd, request.data, request.len, MSG_NOSIGNAL) == (ssize_t)request.len) {
		read_answer(fd, until_ns, &answer);
		status = parse_answer(&answer, body);
	}
	if (fd != -1)
		close(fd);
	buf_free(&request);
	buf_free(&answer);
	return status;
}
