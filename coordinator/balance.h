/*
 * Which endpoint of a perspective a call goes to, and which are not asked for a
 * while: pure, times are given.
 *
 * A call goes to the endpoint with the fewest under way, and among equals to
 * each in turn. One that has failed `eject_after` times in a row is ejected: it
 * gets no calls while there are others, and is probed after `probe_ms`, then
 * twice as long each time, up to BALANCE_PROBE_MAX_MS. The first success, of a
 * probe or a call, brings it back. When all are ejected, the one whose last
 * failure is longest ago is asked: a perspective never fails for that alone.
 */
#ifndef MPIC_BALANCE_H
#define MPIC_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coordinator/fleet.h"

#define BALANCE_PROBE_MAX_MS	60000
#define BALANCE_NONE		SIZE_MAX

struct balance_endpoint {
	size_t under_way;
	unsigned failures;	/* in a row */
	bool ejected, probing;
	uint64_t failed_ns;	/* the last time */
	uint64_t probe_ns;	/* when to probe; of one ejected */
	int64_t probe_ms;	/* from then to the probe after */
};

struct balance {
	size_t count;		/* of endpoints, at least one */
	size_t turn;		/* who is first among equals */
	unsigned eject_after;
	int64_t probe_ms;
	struct balance_endpoint endpoints[ENDPOINTS_MAX];
};

void balance_init(struct balance *b, size_t count, unsigned eject_after, int64_t probe_ms);
/*
 * One more call is under way at the endpoint returned, which is none of `but`,
 * a set of bits; BALANCE_NONE if that is all of them, or, with `healthy`, if the others are ejected.
 */
size_t balance_begin(struct balance *b, uint32_t but, bool healthy);
void balance_end(struct balance *b, size_t i);
/* True: it is ejected now, and was not before. */
bool balance_failed(struct balance *b, size_t i, uint64_t now_ns);
/* The same at once: it was found to be dead. */
bool balance_eject(struct balance *b, size_t i, uint64_t now_ns);
/* True: it is back. */
bool balance_succeeded(struct balance *b, size_t i);
/* True: the endpoint is to be probed now, until balance_probed(). */
bool balance_probe(struct balance *b, size_t i, uint64_t now_ns);
/* The probe said nothing good. One that did is balance_succeeded(). */
void balance_probed(struct balance *b, size_t i, uint64_t now_ns);
size_t balance_ejected(const struct balance *b);

#endif
