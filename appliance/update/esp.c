#include "appliance/update/esp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#define PREFIX		"parallax_"
#define SUFFIX		".efi"
#define NEW_IMAGE	"parallax.new"
#define LOADER_CONF	"loader/loader.conf"
#define LOADER_NEW	"loader/loader.new"
#define LOADER_MAX	4096
#define TRIES_MAX	1000

/* ---- names ---- */

/* "+3" or "+2-1" at `text`, which ends with it; false for anything else. */
static bool
counter_parse(const char *text, int *left)
{
	char *end;
	long n;

	if (text[0] != '+' || text[1] < '0' || text[1] > '9')
		return false;
	n = strtol(text + 1, &end, 10);
	if (n > TRIES_MAX)
		return false;
	*left = (int)n;
	if (*end == '-' && end[1] != '\0')
		end += 1 + strspn(end + 1, "0123456789");
	return *end == '\0';
}

static bool
entry_parse(struct esp_entry *entry, const char *name)
{
	size_t len = strlen(name), prefix = strlen(PREFIX), suffix = strlen(SUFFIX), version;
	char middle[ESP_NAME_MAX];

	if (len >= ESP_NAME_MAX || len <= prefix + suffix ||
	    strncasecmp(name, PREFIX, prefix) != 0 ||
	    strcasecmp(name + len - suffix, SUFFIX) != 0)
		return false;
	memcpy(middle, name + prefix, len - prefix - suffix);
	middle[len - prefix - suffix] = '\0';
	version = strcspn(middle, "+");
	entry->left = -1;
	if (version >= VERSION_MAX ||
	    (middle[version] != '\0' && !counter_parse(middle + version, &entry->left)))
		return false;
	middle[version] = '\0';
	if (!version_valid(middle))
		return false;
	memcpy(entry->version, middle, version + 1);
	memcpy(entry->name, name, len + 1);
	return true;
}

/* ---- looking ---- */

static bool
esp_list(struct esp *e, struct buf *why)
{
	int fd = openat(e->linux_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *found;
	struct stat st;

	e->count = 0;
	if (dir == NULL) {
		buf_addf(why, "EFI/Linux: %s", strerror(errno));
		if (fd != -1)
			close(fd);
		return false;
	}
	while ((found = readdir(dir)) != NULL && e->count < ESP_ENTRIES_MAX) {
		struct esp_entry *entry = &e->entries[e->count];

		if (!entry_parse(entry, found->d_name) ||
		    fstatat(e->linux_fd, found->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		entry->since_s = st.st_mtim.tv_sec;
		e->count++;
	}
	closedir(dir);
	return true;
}

static int
open_folder(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool
esp_open(struct esp *e, const char *path, struct buf *why)
{
	int efi_fd;

	*e = (struct esp){ .root_fd = open_folder(AT_FDCWD, path), .linux_fd = -1 };
	efi_fd = e->root_fd != -1 ? open_folder(e->root_fd, "EFI") : -1;
	if (efi_fd != -1) {
		e->linux_fd = open_folder(efi_fd, "Linux");
		close(efi_fd);
	}
	if (e->linux_fd != -1 && esp_list(e, why))
		return true;
	if (why->len == 0)
		buf_addf(why, "%s/EFI/Linux: %s", path, strerror(errno));
	esp_close(e);
	return false;
}

void
esp_close(struct esp *e)
{
	if (e->linux_fd >= 0)
		close(e->linux_fd);
	if (e->root_fd >= 0)
		close(e->root_fd);
	e->linux_fd = e->root_fd = -1;
}

const struct esp_entry *
esp_version(const struct esp *e, const char *version)
{
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->entries[i].version, version) == 0)
			return &e->entries[i];
	return NULL;
}

/* The first other version with a counter that does, or does not, say 0. */
static const struct esp_entry *
esp_counted(const struct esp *e, const char *running, bool none_left)
{
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->entries[i].version, running) != 0 && e->entries[i].left >= 0 &&
		    (e->entries[i].left == 0) == none_left)
			return &e->entries[i];
	return NULL;
}

const struct esp_entry *
esp_failed(const struct esp *e, const char *running)
{
	return esp_counted(e, running, true);
}

