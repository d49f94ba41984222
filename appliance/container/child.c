#include "appliance/container/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>

#define SECOND_NS	UINT64_C(1000000000)

static void
become(const struct child *c, pid_t parent)
{
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin", NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(127);
	if (chdir(c->folder) == 0)
		execve(c->argv[0], (char *const *)(uintptr_t)c->argv, environment);
	fprintf(stderr, "%s: %s in %s: %s\n", c->name, c->argv[0], c->folder, strerror(errno));
	_exit(127);
}

bool
child_start(struct child *c, uint64_t now_ns)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		become(c, parent);
	if (pid == -1)
		return false;
	c->pid = pid;
	c->started_ns = now_ns;
	c->due_ns = 0;
	return true;
}

bool
child_died(struct child *c, uint64_t now_ns)
{
	c->pid = 0;
	if (now_ns - c->started_ns >= CHILD_YOUNG_S * SECOND_NS)
		c->deaths = 0;
	c->deaths++;
	if (c->deaths >= CHILD_DEATHS_MAX)
		return false;
	c->due_ns = now_ns + ((uint64_t)CHILD_AGAIN_MS << (c->deaths - 1)) * 1000000;
	return true;
}

void
child_signal(const struct child *c, int number)
{
	if (c->pid > 0)
		kill(c->pid, number);
}
