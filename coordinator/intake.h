/*
 * A request at the door: whether it can be served by this fleet, for this
 * caller, under the rules of the day.
 */
#ifndef MPIC_INTAKE_H
#define MPIC_INTAKE_H

#include "coordinator/cohort.h"
#include "coordinator/corroboration.h"

struct intake {
	struct mpic_request request;
	struct cohorts cohorts;
	int status;		/* of the refusal */
};

/*
 * Reads the body. False: `refusal` is what to answer with `status`, empty
 * without memory. To be freed either way.
 */
bool intake_read(struct intake *in, const struct corroborator_pool *pool,
    const struct caller *caller, const struct exchange *x, struct buf *refusal);
void intake_free(struct intake *in);

#endif
