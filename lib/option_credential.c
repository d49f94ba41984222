#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_value.h"

#define CREDENTIAL	"credential:"

/* systemd.exec(5), LoadCredential=: an ID is a file's name. */
static bool
credential_name_allowed(const char *name)
{
	return *name != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
	    strcmp(name, "..") != 0;
}

static void
credential_find(struct option_source *src, char **path, const char *option)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	const char *name = *path + strlen(CREDENTIAL);
	struct buf found = BUF_INIT(8192);

	if (!credential_name_allowed(name)) {
		option_fault(src, 0, option, "expected " CREDENTIAL " and the name of a systemd "
		    "credential, without '/', found %s", *path);
		return;
	}
	if (folder == NULL || *folder == '\0') {
		option_fault(src, 0, option, "%s: there is no $CREDENTIALS_DIRECTORY, which "
		    "systemd sets for a unit with LoadCredential=%s:FILE", *path, name);
		return;
	}
	buf_addf(&found, "%s/%s", folder, name);
	if (found.failed) {
		option_fault(src, 0, option, "%s: the path is too long", *path);
		buf_free(&found);
		return;
	}
	free(*path);
	*path = buf_take(&found);
}

static void
rows_credentials(struct option_source *src, const struct option *rows, size_t count,
    void *config, const char *prefix)
{
	for (size_t i = 0; i < count; i++) {
		const struct option *row = &rows[i];
		char **path = option_at(row, config);
		struct option_maps *maps = option_at(row, config);
		char name[256];

		snprintf(name, sizeof(name), "%s%s", prefix, row->name);
		if (row->type == OPTION_PATH && *path != NULL &&
		    strncmp(*path, CREDENTIAL, strlen(CREDENTIAL)) == 0)
			credential_find(src, path, name);
		if (row->type == OPTION_MAP) {
			snprintf(name, sizeof(name), "%s%s.", prefix, row->name);
			rows_credentials(src, row->rows, row->row_count, option_at(row, config), name);
		}
		for (size_t k = 0; row->type == OPTION_MAPS && k < maps->count; k++) {
			snprintf(name, sizeof(name), "%s%s[%zu].", prefix, row->name, k);
			rows_credentials(src, row->rows, row->row_count,
			    (char *)maps->items + k * row->size, name);
		}
	}
}

bool
option_credentials(const struct option_table *t, void *config, struct buf *faults)
{
	struct option_source src = { .name = t->program, .faults = faults };

	rows_credentials(&src, t->rows, t->count, config, "");
	return !src.failed;
}
