#include "random_pool.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

bool
random_pool_take(struct random_pool *pool, void *out, size_t len)
{
	if (pool->left < len) {
		pool->left = 0;
		if (len > sizeof(pool->bytes) ||
		    RAND_bytes(pool->bytes, (int)sizeof(pool->bytes)) != 1) {
			OPENSSL_cleanse(out, len);
			return false;
		}
		pool->left = sizeof(pool->bytes);
	}
	pool->left -= len;
	memcpy(out, pool->bytes + pool->left, len);
	OPENSSL_cleanse(pool->bytes + pool->left, len);
	return true;
}
