/* Metrics: the text a scrape sees, and the sum over processes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include <cmocka.h>

#include "metric.h"

static const char *const results[] = { "pass", "fail" };
static const char *const places[] = { "a\"b\\c\nd", "e", "f" };
static const double bounds[] = { 0.01, 1 };

#define METRICS(X) \
	X(CHECKS, "checks_total", COUNTER, "Checks\\done\nhere.", \
	    .labels = { { "result", results, 2 }, { "place", places, 3 } }) \
	X(OPEN, "open", GAUGE, "Open.", ) \
	X(EXPIRES, "expires", GAUGE_MIN, "Expires.", ) \
	X(SECONDS, "seconds", HISTOGRAM, "Seconds.", .labels = { { "result", results, 2 } }, \
	    .bounds = bounds, .bound_count = 2)

enum { METRICS(METRIC_ENUM) METRIC_COUNT };
static const struct metric table[] = { METRICS(METRIC_ROW) };

static const char expected[] =
    "# HELP checks_total Checks\\\\done\\nhere.\n"
    "# TYPE checks_total counter\n"
    "checks_total{result=\"pass\",place=\"a\\\"b\\\\c\\nd\"} 2\n"
    "checks_total{result=\"pass\",place=\"e\"} 0\n"
    "checks_total{result=\"pass\",place=\"f\"} 0\n"
    "checks_total{result=\"fail\",place=\"a\\\"b\\\\c\\nd\"} 0\n"
    "checks_total{result=\"fail\",place=\"e\"} 0\n"
    "checks_total{result=\"fail\",place=\"f\"} 5\n"
    "# HELP open Open.\n"
    "# TYPE open gauge\n"
    "open -3\n"
    "# HELP expires Expires.\n"
    "# TYPE expires gauge\n"
    "expires 100\n"
    "# HELP seconds Seconds.\n"
    "# TYPE seconds histogram\n"
    "seconds_bucket{result=\"pass\",le=\"0.01\"} 1\n"
    "seconds_bucket{result=\"pass\",le=\"1\"} 2\n"
    "seconds_bucket{result=\"pass\",le=\"+Inf\"} 3\n"
    "seconds_sum{result=\"pass\"} 2.510000\n"
    "seconds_count{result=\"pass\"} 3\n"
    "seconds_bucket{result=\"fail\",le=\"0.01\"} 0\n"
    "seconds_bucket{result=\"fail\",le=\"1\"} 0\n"
    "seconds_bucket{result=\"fail\",le=\"+Inf\"} 0\n"
    "seconds_sum{result=\"fail\"} 0.000000\n"
    "seconds_count{result=\"fail\"} 0\n";

static void
test_text(void **state)
{
	struct metrics *m = metrics_new(table, METRIC_COUNT, 1);
	struct buf out = BUF_INIT(8192);

	metric_add(m, METRIC_CHECKS, 0, 2);
	metric_add(m, METRIC_CHECKS, metric_cell(m, METRIC_CHECKS, 1, 2), 5);
	metric_add(m, METRIC_OPEN, 0, -3);
	metric_set(m, METRIC_EXPIRES, 0, 100);
	metric_observe(m, METRIC_SECONDS, 0, 0.01);
	metric_observe(m, METRIC_SECONDS, 0, 0.5);
	metric_observe(m, METRIC_SECONDS, 0, 2);
	metrics_render(m, &out);
	assert_string_equal(out.data, expected);
	buf_free(&out);
	metrics_free(m);
}

static void
test_facts(void **state)
{
	const struct metric_fact_label labels[] = { { "name", "a\"b" }, { "version", "1" },
		{ NULL, NULL } };
	struct buf out = BUF_INIT(8192);

	metric_render_fact(&out, "policy_info", "Which.\nOne.", labels, 1);
	metric_render_fact(&out, "satisfied", "Whether.", NULL, -1);
	assert_string_equal(out.data, "# HELP policy_info Which.\\nOne.\n"
	    "# TYPE policy_info gauge\npolicy_info{name=\"a\\\"b\",version=\"1\"} 1\n"
	    "# HELP satisfied Whether.\n# TYPE satisfied gauge\nsatisfied -1\n");
	buf_free(&out);
}

static void
test_out_of_range(void **state)
{
	struct metrics *m = metrics_new(table, METRIC_COUNT, 1);

	metric_add(m, METRIC_CHECKS, 6, 1);
	metric_add(m, METRIC_CHECKS, metric_cell(m, METRIC_CHECKS, 2, 0), 1);
	metric_add(m, METRIC_COUNT, 0, 1);
	metric_add(NULL, METRIC_OPEN, 0, 1);
	metric_observe(m, METRIC_SECONDS, 0, NAN);
	metric_observe(m, METRIC_OPEN, 0, 1);
	for (size_t cell = 0; cell < 6; cell++)
		assert_int_equal(metric_value(m, METRIC_CHECKS, cell), 0);
	assert_int_equal(metric_value(m, METRIC_SECONDS, 0), 0);
	metrics_use(m, 7);
	metrics_free(m);
	metrics_free(NULL);
}

static void
worker(struct metrics *m, unsigned index)
{
	metrics_use(m, index);
	for (int i = 0; i < 1000; i++)
		metric_add(m, METRIC_CHECKS, 0, 1);
	metric_add(m, METRIC_OPEN, 0, 2);
	metric_set(m, METRIC_EXPIRES, 0, 500 - index);
	_exit(0);
}

static void
test_workers(void **state)
{
	struct metrics *m = metrics_new(table, METRIC_COUNT, 3);

	for (unsigned i = 0; i < 3; i++)
		if (fork() == 0)
			worker(m, i);
	while (wait(NULL) > 0)
		;
	assert_int_equal(metric_value(m, METRIC_CHECKS, 0), 3000);
	assert_int_equal(metric_value(m, METRIC_OPEN, 0), 6);
	assert_int_equal(metric_value(m, METRIC_EXPIRES, 0), 498);
	/* A restarted worker goes on with the counters of the one before. */
	metrics_use(m, 2);
	metric_add(m, METRIC_CHECKS, 0, 1);
	assert_int_equal(metric_value(m, METRIC_CHECKS, 0), 3001);
	assert_int_equal(metric_value(m, METRIC_OPEN, 0), 4);
	assert_int_equal(metric_value(m, METRIC_EXPIRES, 0), 499);
	metrics_free(m);
}

