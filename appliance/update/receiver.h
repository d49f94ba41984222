/*
 * Takes a file of an update as it comes in, piece by piece, and writes it to
 * where it belongs: its size and SHA-256 are known beforehand, so nothing is
 * written past the one, and what does not have the other is never called
 * complete. At the end all of it is read back from the disk, since that, and
 * no page of memory, is what the machine will start from.
 */
#ifndef MPIC_APPLIANCE_RECEIVER_H
#define MPIC_APPLIANCE_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "appliance/update/manifest.h"
#include "buf.h"

struct receiver {
	int fd;			/* the caller's, at its beginning */
	const struct manifest_file *file;
	struct buf *why;	/* gets the sentence of what went wrong */
	int64_t got;
	EVP_MD_CTX *sha256;
};

bool receiver_begin(struct receiver *r, int fd, const struct manifest_file *file,
    struct buf *why);
/* False: no more of it is to come. */
bool receiver_take(struct receiver *r, const void *bytes, size_t len);
/* Whether all of it is on the disk, as it should be. */
bool receiver_complete(struct receiver *r);
void receiver_end(struct receiver *r);

#endif
