/*
 * Installs what a manifest names beside what runs. Whenever the machine stops on
 * the way, it starts as it did before: the kernel image of the new version comes
 * into its place last, when all it needs is on the disk and has been read back
 * from there.
 *
 *	1  the kernel image is fetched, to a file that no boot loader looks at
 *	2  every kernel image but the running one's goes, for the slot it needs is
 *	   about to be written
 *	3  what is being installed is remembered (update_state.h)
 *	4  the root file system is fetched into the slot
 *	5  an older version becomes the boot loader's preference
 *	6  the kernel image comes into its place, with three starts
 */
#ifndef MPIC_APPLIANCE_UPDATE_INSTALL_H
#define MPIC_APPLIANCE_UPDATE_INSTALL_H

#include "appliance/update/esp.h"
#include "appliance/update/receiver.h"
#include "appliance/update/slot.h"
#include "appliance/update/update_state.h"

/* Has `r` take the file `name`; false, with a sentence in r->why. */
typedef bool update_fetch(void *arg, const char *name, struct receiver *r);

struct update_install {
	const char *root;	/* as in place.h */
	const char *running;	/* the version that runs */
	const struct manifest *manifest;
	struct esp *esp;
	const struct slot *slot;
	struct update_state *state;
	update_fetch *fetch;
	void *fetch_arg;
};

bool update_install(const struct update_install *in, struct buf *why);

#endif
