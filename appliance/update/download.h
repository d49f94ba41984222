/*
 * Fetches a manifest and the files it names, by HTTP or HTTPS.
 *
 * Whose they are the manifest's signature says, and nothing else does: a server's
 * certificate would add nothing to that, and an image has no list of authorities
 * to judge one by, so it is not looked at. What a server can do is to stall, to
 * send too much or old manifests: time and size are capped, and manifests expire.
 */
#ifndef MPIC_APPLIANCE_DOWNLOAD_H
#define MPIC_APPLIANCE_DOWNLOAD_H

#include <stdbool.h>

#include "appliance/update/receiver.h"
#include "buf.h"

#define DOWNLOAD_REDIRECTS_MAX	5
#define DOWNLOAD_TEXT_S		30	/* for a manifest */
#define DOWNLOAD_FILE_S		7200	/* for one of the files */
#define DOWNLOAD_STALL_S	60	/* below DOWNLOAD_STALL_BYTES a second so long: given up */
#define DOWNLOAD_STALL_BYTES	1024

struct download {
	char *manifest;		/* URL */
	char *folder;		/* that of the files beside it, with its last slash */
	const char *agent;	/* the caller's */
};

/*
 * `url` is the manifest's own if it ends in ".update", else that of the folder in
 * which the manifest has the name of `image`. False without memory.
 */
bool download_begin(struct download *d, const char *url, const char *image, const char *agent);
void download_end(struct download *d);
/* The manifest, into `out` with its cap; false, with a sentence. */
bool download_manifest(const struct download *d, struct buf *out, struct buf *why);
/* A file beside it: an update_fetch, `arg` being the struct download. */
bool download_file(void *arg, const char *name, struct receiver *r);

#endif
