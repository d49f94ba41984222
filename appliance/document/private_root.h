/*
 * Another root of the DNS than IANA's, as a test network has: where its name
 * servers are and what its zone is signed with.
 */
#ifndef MPIC_APPLIANCE_PRIVATE_ROOT_H
#define MPIC_APPLIANCE_PRIVATE_ROOT_H

#include <stdbool.h>

#include "appliance/document/document.h"

/* Said wherever somebody may look. */
#define PRIVATE_ROOT_NOTICE	"the root of the DNS is private_root's, not IANA's: " \
	"no result is one to issue certificates on"

/* A line a fault: "private_root.hints[0]: ...". True without any. */
bool private_root_check(const struct document_root *root, struct buf *faults);
/* Of one that was checked: the zone file of its name servers, and lines of Unbound's server clause. */
void private_root_hints(const struct document_root *root, struct buf *out);
void private_root_anchors(const struct document_root *root, struct buf *out);

#endif
