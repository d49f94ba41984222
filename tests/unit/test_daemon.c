/* The supervisor: readiness, a worker that dies, reload, stopping, and dying itself. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "daemon.h"
#include "log.h"
#include "monotonic.h"

#define WORKERS 3

/* What the workers show of themselves, in memory shared with the test. */
struct seen {
	volatile pid_t pids[WORKERS];
	volatile unsigned starts, reloads, stops;
	volatile in_port_t port;
	volatile bool lasting;		/* a drain takes as long as it may */
	volatile unsigned early;	/* reloads that the supervisor knew nothing of */
	volatile unsigned supervised;	/* its own */
};

static struct seen *seen;

static void
on_stop(void *arg)
{
	__atomic_add_fetch(&seen->stops, 1, __ATOMIC_SEQ_CST);
	if (!seen->lasting)
		event_base_loopbreak(((struct worker *)arg)->base);
}

static void
on_reload(void *arg)
{
	seen->early += seen->supervised == 0;
	__atomic_add_fetch(&seen->reloads, 1, __ATOMIC_SEQ_CST);
}

static void
on_supervisor_reload(void *arg)
{
	seen->supervised++;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
}

static int
run(struct worker *w, void *arg)
{
	const struct timeval hour = { 3600, 0 };
	struct event *tick = event_new(w->base, -1, EV_PERSIST, on_tick, NULL);
	struct sockaddr_in listens;
	socklen_t len = sizeof(listens);

	if (getsockname(w->listen_fd, (struct sockaddr *)&listens, &len) == 0)
		seen->port = listens.sin_port;
	event_add(tick, &hour);
	w->stop = on_stop;
	w->reload = on_reload;
	w->hook_arg = w;
	seen->pids[w->index] = getpid();
	__atomic_add_fetch(&seen->starts, 1, __ATOMIC_SEQ_CST);
	worker_ready(w);
	event_base_dispatch(w->base);
	event_free(tick);
	return 0;
}

/* Five seconds for what the condition says to come true. */
#define WAIT_FOR(condition) do { \
	for (int tries_ = 0; !(condition) && tries_ < 1000; tries_++) \
		usleep(5000); \
	assert_true(condition); \
} while (0)

static int
notify_socket(char *path, size_t size)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(path, size, "/tmp/test_daemon.%ld", (long)getpid());
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

