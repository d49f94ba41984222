#include <config.h>

#include "metric.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

const double metric_seconds[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
	0.25, 0.5, 1, 2.5, 5, 10 };

/*
 * A worker's slot is an array of 64-bit values; a metric has one a cell, a
 * histogram's cell bounds + 2: each bucket alone (+Inf last), then the sum in
 * millionths.
 */
struct metrics {
	const struct metric *table;
	size_t count;
	unsigned workers;
	size_t *first;		/* index in the slot of each metric's first value */
	size_t slot_values;	/* a slot's length, rounded to whole cache lines */
	_Atomic int64_t *values;	/* shared by all processes */
	_Atomic int64_t *slot;	/* this worker's */
};

#define LINE_VALUES (64 / sizeof(int64_t))

static size_t
cells(const struct metric *t)
{
	size_t n = 1;

	for (size_t i = 0; i < 2; i++)
		if (t->labels[i].count > 0)
			n *= t->labels[i].count;
	return n;
}

static size_t
cell_values(const struct metric *t)
{
	return t->type == METRIC_HISTOGRAM ? t->bound_count + 2 : 1;
}

static size_t
values_size(const struct metrics *m)
{
	return m->slot_values * m->workers * sizeof(int64_t);
}

struct metrics *
metrics_new(const struct metric *table, size_t count, unsigned workers)
{
	struct metrics *m = calloc(1, sizeof(*m));
	void *shared;

	if (m == NULL)
		return NULL;
	m->table = table;
	m->count = count;
	m->workers = workers > 0 ? workers : 1;
	m->first = calloc(count + 1, sizeof(*m->first));
	if (m->first == NULL)
		goto fail;
	for (size_t i = 0; i < count; i++)
		m->first[i + 1] = m->first[i] + cells(&table[i]) * cell_values(&table[i]);
	m->slot_values = (m->first[count] / LINE_VALUES + 1) * LINE_VALUES;
	shared = mmap(NULL, values_size(m), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		goto fail;
	m->values = shared;
	m->slot = m->values;
	return m;
fail:
	metrics_free(m);
	return NULL;
}

void
metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	if (m->values != NULL)
		munmap((void *)m->values, values_size(m));
	free(m->first);
	free(m);
}

static bool
is_gauge(const struct metric *t)
{
	return t->type == METRIC_GAUGE || t->type == METRIC_GAUGE_MIN;
}

void
metrics_use(struct metrics *m, unsigned worker)
{
	if (m == NULL || worker >= m->workers)
		return;
	m->slot = m->values + worker * m->slot_values;
	for (size_t i = 0; i < m->count; i++)
		for (size_t c = 0; is_gauge(&m->table[i]) && c < cells(&m->table[i]); c++)
			metric_set(m, i, c, 0);
}

size_t
metric_cell(const struct metrics *m, size_t id, size_t first, size_t second)
{
	const struct metric *t;

	if (m == NULL || id >= m->count)
		return SIZE_MAX;
	t = &m->table[id];
	if (first >= t->labels[0].count || second >= t->labels[1].count)
		return SIZE_MAX;
	return first * t->labels[1].count + second;
}

/* Where a cell begins in this worker's slot, or NULL. */
static _Atomic int64_t *
cell_at(struct metrics *m, size_t id, size_t cell)
{
	if (m == NULL || id >= m->count || cell >= cells(&m->table[id]))
		return NULL;
	return m->slot + m->first[id] + cell * cell_values(&m->table[id]);
}

void
metric_add(struct metrics *m, size_t id, size_t cell, int64_t n)
{
	_Atomic int64_t *v = cell_at(m, id, cell);

	/* One writer a slot: no locked instruction is needed, only no torn value. */
	if (v != NULL)
		atomic_store_explicit(v, atomic_load_explicit(v,
		    memory_order_relaxed) + n, memory_order_relaxed);
}

void
metric_set(struct metrics *m, size_t id, size_t cell, int64_t value)
{
	_Atomic int64_t *v = cell_at(m, id, cell);

	if (v != NULL)
		atomic_store_explicit(v, value, memory_order_relaxed);
}

void
metric_observe(struct metrics *m, size_t id, size_t cell, double value)
{
	_Atomic int64_t *v = cell_at(m, id, cell);
	const struct metric *t;
	size_t i = 0;

	if (v == NULL || m->table[id].type != METRIC_HISTOGRAM || !isfinite(value))
		return;
	t = &m->table[id];
	while (i < t->bound_count && value > t->bounds[i])
		i++;
	atomic_store_explicit(&v[i], atomic_load_explicit(&v[i],
	    memory_order_relaxed) + 1, memory_order_relaxed);
	v += t->bound_count + 1;
	atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) +
	    llround(value * 1e6), memory_order_relaxed);
}

/* One value over all slots. */
static int64_t
value_total(const struct metrics *m, enum metric_type type, size_t index)
{
	int64_t total = 0, v;

	for (unsigned w = 0; w < m->workers; w++) {
		v = atomic_load_explicit(m->values + w * m->slot_values + index,
		    memory_order_relaxed);
		if (type != METRIC_GAUGE_MIN)
			total += v;
		else if (v != 0 && (total == 0 || v < total))
			total = v;
	}
	return total;
}

