/*
 * Random bytes for nonces, drawn from OpenSSL a pool at a time: a call of
 * RAND_bytes() costs the same for eight bytes as for hundreds, and a system
 * call besides, to notice a fork.
 *
 * Each byte is handed out once and wiped. All zero is an empty pool. A
 * process that took from a pool must not fork and go on with it: both would
 * draw the same bytes. Workers make theirs after they are forked.
 */
#ifndef MPIC_RANDOM_POOL_H
#define MPIC_RANDOM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANDOM_POOL_SIZE	512

struct random_pool {
	uint8_t bytes[RANDOM_POOL_SIZE];
	size_t left;	/* the first so many bytes are unused */
};

/* Fills `out`, at most RANDOM_POOL_SIZE bytes. False, with `out` wiped, without randomness. */
bool random_pool_take(struct random_pool *pool, void *out, size_t len);

#endif
