/*
 * The value of an issue, issuewild or issuemail property (RFC 8659 4.2), also
 * the syntax of persistent DCV records: an issuer domain name and parameters.
 */
#ifndef MPIC_CAA_VALUE_H
#define MPIC_CAA_VALUE_H

#include "wire.h"

/* Points into the bytes it was parsed from and owns nothing. */
struct caa_value {
	const char *issuer;	/* not NUL-terminated, case as found */
	size_t issuer_len;	/* 0: nobody is meant */
	struct wire_reader parameters;	/* what caa_value_next() has not read yet */
};

struct caa_parameter {
	const char *tag;	/* never empty; compared without case */
	size_t tag_len;
	const char *value;	/* may be empty */
	size_t value_len;
};

/*
 * False if the bytes do not follow the grammar, to the last parameter. One
 * dot after the issuer domain name is let pass, as the root's.
 */
bool caa_value_parse(struct caa_value *v, const void *bytes, size_t len);
/* The next parameter of a value that parsed; false at the end. */
bool caa_value_next(struct caa_value *v, struct caa_parameter *p);
/* Whether a tag, of a property or a parameter, is `word` (lower-case letters) whatever its case. */
bool caa_tag_is(const char *tag, size_t tag_len, const char *word);

#endif
