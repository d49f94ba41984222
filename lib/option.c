#include "option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_value.h"

void
option_rows_defaults(struct option_source *src, const struct option *rows,
    size_t count, void *config)
{
	yaml_document_t *doc = src->doc;

	/* A default is text of its own, not part of the document being read. */
	for (size_t i = 0; i < count; i++)
		if (rows[i].def == NULL)
			option_clear(&rows[i], config);
		else
			option_text(src, &rows[i], config, rows[i].def);
	src->doc = doc;
}

bool
option_defaults(const struct option_table *t, void *config, struct buf *faults)
{
	struct option_source src = { .name = "default", .faults = faults };

	option_rows_defaults(&src, t->rows, t->count, config);
	return !src.failed;
}

/* Reads at most one byte more than allowed, so that the caller sees the excess. */
static void
file_read(FILE *f, struct buf *text)
{
	char block[4096];
	size_t n;

	while (text->len <= OPTION_FILE_MAX && (n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(text, block, n);
}

bool
option_load(const struct option_table *t, void *config, const char *path,
    struct buf *faults)
{
	struct option_source src = { .name = path, .faults = faults };
	struct buf text = BUF_INIT(OPTION_FILE_MAX + 8192);
	FILE *f = fopen(path, "re");
	bool ok = false;

	if (f == NULL) {
		option_fault(&src, 0, NULL, "%s", strerror(errno));
		return false;
	}
	errno = 0;
	file_read(f, &text);
	if (ferror(f) || text.failed)
		option_fault(&src, 0, NULL, "%s", errno != 0 ? strerror(errno) : "unreadable");
	else
		ok = option_parse(t, config, path, text.data != NULL ? text.data : "",
		    text.len, faults);
	fclose(f);
	buf_free(&text);
	return ok;
}

bool
option_set(const struct option_table *t, void *config, const char *assignment,
    struct buf *faults)
{
	struct option_source src = { .name = "-D", .faults = faults };
	const char *equals = strchr(assignment, '=');
	size_t len = equals != NULL ? (size_t)(equals - assignment) : 0;
	char name[64];

	if (equals == NULL) {
		option_fault(&src, 0, NULL, "expected NAME=VALUE, found %.64s", assignment);
		return false;
	}
	for (size_t i = 0; i < t->count; i++)
		if (strlen(t->rows[i].name) == len &&
		    strncmp(t->rows[i].name, assignment, len) == 0)
			return option_text(&src, &t->rows[i], config, equals + 1);
	snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1),
	    assignment);
	option_unknown(&src, t->rows, t->count, 0, "", name);
	return false;
}

bool
option_complete(const struct option_table *t, const void *config, struct buf *faults)
{
	struct option_source src = { .name = t->program, .faults = faults };

	for (size_t i = 0; i < t->count; i++)
		if ((t->rows[i].flags & OPTION_REQUIRED) != 0 &&
		    option_absent(&t->rows[i], config))
			option_fault(&src, 0, t->rows[i].name, "is required");
	return !src.failed;
}

void
option_free(const struct option_table *t, void *config)
{
	option_rows_free(t->rows, t->count, config);
}
