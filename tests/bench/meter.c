#include "tests/bench/meter.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "monotonic.h"

/* CPU time of all threads of a process: the first field of each schedstat is in ns. */
static uint64_t
process_cpu_ns(int pid)
{
	char path[128];
	uint64_t sum = 0;
	struct dirent *task;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks != NULL && (task = readdir(tasks)) != NULL) {
		uint64_t ns;
		FILE *file;

		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat", pid, task->d_name);
		file = fopen(path, "re");
		if (file == NULL)
			continue;
		if (fscanf(file, "%" SCNu64, &ns) == 1)
			sum += ns;
		fclose(file);
	}
	if (tasks != NULL)
		closedir(tasks);
	return sum;
}

static uint64_t
own_cpu_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec;
}

int
meter_init(struct meter *m, size_t max)
{
	m->max = max;
	m->latencies_us = calloc(max > 0 ? max : 1, sizeof(*m->latencies_us));
	return m->latencies_us != NULL ? 0 : -1;
}

void
meter_watch(struct meter *m, int pid)
{
	if (m->pid_count < METER_PIDS_MAX)
		m->pids[m->pid_count++] = pid;
}

void
meter_begin(struct meter *m)
{
	for (size_t i = 0; i < m->pid_count; i++)
		m->cpu_ns[i] = process_cpu_ns(m->pids[i]);
	m->own_cpu_ns = own_cpu_ns();
	m->began_ns = monotonic_ns();
}

void
meter_add(struct meter *m, uint64_t began_ns, const char *error)
{
	if (m->done < m->max)
		m->latencies_us[m->done++] = (uint32_t)((monotonic_ns() - began_ns) / 1000);
	if (error == NULL)
		return;
	if (m->errors++ == 0)
		snprintf(m->first_error, sizeof(m->first_error), "%s", error);
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint32_t
percentile(const struct meter *m, unsigned percent)
{
	return m->done > 0 ? m->latencies_us[(m->done - 1) * percent / 100] : 0;
}

void
meter_print(struct meter *m)
{
	double seconds = (double)(monotonic_ns() - m->began_ns) / 1e9;
	struct buf out = BUF_INIT(65536);

	buf_addf(&out, "{\"count\":%zu,\"errors\":%zu,\"first_error\":", m->done, m->errors);
	buf_add_json(&out, m->first_error, strlen(m->first_error));
	buf_addf(&out, ",\"seconds\":%.4f,\"per_s\":%.1f,\"own_cpu_us\":%" PRIu64 ",\"cpu_us\":{",
	    seconds, (double)m->done / seconds, (own_cpu_ns() - m->own_cpu_ns) / 1000);
	for (size_t i = 0; i < m->pid_count; i++)
		buf_addf(&out, "%s\"%d\":%" PRIu64, i > 0 ? "," : "", m->pids[i],
		    (process_cpu_ns(m->pids[i]) - m->cpu_ns[i]) / 1000);
	qsort(m->latencies_us, m->done, sizeof(*m->latencies_us), compare);
	buf_addf(&out, "},\"p50_us\":%u,\"p90_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
	    percentile(m, 50), percentile(m, 90), percentile(m, 99), percentile(m, 100));
	fputs(out.failed ? "{}\n" : out.data, stdout);
	buf_free(&out);
}

void
meter_free(struct meter *m)
{
	free(m->latencies_us);
}
