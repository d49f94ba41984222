/*
 * Whose turn it is while an appliance is not ready yet, and for how long it has
 * been the image's own: a pure account of what was seen at each look.
 *
 * While a step of the boot says on the API's port what it waits for (notice.h),
 * it is the operator's: a document, the time, an enrolment. Another version
 * would wait for the same, so that time does not count. All other time does,
 * and a version on trial that lets READINESS_LIMIT_S of it pass has failed.
 */
#ifndef MPIC_APPLIANCE_READINESS_H
#define MPIC_APPLIANCE_READINESS_H

#include <stdbool.h>
#include <stdint.h>

#define READINESS_LIMIT_S	300

enum readiness { READINESS_READY, READINESS_OPERATOR, READINESS_OWN, READINESS_OVER };

struct readiness_account {
	int64_t limit_ms;
	int64_t spent_ms;	/* of the image's own time */
	int64_t looked_ms;	/* monotonic, of the last look; 0: none yet */
};

/* `status`: of GET /readyz, 0 for none; `notice`: a step says what it waits for. */
enum readiness readiness_look(struct readiness_account *a, int64_t now_ms, int status,
    bool notice);

#endif
