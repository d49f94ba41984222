/*
 * One look for an update: what mpic-update does each time it is started.
 *
 * Needs no root: the slots, the EFI system partition, /state/update and
 * /run/mpic-update are its user's. A restart it can only ask for, by the file
 * UPDATE_RESTART, which mpic-reboot.path waits for.
 */
#ifndef MPIC_APPLIANCE_UPDATE_H
#define MPIC_APPLIANCE_UPDATE_H

#include <stdbool.h>

#define UPDATE_RESTART	"/run/mpic-update/restart"
#define UPDATE_KEYS	"/usr/share/parallax/update-key.pem"
#define UPDATE_ESP	"/efi"
/* A restart within this time is waited for; the timer of mpic-update comes again before. */
#define UPDATE_WAIT_S	1500

/*
 * `root` as in place.h. With `check` the manifest is looked at and nothing is
 * written. Exit status: 0, or 1 when it came to nothing (update_report.h says why).
 */
int update_run(const char *root, bool check);

#endif
