/* fetcher_keeper.h: fetchers of a service, one for each connection to its socket. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "httpcheck/fetcher_keeper.h"
#include "keeper_fixture.h"
#include "log.h"
#include "web_server.h"

static struct tried tried;

/* --- each worker has its own -------------------------------------------------------- */

/* Where its program and its stack are: the line of each in its map. */
static void
layout_of(pid_t pid, char program[64], char stack[64])
{
	char path[64], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (program[0] == '\0' && strchr(line, '/') != NULL)
			snprintf(program, 64, "%.40s", line);
		if (strstr(line, "[stack]") != NULL)
			snprintf(stack, 64, "%.40s", line);
	}
	fclose(file);
}

/* Whether it has this socket open. */
static bool
has_open(pid_t pid, int fd)
{
	char path[64], link[64], socket[64] = "";
	struct stat st;
	bool found = false;
	ssize_t n;

	assert_int_equal(fstat(fd, &st), 0);
	snprintf(link, sizeof(link), "socket:[%lu]", (unsigned long)st.st_ino);
	for (int i = 0; i < 32; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, i);
		n = readlink(path, socket, sizeof(socket) - 1);
		socket[n > 0 ? n : 0] = '\0';
		found = found || strcmp(socket, link) == 0;
	}
	return found;
}

/* Workers of the manager's, and the fetchers that they have: whose is whose is not told. */
static void
connect_two(const struct manager *m, struct fixture *one, struct fixture *other, pid_t pids[2])
{
	fixture_connect(one, m);
	fixture_connect(other, m);
	until_ready(one, true);
	until_ready(other, true);
	assert_int_equal(fetchers_of(m, pids, 2), 2);
}

/* Executed anew, not forked: what is learnt of one is worth nothing with another. */
static void
test_two_workers_have_two_processes(void **state)
{
	char programs[3][64] = { "" }, stacks[3][64] = { "" };
	struct manager m;
	struct fixture one, other;
	pid_t pids[3];

	manager_start(&m, LONG_MS);
	connect_two(&m, &one, &other, pids);
	pids[2] = m.keeper;
	/* only root may look */
	for (unsigned i = 0; geteuid() == 0 && i < 3; i++) {
		layout_of(pids[i], programs[i], stacks[i]);
		for (unsigned j = 0; j < i; j++) {
			assert_string_not_equal(programs[i], programs[j]);
			assert_string_not_equal(stacks[i], stacks[j]);
		}
	}
	if (geteuid() == 0) {
		assert_true(has_open(m.keeper, m.listener));
		assert_false(has_open(pids[0], m.listener) || has_open(pids[1], m.listener));
	}
	fixture_stop(&one);
	until_fetchers(&m, 1);
	assert_true(fetcher_ready(other.fetcher));
	fixture_stop(&other);
	manager_stop(&m);
}

static void
answer_late(int fd, void *arg)
{
	usleep(500000);
	answer_hi(fd, arg);
}

