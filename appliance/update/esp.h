/*
 * The EFI system partition of an appliance: its kernel images, of which the
 * boot loader takes one, and the few files that decide which.
 *
 * Kernel images are EFI/Linux/parallax_VERSION.efi. With "+LEFT" or "+LEFT-DONE"
 * before the suffix a version is on trial (UAPI group, "Automatic boot
 * assessment"): each start takes one off LEFT; one that becomes ready loses the
 * counter; one with none left is only started if there is nothing else.
 *
 * The boot loader prefers the newest. To have it prefer an older one,
 * loader/loader.conf names that as the default, by a pattern that it
 * matches as long as it has starts left or has been found good, and no longer.
 *
 * Every change is on the disk when its function returns, and each is one
 * rename(2) or unlink(2): at no moment is a kernel image there in part.
 */
#ifndef MPIC_APPLIANCE_ESP_H
#define MPIC_APPLIANCE_ESP_H

#include <stdbool.h>
#include <stdint.h>

#include "appliance/update/version.h"
#include "buf.h"

#define ESP_NAME_MAX	128
#define ESP_ENTRIES_MAX	16
#define ESP_TRIES	3	/* starts that a new version has to become ready */

struct esp_entry {
	char name[ESP_NAME_MAX];
	char version[VERSION_MAX];
	int left;		/* -1: no counter */
	int64_t since_s;	/* Unix time at which it was written */
};

struct esp {
	int root_fd, linux_fd;
	struct esp_entry entries[ESP_ENTRIES_MAX];	/* ours alone; others' are left as they are */
	size_t count;
};

/* `path` is where it is mounted. False, with a sentence; else the caller closes it. */
bool esp_open(struct esp *e, const char *path, struct buf *why);
void esp_close(struct esp *e);

/* NULL: there is none. Valid until the next change. */
const struct esp_entry *esp_version(const struct esp *e, const char *version);
/* What was given up, and what waits for its first start, beside the version that runs. */
const struct esp_entry *esp_failed(const struct esp *e, const char *running);
const struct esp_entry *esp_waiting(const struct esp *e, const char *running);

/* A new, empty file for a kernel image, which no boot loader looks at; -1 with a sentence. */
int esp_create(const struct esp *e, struct buf *why);
/* Takes that file away again, if there is one. */
void esp_discard(const struct esp *e);
/* Removes every other of our kernel images, and the preference of a version. */
bool esp_keep_only(struct esp *e, const char *version, struct buf *why);
bool esp_prefer(const struct esp *e, const char *version, struct buf *why);
/* The file of esp_create(), complete and synced by now, is from now on that version on trial. */
bool esp_place(struct esp *e, const char *version, struct buf *why);

#endif
