/*
 * A program that is several: "PROGRAM NAME ..." is the row of that name, run with
 * the name as its argv[0]. --help, made of the rows, and --version are the program's
 * own; so is the error when no row was meant.
 */
#ifndef MPIC_SUBCOMMAND_H
#define MPIC_SUBCOMMAND_H

#include <stddef.h>

/* What the program's own part ends with: rows have the same for the same. */
enum { SUBCOMMAND_DONE = 0, SUBCOMMAND_USAGE = 2 };

struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *sentence;	/* what it is for, with its full stop */
};

struct subcommand_table {
	const char *program;	/* "mpic" */
	const struct subcommand *rows;
	size_t count;
};

/* The whole of main(): the exit status. */
int subcommand_run(const struct subcommand_table *t, int argc, char **argv);

#endif
