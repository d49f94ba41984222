/* fetcher.h, fetcher_keeper.h: fetchers of a service, one for each connection to its socket. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fetcher_fixture.h"
#include "httpcheck/fetcher_keeper.h"
#include "log.h"
#include "web_server.h"

#define NOBODY		65534
#define LONG_MS		30000	/* a watchdog as in the unit, for a busy machine */
#define WATCHDOG_MS	2000	/* one that a test waits for */
#define PATIENCE_MS	30000	/* a test that takes longer hangs */

/* The part of systemd that a unit with a socket, Type=notify and WatchdogSec= sees. */
struct manager {
	char folder[40], socket[64], notify[64];
	int listener, told;
	int watchdog_ms;
	pid_t keeper;			/* 0: it was not started */
};

static struct tried tried;

static int
bind_unix(const char *path, int type)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(at.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	chmod(path, 0666);
	return fd;
}

static void
set_number(const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	setenv(name, text, 1);
}

/* Without FD_CLOEXEC, which the same number would keep. */
static void
hand_over(int fd)
{
	if (fd == 3)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, 3);
}

static void
become_keeper(const struct manager *m)
{
	char *argv[] = { "mpic-httpcheck", "--fetcher", NULL };

	setenv("NOTIFY_SOCKET", m->notify, 1);
	set_number("WATCHDOG_USEC", m->watchdog_ms * 1000L);
	set_number("LISTEN_PID", getpid());
	set_number("LISTEN_FDS", 1);
	hand_over(m->listener);
	if (geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0)) {
		/* the test, too, may not end in good order */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv("/proc/self/exe", argv);
	}
	_exit(9);
}

static void
manager_init(struct manager *m)
{
	*m = (struct manager){ .folder = "/tmp/test_fetcher_socket.XXXXXX", .listener = -1,
		.watchdog_ms = LONG_MS };
	assert_non_null(mkdtemp(m->folder));
	chmod(m->folder, 0755);
	snprintf(m->socket, sizeof(m->socket), "%s/socket", m->folder);
	snprintf(m->notify, sizeof(m->notify), "%s/notify", m->folder);
	m->told = bind_unix(m->notify, SOCK_DGRAM);
}

static void
manager_listen(struct manager *m)
{
	m->listener = bind_unix(m->socket, SOCK_STREAM);
	assert_int_equal(listen(m->listener, 128), 0);
}

static void
manager_run(struct manager *m)
{
	m->keeper = fork();
	assert_true(m->keeper >= 0);
	if (m->keeper == 0)
		become_keeper(m);
}

static void
manager_start(struct manager *m, int watchdog_ms)
{
	manager_init(m);
	m->watchdog_ms = watchdog_ms;
	manager_listen(m);
	manager_run(m);
}

/* It ends in good order, whatever was done to its fetchers. */
static void
manager_stop(struct manager *m)
{
	int status;

	if (m->keeper != 0) {
		kill(m->keeper, SIGTERM);
		assert_int_equal(waitpid(m->keeper, &status, 0), m->keeper);
		assert_int_equal(status, 0);
	}
	if (m->listener >= 0)
		close(m->listener);
	close(m->told);
	unlink(m->socket);
	unlink(m->notify);
	assert_int_equal(rmdir(m->folder), 0);
}

/* The fetchers, zombies among them: at most `most` are told. */
static unsigned
fetchers_of(const struct manager *m, pid_t *pids, unsigned most)
{
	char path[64];
	unsigned count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", m->keeper, m->keeper);
	file = fopen(path, "r");
	assert_non_null(file);
	for (pid_t pid; fscanf(file, "%d", &pid) == 1; count++)
		if (count < most)
			pids[count] = pid;
	fclose(file);
	return count;
}

static pid_t
only_fetcher(const struct manager *m)
{
	pid_t pid = 0;

	assert_int_equal(fetchers_of(m, &pid, 1), 1);
	return pid;
}

static void
fixture_connect(struct fixture *f, const struct manager *m)
{
	const struct fetcher_config cfg = { .socket = m->socket };
	struct buf why = BUF_INIT(512);

	f->base = event_base_new();
	f->fetcher = fetcher_new(f->base, &cfg, &why);
	if (f->fetcher == NULL)
		fail_msg("%s", why.data);
}