const struct esp_entry *
esp_waiting(const struct esp *e, const char *running)
{
	return esp_counted(e, running, false);
}

/* ---- changing ---- */

static bool
failed_at(const char *name, struct buf *why)
{
	buf_addf(why, "the EFI system partition: %s: %s", name, strerror(errno));
	return false;
}

/* A FAT keeps no order by itself: all of it is on the disk before the next step. */
static bool
esp_sync(const struct esp *e, struct buf *why)
{
	if (fsync(e->linux_fd) != 0 || fsync(e->root_fd) != 0 || syncfs(e->root_fd) != 0)
		return failed_at("sync", why);
	return true;
}

int
esp_create(const struct esp *e, struct buf *why)
{
	int fd;

	esp_discard(e);
	fd = openat(e->root_fd, NEW_IMAGE,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		failed_at(NEW_IMAGE, why);
	return fd;
}

void
esp_discard(const struct esp *e)
{
	(void)unlinkat(e->root_fd, NEW_IMAGE, 0);
}

bool
esp_keep_only(struct esp *e, const char *version, struct buf *why)
{
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->entries[i].version, version) != 0 &&
		    unlinkat(e->linux_fd, e->entries[i].name, 0) != 0)
			return failed_at(e->entries[i].name, why);
	return esp_sync(e, why) && esp_prefer(e, NULL, why) && esp_list(e, why);
}

bool
esp_place(struct esp *e, const char *version, struct buf *why)
{
	char name[ESP_NAME_MAX];

	snprintf(name, sizeof(name), PREFIX "%s+%d" SUFFIX, version, ESP_TRIES);
	if (renameat(e->root_fd, NEW_IMAGE, e->linux_fd, name) != 0)
		return failed_at(name, why);
	return esp_sync(e, why) && esp_list(e, why);
}

/* ---- which one is preferred ---- */

static bool
conf_read(const struct esp *e, struct buf *text)
{
	int fd = openat(e->root_fd, LOADER_CONF, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char block[LOADER_MAX];
	ssize_t n;

	if (fd == -1)
		return errno == ENOENT;
	n = read(fd, block, sizeof(block));
	close(fd);
	if (n > 0)
		buf_add(text, block, (size_t)n);
	return n >= 0 && n < LOADER_MAX && !text->failed;
}

/* Every line but those about the default. */
static void
conf_others(const struct buf *text, struct buf *out)
{
	for (const char *line = text->data; line != NULL && *line != '\0';) {
		size_t len = strcspn(line, "\n");

		if (strncmp(line, "default", 7) != 0 || (line[7] != ' ' && line[7] != '\t')) {
			buf_add(out, line, len);
			buf_addc(out, '\n');
		}
		line += len + (line[len] == '\n');
	}
}

static bool
conf_write(const struct esp *e, const struct buf *text)
{
	int fd;
	bool ok;

	(void)unlinkat(e->root_fd, LOADER_NEW, 0);
	fd = openat(e->root_fd, LOADER_NEW,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return false;
	ok = (text->len == 0 || write(fd, text->data, text->len) == (ssize_t)text->len) &&
	    fsync(fd) == 0;
	close(fd);
	return ok && renameat(e->root_fd, LOADER_NEW, e->root_fd, LOADER_CONF) == 0;
}

bool
esp_prefer(const struct esp *e, const char *version, struct buf *why)
{
	struct buf before = BUF_INIT(LOADER_MAX), after = BUF_INIT(LOADER_MAX + 256);
	bool ok = conf_read(e, &before);

	conf_others(&before, &after);
	/* ".efi", "+3.efi", "+2-1.efi", but not "+0-3.efi": such would be started for ever */
	if (version != NULL)
		buf_addf(&after, "default " PREFIX "%s[.+][1-9e]*\n", version);
	if (!ok || after.failed)
		failed_at(LOADER_CONF, why);
	else if (after.len != before.len ||
	    (after.len > 0 && memcmp(after.data, before.data, after.len) != 0))
		ok = conf_write(e, &after) ? esp_sync(e, why) : failed_at(LOADER_CONF, why);
	ok = ok && !after.failed;
	buf_free(&before);
	buf_free(&after);
	return ok;
}
