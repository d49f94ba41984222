/*
 * Where an appliance's files are: below a root, which is "" but in tests, so
 * that every step runs anywhere as it does in the image.
 */
#ifndef MPIC_APPLIANCE_PLACE_H
#define MPIC_APPLIANCE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

#define PLACE_MAX	4096

/* root + path; a root that leaves no room for it is nowhere: "". */
void place_path(const char *root, const char *path, char out[static PLACE_MAX]);
/*
 * The whole of a regular file into `out`, of out->max bytes at most. Never waits,
 * as it would for a pipe. False, with errno: EFBIG for a larger one, EINVAL for what is no file.
 */
bool place_read(const char *root, const char *path, struct buf *out);
/*
 * A new file in the place of the old, whole or not at all, also when the power
 * goes. False, with errno; the old one stays.
 */
bool place_replace(const char *root, const char *path, const struct buf *text, mode_t mode);
bool place_exists(const char *root, const char *path);

/*
 * The value of NAME=value in the image's /usr/lib/os-release, quotes removed
 * (os-release(5)). False, and "", when there is none of 1 to `size` - 1 bytes of
 * printable ASCII.
 */
bool place_image(const char *root, const char *name, char *value, size_t size);
/* When the image was made, Unix time: the same file's date, which its build sets. 0: unknown. */
int64_t place_image_date_s(const char *root);

#endif
