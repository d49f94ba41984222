/*
 * match_regex: a caller's regular expression over a page of a stranger's,
 * within a limit of time. PCRE2 in UTF mode; octets that are not UTF-8 match
 * nothing and end nothing. `\w` and its like mean Unicode's letters. `\C` and
 * `\X` are not taken: no limit of time ends them.
 */
#ifndef MPIC_PATTERN_H
#define MPIC_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define PATTERN_TIME_MS	20	/* of one search; a page has at most some 64 KiB */

/* Whether the text is a regular expression; else the end of a sentence in `why`, which may be NULL. */
bool pattern_valid(const char *text, struct buf *why);

enum pattern_outcome {
	PATTERN_FOUND,
	PATTERN_NOT_FOUND,
	PATTERN_LIMIT,		/* gave up: more time or memory than one search may have */
	PATTERN_INVALID,	/* see pattern_valid() */
};

/* Searches anywhere in `subject`. */
enum pattern_outcome pattern_search(const char *text, const char *subject, size_t len);

#endif
