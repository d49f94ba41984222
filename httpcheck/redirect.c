#include "httpcheck/redirect.h"

#include <string.h>

#include "buf.h"

#define SHOWN_MAX	200	/* characters of a URL or location in a sentence */

bool
redirect_status(int status)
{
	return status >= 300 && status <= 399;
}

static bool
may_be_followed(int status)
{
	return status == 301 || status == 302 || status == 307 || status == 308;
}

enum problem
redirect_judge(const struct redirect *r, struct url *next, struct buf *why)
{
	struct url_fault fault;

	*next = (struct url){ 0 };
	if (!may_be_followed(r->status)) {
		buf_addf(why, "%.*s answered with HTTP status %d, which is not among the redirects that are followed: 301, 302, 307 and 308",
		    SHOWN_MAX, r->from->text, r->status);
		return PROBLEM_REDIRECT_REFUSED;
	}
	if (r->location == NULL) {
		buf_addf(why, "%.*s answered with HTTP status %d, but no location", SHOWN_MAX,
		    r->from->text, r->status);
		return PROBLEM_REDIRECT_REFUSED;
	}
	if (r->followed >= REDIRECT_MAX) {
		buf_addf(why, "%.*s leads on with HTTP status %d after %d redirects", SHOWN_MAX,
		    r->from->text, r->status, REDIRECT_MAX);
		return PROBLEM_TOO_MANY_REDIRECTS;
	}
	if (url_resolve(next, r->from, r->location, &fault))
		return PROBLEM_NONE;
	buf_addf(why, "%.*s leads with HTTP status %d to \"", SHOWN_MAX, r->from->text, r->status);
	buf_add_escaped(why, r->location, strnlen(r->location, SHOWN_MAX));
	buf_adds(why, "\", which ");
	url_fault_text(&fault, why);
	return fault.code == URL_NO_MEMORY ? PROBLEM_INTERNAL : PROBLEM_REDIRECT_REFUSED;
}
