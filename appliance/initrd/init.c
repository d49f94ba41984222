/*
 * The first process: finds the root that this kernel was signed with, has the
 * kernel verify every block of it from here on, and starts the system in it and,
 * beside that, what most of the system waits for (early.h).
 * What it cannot do it says in one sentence; its end is the kernel's panic, and
 * the machine boots again (panic=10), which is what falls back to the other slot.
 *
 *   /       squashfs on dm-verity, read-only
 *   /state  ext4 on the same disk: what outlives a reboot; here, since what needs
 *           it would wait a good second for udev to find the partition
 *   /etc    the image's own, with changes in memory
 *   /var    in memory, empty
 *   /tmp    likewise
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "early.h"
#include "verity.h"

#define SYSTEM		"/usr/lib/systemd/systemd"
#define MODULES		"/modules/"
#define BLOCK_DEVICES	"/sys/class/block"
#define FIRST_DISK_MS	60000	/* until some root partition must have appeared */
#define LAST_DISK_MS	3000	/* and until no further one is waited for */
#define PARTITIONS_MAX	32

/* To the kernel's log and so to the console, as the kernel's own errors are. */
static void
report(const char *sentence)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd == -1)
		return;
	dprintf(fd, "<3>parallax: %s", sentence);
	close(fd);
}

__attribute__((noreturn, format(printf, 1, 2))) static void
die(const char *format, ...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	report(sentence);
	exit(1);
}

static void
mount_or_die(const char *what, const char *where, const char *type, unsigned long flags,
    const char *options)
{
	if (mount(what, where, type, flags, options) == -1)
		die("cannot mount %s at %s: %s", what, where, strerror(errno));
}

/* A small file into `text`, terminated; dies if it cannot be read or is larger. */
static void
file_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;
	size_t len = 0;

	if (fd == -1)
		die("cannot open %s: %s", path, strerror(errno));
	while ((got = read(fd, text + len, size - len)) > 0)
		len += (size_t)got;
	close(fd);
	if (got == -1 || len == size)
		die("cannot read %s", path);
	text[len] = '\0';
}

/* Partitions that may be the root: of each, whether it was looked at. */
struct search {
	struct root_hash root;
	dev_t tried[PARTITIONS_MAX];
	size_t tried_count;
	dev_t found;
};

static bool
is_root(const char *name)
{
	return strcmp(name, "root_a\n") == 0 || strcmp(name, "root_b\n") == 0;
}

static bool
is_state(const char *name)
{
	return strcmp(name, "state\n") == 0;
}

/* What the kernel says of a block device: its number if it is a partition of such a name. */
static bool
partition_read(const char *name, bool (*wanted)(const char *name), dev_t *device)
{
	static const char label[] = "PARTNAME=";
	char path[300], line[128];
	unsigned int major = 0, minor = 0;
	bool is = false;
	FILE *file;

	snprintf(path, sizeof(path), BLOCK_DEVICES "/%s/uevent", name);
	if ((file = fopen(path, "re")) == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL) {
		sscanf(line, "MAJOR=%u", &major);
		sscanf(line, "MINOR=%u", &minor);
		if (strncmp(line, label, sizeof(label) - 1) == 0)
			is = wanted(line + sizeof(label) - 1);
	}
	fclose(file);
	*device = makedev(major, minor);
	return is;
}

static bool
search_has_tried(const struct search *search, dev_t device)
{
	for (size_t i = 0; i < search->tried_count; i++)
		if (search->tried[i] == device)
			return true;
	return false;
}

/* Looks at what is new since the last time. True: found. */
static bool
search_look(struct search *search)
{
	DIR *dir = opendir(BLOCK_DEVICES);
	struct dirent *entry;
	bool found = false;
	dev_t device;

	while (!found && dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!partition_read(entry->d_name, is_root, &device) || search_has_tried(search, device) ||
		    search->tried_count == PARTITIONS_MAX)
			continue;
		search->tried[search->tried_count++] = device;
		found = verity_matches(device, &search->root);
		search->found = device;
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/*
 * One module. Drivers of machines that this is not refuse, and so do those built
 * on them; if one is missed that is needed, what needs it says so.
 */
static void
module_load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		die("cannot open %s: %s", path, strerror(errno));
	syscall(SYS_finit_module, fd, "", 0);
	close(fd);
}

/*
 * Those of a list, in its order, where what another needs comes before it. With a
 * search it ends once that is over: the drivers that are left cost the kernel the
 * check of a signature each, and udev loads them if this machine has use for them.
 */
static bool
modules_load(const char *list_path, struct search *search)
{
	char list[4096], path[256], *rest = list, *name;
	bool found = false;

	file_read(list_path, list, sizeof(list));
	while ((name = strsep(&rest, "\n")) != NULL) {
		if (*name == '\0')
			continue;
		snprintf(path, sizeof(path), MODULES "%s", name);
		if (!found) {
			module_load(path);
			found = search != NULL && search_look(search);
		}
		unlink(path);		/* it is in memory twice otherwise */
	}
	return found;
}

/*
 * A second processor, where there is one, has nothing to do yet: it loads what the
 * system will want, from the initrd's files, which it keeps when the root is entered.
 * Returns what says the end of file once it has; -1: it has already.
 */