/* A label whose values come up while the program runs. */
static void
test_names(void **state)
{
	struct metric_names *names = metric_names_new(3, 5);
	const struct metric rows[] = { { .name = "n", .type = METRIC_COUNTER, .help = "N.",
	    .labels = { { "place", NULL, 3, names }, { "result", results, 2, NULL } } } };
	struct metrics *m = metrics_new(rows, 1, 2);
	struct buf out = BUF_INIT(4096);

	metrics_render(m, &out);
	assert_string_equal(out.data, "# HELP n N.\n# TYPE n counter\n");
	assert_null(metric_names_get(names, 0));
	assert_int_equal(metric_names_add(names, "here"), 0);
	if (fork() == 0)
		_exit((int)metric_names_find(names, "there"));
	assert_int_equal(metric_names_add(names, "there"), 1);
	assert_int_equal(metric_names_add(names, "here"), 0);
	assert_true(metric_names_add(names, "nowhere") == SIZE_MAX);
	assert_true(metric_names_find(names, "nowhere") == SIZE_MAX);
	assert_false(metric_names_full(names));
	while (wait(NULL) > 0)
		;
	/* What one process added, another counts. */
	if (fork() == 0) {
		metrics_use(m, 1);
		metric_add(m, 0, metric_cell(m, 0, metric_names_find(names, "there"), 1), 4);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	metric_add(m, 0, metric_cell(m, 0, metric_names_find(names, "nowhere"), 1), 9);
	buf_reset(&out);
	metrics_render(m, &out);
	assert_string_equal(out.data, "# HELP n N.\n# TYPE n counter\n"
	    "n{place=\"here\",result=\"pass\"} 0\nn{place=\"here\",result=\"fail\"} 0\n"
	    "n{place=\"there\",result=\"pass\"} 0\nn{place=\"there\",result=\"fail\"} 4\n");
	assert_int_equal(metric_names_add(names, "more"), 2);
	assert_true(metric_names_full(names));
	assert_true(metric_names_add(names, "much") == SIZE_MAX);
	buf_free(&out);
	metrics_free(m);
	metric_names_free(names);
	metric_names_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
