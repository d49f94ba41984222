/* sandbox.h: what a process that has entered it can still do, and what ends it. */
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

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "httpcheck/sandbox.h"

#define ENTERED	64	/* exit status beyond any errno that is looked for */

static int
dial(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&at, sizeof(at));
}

static int
listen_tcp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof(at));
}

/* Each returns -1 with errno where it fails. */
static int try_open(void) { return open("/etc/passwd", O_RDONLY); }
static int try_create(void) { return open("/tmp/sandbox", O_CREAT | O_WRONLY, 0600); }
static int try_stat(void) { struct stat st; return stat("/etc/passwd", &st); }
static int try_exec(void) { return execl("/bin/true", "true", NULL); }
static int try_fork(void) { return fork() < 0 ? -1 : 0; }
static int try_unix(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }
static int try_udp(void) { return socket(AF_INET, SOCK_DGRAM, 0); }
static int try_raw(void) { return socket(AF_INET, SOCK_RAW, IPPROTO_TCP); }
static int try_bind(void) { return listen_tcp(); }
static int try_kill(void) { return kill(getppid(), 0); }
static int try_ptrace(void) { return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static int try_unlink(void) { return unlink("/tmp/none"); }
static int try_ports(void) { return dial(81); }
static int try_port(void) { return dial(80) == 0 || errno == ECONNREFUSED ? 0 : -1; }
static int try_setuid(void) { return setuid(0); }
static int try_sigpipe(void) { return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0; }
static int try_signal(void) { return signal(SIGTERM, SIG_IGN) == SIG_ERR ? -1 : 0; }
static int try_inotify(void) { return (int)syscall(SYS_inotify_init1, 0); }

static int
try_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	    MAP_FAILED ? -1 : 0;
}

static int
try_data(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	    MAP_FAILED ? -1 : 0;
}

enum fate { ALLOWED, DENIED, KILLED };

/* The text of what is in force in `said`. */
static int
child_status(int (*what)(void), char said[static 256])
{
	static const uint16_t ports[] = { 80, 443 };
	static const struct rlimit none = { 0, 0 };
	const struct sandbox sandbox = { .ports = ports, .port_count = 2 };
	struct buf in_force = BUF_INIT(255);
	int ends[2], status;
	pid_t pid;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		if (!sandbox_enter(&sandbox, &in_force) ||
		    write(ends[1], in_force.data, in_force.len) < 0)
			_exit(ENTERED - 1);
		errno = 0;
		_exit(what() >= 0 ? ENTERED : errno);
	}
	close(ends[1]);
	n = read(ends[0], said, 255);
	said[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
test_rights(void **state)
{
	static const struct {
		const char *name;
		int (*what)(void);
		enum fate fate;
	} rows[] = {
		{ "open", try_open, DENIED }, { "create", try_create, DENIED },
		{ "stat", try_stat, DENIED }, { "exec", try_exec, KILLED },
		{ "fork", try_fork, KILLED }, { "unix", try_unix, KILLED },
		{ "udp", try_udp, KILLED }, { "raw", try_raw, KILLED },
		{ "bind", try_bind, KILLED }, { "kill", try_kill, KILLED },
		{ "ptrace", try_ptrace, KILLED }, { "unlink", try_unlink, KILLED },
		{ "setuid", try_setuid, KILLED }, { "inotify", try_inotify, KILLED },
		{ "signal", try_signal, KILLED }, { "sigpipe", try_sigpipe, ALLOWED },
		{ "code", try_code, KILLED }, { "data", try_data, ALLOWED },
		{ "port 80", try_port, ALLOWED }, { "port 81", try_ports, DENIED },
	};
	char said[256];

	child_status(try_data, said);
	print_message("in force: %s\n", said);
	if (strstr(said, "sanitizers") != NULL || strstr(said, "no seccomp") != NULL)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = child_status(rows[i].what, said);
		bool as_told = rows[i].fate == KILLED ?
		    WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS :
		    WIFEXITED(status) &&
		    WEXITSTATUS(status) == (rows[i].fate == ALLOWED ? ENTERED : EACCES);

		if (rows[i].what == try_ports && (strstr(said, "no landlock") != NULL ||
		    strstr(said, "without ports") != NULL))
			continue;
		if (!as_told)
			fail_msg("%s: status %x, %s", rows[i].name, (unsigned)status, said);
	}
}

/* Root becomes somebody, and says whom. */
static void
test_user(void **state)
{
	const struct sandbox nobody = { .uid = 65534, .gid = 65534 };
	struct buf in_force = BUF_INIT(255);
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0)
		_exit(sandbox_enter(&nobody, &in_force) &&
		    strncmp(in_force.data, "uid 65534, ", 11) == 0 &&
		    syscall(SYS_getpid) > 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
