/*
 * Header fields that go with every call to a perspective: what an API gateway
 * in front of it wants. They may be secrets: nothing here is ever printed.
 */
#ifndef MPIC_CALL_HEADERS_H
#define MPIC_CALL_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define CALL_HEADERS_MAX	16
#define CALL_HEADER_MAX		4096	/* bytes of a line */

struct call_headers {
	size_t count;
	struct call_header {
		char *name, *value;	/* one allocation; the name in lower case (RFC 9113 8.2.1) */
		size_t size;
	} list[CALL_HEADERS_MAX];
};

/* NULL without memory. */
struct call_headers *call_headers_new(void);
void call_headers_free(struct call_headers *h);	/* wipes them; NULL is fine */
/*
 * Adds one "Name: value". NULL, or what is wrong with it as the end of a
 * sentence that shows no value. `open`: it stands in a file that anybody may
 * read, and names that carry secrets are refused.
 */
const char *call_headers_add(struct call_headers *h, const char *line, size_t len, bool open);
/* The lines of a file, but for blank ones and those that begin with '#'. False, with a sentence a fault. */
bool call_headers_read(struct call_headers *h, const char *path, struct buf *faults);

#endif
