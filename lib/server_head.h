/*
 * The head of an HTTP/1.x request (RFC 9112), parsed in place and strictly:
 * CRLF ends lines, no folding, no blank before a colon, one Host, one length
 * that cannot be understood in two ways.
 *
 * The parser writes NULs into the text; strings are kept as offsets into it, so
 * that the text may move.
 */
#ifndef MPIC_SERVER_HEAD_H
#define MPIC_SERVER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_FIELDS_MAX 64

struct head_field {
	uint32_t name, value;
};

struct head {
	uint32_t method;
	uint32_t path;
	uint32_t query;			/* at the NUL of the path when there is none */
	struct head_field fields[HEAD_FIELDS_MAX];
	size_t field_count;
	uint64_t content_length;	/* 0 without a body */
	bool chunked;
	bool close;			/* the client wants it, or speaks 1.0 (never kept alive) */
	bool http10;			/* and knows no chunks */
	bool expect_continue;
};

/* Length of the head with its empty line, or 0 when its end is not in yet. */
size_t head_end(const char *text, size_t len, size_t searched);
/*
 * Parses `len` bytes as measured by head_end(). 0, or the status to refuse the
 * request with and in `why` the reason.
 */
int head_parse(struct head *h, char *text, size_t len, const char **why);
/* Value of the first field of that name, case aside, or NULL. */
const char *head_find(const struct head *h, const char *text, const char *name);

#endif
