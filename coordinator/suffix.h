/*
 * The public suffix list: where a registry ends and a registrant begins.
 *
 * Only its ICANN section counts, as TLS BR 3.2.2.6 has it: a suffix of the other
 * section is the domain of somebody who may well be asked for it. A top-level
 * domain that is not listed is a suffix. A gTLD of one registrant (ICANN
 * Specification 13) is one, too, as nothing in the list tells those apart.
 */
#ifndef MPIC_SUFFIX_H
#define MPIC_SUFFIX_H

#include <libpsl.h>
#include <stdbool.h>

#include "buf.h"
#include "name.h"

/* All zero: no list, and every name counts as a suffix. Read-only once loaded. */
struct suffixes {
	psl_ctx_t *psl;		/* owned */
	bool builtin;		/* libpsl's own */
};

/*
 * Reads the list's text, or its compiled form; NULL: what libpsl was built with.
 * False, with a sentence: it cannot be read, or is no such list.
 */
bool suffixes_load(struct suffixes *s, const char *path, struct buf *why);
void suffixes_free(struct suffixes *s);

bool suffixes_has(const struct suffixes *s, const struct name *n);
/*
 * The Base Domain Name of `n` (TLS BR 1.6.1): the suffix and one label more.
 * False if `n` is a suffix itself.
 */
bool suffixes_base(const struct suffixes *s, const struct name *n, struct name *base);

#endif
