#include "coordinator/suffix.h"

#include <errno.h>
#include <string.h>

/* A list without its sections has no rule of ICANN's, and would forbid nothing. */
static bool
has_sections(const psl_ctx_t *psl)
{
	return psl_is_public_suffix2(psl, "com", PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) == 1;
}

bool
suffixes_load(struct suffixes *s, const char *path, struct buf *why)
{
	errno = 0;
	/* psl_free() leaves the one it was built with alone */
	s->builtin = path == NULL;
	s->psl = path != NULL ? psl_load_file(path) : (psl_ctx_t *)psl_builtin();
	if (s->psl != NULL && has_sections(s->psl))
		return true;
	if (s->psl != NULL)
		buf_adds(why, "has no ICANN section with the suffix com, as the public suffix list does");
	else
		buf_adds(why, errno != 0 ? strerror(errno) : "is no public suffix list");
	suffixes_free(s);
	return false;
}

void
suffixes_free(struct suffixes *s)
{
	psl_free(s->psl);
	s->psl = NULL;
}

bool
suffixes_has(const struct suffixes *s, const struct name *n)
{
	return s->psl == NULL || psl_is_public_suffix2(s->psl, n->text, PSL_TYPE_ICANN) != 0;
}

bool
suffixes_base(const struct suffixes *s, const struct name *n, struct name *base)
{
	struct name suffix = *n;

	if (suffixes_has(s, n))
		return false;
	do
		*base = suffix;
	while (name_parent(&suffix, &suffix) && !suffixes_has(s, &suffix));
	return true;
}