int64_t
metric_value(const struct metrics *m, size_t id, size_t cell)
{
	int64_t total = 0;
	size_t index;

	if (m == NULL || id >= m->count || cell >= cells(&m->table[id]))
		return 0;
	index = m->first[id] + cell * cell_values(&m->table[id]);
	if (m->table[id].type != METRIC_HISTOGRAM)
		return value_total(m, m->table[id].type, index);
	for (size_t i = 0; i <= m->table[id].bound_count; i++)
		total += value_total(m, METRIC_HISTOGRAM, index + i);
	return total;
}

/* HELP escapes backslash and newline; a label value the quote as well. */
static void
render_text(struct buf *out, const char *s, bool quoted)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n') {
			buf_adds(out, "\\n");
			continue;
		}
		if (*s == '\\' || (quoted && *s == '"'))
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
}

static void
render_label(struct buf *out, bool *any, const char *name, const char *value)
{
	buf_adds(out, *any ? "," : "{");
	*any = true;
	buf_addf(out, "%s=\"", name);
	render_text(out, value, true);
	buf_addc(out, '"');
}

/* NULL: there is none yet. */
static const char *
label_value(const struct metric_label *l, size_t i)
{
	return l->names != NULL ? metric_names_get(l->names, i) : l->values[i];
}

/* Whether its labels have values. */
static bool
cell_is_named(const struct metric *t, size_t cell)
{
	size_t second = t->labels[1].count > 0 ? t->labels[1].count : 1;

	return (t->labels[0].names == NULL || label_value(&t->labels[0], cell / second) != NULL) &&
	    (t->labels[1].names == NULL || label_value(&t->labels[1], cell % second) != NULL);
}

/* "name_suffix{labels,le="..."} " */
static void
render_series(struct buf *out, const struct metric *t, size_t cell, const char *suffix,
    const char *le)
{
	size_t second = t->labels[1].count > 0 ? t->labels[1].count : 1;
	const size_t at[2] = { cell / second, cell % second };
	bool any = false;

	buf_addf(out, "%s%s", t->name, suffix);
	for (size_t i = 0; i < 2; i++)
		if (t->labels[i].count > 0)
			render_label(out, &any, t->labels[i].name, label_value(&t->labels[i], at[i]));
	if (le != NULL)
		render_label(out, &any, "le", le);
	buf_adds(out, any ? "} " : " ");
}

static void
render_histogram(const struct metrics *m, size_t id, size_t cell, struct buf *out)
{
	const struct metric *t = &m->table[id];
	size_t index = m->first[id] + cell * cell_values(t);
	struct buf bound = BUF_INIT(32);
	int64_t total = 0;

	for (size_t i = 0; i <= t->bound_count; i++) {
		buf_reset(&bound);
		if (i < t->bound_count)
			buf_addf(&bound, "%g", t->bounds[i]);
		else
			buf_adds(&bound, "+Inf");
		total += value_total(m, t->type, index + i);
		render_series(out, t, cell, "_bucket", bound.data);
		buf_addf(out, "%lld\n", (long long)total);
	}
	buf_free(&bound);
	render_series(out, t, cell, "_sum", NULL);
	buf_addf(out, "%.6f\n",
	    (double)value_total(m, t->type, index + t->bound_count + 1) / 1e6);
	render_series(out, t, cell, "_count", NULL);
	buf_addf(out, "%lld\n", (long long)total);
}

void
metrics_render(const struct metrics *m, struct buf *out)
{
	static const char *const type_names[] = { "counter", "gauge", "gauge", "histogram" };

	for (size_t id = 0; id < m->count; id++) {
		const struct metric *t = &m->table[id];

		buf_addf(out, "# HELP %s ", t->name);
		render_text(out, t->help, false);
		buf_addf(out, "\n# TYPE %s %s\n", t->name, type_names[t->type]);
		for (size_t c = 0; c < cells(t); c++) {
			if (!cell_is_named(t, c))
				continue;
			if (t->type == METRIC_HISTOGRAM) {
				render_histogram(m, id, c, out);
				continue;
			}
			render_series(out, t, c, "", NULL);
			buf_addf(out, "%lld\n", (long long)metric_value(m, id, c));
		}
	}
}

void
metric_render_fact(struct buf *out, const char *name, const char *help,
    const struct metric_fact_label *labels, int64_t value)
{
	bool any = false;

	buf_addf(out, "# HELP %s ", name);
	render_text(out, help, false);
	buf_addf(out, "\n# TYPE %s gauge\n%s", name, name);
	for (; labels != NULL && labels->name != NULL; labels++)
		render_label(out, &any, labels->name, labels->value);
	buf_addf(out, "%s%lld\n", any ? "} " : " ", (long long)value);
}

void
metric_render_build(struct buf *out)
{
	const struct metric_fact_label labels[] = { { "version", PACKAGE_VERSION }, { NULL, NULL } };

	metric_render_fact(out, "mpic_build_info", "The version that runs.", labels, 1);
}
