/*
 * The user-data that whoever made this machine gave to it, from its cloud's
 * metadata service: a hypervisor's web server at a link-local address. Which
 * cloud it is, the firmware says (DMI); a machine of none is asked nothing.
 *
 *   AWS      instance metadata service, version 2: a token first, then user-data
 *   Google   attribute user-data; the answer must say Metadata-Flavor: Google
 *   Azure    userData of instance metadata, in base64
 */
#ifndef MPIC_APPLIANCE_METADATA_H
#define MPIC_APPLIANCE_METADATA_H

#include <stdbool.h>

#include "appliance/http_answer.h"

/* Where all three are. */
#define METADATA_ADDRESS	"169.254.169.254"

enum cloud { CLOUD_NONE, CLOUD_AWS, CLOUD_GOOGLE, CLOUD_AZURE };

/* What the firmware calls the machine; "" what it does not say. */
struct dmi {
	char sys_vendor[64];
	char product_name[64];
	char bios_vendor[64];
	char bios_version[64];
	char chassis_asset_tag[64];
};

/* From /sys/class/dmi/id below `root`. */
void dmi_read(const char *root, struct dmi *dmi);
enum cloud cloud_of(const struct dmi *dmi);
/* "AWS"; and as in /run/mpic/source: "aws". */
const char *cloud_title(enum cloud cloud);
const char *cloud_name(enum cloud cloud);

/* What one request got. */
enum metadata_result {
	METADATA_FOUND,
	METADATA_NONE,		/* the service is there, and has no user-data */
	METADATA_FAILED,	/* with a sentence */
};
/* Asks. `text` is of DOCUMENT_TEXT_MAX at most. */
enum metadata_result metadata_fetch(enum cloud cloud, struct buf *text, struct buf *why);
/* The same of an answer that came: pure. */
enum metadata_result metadata_user_data(enum cloud cloud, const struct http_answer *answer,
    struct buf *text, struct buf *why);
/* AWS: the token in an answer, as it goes into the next request. False: it has none. */
bool metadata_token(const struct http_answer *answer, char *token, size_t size);

#endif
