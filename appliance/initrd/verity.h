/*
 * A read-only device that the kernel verifies block by block against a root
 * hash: dm-verity, set up by device-mapper's own ioctls. The partition holds
 * the data and behind it the hash tree, topmost level first, without superblock.
 */
#ifndef INITRD_VERITY_H
#define INITRD_VERITY_H

#include <sys/types.h>

#include "root_hash.h"

#define VERITY_NAME	"root"
#define VERITY_DEVICE	"/dev/mapper/" VERITY_NAME

/*
 * Whether the partition is the one of this root hash: its first block, read
 * through the whole path of the tree, proves it. Whatever else it holds is
 * of no consequence and stops nothing.
 */
bool verity_matches(dev_t partition, const struct root_hash *root);
/*
 * Opens it for good, as the node VERITY_DEVICE. From here on a block that is
 * not the one that was signed panics the kernel. 0 or -errno.
 */
int verity_open(dev_t partition, const struct root_hash *root);

#endif
