/*
 * The partition that an update is written to: of the two that hold root file
 * systems (PARTLABEL root_a and root_b), the one that this machine does not run
 * from. Which that is the kernel says: the device of / is a verity device, whose
 * one lower device is the partition in use, and the other lies on the same disk.
 *
 * It is opened exclusively, which the kernel refuses for a device that is in
 * use, so that the one in use cannot be written even if all this were wrong.
 */
#ifndef MPIC_APPLIANCE_SLOT_H
#define MPIC_APPLIANCE_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define SLOT_NAME_MAX	64

struct slot {
	char running[SLOT_NAME_MAX];	/* the partition in use, "vda2" */
	char device[SLOT_NAME_MAX];	/* the other, "vda3" */
	int64_t bytes;			/* of the other */
};

/*
 * Finds them; `root` as in place.h. A root other than "" is a test's: there a
 * slot may be a plain file.
 */
bool slot_find(struct slot *s, const char *root, struct buf *why);
/* For writing and reading, exclusively; -1, with a sentence. */
int slot_open(const struct slot *s, const char *root, struct buf *why);

#endif
