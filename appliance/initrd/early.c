#include "early.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EARLY	"/run/mpic-early"	/* a file for each unit that has nothing left to do */

/* Says that a unit has nothing left to do, by what it has as a condition. */
static void
early_mark(const char *unit)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), EARLY "/%s", unit);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd != -1)
		close(fd);
}

static void
early_run(const char *unit, char *const argv[])
{
	char *const env[] = { NULL };
	int status;
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, env) == 0 &&
	    waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		early_mark(unit);
}

void
early_begin(int modules)
{
	static char *const settings[] = { "/usr/lib/systemd/systemd-sysctl", NULL };
	static char *const filter[] = { "/usr/sbin/nft", "-f", "/etc/nftables.conf", NULL };
	static char *const files[] = { "/usr/bin/systemd-tmpfiles", "--create", "--remove", "--boot",
		"--exclude-prefix=/dev", NULL };
	char byte;

	if (mkdir(EARLY, 0755) == -1 || fork() != 0)
		return;
	while (modules != -1 && read(modules, &byte, 1) == -1 && errno == EINTR)
		;
	early_run("systemd-sysctl.service", settings);
	early_run("mpic-firewall.service", filter);
	early_run("systemd-tmpfiles-setup.service", files);
	_exit(0);
}
