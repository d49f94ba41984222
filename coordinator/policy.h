/*
 * The rules in force, by name.
 *
 * `open-mpic` is that project's undated practice: two perspectives or more,
 * and RFC 8657 parameters bind nobody. Theirs cannot be asked about accounts
 * or methods; a request to us that names them has them honoured all the same.
 */
#ifndef MPIC_POLICY_H
#define MPIC_POLICY_H

#include <stdbool.h>

#include "check.h"

struct policy {
	const char *name;
	bool ignore_rfc8657;	/* in requests that name no account and no method */
};

/* NULL when there is none of this name. */
const struct policy *policy_find(const char *name);
/* Whether accounturi and validationmethods bind nobody in this request (RFC 8657). */
bool policy_ignores_rfc8657(const struct policy *policy, const struct check_caa_parameters *asked);

#endif
