#include "appliance/update/update_verdict.h"

#include <string.h>

/* Whose it is and for how long. */
static bool
refused_outright(const struct manifest *m, const struct update_seen *seen, struct buf *why)
{
	if (strcmp(m->image, seen->image) != 0)
		buf_addf(why, "it is for %s, and this machine runs %s", m->image, seen->image);
	else if (m->expires_s <= seen->now_s)
		buf_addf(why, "it expired at %s: sign the newest version again", m->expires);
	else if (m->released_s > seen->now_s + UPDATE_EARLY_S)
		buf_addf(why, "it was released at %s, which is yet to come", m->released);
	else if (m->released_s < seen->released_s)
		buf_addf(why, "it was released at %s, before the one that was installed last: it is "
		    "an old one again", m->released);
	else
		return false;
	return true;
}

/* Going back: by what is signed as such, and never below the lowest version. */
static bool
refused_version(const struct manifest *m, const struct update_seen *seen, struct buf *why)
{
	if (seen->minimum[0] != '\0' && version_compare(m->version, seen->minimum) < 0)
		buf_addf(why, "version %s is below %s, the lowest that may run here", m->version,
		    seen->minimum);
	else if (m->minimum != NULL && version_compare(m->version, m->minimum) < 0)
		buf_addf(why, "version %s is below its own minimum, %s", m->version, m->minimum);
	else if (version_compare(m->version, seen->version) < 0 && !m->rollback)
		buf_addf(why, "version %s is older than %s, which runs, and it is not signed as a "
		    "rollback", m->version, seen->version);
	else if (strcmp(m->version, seen->failed) == 0 &&
	    (seen->released_s == 0 || m->released_s == seen->released_s))
		buf_addf(why, "version %s did not become ready here and is not tried again until a "
		    "newer manifest", m->version);
	else
		return false;
	return true;
}

static bool
refused_size(const struct manifest *m, const struct update_seen *seen, struct buf *why)
{
	if (m->root.bytes > seen->slot_bytes)
		buf_addf(why, "its root has %lld bytes, and the slot %lld", (long long)m->root.bytes,
		    (long long)seen->slot_bytes);
	else if (m->efi.bytes > seen->efi_bytes_max)
		buf_addf(why, "its kernel image has %lld bytes, more than %lld",
		    (long long)m->efi.bytes, (long long)seen->efi_bytes_max);
	else
		return false;
	return true;
}

enum update_verdict
update_judge(const struct manifest *m, const struct update_seen *seen, struct buf *why)
{
	if (refused_outright(m, seen, why))
		return UPDATE_REFUSED;
	if (strcmp(m->version, seen->version) == 0)
		return UPDATE_CURRENT;
	if (refused_version(m, seen, why) || refused_size(m, seen, why))
		return UPDATE_REFUSED;
	if (strcmp(m->version, seen->waiting) == 0 && m->released_s == seen->released_s) {
		buf_addf(why, "version %s is installed and waits for the restart", m->version);
		return UPDATE_WAITING;
	}
	buf_addf(why, "version %s is to be installed", m->version);
	return UPDATE_INSTALL;
}
