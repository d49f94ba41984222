/*
 * The rule for redirects (BR 3.2.2.4.18 and 3.2.2.4.19): only those of an
 * HTTP status line, 301, 302, 307 and 308, only to URLs as of url.h. Pure:
 * decided before anything of the new URL is looked up or fetched.
 */
#ifndef MPIC_REDIRECT_H
#define MPIC_REDIRECT_H

#include "httpcheck/url.h"
#include "problem.h"

#define REDIRECT_MAX	10	/* that are followed in one check */

struct redirect {
	const struct url *from;		/* that answered */
	int status;			/* 3xx */
	const char *location;		/* as the server wrote it; NULL: none */
	size_t followed;		/* redirects before this one */
};

/* Whether a status sends a client elsewhere, followed or not: 3xx. */
bool redirect_status(int status);
/*
 * PROBLEM_NONE with `next` filled, which the caller frees; else the problem,
 * with its sentence added to `why`.
 */
enum problem redirect_judge(const struct redirect *r, struct url *next, struct buf *why);

#endif
