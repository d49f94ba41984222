#include "coordinator/audit_end.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "log.h"

/* So far from its end the last whole line of a file may be. */
#define TAIL_MAX	((off_t)4 * 1024 * 1024)

/* The last bytes of the file; NULL, with errno, without memory or when it cannot be read. */
static char *
read_end(int fd, off_t size, size_t *len)
{
	off_t from = size > TAIL_MAX ? size - TAIL_MAX : 0;
	size_t want = (size_t)(size - from);
	char *text = malloc(want + 1);

	*len = 0;
	while (text != NULL && *len < want) {
		ssize_t n = pread(fd, text + *len, want - *len, from + (off_t)*len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return NULL;
		}
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return text;
}

bool
audit_end_read(struct audit_tail *t, int fd, struct audit_digest *d, const char **reason)
{
	struct stat st;
	size_t len;
	char *text;
	bool read;

	if (fstat(fd, &st) != 0 || (text = read_end(fd, st.st_size, &len)) == NULL) {
		*reason = strerror(errno);
		return false;
	}
	read = audit_tail_read(t, text, len, st.st_size <= TAIL_MAX, d);
	free(text);
	if (!read)
		*reason = "out of memory";
	else if (!t->found && st.st_size > TAIL_MAX)
		*reason = "its last 4 MiB have no line of an audit log";
	else
		return true;
	return false;
}

static bool
younger(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* The youngest file in `dir` whose name begins with `base` and goes on. */
static bool
find_youngest(const char *dir, const char *base, char found[PATH_MAX])
{
	struct timespec best = { 0, 0 };
	DIR *entries = opendir(dir);
	const struct dirent *entry;
	char path[PATH_MAX];
	struct stat st;

	found[0] = '\0';
	while (entries != NULL && (entry = readdir(entries)) != NULL) {
		size_t len = strlen(base);

		if (strncmp(entry->d_name, base, len) != 0 || entry->d_name[len] == '\0' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= PATH_MAX ||
		    stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
		    !younger(&st.st_mtim, &best))
			continue;
		best = st.st_mtim;
		memcpy(found, path, strlen(path) + 1);
	}
	if (entries != NULL)
		closedir(entries);
	return found[0] != '\0';
}

void
audit_end_rotated(struct audit_tail *t, const char *path, struct audit_digest *d)
{
	const char *base = strrchr(path, '/') + 1, *reason = "";
	char dir[PATH_MAX], file[PATH_MAX];
	struct audit_tail rotated = { .found = false };
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", (int)(base - path), path);
	if (!find_youngest(dir, base, file))
		return;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		reason = strerror(errno);
	else if (audit_end_read(&rotated, fd, d, &reason) && rotated.found) {
		t->found = true;
		t->last = rotated.last;
		if (t->torn == 0) {
			t->torn = rotated.torn;
			memcpy(t->torn_hash, rotated.torn_hash, sizeof(t->torn_hash));
		}
	}
	if (!rotated.found)
		log_warning("the audit log begins a new chain: where the file before ends cannot "
		    "be told", "file", file, "why", reason);
	if (fd >= 0)
		close(fd);
}
