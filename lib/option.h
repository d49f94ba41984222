/*
 * A program's options: one row declares one, and the YAML configuration file,
 * `-D name=value`, --dump, --sample and the manual page all come from the row.
 *
 * The configuration file is one YAML mapping from option names to values.
 * Anchors, aliases, tags, several documents, duplicate keys and files over
 * OPTION_FILE_MAX bytes are refused. Unknown names are faults. Every fault is
 * reported, one a line ("FILE:LINE: NAME: what was expected"), not only the
 * first. What was found instead is shown if it is short and of one line, so that
 * no key that stands in the wrong place is.
 *
 * The configuration is a struct of the program's; rows say at which offset a
 * value lies. It must be all zeroes before the first call here, and what it
 * points to belongs to option_free().
 */
#ifndef MPIC_OPTION_H
#define MPIC_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "endpoint.h"

#define OPTION_FILE_MAX (1024 * 1024)

/* The type of a row and that of the member at its offset. */
enum option_type {
	OPTION_BOOL,		/* bool */
	OPTION_INTEGER,		/* int64_t */
	OPTION_REAL,		/* double, NaN when absent */
	OPTION_STRING,		/* char *, NULL when absent */
	OPTION_PATH,		/* char *, NULL when absent; see option_credentials() */
	OPTION_ENDPOINT,	/* struct endpoint, len 0 when absent */
	OPTION_STRINGS,		/* struct option_strings */
	OPTION_MAPS,		/* struct option_maps */
	OPTION_MAP,		/* a struct whose first member is `bool set` */
};

struct option_strings {
	char **items;
	size_t count;
};

/* An array of `count` structs of the row's `size` bytes each. */
struct option_maps {
	void *items;
	size_t count;
};

#define OPTION_REQUIRED	0x1	/* its absence is a fault */
#define OPTION_SECRET	0x2	/* --dump and faults say only that it is set */
#define OPTION_OR_ONE	0x4	/* OPTION_STRINGS: a single value is a list of one */
#define OPTION_FIXED	0x8	/* taken at start only: see option_read_again(); no list, map or real */

struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	/*
	 * Bounds, inclusive: of an integer or real its value; of a string or
	 * path its bytes; of a list its items (an item of OPTION_STRINGS has at
	 * most OPTION_ITEM_MAX bytes). Both 0: none for a number, 4096 bytes
	 * for a string, 256 items for a list.
	 */
	double min, max;
	const char *def;	/* as it would be written in the file; NULL: none */
	const char *unit;	/* "ms", "bytes"; NULL: none */
	const char *sentence;	/* what it is for, with its full stop */
	unsigned flags;
	/*
	 * OPTION_MAPS and OPTION_MAP: the keys of a map and the size of the struct
	 * it fills. In an OPTION_MAP that is not set nothing has its default.
	 */
	const struct option *rows;
	size_t row_count;
	size_t size;
};

#define OPTION_ITEM_MAX 1024

struct option_table {
	const char *program;	/* "mpic-httpcheck" */
	const char *file;	/* default configuration file; NULL: none */
	const char *sentence;	/* what the program does, for --help */
	const struct option *rows;
	size_t count;
	/*
	 * Run by option_command_line() on a complete configuration, with --check
	 * too: what rows cannot say. Adds one line a fault. NULL: nothing more.
	 */
	bool (*check)(void *config, struct buf *faults);
};

/* Sets every row's default. False, with the faults, when a default is wrong. */
bool option_defaults(const struct option_table *t, void *config, struct buf *faults);
/* Reads YAML; `name` stands for the file in messages. */
bool option_parse(const struct option_table *t, void *config, const char *name,
    const char *text, size_t len, struct buf *faults);
bool option_load(const struct option_table *t, void *config, const char *path,
    struct buf *faults);
/*
 * One "name=value" as given to -D; replaces what the file said. A list is
 * written as in YAML: `name=[a, b]`.
 */
bool option_set(const struct option_table *t, void *config,
    const char *assignment, struct buf *faults);
/* Whether everything required is there. Call after all of the above. */
bool option_complete(const struct option_table *t, const void *config,
    struct buf *faults);
/*
 * Has each path `credential:NAME` stand for $CREDENTIALS_DIRECTORY/NAME, where
 * systemd puts what LoadCredential= names (systemd.exec(5)). Apart from reading,
 * so that a configuration can also be looked at where its secrets are not.
 */
bool option_credentials(const struct option_table *t, void *config, struct buf *faults);
void option_free(const struct option_table *t, void *config);

/* The configuration in force as YAML that can be read back, secrets left out. */
void option_dump(const struct option_table *t, const void *config, struct buf *out);
/* A configuration file with every option, its default and its sentence. */
void option_sample(const struct option_table *t, struct buf *out);
/* mdoc .It rows for the OPTIONS of the manual page; and text in its lines. */
void option_man(const struct option_table *t, struct buf *out);
void option_man_text(const char *text, struct buf *out);

/*
 * The command line both daemons have:
 *   -c FILE, --config FILE    -D NAME=VALUE, --set NAME=VALUE (repeatable)
 *   --check  --dump  --sample  --man-options  --man-arguments  -V  -h
 * Fills `config` from the defaults, the file and the -D's in that order.
 * Returns -1 when the program should go on, else the status it should exit
 * with: 0 after printing what was asked for, 2 after printing the faults to
 * stderr; `config` then holds nothing.
 */
int option_command_line(const struct option_table *t, int argc, char **argv,
    void *config);
/*
 * The same once more, for a program that runs with the configuration
 * `running`: what the file says now, and the -D's as before. OPTION_FIXED rows
 * keep what `running` has; the names of those that the file has otherwise are
 * added to `kept`, "listen, workers". `config` must be all zeroes, and is the
 * caller's to free also when this is false, with the faults.
 */
bool option_read_again(const struct option_table *t, int argc, char **argv,
    const void *running, void *config, struct buf *faults, struct buf *kept);

#endif
