#include "appliance/update/update_install.h"

#include <unistd.h>

static bool
fetch_file(const struct update_install *in, int fd, const struct manifest_file *file,
    struct buf *why)
{
	struct receiver r;
	bool ok = receiver_begin(&r, fd, file, why) &&
	    in->fetch(in->fetch_arg, file->file, &r) && receiver_complete(&r);

	receiver_end(&r);
	return ok;
}

static bool
fetch_kernel(const struct update_install *in, struct buf *why)
{
	int fd = esp_create(in->esp, why);
	bool ok = fd != -1 && fetch_file(in, fd, &in->manifest->efi, why);

	if (fd != -1)
		close(fd);
	return ok;
}

static bool
fetch_root(const struct update_install *in, struct buf *why)
{
	int fd = slot_open(in->slot, in->root, why);
	bool ok = fd != -1 && fetch_file(in, fd, &in->manifest->root, why);

	if (fd != -1)
		close(fd);
	return ok;
}

/* The boot loader takes the newer by itself. */
static bool
prefer(const struct update_install *in, struct buf *why)
{
	const char *version = in->manifest->version;

	return version_compare(version, in->running) > 0 || esp_prefer(in->esp, version, why);
}

bool
update_install(const struct update_install *in, struct buf *why)
{
	bool ok = fetch_kernel(in, why) &&
	    esp_keep_only(in->esp, in->running, why) &&
	    update_state_advance(in->state, in->manifest, in->root, why) &&
	    fetch_root(in, why) &&
	    prefer(in, why) &&
	    esp_place(in->esp, in->manifest->version, why);

	if (!ok)
		esp_discard(in->esp);
	return ok;
}