static int
modules_load_beside(void)
{
	int ends[2] = { -1, -1 };
	pid_t pid = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;

	if (pid > 0) {
		close(ends[1]);
		return ends[0];
	}
	modules_load(MODULES "beside", NULL);
	if (pid == 0)
		_exit(0);
	close(ends[0]);
	close(ends[1]);
	return -1;
}

/* Disks come when they come: looks every 10 ms until a slot matches or none will. */
static void
search_run(struct search *search)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	size_t seen = 0;
	int left = FIRST_DISK_MS / 10;

	while (!search_look(search)) {
		if (search->tried_count != seen)
			left = LAST_DISK_MS / 10;
		seen = search->tried_count;
		if (--left == 0 && seen == 0)
			die("no disk with a partition root_a or root_b appeared in %d s",
			    FIRST_DISK_MS / 1000);
		if (left == 0)
			die("none of %zu root partitions holds root hash %s: this kernel's slot is "
			    "damaged, or of another version", seen, search->root.hash);
		nanosleep(&pause, NULL);
	}
}

static void
root_mount(const struct search *search)
{
	int result = verity_open(search->found, &search->root);

	if (result != 0)
		die("cannot set up dm-verity: %s", strerror(-result));
	mount_or_die(VERITY_DEVICE, "/root", "squashfs", MS_RDONLY | MS_NODEV, NULL);
	mount_or_die("tmpfs", "/root/var", "tmpfs", MS_NODEV | MS_NOSUID, "mode=0755,size=64m");
	/* as systemd's tmp.mount has it, without a process for it */
	mount_or_die("tmpfs", "/root/tmp", "tmpfs", MS_NODEV | MS_NOSUID,
	    "mode=1777,size=50%,nr_inodes=1m");
}

/* Where in /sys the disk of a partition is: /sys/devices/...; false: it cannot be told. */
static bool
disk_of(dev_t partition, char disk[static PATH_MAX])
{
	char link[64];

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u/..", major(partition), minor(partition));
	return realpath(link, disk) != NULL;
}

/* The device of the partition "state" that is on the root's disk; false: there is none. */
static bool
state_find(dev_t root, char *path, size_t size)
{
	char disk[PATH_MAX], other[PATH_MAX];
	DIR *dir = opendir(BLOCK_DEVICES);
	struct dirent *entry;
	bool found = false;
	dev_t device;

	while (!found && dir != NULL && (entry = readdir(dir)) != NULL) {
		found = partition_read(entry->d_name, is_state, &device) &&
		    disk_of(root, disk) && disk_of(device, other) && strcmp(disk, other) == 0;
		if (found)
			snprintf(path, size, "/dev/%s", entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* Without it volatile-state.service has memory in its place, and says so; why is said here. */
static void
state_mount(dev_t root)
{
	char device[300], sentence[400];

	if (!state_find(root, device, sizeof(device))) {
		report("the root's disk has no partition state");
		return;
	}
	if (mount(device, "/root/state", "ext4", MS_NODEV | MS_NOSUID | MS_NOEXEC | MS_NOATIME,
	    NULL) == 0)
		return;
	snprintf(sentence, sizeof(sentence), "cannot mount %s at /state: %s", device,
	    strerror(errno));
	report(sentence);
}

/* The layer of changes is a tmpfs that nothing else reaches. */
static void
etc_mount(void)
{
	mount_or_die("tmpfs", "/changes", "tmpfs", MS_NODEV | MS_NOSUID, "mode=0755,size=8m");
	if (mkdir("/changes/upper", 0755) == -1 || mkdir("/changes/work", 0755) == -1)
		die("cannot prepare /etc: %s", strerror(errno));
	mount_or_die("overlay", "/root/etc", "overlay", MS_NODEV | MS_NOSUID,
	    "lowerdir=/root/etc,upperdir=/changes/upper,workdir=/changes/work");
	umount2("/changes", MNT_DETACH);
}

static void
root_enter(void)
{
	static const char *const kept[] = { "/dev", "/proc", "/sys", "/run" };
	char to[32];

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		snprintf(to, sizeof(to), "/root%s", kept[i]);
		mount_or_die(kept[i], to, NULL, MS_MOVE, NULL);
	}
	unlink("/init");
	if (chdir("/root") == -1)
		die("cannot enter the root: %s", strerror(errno));
	mount_or_die(".", "/", NULL, MS_MOVE, NULL);
	if (chroot(".") == -1 || chdir("/") == -1)
		die("cannot enter the root: %s", strerror(errno));
}

int
main(void)
{
	static struct search search;
	char cmdline[4096];
	int beside;

	mount_or_die("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	mount_or_die("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_or_die("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_or_die("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=20%");
	file_read("/proc/cmdline", cmdline, sizeof(cmdline));
	if (!root_hash_parse(&search.root, cmdline))
		die("the kernel command line needs one mpic.root=HASH,SALT,BLOCKS");
	if (strstr(cmdline, "mpic.variant=debug") != NULL)
		report("this is the DEBUG VARIANT of the image, with a shell on the serial console");
	beside = modules_load_beside();
	modules_load(MODULES "list", NULL);
	if (!modules_load(MODULES "disks", &search))
		search_run(&search);
	root_mount(&search);
	state_mount(search.found);
	etc_mount();
	root_enter();
	early_begin(beside);
	execl(SYSTEM, SYSTEM, (char *)NULL);
	die("cannot start %s: %s", SYSTEM, strerror(errno));
}