/* The next message that begins so; what it tells of workers, and that all is well, may come before. */
static void
expect_notice(int fd, const char *notice)
{
	char text[512];
	ssize_t n;

	do {
		n = recv(fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
	} while (strncmp(text, "STATUS=", 7) == 0 || strcmp(text, "WATCHDOG=1") == 0);
	if (strncmp(text, notice, strlen(notice)) != 0)
		fail_msg("\"%s\" instead of \"%s\"", text, notice);
}

/* How often it is told within so many ms that all is well. */
static unsigned
pings(int fd, int ms)
{
	const struct timeval wait = { .tv_usec = 10000 }, usual = { .tv_sec = 5 };
	char text[512];
	unsigned count = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	for (uint64_t end = monotonic_ns() + (uint64_t)ms * 1000000; monotonic_ns() < end;) {
		ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		count += strcmp(text, "WATCHDOG=1") == 0;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &usual, sizeof(usual));
	return count;
}

static pid_t
start(unsigned workers)
{
	struct daemon_config cfg = { .workers = workers, .run = run, .drain_ms = 1000,
		.reload = on_supervisor_reload };
	pid_t pid;

	memset(seen, 0, sizeof(*seen));
	assert_true(endpoint_parse(&cfg.listen, "127.0.0.1:0"));
	pid = fork();
	if (pid == 0)
		_exit(daemon_run(&cfg));
	return pid;
}

static void
test_supervised(void **state)
{
	char path[64];
	int notices = notify_socket(path, sizeof(path)), status;
	pid_t pid = start(WORKERS);

	expect_notice(notices, "READY=1");
	assert_int_equal(seen->starts, WORKERS);
	kill(pid, SIGHUP);
	expect_notice(notices, "RELOADING=1\nMONOTONIC_USEC=");
	expect_notice(notices, "READY=1\nSTATUS=");
	assert_int_equal(seen->reloads, WORKERS);
	kill(seen->pids[1], SIGKILL);
	WAIT_FOR(seen->starts == WORKERS + 1);
	kill(pid, SIGHUP);
	WAIT_FOR(seen->reloads == 2 * WORKERS);
	expect_notice(notices, "RELOADING=1\n");
	expect_notice(notices, "READY=1\n");
	assert_int_equal(seen->supervised, 2);
	assert_int_equal(seen->early, 0);
	kill(pid, SIGTERM);
	expect_notice(notices, "STOPPING=1");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(seen->stops, WORKERS);
	unsetenv("NOTIFY_SOCKET");
	close(notices);
	unlink(path);
}

/*
 * The service manager hears of the daemon while every worker's loop turns: not
 * while one hangs, but also while one is dead and about to be started again.
 */
static void
test_watchdog(void **state)
{
	char path[64];
	int notices = notify_socket(path, sizeof(path)), status;
	pid_t pid;

	setenv("WATCHDOG_USEC", "400000", 1);
	pid = start(WORKERS);
	expect_notice(notices, "READY=1");
	assert_in_range(pings(notices, 1000), 3, 11);
	kill(seen->pids[1], SIGSTOP);
	(void)pings(notices, 350);
	assert_int_equal(pings(notices, 600), 0);
	kill(seen->pids[1], SIGCONT);
	(void)pings(notices, 250);
	assert_in_range(pings(notices, 1000), 3, 11);
	kill(seen->pids[1], SIGKILL);
	assert_in_range(pings(notices, 1000), 3, 11);
	/* a worker that does not come to an end hangs as well */
	seen->lasting = true;
	kill(seen->pids[0], SIGSTOP);
	kill(pid, SIGTERM);
	expect_notice(notices, "STOPPING=1");
	(void)pings(notices, 350);
	assert_int_equal(pings(notices, 400), 0);
	kill(seen->pids[0], SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unsetenv("WATCHDOG_USEC");
	unsetenv("NOTIFY_SOCKET");
	close(notices);
	unlink(path);
}

static void
test_watchdog_alone(void **state)
{
	char path[64];
	int notices = notify_socket(path, sizeof(path));
	pid_t pid;

	setenv("WATCHDOG_USEC", "400000", 1);
	pid = start(0);
	expect_notice(notices, "READY=1");
	assert_in_range(pings(notices, 1000), 3, 11);
	kill(pid, SIGHUP);
	expect_notice(notices, "RELOADING=1\nMONOTONIC_USEC=");
	expect_notice(notices, "READY=1\nSTATUS=");
	kill(pid, SIGTERM);
	expect_notice(notices, "STOPPING=1");
	waitpid(pid, NULL, 0);
	unsetenv("WATCHDOG_USEC");
	unsetenv("NOTIFY_SOCKET");
	close(notices);
	unlink(path);
}

/* No worker goes on serving without anyone who could stop it. */
static void
test_supervisor_killed(void **state)
{
	pid_t pid = start(WORKERS);

	WAIT_FOR(seen->starts == WORKERS);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	WAIT_FOR(seen->stops == WORKERS);
}

static bool
connects(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = seen->port,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool ok = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;

	close(fd);
	return ok;
}

/* What connects while the workers drain would never be answered, so it is refused. */
static void
test_drain_refuses_connections(void **state)
{
	static const struct {
		unsigned workers;
		int signal;
	} rows[] = { { WORKERS, SIGTERM }, { WORKERS, SIGKILL }, { 0, SIGTERM } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned workers = rows[i].workers > 0 ? rows[i].workers : 1;
		pid_t pid = start(rows[i].workers);

		seen->lasting = true;
		WAIT_FOR(seen->starts == workers);
		assert_true(connects());
		kill(pid, rows[i].signal);
		WAIT_FOR(seen->stops == workers);
		assert_false(connects());
		waitpid(pid, NULL, 0);
	}
}

/* One worker that is told to stop is replaced, and its successor is reached. */
static void
test_worker_stopped_alone(void **state)
{
	pid_t pid = start(WORKERS);

	WAIT_FOR(seen->starts == WORKERS);
	kill(seen->pids[1], SIGTERM);
	WAIT_FOR(seen->starts == WORKERS + 1);
	assert_true(connects());
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

static void
test_alone(void **state)
{
	pid_t pid = start(0);
	int status;

	WAIT_FOR(seen->starts == 1);
	assert_int_equal(seen->pids[0], pid);
	kill(pid, SIGHUP);
	WAIT_FOR(seen->reloads == 1);
	kill(pid, SIGINT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(seen->stops, 1);
}

static int
setup(void **state)
{
	log_init("test_daemon", LOG_LEVEL_WARNING, false);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return seen != MAP_FAILED ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_supervised),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_watchdog_alone),
		cmocka_unit_test(test_supervisor_killed),
		cmocka_unit_test(test_drain_refuses_connections),
		cmocka_unit_test(test_worker_stopped_alone),
		cmocka_unit_test(test_alone),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
