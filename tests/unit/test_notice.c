/* Notices: whoever calls gets the text, few at once, and the port is free afterwards. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "appliance/notice.h"
#include "monotonic.h"

/* One that was free a moment ago. */
static uint16_t
free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static int
dial(int family, uint16_t port)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct timeval tv = { .tv_sec = 10 };
	int fd = socket(family, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (family == AF_INET ? connect(fd, (struct sockaddr *)&four, sizeof(four)) == 0 :
	    connect(fd, (struct sockaddr *)&six, sizeof(six)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* All that comes until the other side closes. */
static const char *
hear(int fd)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);
	return text;
}

static const char *
ask(int family, uint16_t port, const char *bytes, size_t len)
{
	int fd = dial(family, port);

	assert_int_not_equal(fd, -1);
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
	return hear(fd);
}

static void
assert_notice(const char *answer, const char *text)
{
	char length[64];

	snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", strlen(text));
	assert_memory_equal(answer, "HTTP/1.1 503 Service Unavailable\r\n", 34);
	assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(answer, length));
	assert_string_equal(strstr(answer, "\r\n\r\n") + 4, text);
}

/* HTTP, a TLS client's hello, or anything. */
static void
test_whatever_is_asked(void **state)
{
	static const char hello[] = "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03";
	uint16_t port = free_port();
	struct notice *n = notice_new(port, "one: fault\n");

	assert_non_null(n);
	assert_notice(ask(AF_INET, port, "GET /readyz HTTP/1.1\r\n\r\n", 24), "one: fault\n");
	assert_notice(ask(AF_INET, port, hello, sizeof(hello) - 1), "one: fault\n");
	assert_notice(ask(AF_INET, port, "x", 1), "one: fault\n");
	notice_say(n, "two: fault\nthree: fault\n");
	assert_notice(ask(AF_INET, port, "x", 1), "two: fault\nthree: fault\n");
	notice_say(n, "");
	assert_notice(ask(AF_INET, port, "x", 1), "");
	notice_free(n);
	assert_int_equal(dial(AF_INET, port), -1);
}

static void
test_ipv6_too(void **state)
{
	uint16_t port = free_port();
	struct notice *n = notice_new(port, "x\n");
	int fd = dial(AF_INET6, port);

	if (fd == -1)
		skip();
	close(fd);
	assert_notice(ask(AF_INET6, port, "x", 1), "x\n");
	notice_free(n);
}

/* A caller that goes on sending still gets the whole answer, for nothing is reset. */
static void
test_caller_that_sends_much(void **state)
{
	static char much[100000];
	uint16_t port = free_port();
	struct notice *n = notice_new(port, "x\n");

	memset(much, 'x', sizeof(much));
	assert_notice(ask(AF_INET, port, much, sizeof(much)), "x\n");
	notice_free(n);
}

static void
test_text_is_cut(void **state)
{
	static char text[NOTICE_TEXT_MAX + 1000];
	uint16_t port = free_port();
	struct notice *n;

	memset(text, 'x', sizeof(text) - 1);
	n = notice_new(port, text);
	assert_int_equal(strlen(strstr(ask(AF_INET, port, "x", 1), "\r\n\r\n") + 4),
	    NOTICE_TEXT_MAX);
	notice_free(n);
}

/* As many as there are places hold them without a word; the next is served all the same. */
static void
test_silent_callers(void **state)
{
	uint64_t start = monotonic_ns();
	uint16_t port = free_port();
	struct notice *n = notice_new(port, "x\n");
	int silent[NOTICE_CALLERS_MAX];

	for (size_t i = 0; i < NOTICE_CALLERS_MAX; i++)
		assert_int_not_equal(silent[i] = dial(AF_INET, port), -1);
	assert_notice(ask(AF_INET, port, "x", 1), "x\n");
	assert_in_range((monotonic_ns() - start) / 1000000, NOTICE_CALLER_MS - 500,
	    NOTICE_CALLER_MS + 4000);
	for (size_t i = 0; i < NOTICE_CALLERS_MAX; i++)
		assert_string_equal(hear(silent[i]), "");
	notice_free(n);
}

/* While callers are there: the daemon's socket must come through. */
static void
test_port_is_free_at_once(void **state)
{
	uint16_t port = free_port();
	struct notice *n = notice_new(port, "x\n"), *again;
	int silent = dial(AF_INET, port);

	ask(AF_INET, port, "x", 1);
	notice_free(n);
	again = notice_new(port, "y\n");
	assert_non_null(again);
	assert_null(notice_new(port, "z\n"));
	assert_int_equal(errno, EADDRINUSE);
	notice_free(again);
	close(silent);
	notice_free(NULL);
	notice_say(NULL, "x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whatever_is_asked),
		cmocka_unit_test(test_ipv6_too),
		cmocka_unit_test(test_caller_that_sends_much),
		cmocka_unit_test(test_text_is_cut),
		cmocka_unit_test(test_silent_callers),
		cmocka_unit_test(test_port_is_free_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
