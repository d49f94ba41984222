#include "appliance/update/update_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appliance/place.h"
#include "appliance/update/version.h"
#include "option.h"

#define FOLDER		"/state/update"
#define FILE_NAME	FOLDER "/installed"
#define FILE_MAX	4096

static const struct option rows[] = {
	{ .name = "released", .type = OPTION_STRING, .min = 1, .max = MANIFEST_TIME_LEN,
	    .offset = offsetof(struct update_state, released), .sentence = "Of the last manifest." },
	{ .name = "minimum", .type = OPTION_STRING, .min = 1, .max = VERSION_MAX - 1,
	    .offset = offsetof(struct update_state, minimum), .sentence = "Lowest version." },
};
static const struct option_table table = { .program = "mpic-update", .rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]) };

void
update_state_free(struct update_state *s)
{
	option_free(&table, s);
	*s = (struct update_state){ .released = NULL };
}

void
update_state_read(struct update_state *s, const char *root, struct buf *why)
{
	struct buf text = BUF_INIT(FILE_MAX);
	bool ok;

	*s = (struct update_state){ .released = NULL };
	if (place_read(root, FILE_NAME, &text)) {
		ok = option_parse(&table, s, FILE_NAME, text.data != NULL ? text.data : "",
		    text.len, why) &&
		    (s->released == NULL || manifest_time(s->released, &s->released_s)) &&
		    (s->minimum == NULL || version_valid(s->minimum));
		if (!ok) {
			buf_adds(why, FILE_NAME " is damaged: what was installed before is unknown");
			update_state_free(s);
		}
	} else if (errno != ENOENT) {
		buf_addf(why, FILE_NAME ": %s", strerror(errno));
	}
	buf_free(&text);
}

/* A new file in the old one's place, on the disk when this returns. */
static bool
replace_file(const char *root, const struct buf *text)
{
	char path[PLACE_MAX], fresh[PLACE_MAX], folder[PLACE_MAX];
	int fd, folder_fd;
	bool ok;

	place_path(root, FILE_NAME, path);
	place_path(root, FILE_NAME ".new", fresh);
	place_path(root, FOLDER, folder);
	(void)unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return false;
	ok = write(fd, text->data, text->len) == (ssize_t)text->len && fsync(fd) == 0;
	close(fd);
	if (!ok || rename(fresh, path) != 0)
		return false;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = folder_fd != -1 && fsync(folder_fd) == 0;
	if (folder_fd != -1)
		close(folder_fd);
	return ok;
}

static bool
raise_text(char **held, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return false;
	free(*held);
	*held = copy;
	return true;
}

bool
update_state_advance(struct update_state *s, const struct manifest *m, const char *root,
    struct buf *why)
{
	struct buf text = BUF_INIT(FILE_MAX);
	bool ok = true;

	if (m->released_s >= s->released_s) {
		ok = raise_text(&s->released, m->released);
		s->released_s = m->released_s;
	}
	if (m->minimum != NULL &&
	    (s->minimum == NULL || version_compare(s->minimum, m->minimum) < 0))
		ok = raise_text(&s->minimum, m->minimum) && ok;
	buf_addf(&text, "released: \"%s\"\n", s->released != NULL ? s->released : "");
	if (s->minimum != NULL)
		buf_addf(&text, "minimum: \"%s\"\n", s->minimum);
	errno = ENOMEM;
	ok = ok && !text.failed && replace_file(root, &text);
	if (!ok)
		buf_addf(why, FILE_NAME ": %s", strerror(errno));
	buf_free(&text);
	return ok;
}
