/*
 * A rate with a burst, by the generic cell rate algorithm: pure.
 *
 * All that is remembered is one instant, at which a steady stream of requests
 * would have its next. It lies ahead by an interval for each request that came
 * sooner than its turn, and must not lie ahead by more than the burst.
 */
#ifndef MPIC_COORDINATOR_RATE_H
#define MPIC_COORDINATOR_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate {
	uint64_t interval_ns;
	uint64_t burst_ns;	/* `burst` intervals */
};

#define RATE_LEAST	0.0001	/* requests a second */

/* `per_second` is RATE_LEAST or more, `burst` 1 to a million. */
static inline struct rate
rate_of(double per_second, size_t burst)
{
	uint64_t interval = (uint64_t)(1e9 / per_second);

	return (struct rate){ interval, interval * burst };
}

/*
 * Whether a request may come at this time. True: `next_ns` is what is to be
 * remembered. False: `next_ns` stays, and *wait_ns later it might.
 */
static inline bool
rate_take(const struct rate *rate, uint64_t now_ns, uint64_t *next_ns, uint64_t *wait_ns)
{
	uint64_t from = *next_ns > now_ns ? *next_ns : now_ns, next = from + rate->interval_ns;

	if (next - now_ns > rate->burst_ns) {
		*wait_ns = next - now_ns - rate->burst_ns;
		return false;
	}
	*next_ns = next;
	return true;
}

#endif
