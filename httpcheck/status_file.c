#include "httpcheck/status_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#define NOTICE		"# notice "

static bool
starts(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* Whole, or nothing. */
static void
status_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
	char block[STATUS_FILE_MAX + 1];
	struct stat st;
	ssize_t n = 0;

	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, block, sizeof(block));
	if (n > 0 && (size_t)n < sizeof(block))
		buf_add(out, block, (size_t)n);
	close(fd);
}

static bool
line_printable(const char *line)
{
	for (; *line != '\0'; line++)
		if (*line < ' ' || *line > '~')
			return false;
	return true;
}

/* A name, perhaps labels, a number; a scraper that finds anything else takes nothing at all. */
static bool
line_sample(const char *line)
{
	size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
	const char *value = line + name;
	char *end;

	if (!starts(line, "mpic_"))
		return false;
	if (*value == '{') {
		value += strcspn(value, "}");
		value += *value == '}';
	}
	if (*value != ' ' || value[1] == '\0' || strchr("-0123456789", value[1]) == NULL)
		return false;
	(void)strtod(value + 1, &end);
	return *end == '\0';
}

static bool
line_metric(const char *line)
{
	return starts(line, "# HELP mpic_") || starts(line, "# TYPE mpic_") || line_sample(line);
}

static void
line_add_notice(const char *line, struct buf *out)
{
	if (!starts(line, NOTICE))
		return;
	line += strlen(NOTICE);
	if (out->len > 0)
		buf_addc(out, ',');
	buf_add_json(out, line, strlen(line));
}

static void
line_add_metric(const char *line, struct buf *out)
{
	if (!line_metric(line))
		return;
	buf_adds(out, line);
	buf_addc(out, '\n');
}

static void
status_each(const struct option_strings *files, void (*add)(const char *line, struct buf *out),
    struct buf *out)
{
	struct buf text = BUF_INIT(STATUS_FILE_MAX);

	for (size_t i = 0; i < files->count; i++) {
		char *rest, *line;

		buf_reset(&text);
		status_read(files->items[i], &text);
		rest = text.len > 0 ? text.data : NULL;
		while ((line = strsep(&rest, "\n")) != NULL)
			if (line_printable(line))
				add(line, out);
	}
	buf_free(&text);
}

void
status_notices(const struct option_strings *files, struct buf *out)
{
	struct buf items = BUF_INIT(out->max);

	status_each(files, line_add_notice, &items);
	if (items.failed)
		out->failed = true;
	else if (items.len > 0)
		buf_add(out, items.data, items.len);
	buf_free(&items);
}

void
status_metrics(const struct option_strings *files, struct buf *out)
{
	status_each(files, line_add_metric, out);
}
