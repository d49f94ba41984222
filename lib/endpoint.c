#include "endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* One to five decimal digits, 0 to 65535. */
static bool
port_parse(const char *text, in_port_t *port)
{
	size_t len = strlen(text);
	long value;

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
		return false;
	value = strtol(text, NULL, 10);
	if (value > 65535)
		return false;
	*port = htons((uint16_t)value);
	return true;
}

bool
endpoint_parse(struct endpoint *e, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	struct endpoint parsed = { .len = 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&parsed.addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&parsed.addr;
	const char *colon = strrchr(text, ':');
	size_t len;

	if (colon == NULL)
		return false;
	len = (size_t)(colon - text);
	if (text[0] == '[') {
		if (len < 2 || text[len - 1] != ']' || len - 2 >= sizeof(host))
			return false;
		memcpy(host, text + 1, len - 2);
		host[len - 2] = '\0';
		v6->sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1 ||
		    !port_parse(colon + 1, &v6->sin6_port))
			return false;
		parsed.len = sizeof(*v6);
	} else {
		if (len >= sizeof(host))
			return false;
		memcpy(host, text, len);
		host[len] = '\0';
		v4->sin_family = AF_INET;
		if (inet_pton(AF_INET, host, &v4->sin_addr) != 1 ||
		    !port_parse(colon + 1, &v4->sin_port))
			return false;
		parsed.len = sizeof(*v4);
	}
	*e = parsed;
	return true;
}

void
endpoint_text(const struct endpoint *e, char text[static ENDPOINT_TEXT_MAX])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&e->addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&e->addr;
	char host[INET6_ADDRSTRLEN] = "";

	text[0] = '\0';
	if (e->len == 0)
		return;
	if (e->addr.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(text, ENDPOINT_TEXT_MAX, "[%s]:%u", host,
		    (unsigned)ntohs(v6->sin6_port));
	} else if (e->addr.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(text, ENDPOINT_TEXT_MAX, "%s:%u", host,
		    (unsigned)ntohs(v4->sin_port));
	}
}

bool
endpoint_loopback(const struct endpoint *e)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&e->addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&e->addr;

	if (e->len == 0)
		return false;
	if (e->addr.ss_family == AF_INET)
		return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	return e->addr.ss_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

int
endpoint_listen(const struct endpoint *e, int backlog)
{
	static const int on = 1;
	int fd, saved;

	fd = socket(e->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* Accepted sockets inherit TCP_NODELAY on Linux: no system call for each. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)&e->addr, e->len) == 0 &&
	    listen(fd, backlog) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
