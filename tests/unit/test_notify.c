/* What the service manager hears, at either kind of socket, and when it does not listen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "log.h"
#include "monotonic.h"
#include "notify.h"

/* A service manager's socket; `name` is what NOTIFY_SOCKET has. */
static int
manager(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(addr.sun_path, name, strlen(name));
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	else
		unlink(name);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *
heard(int fd)
{
	static char text[1024];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
assert_all_heard(int fd)
{
	static char long_text[1000];
	unsigned long long usec;
	uint64_t now_usec = monotonic_ns() / 1000;

	notify_ready("serving on %s", "[::1]:1");
	assert_string_equal(heard(fd), "READY=1\nSTATUS=serving on [::1]:1");
	notify_reloading();
	assert_int_equal(sscanf(heard(fd), "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	assert_in_range(usec, now_usec, now_usec + 5000000);
	notify_watchdog();
	assert_string_equal(heard(fd), "WATCHDOG=1");
	notify_status("%d of %d", 1, 2);
	assert_string_equal(heard(fd), "STATUS=1 of 2");
	notify_status("one\nREADY=1");
	assert_string_equal(heard(fd), "STATUS=one");
	notify_stopping("%s", "drained");
	assert_string_equal(heard(fd), "STOPPING=1\nSTATUS=drained");
	memset(long_text, 'x', sizeof(long_text) - 1);
	notify_status("%s", long_text);
	assert_int_equal(strlen(heard(fd)), strlen("STATUS=") + NOTIFY_STATUS_MAX - 1);
}

static void
test_sockets(void **state)
{
	char names[2][64];

	snprintf(names[0], sizeof(names[0]), "/tmp/test_notify.%ld", (long)getpid());
	snprintf(names[1], sizeof(names[1]), "@test_notify.%ld", (long)getpid());
	for (size_t i = 0; i < 2; i++) {
		int fd = manager(names[i]);

		assert_all_heard(fd);
		close(fd);
	}
	unlink(names[0]);
}

/* Nobody, or nobody any more: nothing happens, and nothing waits. */
static void
test_nobody(void **state)
{
	static const char *const names[] = { "", "/", "relative", "vsock:2:1234",
		"/nonexistent/socket", "@nobody-is-there", NULL };
	char too_long[300];

	memset(too_long, '/', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	log_init("test_notify", LOG_LEVEL_ERROR, false);
	for (size_t i = 0; names[i] != NULL; i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_ready("nobody");
	}
	setenv("NOTIFY_SOCKET", too_long, 1);
	notify_ready("nobody");
	unsetenv("NOTIFY_SOCKET");
	notify_ready("nobody");
}

static void
test_watchdog_time(void **state)
{
	static const struct {
		const char *usec;
		int64_t ms;
	} rows[] = { { "30000000", 30000 }, { "1500", 1 }, { "1", 1 }, { "0", 0 }, { "", 0 },
		{ "-1", 0 }, { "+1", 0 }, { "30s", 0 }, { "99999999999999999999", 0 } };
	char own[24];

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_int_equal(notify_watchdog_ms(), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv("WATCHDOG_USEC", rows[i].usec, 1);
		assert_int_equal(notify_watchdog_ms(), rows[i].ms);
	}
	setenv("WATCHDOG_USEC", "30000000", 1);
	snprintf(own, sizeof(own), "%ld", (long)getpid());
	setenv("WATCHDOG_PID", own, 1);
	assert_int_equal(notify_watchdog_ms(), 30000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_ms(), 0);
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_watchdog_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
