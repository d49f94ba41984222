#include "coordinator/guesses.h"

#include <string.h>

#include <netinet/in.h>

#include <openssl/rand.h>

#include "coordinator/rate.h"
#include "endpoint.h"

#define EACH_NS		UINT64_C(10000000000)
#define BURST		10

static const struct rate limit = { EACH_NS, BURST * EACH_NS };

static uint64_t
mix(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ b[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static uint64_t *
place_of(struct guesses *g, const char *peer)
{
	struct endpoint e = { .len = 0 };
	uint64_t hash;

	/* Places are nobody's to choose. */
	if (g->seed == 0 && RAND_bytes((unsigned char *)&g->seed, sizeof(g->seed)) != 1)
		g->seed = 1;
	hash = g->seed ^ UINT64_C(0xcbf29ce484222325);
	if (!endpoint_parse(&e, peer))
		hash = mix(hash, peer, strlen(peer));
	else if (e.addr.ss_family == AF_INET6)
		hash = mix(hash, &((struct sockaddr_in6 *)&e.addr)->sin6_addr, 8);
	else
		hash = mix(hash, &((struct sockaddr_in *)&e.addr)->sin_addr, 4);
	return &g->next_ns[hash % GUESSES_PLACES];
}

bool
guesses_allowed(struct guesses *g, const char *peer, uint64_t now_ns, int64_t *wait_s)
{
	uint64_t next = *place_of(g, peer), wait_ns = 0;

	if (rate_take(&limit, now_ns, &next, &wait_ns))
		return true;
	*wait_s = (int64_t)(wait_ns / 1000000000U) + 1;
	return false;
}

void
guesses_count(struct guesses *g, const char *peer, uint64_t now_ns)
{
	uint64_t *next = place_of(g, peer), wait_ns;

	rate_take(&limit, now_ns, next, &wait_ns);
}
