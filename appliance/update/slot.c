#include "appliance/update/slot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "appliance/place.h"

#define PART_A	"root_a"
#define PART_B	"root_b"

/* ---- what the kernel says of a device ---- */

/* False, and "", for a name that no device of ours has. */
static bool
name_copy(char name[static SLOT_NAME_MAX], const char *from)
{
	size_t len = strlen(from);

	name[0] = '\0';
	if (len >= SLOT_NAME_MAX)
		return false;
	memcpy(name, from, len + 1);
	return true;
}

/* The one entry of a folder; false if there is none or another. */
static bool
only_entry(const char *path, char name[static SLOT_NAME_MAX])
{
	DIR *dir = opendir(path);
	const struct dirent *found;
	size_t count = 0;
	bool fits = false;

	if (dir == NULL)
		return false;
	while ((found = readdir(dir)) != NULL)
		if (found->d_name[0] != '.' && count++ == 0)
			fits = name_copy(name, found->d_name);
	closedir(dir);
	return count == 1 && fits;
}

/* Its PARTNAME, "" for what is no partition. */
static void
part_name(const char *folder, const char *device, char name[static SLOT_NAME_MAX])
{
	static const char key[] = "PARTNAME=";
	struct buf text = BUF_INIT(4096);
	char path[PLACE_MAX];
	char *rest, *line;

	name[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s/uevent", folder, device) < (int)sizeof(path) &&
	    place_read("", path, &text)) {
		rest = text.data;
		while ((line = strsep(&rest, "\n")) != NULL)
			if (strncmp(line, key, strlen(key)) == 0)
				(void)name_copy(name, line + strlen(key));
	}
	buf_free(&text);
}

/* The partition of that name on the disk whose folder this is; false for none, and for two. */
static bool
part_find(const char *disk, const char *wanted, char device[static SLOT_NAME_MAX])
{
	DIR *dir = opendir(disk);
	char name[SLOT_NAME_MAX];
	const struct dirent *found;
	size_t count = 0;
	bool fits = false;

	if (dir == NULL)
		return false;
	while ((found = readdir(dir)) != NULL) {
		if (found->d_name[0] == '.')
			continue;
		part_name(disk, found->d_name, name);
		if (strcmp(name, wanted) == 0 && count++ == 0)
			fits = name_copy(device, found->d_name);
	}
	closedir(dir);
	return count == 1 && fits;
}

/* The disk that a partition is on, as a folder of sysfs. NULL, or the caller's to free. */
static char *
disk_folder(const char *root, const char *device)
{
	char path[PLACE_MAX], below[SLOT_NAME_MAX + 32];
	char *folder;

	snprintf(below, sizeof(below), "/sys/class/block/%s", device);
	place_path(root, below, path);
	folder = realpath(path, NULL);
	if (folder != NULL && strrchr(folder, '/') != folder)
		*strrchr(folder, '/') = '\0';
	return folder;
}

/* ---- which is which ---- */

static bool
find_running(struct slot *s, const char *root, struct buf *why)
{
	char path[PLACE_MAX], below[96];
	struct stat st;

	if (stat("/", &st) != 0) {
		buf_addf(why, "/: %s", strerror(errno));
		return false;
	}
	snprintf(below, sizeof(below), "/sys/dev/block/%u:%u/slaves", major(st.st_dev),
	    minor(st.st_dev));
	place_path(root, below, path);
	if (only_entry(path, s->running))
		return true;
	buf_addf(why, "this machine does not run from a verified partition: %s has not one entry",
	    path);
	return false;
}

static bool
find_other(struct slot *s, const char *root, struct buf *why)
{
	char *disk = disk_folder(root, s->running);
	char name[SLOT_NAME_MAX] = "";
	const char *other;

	if (disk != NULL)
		part_name(disk, s->running, name);
	other = strcmp(name, PART_A) == 0 ? PART_B : strcmp(name, PART_B) == 0 ? PART_A : NULL;
	if (other == NULL)
		buf_addf(why, "%s, which this machine runs from, is neither " PART_A " nor " PART_B,
		    s->running);
	else if (!part_find(disk, other, s->device) || strcmp(s->device, s->running) == 0)
		buf_addf(why, "there is not one partition %s on the disk of %s", other, s->running);
	free(disk);
	return why->len == 0 && !why->failed;
}

int
slot_open(const struct slot *s, const char *root, struct buf *why)
{
	char path[PLACE_MAX], below[SLOT_NAME_MAX + 8];
	struct stat st;
	int fd;

	snprintf(below, sizeof(below), "/dev/%s", s->device);
	place_path(root, below, path);
	fd = open(path, O_RDWR | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1) {
		buf_addf(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && (S_ISBLK(st.st_mode) || (S_ISREG(st.st_mode) && *root != '\0')))
		return fd;
	buf_addf(why, "%s is no block device", path);
	close(fd);
	return -1;
}

bool
slot_find(struct slot *s, const char *root, struct buf *why)
{
	int fd;

	*s = (struct slot){ .bytes = 0 };
	if (!find_running(s, root, why) || !find_other(s, root, why) ||
	    (fd = slot_open(s, root, why)) == -1)
		return false;
	s->bytes = lseek(fd, 0, SEEK_END);
	close(fd);
	if (s->bytes > 0)
		return true;
	buf_addf(why, "%s: its size cannot be told", s->device);
	return false;
}
