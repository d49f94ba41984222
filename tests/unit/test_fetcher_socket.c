/* fetcher.h: fetchers that a service manager starts, one for each connection to a socket. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fetcher_fixture.h"
#include "log.h"
#include "web_server.h"

#define NOBODY		65534
#define WATCHDOG_USEC	"600000"	/* a beat each 200 ms */

/*
 * The part of systemd that a unit with Accept=yes, StandardInput=socket, Type=notify and
 * WatchdogSec= sees.
 */
struct manager {
	char folder[40], socket[64], notify[64];
	int listener, told;
	bool refuses;			/* the unit cannot be started */
	pthread_t thread;
	volatile pid_t pid;		/* of the last one */
	volatile unsigned started;
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
become_fetcher(const struct manager *m, int fd)
{
	char *argv[] = { "mpic-fetcher", "--fetcher", NULL };

	setenv("NOTIFY_SOCKET", m->notify, 1);
	setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1);
	dup2(fd, STDIN_FILENO);
	/* as a unit would, and the test as well if it is not ended in good order */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0))
		execv("/proc/self/exe", argv);
	_exit(9);
}

static void *
serve(void *arg)
{
	struct manager *m = arg;
	int fd;

	while ((fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		pid_t pid = m->refuses ? 0 : fork();

		if (pid == 0 && !m->refuses)
			become_fetcher(m, fd);
		close(fd);
		m->pid = pid;
		m->started++;
	}
	return NULL;
}

static void
manager_listen(struct manager *m)
{
	m->listener = bind_unix(m->socket, SOCK_STREAM);
	assert_int_equal(listen(m->listener, 8), 0);
	assert_int_equal(pthread_create(&m->thread, NULL, serve, m), 0);
}

static void
manager_init(struct manager *m)
{
	*m = (struct manager){ .folder = "/tmp/test_fetcher_socket.XXXXXX", .listener = -1 };
	assert_non_null(mkdtemp(m->folder));
	chmod(m->folder, 0755);
	snprintf(m->socket, sizeof(m->socket), "%s/socket", m->folder);
	snprintf(m->notify, sizeof(m->notify), "%s/notify", m->folder);
	m->told = bind_unix(m->notify, SOCK_DGRAM);
}

static void
manager_stop(struct manager *m)
{
	if (m->listener >= 0) {
		shutdown(m->listener, SHUT_RDWR);
		pthread_join(m->thread, NULL);
		close(m->listener);
	}
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	close(m->told);
	unlink(m->socket);
	unlink(m->notify);
	assert_int_equal(rmdir(m->folder), 0);
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
until_ready(struct fixture *f)
{
	for (int tries = 0; !fetcher_ready(f->fetcher); tries++) {
		assert_in_range(tries, 0, 2000);
		fixture_run_ms(f, 10);
	}
}

static void
answer(int fd, void *arg)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
	char head[4096];

	web_read_head(fd, head, sizeof(head));
	web_write(fd, reply, sizeof(reply) - 1);
}

/* --- one that works, and is gone ------------------------------------------------- */

static void
test_works(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture f;
	struct fetch_job job;

	manager_init(&m);
	manager_listen(&m);
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
	assert_int_equal(m.started, 1);
	web_stop(&server);
	fixture_stop(&f);
	/* it ends with its worker's connection, or this waits for ever */
	manager_stop(&m);
}

static void
test_killed(void **state)
{
	struct web_server server, silent;
	struct manager m;
	struct fixture f;
	struct fetch_job job;

	manager_init(&m);
	manager_listen(&m);
	fixture_connect(&f, &m);
	until_ready(&f);
	web_start(&silent, false, NULL, NULL);
	web_start(&server, false, answer, NULL);
	job = fixture_job(FETCH_HTTP, silent.port);
	try_start(&f, &tried, &job);
	fixture_run_ms(&f, 50);
	kill(m.pid, SIGKILL);
	fixture_until(&f, &tried.ends, 1);
	assert_int_equal(tried.o.problem, PROBLEM_FETCHER_DIED);
	assert_string_equal(tried.o.sentence,
	    "the fetcher died (connection closed) while it was at work");
	assert_false(fetcher_ready(f.fetcher));
	job = fixture_job(FETCH_HTTP, server.port);
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_equal(m.started, 2);
	web_stop(&silent);
	web_stop(&server);
	fixture_stop(&f);
	manager_stop(&m);
}

/* Not ours to kill: the next check has another one all the same. */
static void
test_hangs(void **state)
{
	struct web_server server;
	struct manager m;
	struct fixture f;
	struct fetch_job job;
	pid_t hung;

	manager_init(&m);
	manager_listen(&m);
	fixture_connect(&f, &m);
	until_ready(&f);
	web_start(&server, false, answer, NULL);
	hung = m.pid;
	kill(hung, SIGSTOP);
	job = fixture_job(FETCH_HTTP, server.port);
	job.total_ms = 100;
	try_whole(&f, &tried, &job);
	assert_string_equal(tried.o.sentence, "the fetcher did not answer in time");
	job.total_ms = 10000;
	try_whole(&f, &tried, &job);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	assert_int_equal(m.started, 2);
	kill(hung, SIGCONT);
	web_stop(&server);
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
	fixture_until(&f, &tried.ends, 1);
	assert_int_equal(tried.o.problem, PROBLEM_NONE);
	web_stop(&server);
	fixture_stop(&f);
	manager_stop(&m);
}

/* Connections that are closed at once are not made again and again. */
static void
test_refused(void **state)
{
	struct manager m;
	struct fixture f;

	manager_init(&m);
	m.refuses = true;
	manager_listen(&m);
	fixture_connect(&f, &m);
	fixture_run_ms(&f, 1000);	/* at 0, 100, 300 and 700 ms */
	assert_in_range(m.started, 2, 4);
	assert_false(fetcher_ready(f.fetcher));
	fixture_stop(&f);
	manager_stop(&m);
}

/* --- what it says to the service manager -------------------------------------------- */

static unsigned
beats(const struct manager *m, struct fixture *f, int ms)
{
	char text[64];
	unsigned count = 0;
	ssize_t n;

	while (recv(m->told, text, sizeof(text), MSG_DONTWAIT) > 0)
		continue;
	fixture_run_ms(f, ms);
	while ((n = recv(m->told, text, sizeof(text) - 1, MSG_DONTWAIT)) > 0) {
		text[n] = '\0';
		assert_string_equal(text, "WATCHDOG=1");
		count++;
	}
	return count;
}

static void
test_watchdog(void **state)
{
	struct manager m;
	struct fixture f;
	char text[64];
	ssize_t n;

	manager_init(&m);
	manager_listen(&m);
	fixture_connect(&f, &m);
	until_ready(&f);
	n = recv(m.told, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, "READY=1");
	assert_in_range(beats(&m, &f, 1100), 3, 6);
	kill(m.pid, SIGSTOP);
	fixture_run_ms(&f, 50);
	assert_int_equal(beats(&m, &f, 600), 0);
	kill(m.pid, SIGCONT);
	fixture_stop(&f);
	manager_stop(&m);
}

/* --- by hand --------------------------------------------------------------------------- */

/* What the program says and how it ends with this as its standard input. */
static int
run_with_input(int fd, char *said, size_t size)
{
	char *argv[] = { "mpic-fetcher", "--fetcher", NULL };
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd, STDIN_FILENO);
		dup2(pipes[1], STDERR_FILENO);
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

static void
test_by_hand(void **state)
{
	char said[512];
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(run_with_input(ends[0], said, sizeof(said)), 2);
	assert_non_null(strstr(said, "standard input is no connection of a worker's"));
	close(ends[0]);
	close(ends[1]);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_nobody_yet),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_by_hand),
	};

	if (fetcher_asked(argc, argv))
		return fetcher_main(argc, argv);
	log_init("test_fetcher_socket", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
