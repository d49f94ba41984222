/*
 * Where an appliance's document comes from; the first of these that is there:
 *
 *   credential   systemd credential mpic.document, from the hypervisor or a container's maker
 *   cidata       file user-data of a disk labelled CIDATA, mounted at SOURCE_CIDATA
 *   aws, google, azure   the cloud's metadata service (metadata.h)
 *
 * One that is there and wrong is a fault: no other is looked at in its place.
 */
#ifndef MPIC_APPLIANCE_SOURCE_H
#define MPIC_APPLIANCE_SOURCE_H

#include <stdbool.h>

#include "buf.h"

#define SOURCE_CREDENTIAL	"mpic.document"
#define SOURCE_CIDATA		"/run/mpic-cidata"	/* of its mount unit */

/*
 * Adds the document to `text`; `name` is then one of the above. False, with lines
 * for the operator: there is none, or none that could be one.
 */
bool source_read(const char *root, struct buf *text, const char **name, struct buf *faults);
/*
 * What a text is if it is meant for something else, as the end of a sentence
 * ("is for cloud-init: ..."); NULL if it may be a document. Pure.
 */
const char *source_foreign(const char *text, size_t len);

#endif
