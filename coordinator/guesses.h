/*
 * Who has guessed wrongly of late, by address: an address has ten guesses, and one
 * more every ten seconds. Those of one IPv6 network of 64 bits are one, and several
 * addresses may share a place: there is no room that strangers could fill.
 */
#ifndef MPIC_COORDINATOR_GUESSES_H
#define MPIC_COORDINATOR_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

#define GUESSES_PLACES	1024

struct guesses {
	uint64_t seed;			/* 0: not chosen yet */
	uint64_t next_ns[GUESSES_PLACES];	/* as of coordinator/rate.h */
};

/* Whether `peer`, "ADDR:PORT", may guess now; else in how many seconds. Nothing is counted. */
bool guesses_allowed(struct guesses *g, const char *peer, uint64_t now_ns, int64_t *wait_s);
/* It guessed wrongly. */
void guesses_count(struct guesses *g, const char *peer, uint64_t now_ns);

#endif
