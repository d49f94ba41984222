/* The files of an outcome, all or none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "appliance/document/outcome.h"
#include "appliance/place.h"

/* Those that an earlier document may have had and this one has not. */
static const char *const optional[] = { "crl.pem", "given-crl.pem", "given.pem",
	"unbound/root.hints", "enrolment.yaml",
	"enrolment-ca.pem", "update.yaml", "log_forward.conf", "log-ca.pem" };

static void
path_of(const char *root, const char *name, const char *tail, char path[static PLACE_MAX])
{
	char within[256];

	snprintf(within, sizeof(within), OUTCOME_FOLDER "/%s%s", name, tail);
	place_path(root, within, path);
}

static bool
write_text(const char *path, const struct outcome_file *file)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	const char *at = file->text.data;
	size_t left = file->text.len;
	ssize_t n = 0;
	bool ok = fd != -1;
	int error;

	while (ok && left > 0) {
		n = write(fd, at, left);
		ok = n > 0 || (n < 0 && errno == EINTR);
		at += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	ok = ok && fchmod(fd, file->mode) == 0;
	error = errno;
	if (fd != -1)
		close(fd);
	errno = error;
	return ok;
}

static bool
write_aside(const char *root, const struct outcome_file *file)
{
	char path[PLACE_MAX];

	path_of(root, file->name, ".new", path);
	if (unlink(path) == -1 && errno != ENOENT)
		return false;
	return file->link ? symlink(file->text.data, path) == 0 : write_text(path, file);
}

static bool
move_in(const char *root, const struct outcome_file *file)
{
	char from[PLACE_MAX], to[PLACE_MAX];

	path_of(root, file->name, ".new", from);
	path_of(root, file->name, "", to);
	return rename(from, to) == 0;
}

static void
remove_file(const char *root, const char *name, const char *tail)
{
	char path[PLACE_MAX];

	path_of(root, name, tail, path);
	(void)unlink(path);	/* most often it is not there */
}

bool
outcome_write(const struct outcome *o, const char *root, struct buf *why)
{
	const struct outcome_file *file = NULL;
	char path[PLACE_MAX];
	bool ok = true;

	/* the unit makes it, too; elsewhere than there it may be missing */
	path_of(root, "unbound", "", path);
	(void)mkdir(path, 0755);
	for (size_t i = 0; ok && i < o->count; i++)
		ok = write_aside(root, file = &o->files[i]);
	/* without `source` nothing of this is complete */
	if (ok)
		remove_file(root, "source", "");
	for (size_t i = 0; ok && i < sizeof(optional) / sizeof(optional[0]); i++)
		if (outcome_find(o, optional[i]) == NULL)
			remove_file(root, optional[i], "");
	for (size_t i = 0; ok && i < o->count; i++)
		ok = move_in(root, file = &o->files[i]);
	if (!ok) {
		buf_addf(why, OUTCOME_FOLDER "/%s: %s", file->name, strerror(errno));
		for (size_t i = 0; i < o->count; i++)
			remove_file(root, o->files[i].name, ".new");
	}
	return ok;
}