static void
test_a_crash_touches_no_other(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture one, other;
	struct fetch_job job;
	pid_t crashed;

	manager_start(&m, LONG_MS);
	fixture_connect(&one, &m);
	until_ready(&one, true);
	crashed = only_fetcher(&m);
	fixture_connect(&other, &m);
	until_ready(&other, true);
	web_start(&server, false, answer_late, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	try_start(&other, &tried, &job);
	fixture_run_ms(&other, 50);
	kill(crashed, SIGSEGV);
	until_ready(&one, false);
	fixture_until(&other, &tried.ends, 1);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_equal(tried.o.status, 200);
	until_ready(&one, true);
	web_stop(&server);
	fixture_stop(&one);
	fixture_stop(&other);
	manager_stop(&m);
}

static int
dial(const struct manager *m)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(at.sun_path, m->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* The one too many is told by its connection, and served once there is room. */
static void
test_no_more_than_the_most(void **state)
{
	int fds[FETCHER_KEEPER_MAX];
	struct manager m;
	struct fixture f;
	char byte;
	int last;

	manager_start(&m, LONG_MS);
	for (unsigned i = 0; i < FETCHER_KEEPER_MAX; i++)
		fds[i] = dial(&m);
	until_fetchers(&m, FETCHER_KEEPER_MAX);
	last = dial(&m);
	assert_int_equal(recv(last, &byte, 1, 0), 0);
	close(last);
	fixture_connect(&f, &m);
	fixture_run_ms(&f, 500);
	assert_false(fetcher_ready(f.fetcher));
	assert_int_equal(fetchers_of(&m, NULL, 0), FETCHER_KEEPER_MAX);
	for (unsigned i = 0; i < FETCHER_KEEPER_MAX; i++)
		close(fds[i]);
	until_ready(&f, true);
	until_fetchers(&m, 1);
	fixture_stop(&f);
	manager_stop(&m);
}

/* --- one that is silent -------------------------------------------------------------- */

/* Without a job that would show it. The other one lives on. */
static void
test_a_silent_one_is_killed(void **state)
{
	struct manager m;
	struct fixture f, other;
	pid_t hung, left;

	manager_start(&m, WATCHDOG_MS);
	fixture_connect(&f, &m);
	until_ready(&f, true);
	hung = only_fetcher(&m);
	fixture_connect(&other, &m);
	until_ready(&other, true);
	kill(hung, SIGSTOP);
	fixture_run_ms(&f, WATCHDOG_MS / 4);
	assert_true(fetcher_ready(f.fetcher));
	until_ready(&f, false);
	until_gone(hung);
	until_ready(&f, true);
	fixture_stop(&f);
	until_fetchers(&m, 1);
	left = only_fetcher(&m);
	fixture_run_ms(&other, 2 * WATCHDOG_MS);
	assert_true(fetcher_ready(other.fetcher));
	assert_int_equal(only_fetcher(&m), left);
	fixture_stop(&other);
	manager_stop(&m);
}

/* A machine that was paused finds its fetchers as they were. */
static void
test_a_keeper_that_stood_still_kills_none(void **state)
{
	struct manager m;
	struct fixture f;
	pid_t pid;

	manager_start(&m, WATCHDOG_MS);
	fixture_connect(&f, &m);
	until_ready(&f, true);
	pid = only_fetcher(&m);
	kill(pid, SIGSTOP);
	kill(m.keeper, SIGSTOP);
	fixture_run_ms(&f, 2 * WATCHDOG_MS);
	kill(m.keeper, SIGCONT);
	fixture_run_ms(&f, WATCHDOG_MS / 2);
	kill(pid, SIGCONT);
	fixture_run_ms(&f, 2 * WATCHDOG_MS);
	assert_true(fetcher_ready(f.fetcher));
	assert_int_equal(only_fetcher(&m), pid);
	fixture_stop(&f);
	manager_stop(&m);
}

/* --- how it ends ----------------------------------------------------------------------- */

static void
end_by(int number)
{
	struct manager m;
	struct fixture one, other;
	pid_t pids[2];
	int status;

	manager_start(&m, LONG_MS);
	connect_two(&m, &one, &other, pids);
	kill(pids[0], SIGSTOP);
	kill(m.keeper, number);
	assert_int_equal(waitpid(m.keeper, &status, 0), m.keeper);
	assert_int_equal(status, number == SIGKILL ? SIGKILL : 0);
	until_gone(pids[0]);
	until_gone(pids[1]);
	m.keeper = 0;
	until_ready(&one, false);
	until_ready(&other, false);
	/* the socket is still the service manager's, which starts it again */
	manager_run(&m);
	until_ready(&one, true);
	until_ready(&other, true);
	fixture_stop(&one);
	fixture_stop(&other);
	manager_stop(&m);
}

static void
test_it_takes_its_fetchers_along(void **state)
{
	end_by(SIGTERM);
}

static void
test_killed_it_takes_them_along_as_well(void **state)
{
	end_by(SIGKILL);
}

/* --- what it says to the service manager -------------------------------------------- */

static void
hears(const struct manager *m, const char *expected)
{
	char text[128];
	ssize_t n = recv(m->told, text, sizeof(text) - 1, 0);

	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

static unsigned
forget(const struct manager *m)
{
	char text[128];
	unsigned count = 0;

	while (recv(m->told, text, sizeof(text), MSG_DONTWAIT) > 0)
		count++;
	return count;
}

/* Before anybody connects, and whatever becomes of a fetcher. */
static void
test_watchdog(void **state)
{
	const struct timeval patience = { WATCHDOG_MS / 1000, 0 };
	struct manager m;
	struct fixture f;
	pid_t pid;

	manager_start(&m, WATCHDOG_MS);
	hears(&m, "READY=1\nSTATUS=starts a fetcher for each connection");
	fixture_connect(&f, &m);
	until_ready(&f, true);
	pid = only_fetcher(&m);
	kill(pid, SIGSTOP);
	forget(&m);
	/* the manager would end it if one were as late as that */
	assert_int_equal(setsockopt(m.told, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	while (kill(pid, 0) == 0)
		hears(&m, "WATCHDOG=1");
	hears(&m, "WATCHDOG=1");
	kill(m.keeper, SIGSTOP);
	fixture_run_ms(&f, 50);
	forget(&m);
	fixture_run_ms(&f, WATCHDOG_MS);
	assert_int_equal(forget(&m), 0);
	kill(m.keeper, SIGCONT);
	fixture_stop(&f);
	manager_stop(&m);
}

/* --- by hand --------------------------------------------------------------------------- */

/* What the program says and how it ends with this as its socket and LISTEN_FDS, LISTEN_PID. */
static int
run_with(int fd, const char *count, bool ours, char *said, size_t size)
{
	char *argv[] = { "mpic-httpcheck", "--fetcher", NULL };
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		environment_number("LISTEN_PID", ours ? getpid() : getppid());
		if (count != NULL)
			setenv("LISTEN_FDS", count, 1);
		dup2(pipes[1], STDERR_FILENO);
		hand_over_socket(fd);
		execv("/proc/self/exe", argv);
		_exit(9);
	}
	close(pipes[1]);
	n = read(pipes[0], said, size - 1);
	said[n > 0 ? n : 0] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define FOUND_ELSE "expected a listening stream socket of the Unix domain as descriptor 3"

static void
test_by_hand(void **state)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct manager m;
	char said[512];
	int inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), pair[2];
	const struct {
		const int *fd;
		const char *count;
		bool ours;
		const char *says;
	} cases[] = {
		{ &m.listener, NULL, true, "no service manager handed over a socket" },
		{ &m.listener, "1", false, "no service manager handed over a socket" },
		{ &m.listener, "2", true, "expected one socket of the service manager's, found "
		    "LISTEN_FDS=2" },
		{ &m.listener, "0", true, "found LISTEN_FDS=0" },
		{ &inet, "1", true, FOUND_ELSE },
		{ &null, "1", true, FOUND_ELSE },
		{ &m.told, "1", true, FOUND_ELSE },
		{ &pair[0], "1", true, FOUND_ELSE },
	};

	manager_init(&m);
	manager_listen(&m);
	assert_int_equal(bind(inet, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(inet, 1), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(run_with(*cases[i].fd, cases[i].count, cases[i].ours, said,
		    sizeof(said)), 2);
		if (strstr(said, "mpic-httpcheck --fetcher: ") == NULL ||
		    strstr(said, cases[i].says) == NULL)
			fail_msg("case %zu says: %s", i, said);
	}
	close(inet);
	close(null);
	close(pair[0]);
	close(pair[1]);
	manager_stop(&m);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_workers_have_two_processes),
		cmocka_unit_test(test_a_crash_touches_no_other),
		cmocka_unit_test(test_no_more_than_the_most),
		cmocka_unit_test(test_a_silent_one_is_killed),
		cmocka_unit_test(test_a_keeper_that_stood_still_kills_none),
		cmocka_unit_test(test_it_takes_its_fetchers_along),
		cmocka_unit_test(test_killed_it_takes_them_along_as_well),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_by_hand),
	};

	if (fetcher_asked(argc, argv))
		return fetcher_main(argc, argv);
	log_init("test_fetcher_keeper", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
