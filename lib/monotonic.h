/* CLOCK_MONOTONIC in ns: for durations and deadlines, never for telling the time. */
#ifndef MPIC_MONOTONIC_H
#define MPIC_MONOTONIC_H

#include <stdint.h>
#include <time.h>

static inline uint64_t
monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
