/* When a certificate has to be followed by another. Pure. */
#ifndef MPIC_APPLIANCE_ENROL_DUE_H
#define MPIC_APPLIANCE_ENROL_DUE_H

#include <stdbool.h>
#include <stdint.h>

/* From when to when it is good, Unix time. */
struct lifetime {
	int64_t begins_s, ends_s;
};

static inline bool
lifetime_over(const struct lifetime *l, int64_t now_s)
{
	return now_s >= l->ends_s;
}

/* Less than a third is left: there is time for failures, and for somebody to look at them. */
static inline bool
lifetime_due(const struct lifetime *l, int64_t now_s)
{
	return l->ends_s - now_s < (l->ends_s - l->begins_s) / 3;
}

#endif
