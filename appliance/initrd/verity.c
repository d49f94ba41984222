#include "verity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What device-mapper takes: its header, one target, and the target's words. */
struct request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char words[512];
};

static void
request_init(struct request *request)
{
	memset(request, 0, sizeof(*request));
	request->head.version[0] = DM_VERSION_MAJOR;
	request->head.data_size = sizeof(*request);
	request->head.data_start = sizeof(request->head);
	request->head.flags = DM_READONLY_FLAG;
	snprintf(request->head.name, sizeof(request->head.name), "%s", VERITY_NAME);
}

/* Sends one command; 0 or -errno. */
static int
command(unsigned long number, struct request *request)
{
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), result = 0;

	if (fd == -1 || ioctl(fd, number, request) == -1)
		result = -errno;
	if (fd != -1)
		close(fd);
	return result;
}

static void
target_fill(struct request *request, dev_t partition, const struct root_hash *root,
    const char *options)
{
	request->head.target_count = 1;
	request->target.length = root->blocks * (ROOT_BLOCK / 512);
	snprintf(request->target.target_type, sizeof(request->target.target_type), "verity");
	snprintf(request->words, sizeof(request->words),
	    "1 %u:%u %u:%u %d %d %llu %llu sha256 %s %s %s",
	    major(partition), minor(partition), major(partition), minor(partition),
	    ROOT_BLOCK, ROOT_BLOCK, root->blocks, root->blocks, root->hash, root->salt, options);
}

static void
device_remove(void)
{
	struct request request;

	unlink(VERITY_DEVICE);
	request_init(&request);
	command(DM_DEV_REMOVE, &request);
}

/* Creates, loads and starts the device, and makes its node. */
static int
device_create(dev_t partition, const struct root_hash *root, const char *options)
{
	struct request request;
	int result;

	request_init(&request);
	if ((result = command(DM_DEV_CREATE, &request)) != 0)
		return result;
	request_init(&request);
	target_fill(&request, partition, root, options);
	if ((result = command(DM_TABLE_LOAD, &request)) == 0) {
		request_init(&request);
		result = command(DM_DEV_SUSPEND, &request);	/* not suspended: resumed */
	}
	if (result == 0 && mknod(VERITY_DEVICE, S_IFBLK | 0400, request.head.dev) == -1)
		result = -errno;
	if (result != 0)
		device_remove();
	return result;
}

bool
verity_matches(dev_t partition, const struct root_hash *root)
{
	char block[ROOT_BLOCK];
	bool good = false;
	int fd;

	if (device_create(partition, root, "") != 0)
		return false;
	if ((fd = open(VERITY_DEVICE, O_RDONLY | O_CLOEXEC)) != -1) {
		good = read(fd, block, sizeof(block)) == (ssize_t)sizeof(block);
		close(fd);
	}
	device_remove();
	return good;
}

int
verity_open(dev_t partition, const struct root_hash *root)
{
	return device_create(partition, root, "1 panic_on_corruption");
}
