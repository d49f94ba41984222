/*
 * What is to be done with a manifest whose signature is good: a pure verdict
 * over it and what is known of this machine.
 */
#ifndef MPIC_APPLIANCE_UPDATE_VERDICT_H
#define MPIC_APPLIANCE_UPDATE_VERDICT_H

#include "appliance/update/manifest.h"
#include "appliance/update/version.h"

#define UPDATE_EARLY_S	INT64_C(3600)	/* clocks of who signs and who reads may differ so much */

enum update_verdict {
	UPDATE_INSTALL,
	UPDATE_CURRENT,		/* it is what runs */
	UPDATE_WAITING,		/* it is installed and waits for the restart */
	UPDATE_REFUSED,
};

struct update_seen {
	const char *image, *version;	/* what runs: IMAGE_ID, IMAGE_VERSION */
	const char *failed;	/* a version that was given up here; "": none */
	const char *waiting;	/* a version that is installed and was not started yet; "": none */
	int64_t now_s;
	/* Of the manifest that was installed last, on the state partition; 0 and "" : unknown. */
	int64_t released_s;
	const char *minimum;	/* the highest there ever was */
	int64_t slot_bytes, efi_bytes_max;
};

/* `why` gets a sentence with every verdict but UPDATE_CURRENT. */
enum update_verdict update_judge(const struct manifest *m, const struct update_seen *seen,
    struct buf *why);

#endif
