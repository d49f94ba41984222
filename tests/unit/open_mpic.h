/*
 * Rules without dates for tests that are not about dates, as in
 * conf/policy/open-mpic.yaml.
 */
#ifndef MPIC_TEST_OPEN_MPIC_H
#define MPIC_TEST_OPEN_MPIC_H

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "coordinator/policy.h"

/* Into one that is all zeroes. */
static inline void
open_mpic_parse(struct policy *policy)
{
	static const char text[] = "{ name: open-mpic, document: Open MPIC, version: 3.5.0, rows: ["
	    "{ rule: remotes, value: 2 }, { rule: may_fail, remotes: 2, value: 1 }, "
	    "{ rule: may_fail, remotes: 6, value: 2 }, "
	    "{ rule: rir_regions, remotes: 3, value: 2 }, { rule: distance_km, value: 500 } ] }";
	struct buf faults = BUF_INIT(1024);

	if (!policy_parse(policy, "open-mpic", text, strlen(text), &faults))
		abort();
	buf_free(&faults);
}

/* The same one each time; never freed. */
static inline const struct policy *
open_mpic(void)
{
	static struct policy policy;

	if (policy.name == NULL)
		open_mpic_parse(&policy);
	return &policy;
}

#endif
