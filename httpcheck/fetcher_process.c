#include "httpcheck/fetcher_process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "httpcheck/fetcher_link.h"

/* Root's fetcher becomes `user`; the name is looked up here, as the fetcher reads no file. */
bool
fetcher_process_init(struct fetcher_process *p, const struct fetcher_config *cfg,
    struct buf *why)
{
	const struct passwd *pw = NULL;
	bool become = cfg->user != NULL && cfg->user[0] != '\0' && geteuid() == 0;

	p->program = strdup(cfg->program != NULL ? cfg->program : "/proc/self/exe");
	p->socket = cfg->socket != NULL ? strdup(cfg->socket) : NULL;
	if (p->program == NULL || (cfg->socket != NULL && p->socket == NULL)) {
		buf_adds(why, "out of memory");
		return false;
	}
	if (become)
		pw = getpwnam(cfg->user);
	if (become && pw == NULL) {
		buf_addf(why, "there is no user %s", cfg->user);
		return false;
	}
	snprintf(p->uid, sizeof(p->uid), "%lu", pw != NULL ? (unsigned long)pw->pw_uid : 0);
	snprintf(p->gid, sizeof(p->gid), "%lu", pw != NULL ? (unsigned long)pw->pw_gid : 0);
	return true;
}

void
fetcher_process_free(struct fetcher_process *p)
{
	free(p->program);
	free(p->socket);
	*p = (struct fetcher_process){ 0 };
}

/* Nothing of the worker's environment, but for what a sanitizer is told by it. */
static void
environment(char *out[5])
{
	static const char *const names[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",
		"LSAN_OPTIONS" };
	size_t count = 0;

	for (char **e = environ; *e != NULL; e++)
		for (size_t i = 0; i < 4 && count < 4; i++)
			if (strncmp(*e, names[i], strlen(names[i])) == 0 &&
			    (*e)[strlen(names[i])] == '=')
				out[count++] = *e;
	out[count] = NULL;
}

/* The link first: its place is not where the other is. */
static int
add_descriptors(posix_spawn_file_actions_t *actions, int fd, const struct fetcher_beat *beat)
{
	int rc = posix_spawn_file_actions_adddup2(actions, fd, FETCHER_FD);

	if (rc == 0 && beat != NULL)
		rc = posix_spawn_file_actions_adddup2(actions, beat->fd, FETCHER_BEAT_FD);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, STDIN_FILENO, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(actions,
		    beat != NULL ? FETCHER_BEAT_FD + 1 : FETCHER_FD + 1);
	return rc;
}

int
fetcher_process_start(const struct fetcher_process *p, int fd, const struct fetcher_beat *beat,
    pid_t *pid)
{
	char name[] = "mpic-fetcher", argument[] = FETCHER_ARGUMENT, ms[24], *env[5];
	char *argv[] = { name, argument, (char *)p->uid, (char *)p->gid, ms, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	environment(env);
	snprintf(ms, sizeof(ms), "%" PRId64, beat != NULL ? beat->ms : 0);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return ENOMEM;
	}
	rc = add_descriptors(&actions, fd, beat);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(&attributes, &none);
	if (rc == 0)
		rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (rc == 0)
		rc = posix_spawn(pid, p->program, &actions, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static int
spawn(const struct fetcher_process *p, int *fd, pid_t *pid)
{
	int ends[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return errno;
	rc = fetcher_process_start(p, ends[1], NULL, pid);
	close(ends[1]);
	if (rc != 0)
		close(ends[0]);
	else
		*fd = ends[0];
	return rc;
}

/* Never waits: a queue that is full is as good as nobody. */
static int
dial(const struct fetcher_process *p, int *fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int rc = 0;

	if (strlen(p->socket) >= sizeof(at.sun_path))
		return ENAMETOOLONG;
	strcpy(at.sun_path, p->socket);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return errno;
	if (connect(*fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		rc = errno;
		close(*fd);
	}
	return rc;
}

int
fetcher_process_open(const struct fetcher_process *p, int *fd, pid_t *pid)
{
	*pid = 0;
	return p->socket != NULL ? dial(p, fd) : spawn(p, fd, pid);
}

void
fetcher_process_end(pid_t pid, char how[static FETCHER_END_TEXT])
{
	int status = 0;

	if (pid == 0) {
		snprintf(how, FETCHER_END_TEXT, "connection closed");
		return;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	snprintf(how, FETCHER_END_TEXT, "%s %d", WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}
