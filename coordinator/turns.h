/*
 * Who waits, and whose turn it is: pure.
 *
 * Each caller has a line of its own, first in, first out, and the lines take
 * turns: a caller with one request waits for as many others as there are callers
 * waiting, however many each of them has brought.
 */
#ifndef MPIC_COORDINATOR_TURNS_H
#define MPIC_COORDINATOR_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

/* One that waits: part of what it is for. */
struct turn {
	TAILQ_ENTRY(turn) entry;
	uint64_t until_ns;	/* it waits no longer than this */
	uint32_t line;		/* set by turns_add() */
};

struct turns;

/* Lines 0 to `lines` - 1. NULL without memory. */
struct turns *turns_new(size_t lines);
void turns_free(struct turns *t);
/* How many may wait, and how many in one line. Those that do stay. */
void turns_limit(struct turns *t, size_t most, size_t most_each);
bool turns_full(const struct turns *t, size_t line);
/* False: it is full. */
bool turns_add(struct turns *t, size_t line, struct turn *turn);
/* Takes out whose turn it is; NULL: nobody waits. */
struct turn *turns_next(struct turns *t);
/* Takes out one that waits no longer at this time; NULL: there is none. */
struct turn *turns_late(struct turns *t, uint64_t now_ns);
void turns_remove(struct turns *t, struct turn *turn);
size_t turns_count(const struct turns *t);

#endif
