#include "coordinator/pki/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/stat.h>

void
folder_path(const char *folder, const char *name, char path[static FOLDER_PATH_MAX])
{
	snprintf(path, FOLDER_PATH_MAX, "%s/%s", folder, name);
}

/* Closes the descriptor. False, with a sentence, if it is none or cannot take the text. */
static bool
write_all(int fd, const char *path, const struct buf *text, struct buf *why)
{
	bool ok = fd >= 0 && write(fd, text->data, text->len) == (ssize_t)text->len &&
	    fsync(fd) == 0;

	if (!ok)
		buf_addf(why, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
folder_write_new(const char *folder, const char *name, const struct buf *text,
    bool open_to_all, struct buf *why)
{
	char path[FOLDER_PATH_MAX];
	int fd;

	folder_path(folder, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, open_to_all ? 0644 : 0600);
	return write_all(fd, path, text, why);
}

bool
folder_replace(const char *folder, const char *name, const struct buf *text,
    bool open_to_all, struct buf *why)
{
	char path[FOLDER_PATH_MAX], next[FOLDER_PATH_MAX + 16];
	int fd;

	folder_path(folder, name, path);
	snprintf(next, sizeof(next), "%s.new", path);
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, open_to_all ? 0644 : 0600);
	if (!write_all(fd, next, text, why))
		return false;
	if (rename(next, path) == 0)
		return true;
	buf_addf(why, "%s: %s", path, strerror(errno));
	return false;
}

bool
folder_append(const char *folder, const char *name, const struct buf *line, struct buf *why)
{
	char path[FOLDER_PATH_MAX];
	int fd;

	folder_path(folder, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	/* Workers and replicas write here, too; the lock goes with the descriptor. */
	if (fd >= 0)
		flock(fd, LOCK_EX);
	return write_all(fd, path, line, why);
}

bool
folder_read(const char *folder, const char *name, struct buf *text, struct buf *why)
{
	char path[FOLDER_PATH_MAX], bytes[16384];
	FILE *file;
	size_t n;

	folder_path(folder, name, path);
	file = fopen(path, "re");
	if (file == NULL) {
		buf_addf(why, "%s: %s", path, strerror(errno));
		return false;
	}
	while (!text->failed && (n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buf_add(text, bytes, n);
	if (text->failed)
		buf_addf(why, "%s: more than %zu bytes", path, text->max);
	else if (ferror(file) || text->len == 0)
		buf_addf(why, "%s: is empty or cannot be read", path);
	fclose(file);
	return !text->failed && text->len > 0;
}

bool
folder_has(const char *folder, const char *name)
{
	char path[FOLDER_PATH_MAX];
	struct stat st;

	folder_path(folder, name, path);
	return stat(path, &st) == 0 && st.st_size > 0;
}

bool
folder_ca(const char *folder, const char *key, struct pki_ca *ca, struct buf *why)
{
	char certificate[FOLDER_PATH_MAX], own_key[FOLDER_PATH_MAX];

	folder_path(folder, "ca.pem", certificate);
	folder_path(folder, "ca.key", own_key);
	return pki_ca_read(ca, certificate, key != NULL ? key : own_key, why);
}

bool
folder_trusted(const char *folder, struct buf *text, struct buf *why)
{
	return folder_read(folder, folder_has(folder, "root.pem") ? "root.pem" : "ca.pem", text, why);
}
