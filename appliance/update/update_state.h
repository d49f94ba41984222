/*
 * What an appliance remembers of updates over restarts, on the state partition:
 * when the manifest that was installed last was released, so that no older one
 * is taken for a new one, and the lowest version that may run. Neither ever
 * becomes less. Without the partition it knows nothing, and says so.
 */
#ifndef MPIC_APPLIANCE_UPDATE_STATE_H
#define MPIC_APPLIANCE_UPDATE_STATE_H

#include "appliance/update/manifest.h"

struct update_state {
	char *released;		/* as in a manifest; NULL: nothing was installed yet */
	char *minimum;		/* NULL: none */
	int64_t released_s;	/* 0 for NULL */
};

/*
 * From the file below `root`. A file that cannot be read is none; then `why` gets
 * a sentence.
 */
void update_state_read(struct update_state *s, const char *root, struct buf *why);
/* Takes over what a manifest says, and writes it. False, with a sentence. */
bool update_state_advance(struct update_state *s, const struct manifest *m, const char *root,
    struct buf *why);
void update_state_free(struct update_state *s);

#endif
