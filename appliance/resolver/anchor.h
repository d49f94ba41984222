/*
 * The trust anchor of the DNS root that Unbound keeps up to date by RFC 5011, on
 * the state partition, and the image's, from which it begins.
 */
#ifndef MPIC_APPLIANCE_ANCHOR_H
#define MPIC_APPLIANCE_ANCHOR_H

#include <stdbool.h>

#include "buf.h"

#define ANCHOR_STATE	"/state/unbound/root.key"
#define ANCHOR_IMAGE	"/usr/share/dns/root.key"
#define ANCHOR_MAX	65536

/*
 * Whether the state's text knows every key of the image's, trusted or not: one that was
 * revoked meanwhile stays revoked. Where it lacks one it is cut short, of an older
 * image, or nothing. Both are NUL-terminated. Pure.
 */
bool anchor_complete(const char *state, const char *image);

/*
 * Puts the image's anchor in the place of a state that is not complete. `said` gets a
 * sentence if it did or could not. False only if Unbound is left without an anchor.
 */
bool anchor_seed(const char *root, struct buf *said);

#endif
