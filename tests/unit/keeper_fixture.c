#include "keeper_fixture.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
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

#include "web_server.h"

#define NOBODY		65534
#define PATIENCE_MS	30000	/* a test that takes longer hangs */

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

void
environment_number(const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	setenv(name, text, 1);
}

/* Without FD_CLOEXEC, which the same number would keep. */
void
hand_over_socket(int fd)
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
	environment_number("WATCHDOG_USEC", m->watchdog_ms * 1000L);
	environment_number("LISTEN_PID", getpid());
	environment_number("LISTEN_FDS", 1);
	hand_over_socket(m->listener);
	if (geteuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0)) {
		/* the test, too, may not end in good order */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv("/proc/self/exe", argv);
	}
	_exit(9);
}

void
manager_init(struct manager *m)
{
	*m = (struct manager){ .folder = "/tmp/test_fetcher.XXXXXX", .listener = -1,
		.watchdog_ms = LONG_MS };
	assert_non_null(mkdtemp(m->folder));
	chmod(m->folder, 0755);
	snprintf(m->socket, sizeof(m->socket), "%s/socket", m->folder);
	snprintf(m->notify, sizeof(m->notify), "%s/notify", m->folder);
	m->told = bind_unix(m->notify, SOCK_DGRAM);
}

void
manager_listen(struct manager *m)
{
	m->listener = bind_unix(m->socket, SOCK_STREAM);
	assert_int_equal(listen(m->listener, 128), 0);
}

void
manager_run(struct manager *m)
{
	m->keeper = fork();
	assert_true(m->keeper >= 0);
	if (m->keeper == 0)
		become_keeper(m);
}

void
manager_start(struct manager *m, int watchdog_ms)
{
	manager_init(m);
	m->watchdog_ms = watchdog_ms;
	manager_listen(m);
	manager_run(m);
}

/* It ends in good order, whatever was done to its fetchers. */
void
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
unsigned
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

pid_t
only_fetcher(const struct manager *m)
{
	pid_t pid = 0;

	assert_int_equal(fetchers_of(m, &pid, 1), 1);
	return pid;
}

void
fixture_connect(struct fixture *f, const struct manager *m)
{
	fixture_start_at(f, m->socket);
}

void
until_ready(struct fixture *f, bool ready)
{
	for (int ms = 0; fetcher_ready(f->fetcher) != ready; ms += 10) {
		assert_in_range(ms, 0, PATIENCE_MS);
		fixture_run_ms(f, 10);
	}
}

void
until_fetchers(const struct manager *m, unsigned count)
{
	for (int ms = 0; fetchers_of(m, NULL, 0) != count; ms += 10) {
		assert_in_range(ms, 0, PATIENCE_MS);
		usleep(10000);
	}
}

void
until_gone(pid_t pid)
{
	for (int ms = 0; kill(pid, 0) == 0; ms += 10) {
		assert_in_range(ms, 0, PATIENCE_MS);
		usleep(10000);
	}
	assert_int_equal(errno, ESRCH);
}

void
answer_hi(int fd, void *arg)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
	char head[4096];

	web_read_head(fd, head, sizeof(head));
	web_write(fd, reply, sizeof(reply) - 1);
}
