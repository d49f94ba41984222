#include "appliance/update/failure.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "appliance/place.h"

#define FILE_NAME	"/state/update/failed"
#define LINE_MAX_BYTES	2048

void
failure_write(const char *root, const char *version, const char *sentence)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	char path[PLACE_MAX];
	int fd;

	place_path(root, FILE_NAME, path);
	buf_addf(&line, "%s %s\n", version, sentence);
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1 || line.failed || write(fd, line.data, line.len) != (ssize_t)line.len ||
	    fsync(fd) != 0)
		fprintf(stderr, "%s: cannot be written\n", path);
	if (fd != -1)
		close(fd);
	buf_free(&line);
}

/* What another program wrote is shown to people: nothing but printable ASCII. */
void
failure_read(const char *root, const char *version, struct buf *out)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	size_t len = strlen(version);

	if (place_read(root, FILE_NAME, &line) && line.len > len + 1 &&
	    strncmp(line.data, version, len) == 0 && line.data[len] == ' ')
		for (const char *s = line.data + len + 1; *s >= ' ' && *s <= '~'; s++)
			buf_addc(out, *s);
	buf_free(&line);
}
