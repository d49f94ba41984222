/* What a container makes of an appliance's document, of its CPUs, and of programs that die. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "appliance/container/child.h"
#include "appliance/container/container.h"
#include "monotonic.h"

#define SECOND_NS	UINT64_C(1000000000)

static void
test_cpus(void **state)
{
	static const struct {
		const char *cpu_max;
		unsigned online, cpus;
	} rows[] = {
		{ "max 100000\n", 8, 8 },
		{ "200000 100000\n", 8, 2 },
		{ "150000 100000\n", 8, 2 },
		{ "50000 100000\n", 8, 1 },
		{ "1 100000\n", 8, 1 },
		{ "0 100000\n", 8, 1 },
		{ "900000 100000\n", 4, 4 },
		{ "", 4, 4 },
		{ "200000", 4, 4 },
		{ "200000 0\n", 4, 4 },
		{ "18446744073709551615 1\n", 4, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(container_cpus(rows[i].cpu_max, rows[i].online), rows[i].cpus);
}

static void
test_parts_that_it_cannot_honour(void **state)
{
	char token[] = "0123456789";
	struct document d = { .tls_ca = NULL };
	struct buf faults = BUF_INIT(4096);

	assert_true(container_suits(&d, &faults));
	/* renewal without a token is an appliance's; the document has its certificate */
	d.enrolment.set = true;
	assert_true(container_suits(&d, &faults));
	assert_int_equal(faults.len, 0);
	d.enrolment.token = token;
	d.update.set = d.log_forward.set = true;
	assert_false(container_suits(&d, &faults));
	assert_non_null(strstr(faults.data, "enrolment: "));
	assert_non_null(strstr(faults.data, "\nupdate: "));
	assert_non_null(strstr(faults.data, "\nlog_forward: "));
	buf_free(&faults);
}

/* Where the document is: the first of four places. */
static void
test_where_the_document_is(void **state)
{
	struct container c = { .file = NULL };

	container_find(&c, NULL);
	assert_string_equal(c.file, CONTAINER_FILE);
	setenv("MPIC_DOCUMENT", "code: x\n", 1);
	container_find(&c, NULL);
	assert_null(c.file);
	assert_string_equal(c.text.data, "code: x\n");
	assert_null(getenv("MPIC_DOCUMENT"));
	container_free(&c);
	setenv("MPIC_DOCUMENT_FILE", "/a", 1);
	setenv("MPIC_DOCUMENT", "code: x\n", 1);
	container_find(&c, NULL);
	assert_string_equal(c.file, "/a");
	assert_null(getenv("MPIC_DOCUMENT"));
	container_find(&c, "/b");
	assert_string_equal(c.file, "/b");
	unsetenv("MPIC_DOCUMENT_FILE");
	c.resolver_alone = true;
	container_find(&c, NULL);
	assert_null(c.file);
	container_free(&c);
}

static void
test_deaths_in_a_row(void **state)
{
	struct child c = { .name = "x" };
	uint64_t now = 1000 * SECOND_NS, wait = CHILD_AGAIN_MS;

	for (unsigned i = 1; i < CHILD_DEATHS_MAX; i++) {
		c.started_ns = now;
		c.pid = 1;
		assert_true(child_died(&c, now + 1));
		assert_int_equal(c.pid, 0);
		assert_int_equal(c.due_ns, now + 1 + wait * 1000000);
		wait *= 2;
	}
	assert_false(child_died(&c, now + 1));
}

/* One that lived long begins anew. */
static void
test_a_death_after_a_long_life(void **state)
{
	struct child c = { .name = "x", .deaths = CHILD_DEATHS_MAX - 1, .started_ns = SECOND_NS };

	assert_true(child_died(&c, SECOND_NS + CHILD_YOUNG_S * SECOND_NS));
	assert_int_equal(c.deaths, 1);
	c.started_ns = SECOND_NS;
	c.deaths = CHILD_DEATHS_MAX - 1;
	assert_false(child_died(&c, CHILD_YOUNG_S * SECOND_NS));
}

static void
test_a_child_runs_where_it_is_told_without_our_environment(void **state)
{
	static const char *const argv[] = { "/bin/sh", "-c",
		"test \"$PWD$MPIC_SECRET\" = / && test -n \"$PATH\"", NULL };
	struct child c = { .name = "sh", .argv = argv, .folder = "/" };
	int status;

	setenv("MPIC_SECRET", "x", 1);
	assert_true(child_start(&c, monotonic_ns()));
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	c.folder = "/nowhere";
	assert_true(child_start(&c, monotonic_ns()));
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_int_equal(WEXITSTATUS(status), 127);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_parts_that_it_cannot_honour),
		cmocka_unit_test(test_where_the_document_is),
		cmocka_unit_test(test_deaths_in_a_row),
		cmocka_unit_test(test_a_death_after_a_long_life),
		cmocka_unit_test(test_a_child_runs_where_it_is_told_without_our_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
