/* Inside the options: one value by its row, from text and YAML nodes. */
#ifndef MPIC_OPTION_VALUE_H
#define MPIC_OPTION_VALUE_H

#include <yaml.h>

#include "option.h"

/* Where values come from, for messages: "FILE:LINE: NAME: ...". */
struct option_source {
	const char *name;
	yaml_document_t *doc;	/* NULL: not YAML */
	bool failed;
	struct buf *faults;
};

/* `line` 0: none. Marks the source as failed. */
void option_fault(struct option_source *src, size_t line, const char *option,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The fault of a name that no row has; suggests the nearest that one has. */
void option_unknown(struct option_source *src, const struct option *rows, size_t count,
    size_t line, const char *prefix, const char *key);
/* What a row takes, for messages, samples and manuals: "an integer from 1 to 64 (ms)". */
void option_expects(const struct option *row, struct buf *out);
static inline void *
option_at(const struct option *row, const void *config)
{
	return (char *)config + row->offset;
}
/* Whether the member holds nothing; integers and booleans always hold something. */
bool option_absent(const struct option *row, const void *config);
void option_clear(const struct option *row, void *config);
/* Two values of an OPTION_FIXED row. */
bool option_same(const struct option *row, const void *a, const void *b);
/* False without memory. */
bool option_copy(const struct option *row, const void *from, void *to);
/* `name` is the row's with its path, "perspectives[2].url". */
bool option_scalar(struct option_source *src, const struct option *row, void *config,
    const char *name, size_t line, const char *text);
bool option_node(struct option_source *src, const struct option *row, void *config,
    const char *name, yaml_node_t *node);
/* A whole mapping into the struct its rows describe. */
void option_mapping(struct option_source *src, const struct option *rows, size_t count,
    void *config, const char *prefix, yaml_node_t *node);
/* Text as YAML, else as a scalar; for defaults and -D. */
bool option_text(struct option_source *src, const struct option *row, void *config,
    const char *text);
void option_rows_defaults(struct option_source *src, const struct option *rows,
    size_t count, void *config);
void option_rows_free(const struct option *rows, size_t count, void *config);
double option_most(const struct option *row);

#endif
