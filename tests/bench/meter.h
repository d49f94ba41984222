/*
 * What one run of a load generator saw: how long each request took, and the
 * CPU time that other processes spent meanwhile.
 */
#ifndef MPIC_METER_H
#define MPIC_METER_H

#include <stddef.h>
#include <stdint.h>

#define METER_PIDS_MAX	64

struct meter {
	uint32_t *latencies_us;	/* owned; the first `done` are set */
	size_t done, max;
	size_t errors;
	char first_error[256];
	int pids[METER_PIDS_MAX];
	size_t pid_count;
	uint64_t cpu_ns[METER_PIDS_MAX];	/* when the run began */
	uint64_t began_ns, own_cpu_ns;
};

/* Of a zeroed meter, for `max` requests. -1 without memory. */
int meter_init(struct meter *m, size_t max);
/* Before or after meter_init(): adds a process whose CPU time counts; more than METER_PIDS_MAX are ignored. */
void meter_watch(struct meter *m, int pid);
/* The warm-up is over: from here on it counts. */
void meter_begin(struct meter *m);
/* A request that began at `began_ns` has ended, well unless `error` says otherwise. */
void meter_add(struct meter *m, uint64_t began_ns, const char *error);
/* One JSON object on standard output. */
void meter_print(struct meter *m);
void meter_free(struct meter *m);

#endif
