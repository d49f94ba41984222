/*
 * What a client may send on an HTTP/2 connection, after its preface: whole at
 * once, and in two parts. Handlers answer at once, later or never; nothing may
 * be left over.
 */
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "fuzz.h"
#include "server_connection.h"
#include "server_h2.h"

#define HELD_MAX 64

static struct exchange *held[HELD_MAX];
static size_t held_count;
static bool release_when_gone;

static void
on_gone(struct exchange *x, void *arg)
{
	if (!release_when_gone)
		return;
	for (size_t i = 0; i < held_count; i++)
		if (held[i] == x)
			held[i] = held[--held_count];
	exchange_reply(x, 200, NULL, "{}", 2, NULL, 0);
}

static void
on_echo(struct exchange *x, void *arg)
{
	const struct header extra = { "X-Query", exchange_query(x) != NULL ?
		exchange_query(x) : "" };
	size_t len;
	const char *body = exchange_body(x, &len);

	REQUIRE(body[len] == '\0');
	REQUIRE(exchange_header(x, "content-type") == NULL ||
	    strpbrk(exchange_header(x, "content-type"), "\r\n") == NULL);
	exchange_reply(x, 200, NULL, body, len, &extra, 1);
}

static void
on_hold(struct exchange *x, void *arg)
{
	if (held_count == HELD_MAX) {
		exchange_refuse(x, 503, "enough");
		return;
	}
	held[held_count++] = x;
	exchange_on_gone(x, on_gone, NULL);
}

static const struct route routes[] = {
	{ "POST", "/e", 0, on_echo },
	{ "GET", "/e", 0, on_echo },
	{ "POST", "/h", ROUTE_COUNTED, on_hold },
	{ "GET", "/h", ROUTE_COUNTED, on_hold },
};

/* A connection made by hand: HTTP/2 without TLS, at one end of a pair of sockets. */
static struct connection *
connection_by_hand(struct server *s, int fd)
{
	struct sockaddr_storage addr = { .ss_family = AF_INET };
	struct connection *c;

	connection_new(s, fd, &addr, sizeof(struct sockaddr_in));
	c = TAILQ_FIRST(&s->connections);
	REQUIRE(c != NULL);
	c->protocol->free(c);
	c->protocol = &protocol_h2;
	REQUIRE(c->protocol->start(c));
	return c;
}

static void
drain_socket(int fd)
{
	char waste[65536];

	while (recv(fd, waste, sizeof(waste), MSG_DONTWAIT) > 0)
		;
}

static void
client_says(struct event_base *base, int fd, const void *bytes, size_t len)
{
	size_t sent = 0;
	ssize_t n;

	for (int turn = 0; turn < 64 && sent < len; turn++) {
		n = send(fd, (const char *)bytes + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
		event_base_loop(base, EVLOOP_NONBLOCK);
		drain_socket(fd);
	}
	for (int turn = 0; turn < 4; turn++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		drain_socket(fd);
	}
}

static void
session(const uint8_t *data, size_t len, size_t cut)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	struct event_base *base = event_base_new();
	struct server_config cfg = { .plain = true, .max_body = 1000, .max_head = 1000,
		.max_streams = 8, .max_in_flight = 4 };
	struct endpoint at;
	struct buf why = BUF_INIT(256);
	struct server *s;
	int ends[2], listen_fd;

	REQUIRE(endpoint_parse(&at, "127.0.0.1:0"));
	listen_fd = endpoint_listen(&at, 1);
	s = server_new(base, &cfg, listen_fd, routes, sizeof(routes) / sizeof(routes[0]), NULL,
	    &why);
	REQUIRE(s != NULL);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	connection_by_hand(s, ends[0]);
	client_says(base, ends[1], preface, sizeof(preface));
	client_says(base, ends[1], data, cut);
	client_says(base, ends[1], data + cut, len - cut);
	REQUIRE(s->in_flight <= 4);
	while (held_count > 1)
		exchange_reply(held[--held_count], 200, NULL, "{}", 2, NULL, 0);
	client_says(base, ends[1], "", 0);
	close(ends[1]);
	event_base_loop(base, EVLOOP_NONBLOCK);
	server_free(s);
	while (held_count > 0)
		exchange_reply(held[--held_count], 200, NULL, "{}", 2, NULL, 0);
	buf_free(&why);
	close(listen_fd);
	event_base_free(base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	release_when_gone = len % 2 == 0;
	session(data, len, len);
	session(data, len, len / 2);
	return 0;
}
