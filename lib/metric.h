/*
 * Counters, gauges and histograms in memory that all workers of a program
 * share, and their rendering as Prometheus text (version 0.0.4).
 *
 * A program declares its metrics in one X-macro table and turns the rows into
 * an enum and an array:
 *
 *	#define METRICS(X) \
 *		SERVER_METRICS(X) \
 *		X(CHECKS, "mpic_checks_total", COUNTER, "Checks done.", \
 *		    .labels = { { "result", result_names, RESULT_COUNT } })
 *	enum { METRICS(METRIC_ENUM) METRIC_COUNT };
 *	static const struct metric table[] = { METRICS(METRIC_ROW) };
 *
 * Each worker writes to a slot of its own; rendering adds the slots up
 * (GAUGE_MIN: takes the smallest that is not 0). A worker that is restarted
 * takes its predecessor's slot: counters go on, gauges start at 0.
 */
#ifndef MPIC_METRIC_H
#define MPIC_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "metric_names.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_GAUGE_MIN, METRIC_HISTOGRAM };

/*
 * A label with all the values it can have. `count` 0: no such label. Values that
 * come up while the program runs are in `names` (metric_names.h), or in none yet,
 * and `count` is how many there can ever be.
 */
struct metric_label {
	const char *name;
	const char *const *values;
	size_t count;
	const struct metric_names *names;
};

struct metric {
	const char *name;
	enum metric_type type;
	const char *help;
	struct metric_label labels[2];
	const double *bounds;	/* histogram: ascending upper bounds, +Inf not among them */
	size_t bound_count;
};

#define METRIC_ENUM(symbol, ...) METRIC_##symbol,
#define METRIC_ROW(symbol, name_, type_, help_, ...) \
	{ .name = name_, .type = METRIC_##type_, .help = help_, __VA_ARGS__ },

struct metrics;

/*
 * Before forking. `table` and what it points to must stay valid. NULL without
 * memory. The caller frees it with metrics_free(), in each process.
 */
struct metrics *metrics_new(const struct metric *table, size_t count, unsigned workers);
void metrics_free(struct metrics *m);
/* In a worker, before counting: its slot, less than `workers`. Slot 0 until then. */
void metrics_use(struct metrics *m, unsigned worker);

/*
 * `id` is the row; `cell` is 0 without labels, the value's index with one, and
 * metric_cell() with two. A cell out of range is ignored. NULL `m` too.
 */
size_t metric_cell(const struct metrics *m, size_t id, size_t first, size_t second);
void metric_add(struct metrics *m, size_t id, size_t cell, int64_t n);
void metric_set(struct metrics *m, size_t id, size_t cell, int64_t value);
void metric_observe(struct metrics *m, size_t id, size_t cell, double value);
/* The sum over all workers. */
int64_t metric_value(const struct metrics *m, size_t id, size_t cell);
void metrics_render(const struct metrics *m, struct buf *out);

/*
 * A gauge that nobody counts, since it follows from what every worker knows: one
 * series, rendered beside the table's. `labels` ends with a NULL name; NULL: none.
 */
struct metric_fact_label {
	const char *name, *value;
};
void metric_render_fact(struct buf *out, const char *name, const char *help,
    const struct metric_fact_label *labels, int64_t value);
/* mpic_build_info{version="..."} 1 */
void metric_render_build(struct buf *out);

/* Upper bounds in seconds, 1 ms to 10 s, for durations of requests. */
extern const double metric_seconds[];
#define SECONDS_BOUNDS .bounds = metric_seconds, .bound_count = 13

#endif
