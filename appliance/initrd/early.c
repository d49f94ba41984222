#include "early.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EARLY	"/run/mpic-early"	/* a file for each unit that has nothing left to do */
#define INTERFACES_MAX	16	/* whose drivers are loaded; udev knows no such limit */

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

static bool
early_run(char *const argv[])
{
	char *const env[] = { NULL };
	int status;
	pid_t pid;

	return posix_spawn(&pid, argv[0], NULL, NULL, argv, env) == 0 &&
	    waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
early_do(const char *unit, char *const argv[])
{
	if (early_run(argv))
		early_mark(unit);
}

/* What a kernel's module says it is for, of a device of a bus. */
struct modalias {
	char text[256];
};

/* As modules are asked for: without the end of line. False: it is of no interface. */
static bool
modalias_read(const char *bus, const char *device, struct modalias *alias)
{
	/* class 02 of PCI, virtio's number of it, and what Hyper-V calls one */
	static const char *const interfaces[] = { "pci:*bc02sc*", "virtio:d00000001v*",
		"vmbus:635161f83edfc546913ff2d2f965ed0e" };
	char path[512];
	FILE *file;
	bool is = false;

	snprintf(path, sizeof(path), "%s/%s/modalias", bus, device);
	if ((file = fopen(path, "re")) == NULL)
		return false;
	if (fgets(alias->text, sizeof(alias->text), file) != NULL) {
		alias->text[strcspn(alias->text, "\n")] = '\0';
		for (size_t i = 0; !is && i < sizeof(interfaces) / sizeof(interfaces[0]); i++)
			is = fnmatch(interfaces[i], alias->text, 0) == 0;
	}
	fclose(file);
	return is;
}

/* After the kernel's settings, which an interface takes over when it appears. */
static void
interfaces_drive(void)
{
	static const char *const buses[] = { "/sys/bus/pci/devices", "/sys/bus/virtio/devices",
		"/sys/bus/vmbus/devices" };
	static struct modalias found[INTERFACES_MAX];
	static char *argv[3 + INTERFACES_MAX + 1] = { "/usr/sbin/modprobe", "--all", "--quiet" };
	size_t count = 0;
	struct dirent *entry;
	DIR *dir;

	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
		if ((dir = opendir(buses[i])) == NULL)
			continue;
		while (count < INTERFACES_MAX && (entry = readdir(dir)) != NULL)
			if (modalias_read(buses[i], entry->d_name, &found[count])) {
				argv[3 + count] = found[count].text;
				count++;
			}
		closedir(dir);
	}
	if (count > 0)
		early_run(argv);
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
	early_do("systemd-sysctl.service", settings);
	early_do("mpic-firewall.service", filter);
	interfaces_drive();
	early_do("systemd-tmpfiles-setup.service", files);
	_exit(0);
}
