/*
 * Which root this kernel was signed with: "mpic.root=HASH,SALT,BLOCKS" of the
 * kernel command line. HASH is the root hash of a dm-verity tree (SHA-256, 64
 * lower-case hex digits), SALT its salt (hex, of whole bytes), BLOCKS how many
 * blocks of 4096 bytes the tree covers, which is where the tree itself starts.
 */
#ifndef INITRD_ROOT_HASH_H
#define INITRD_ROOT_HASH_H

#include <stdbool.h>

#define ROOT_HASH_LEN	64
#define ROOT_SALT_MAX	128		/* hex digits */
#define ROOT_BLOCKS_MAX	4194304ULL	/* 16 GiB */
#define ROOT_BLOCK	4096

struct root_hash {
	char hash[ROOT_HASH_LEN + 1];
	char salt[ROOT_SALT_MAX + 1];
	unsigned long long blocks;
};

/* False unless `cmdline` has the argument exactly once and well-formed. */
bool root_hash_parse(struct root_hash *root, const char *cmdline);

#endif
