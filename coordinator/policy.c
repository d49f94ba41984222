#include "coordinator/policy.h"

#include <string.h>

static const struct policy policies[] = {
	{ .name = "open-mpic", .ignore_rfc8657 = true },
};

const struct policy *
policy_find(const char *name)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		if (strcmp(policies[i].name, name) == 0)
			return &policies[i];
	return NULL;
}

bool
policy_ignores_rfc8657(const struct policy *policy, const struct check_caa_parameters *asked)
{
	return policy->ignore_rfc8657 && asked->account_uris.count == 0 &&
	    asked->validation_methods.count == 0;
}
