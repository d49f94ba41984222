#include "appliance/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#define OS_RELEASE	"/usr/lib/os-release"

void
place_path(const char *root, const char *path, char out[static PLACE_MAX])
{
	if (snprintf(out, PLACE_MAX, "%s%s", root, path) >= PLACE_MAX)
		out[0] = '\0';
}

bool
place_exists(const char *root, const char *path)
{
	char at[PLACE_MAX];

	place_path(root, path, at);
	return access(at, F_OK) == 0;
}

static bool
descriptor_read(int fd, struct buf *out)
{
	char block[4096];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		buf_add(out, block, (size_t)n);
	if (n < 0)
		return false;
	errno = EFBIG;
	return !out->failed;
}

bool
place_read(const char *root, const char *path, struct buf *out)
{
	char at[PLACE_MAX];
	struct stat st;
	bool ok = false;
	int fd, error;

	place_path(root, path, at);
	fd = open(at, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return false;
	if (fstat(fd, &st) == 0) {
		errno = EINVAL;
		ok = S_ISREG(st.st_mode) && descriptor_read(fd, out);
	}
	error = errno;
	close(fd);
	errno = error;
	return ok;
}

bool
place_replace(const char *root, const char *path, const struct buf *text, mode_t mode)
{
	char at[PLACE_MAX], name[PLACE_MAX], fresh[PLACE_MAX];
	bool ok;
	int fd;

	place_path(root, path, at);
	if (snprintf(name, sizeof(name), "%s.new", path) >= (int)sizeof(name))
		return false;
	place_path(root, name, fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return false;
	errno = ENOSPC;
	ok = !text->failed && write(fd, text->data, text->len) == (ssize_t)text->len &&
	    fchmod(fd, mode) == 0 && fsync(fd) == 0;
	return close(fd) == 0 && ok && rename(fresh, at) == 0;
}

/* The value within one line, without the quotes around it. */
static bool
value_copy(const char *line, size_t len, char *value, size_t size)
{
	if (len >= 2 && (line[0] == '"' || line[0] == '\'') && line[len - 1] == line[0]) {
		line++;
		len -= 2;
	}
	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (line[i] < ' ' || line[i] > '~')
			return false;
	memcpy(value, line, len);
	value[len] = '\0';
	return true;
}

bool
place_image(const char *root, const char *name, char *value, size_t size)
{
	struct buf text = BUF_INIT(65536);
	size_t name_len = strlen(name);
	bool found = false;

	value[0] = '\0';
	if (place_read(root, OS_RELEASE, &text) && text.data != NULL)
		for (const char *line = text.data, *next; line != NULL && !found; line = next) {
			size_t len = strcspn(line, "\n");

			next = line[len] == '\n' ? line + len + 1 : NULL;
			if (len > name_len && strncmp(line, name, name_len) == 0 &&
			    line[name_len] == '=')
				found = value_copy(line + name_len + 1, len - name_len - 1,
				    value, size);
		}
	buf_free(&text);
	return found;
}

int64_t
place_image_date_s(const char *root)
{
	char at[PLACE_MAX];
	struct stat st;

	place_path(root, OS_RELEASE, at);
	return stat(at, &st) == 0 && st.st_mtim.tv_sec > 0 ? st.st_mtim.tv_sec : 0;
}
