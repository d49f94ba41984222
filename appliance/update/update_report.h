/*
 * What a look for updates came to, for those who watch the machine: a status
 * file (httpcheck/status_file.h) that its metrics and readiness show.
 */
#ifndef MPIC_APPLIANCE_UPDATE_REPORT_H
#define MPIC_APPLIANCE_UPDATE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "appliance/update/version.h"
#include "buf.h"

#define UPDATE_STATUS	"/run/mpic-update/status"

/* Result, its name, what it means; those with a notice need somebody. */
#define UPDATE_RESULTS(X) \
	X(OFF, "off", true)		/* no key, or none of it is configured */ \
	X(CURRENT, "current", false)	/* what runs is the newest there is */ \
	X(TRIAL, "trial", false)	/* what runs has not been found good yet */ \
	X(WAITING, "waiting", false)	/* another version waits for the restart */ \
	X(REFUSED, "refused", true)	/* there is one that must not be installed */ \
	X(FAILED, "failed", true)	/* it could not be had, or not be written */

enum update_result {
#define X(symbol, ...) UPDATE_RESULT_##symbol,
	UPDATE_RESULTS(X)
#undef X
	UPDATE_RESULT_COUNT
};

struct update_report {
	enum update_result result;
	const char *image, *version;	/* what runs */
	char available[VERSION_MAX];	/* what the manifest has; "": unknown */
	int64_t checked_s;		/* when a manifest was last had; 0: not this time */
	int64_t expires_s;		/* of it */
	struct buf why;			/* one sentence, "" for none */
};

const char *update_result_name(enum update_result result);
void update_report_text(const struct update_report *r, struct buf *out);

#endif