static void
until(struct fixture *f, bool ready)
{
	for (int ms = 0; fetcher_ready(f->fetcher) != ready; ms += 10) {
		assert_in_range(ms, 0, PATIENCE_MS);
		fixture_run_ms(f, 10);
	}
}

static void
until_fetchers(const struct manager *m, unsigned count)
{
	for (int ms = 0; fetchers_of(m, NULL, 0) != count; ms += 10) {
		assert_in_range(ms, 0, PATIENCE_MS);
		usleep(10000);
	}
}

static void
until_gone(pid_t pid)
{
	for (int ms = 0; kill(pid, 0) == 0; ms += 10) {
		assert_in_range(ms, 0, PATIENCE_MS);
		usleep(10000);
	}
	assert_int_equal(errno, ESRCH);
}

static void
answer(int fd, void *arg)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
	char head[4096];

	web_read_head(fd, head, sizeof(head));
	web_write(fd, reply, sizeof(reply) - 1);
}

static void
answer_late(int fd, void *arg)
{
	usleep(500000);
	answer(fd, arg);
}

/* --- one that works, and is gone ------------------------------------------------- */

static void
test_works(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture f;
	struct fetch_job job;

	manager_start(&m, LONG_MS);
	fixture_connect(&f, &m);
	/* somebody accepts, which is not yet somebody there */
	assert_false(fetcher_ready(f.fetcher));
	assert_int_equal(fetcher_pid(f.fetcher), 0);
	web_start(&server, false, answer, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_equal(tried.o.status, 200);
	assert_true(fetcher_ready(f.fetcher));
	only_fetcher(&m);
	web_stop(&server);
	fixture_stop(&f);
	/* it ends with its worker's connection */
	until_fetchers(&m, 0);
	manager_stop(&m);
}

static void
test_killed(void **state)
{
	struct web_server server, silent;
	struct manager m;
	struct fixture f;
	struct fetch_job job;
	pid_t killed;

	manager_start(&m, LONG_MS);
	fixture_connect(&f, &m);
	until(&f, true);
	web_start(&silent, false, NULL, NULL);
	web_start(&server, false, answer, NULL);
	job = fixture_job(FETCH_HTTP, silent.port);
	try_start(&f, &tried, &job);
	fixture_run_ms(&f, 50);
	killed = only_fetcher(&m);
	kill(killed, SIGKILL);
	fixture_until(&f, &tried.ends, 1);
	assert_int_equal(tried.o.problem, PROBLEM_FETCHER_DIED);
	assert_string_equal(tried.o.sentence,
	    "the fetcher died (connection closed) while it was at work");
	assert_false(fetcher_ready(f.fetcher));
	job = fixture_job(FETCH_HTTP, server.port);
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_not_equal(only_fetcher(&m), killed);
	web_stop(&silent);
	web_stop(&server);
	fixture_stop(&f);
	manager_stop(&m);
}

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

/* Executed anew, not forked: what is learnt of one is worth nothing with another. */
static void
test_two_workers_have_two_processes(void **state)
{
	char programs[3][64] = { "" }, stacks[3][64] = { "" };
	struct manager m;
	struct fixture one, other;
	pid_t pids[3];

	manager_start(&m, LONG_MS);
	fixture_connect(&one, &m);
	fixture_connect(&other, &m);
	until(&one, true);
	until(&other, true);
	assert_int_equal(fetchers_of(&m, pids, 2), 2);
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
test_a_crash_touches_no_other(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture one, other;
	struct fetch_job job;
	pid_t crashed;

	manager_start(&m, LONG_MS);
	fixture_connect(&one, &m);
	until(&one, true);
	crashed = only_fetcher(&m);
	fixture_connect(&other, &m);
	until(&other, true);
	web_start(&server, false, answer_late, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	try_start(&other, &tried, &job);
	fixture_run_ms(&other, 50);
	kill(crashed, SIGSEGV);
	until(&one, false);
	fixture_until(&other, &tried.ends, 1);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_equal(tried.o.status, 200);
	until(&one, true);
	web_stop(&server);
	fixture_stop(&one);
	fixture_stop(&other);
	manager_stop(&m);
}

/* --- one that hangs ------------------------------------------------------------------ */

/* Not the worker's to kill: its next check has another one all the same. */
static void
test_hangs(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture f;
	struct fetch_job job;
	pid_t hung;

	manager_start(&m, WATCHDOG_MS);
	fixture_connect(&f, &m);
	until(&f, true);
	web_start(&server, false, answer, NULL);
	hung = only_fetcher(&m);
	kill(hung, SIGSTOP);
	job = fixture_job(FETCH_HTTP, server.port);
	job.total_ms = 100;
	try_whole(&f, &tried, &job);
	assert_string_equal(tried.o.sentence, "the fetcher did not answer in time");
	job.total_ms = 10000;
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	until_gone(hung);
	web_stop(&server);
	fixture_stop(&f);
	manager_stop(&m);
}

/* Without a job that would show it. The other one lives on. */
static void
test_a_silent_one_is_killed(void **state)
{
	struct manager m;
	struct fixture f, other;
	pid_t hung, left;

	manager_start(&m, WATCHDOG_MS);
	fixture_connect(&f, &m);
	until(&f, true);
	hung = only_fetcher(&m);
	fixture_connect(&other, &m);
	until(&other, true);
	kill(hung, SIGSTOP);
	fixture_run_ms(&f, WATCHDOG_MS / 4);
	assert_true(fetcher_ready(f.fetcher));
	until(&f, false);
	until_gone(hung);
	until(&f, true);
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
	until(&f, true);
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

/* --- none ------------------------------------------------------------------------- */

static void
test_nobody_yet(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture f;
	struct fetch_job job;

	manager_init(&m);
	fixture_connect(&f, &m);
	web_start(&server, false, answer, NULL);
	job = fixture_job(FETCH_HTTP, server.port);
	try_start(&f, &tried, &job);
	fixture_run_ms(&f, 300);
	assert_int_equal(tried.ends, 0);
	assert_false(fetcher_ready(f.fetcher));
	manager_listen(&m);
	manager_run(&m);
	fixture_until(&f, &tried.ends, 1);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	web_stop(&server);
	fixture_stop(&f);
	manager_stop(&m);
}

static volatile unsigned refused;

static void *
refuse(void *arg)
{
	const struct manager *m = arg;

	for (int fd; (fd = accept(m->listener, NULL, NULL)) >= 0; refused++)
		close(fd);
	return NULL;
}

/* Connections that are closed at once are not made again and again. */
static void
test_refused(void **state)
{
	struct manager m;
	struct fixture f;
	pthread_t thread;

	manager_init(&m);
	manager_listen(&m);
	assert_int_equal(pthread_create(&thread, NULL, refuse, &m), 0);
	fixture_connect(&f, &m);
	fixture_run_ms(&f, 1000);	/* at 0, 100, 300 and 700 ms */
	assert_in_range(refused, 2, 4);
	assert_false(fetcher_ready(f.fetcher));
	fixture_stop(&f);
	shutdown(m.listener, SHUT_RDWR);
	pthread_join(thread, NULL);
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
	until(&f, true);
	until_fetchers(&m, 1);
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
	fixture_connect(&one, &m);
	fixture_connect(&other, &m);
	until(&one, true);
	until(&other, true);
	assert_int_equal(fetchers_of(&m, pids, 2), 2);
	kill(pids[0], SIGSTOP);
	kill(m.keeper, number);
	assert_int_equal(waitpid(m.keeper, &status, 0), m.keeper);
	assert_int_equal(status, number == SIGKILL ? SIGKILL : 0);
	until_gone(pids[0]);
	until_gone(pids[1]);
	m.keeper = 0;
	until(&one, false);
	until(&other, false);
	/* the socket is still the service manager's, which starts it again */
	manager_run(&m);
	until(&one, true);
	until(&other, true);
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
	until(&f, true);
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
		set_number("LISTEN_PID", ours ? getpid() : getppid());
		if (count != NULL)
			setenv("LISTEN_FDS", count, 1);
		dup2(pipes[1], STDERR_FILENO);
		hand_over(fd);
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
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_two_workers_have_two_processes),
		cmocka_unit_test(test_a_crash_touches_no_other),
		cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_a_silent_one_is_killed),
		cmocka_unit_test(test_a_keeper_that_stood_still_kills_none),
		cmocka_unit_test(test_nobody_yet),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_more_than_the_most),
		cmocka_unit_test(test_it_takes_its_fetchers_along),
		cmocka_unit_test(test_killed_it_takes_them_along_as_well),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_by_hand),
	};

	if (fetcher_asked(argc, argv))
		return fetcher_main(argc, argv);
	log_init("test_fetcher_socket", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
