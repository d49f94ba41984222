/*
 * Versions of images: numbers with dots between, and perhaps one more after a
 * hyphen, "2026.11.22-1". Their order is the boot loader's (UAPI group's version
 * format specification, as systemd-boot has it), or the newer of two images
 * here would be the older there.
 */
#ifndef MPIC_APPLIANCE_VERSION_H
#define MPIC_APPLIANCE_VERSION_H

#include <stdbool.h>

#define VERSION_MAX	64	/* bytes with the NUL */
#define VERSION_DIGITS	9	/* of one number */

bool version_valid(const char *text);
/* Less than, equal to or greater than 0; both must be valid. */
int version_compare(const char *a, const char *b);

#endif
