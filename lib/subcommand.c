#include <config.h>

#include "subcommand.h"

#include <stdio.h>
#include <string.h>

static void
print_help(const struct subcommand_table *t, FILE *out)
{
	int width = 0;

	for (size_t i = 0; i < t->count; i++) {
		int len = (int)strlen(t->rows[i].name);

		width = len > width ? len : width;
	}
	fprintf(out, "usage: %s COMMAND ...\n\n", t->program);
	for (size_t i = 0; i < t->count; i++)
		fprintf(out, "  %-*s  %s\n", width, t->rows[i].name, t->rows[i].sentence);
	fprintf(out, "\n  %s COMMAND --help says more; %s --version the version.\n", t->program,
	    t->program);
}

int
subcommand_run(const struct subcommand_table *t, int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->rows[i].name, name) == 0)
			return t->rows[i].run(argc - 1, argv + 1);
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("%s %s\n", t->program, PACKAGE_VERSION);
		return SUBCOMMAND_DONE;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_help(t, stdout);
		return SUBCOMMAND_DONE;
	}
	if (name[0] != '\0')
		fprintf(stderr, "%s: there is no command %s\n", t->program, name);
	print_help(t, stderr);
	return SUBCOMMAND_USAGE;
}
