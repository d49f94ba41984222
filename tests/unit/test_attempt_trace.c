/* Requests and their W3C trace. */
#include "attempt_fixture.h"

#include <stdio.h>
#include <string.h>

#define TRACE		"0af7651916cd43dd8448eb211c80319c"
#define TRACEPARENT	"00-" TRACE "-b7ad6b7169203331-01"

/* Every call of a request is in its trace, with a span of its own. */
static void
assert_children(size_t first, size_t count, const char *id, const char *state)
{
	char text[TRACE_ID_TEXT];

	for (size_t i = first; i < first + count; i++) {
		const struct call *call = calls[i];

		trace_id_text(&call->body->trace, text);
		assert_string_equal(text, id);
		for (size_t k = first; k < i; k++)
			assert_memory_not_equal(call->span, calls[k]->span, TRACE_SPAN);
		if (state == NULL)
			assert_null(call->body->tracestate);
		else
			assert_string_equal(call->body->tracestate, state);
	}
}

static void
test_trace_of_the_caller(void **state)
{
	struct exchange x = { .parents = { TRACEPARENT }, .state = "rojo=1, congo=2" };

	ask = ask_both;
	corroborate(&pool, &asking, &x);
	assert_int_equal(call_count, 2 * N);
	assert_children(0, 2 * N, TRACE, "rojo=1,congo=2");
	for (size_t i = 0; i < 2 * N; i++)
		reply(i, i < N ? FORBIDDEN : PASSED);
	assert_string_equal(trace_id, TRACE);
	/* another attempt is in the same trace */
	assert_children(2 * N, 2 * N, TRACE, "rojo=1,congo=2");
	x.gone(&x, x.gone_arg);
	assert_string_equal(trace_id, TRACE);
}

/* No traceparent, a malformed one, and two: the request gets a trace of its own, without state. */
static void
test_trace_drawn(void **state)
{
	static const struct exchange rows[] = {
		{ .state = "rojo=1" }, { .parents = { "00-" TRACE }, .state = "rojo=1" },
		{ .parents = { TRACEPARENT, TRACEPARENT }, .state = "rojo=1" },
	};
	char seen[3][64];

	for (size_t i = 0; i < 3; i++) {
		struct exchange x = rows[i];
		char id[TRACE_ID_TEXT];

		call_count = 0;
		corroborate(&pool, &asking, &x);
		trace_id_text(&calls[0]->body->trace, id);
		assert_int_equal(strlen(id), TRACE_ID_TEXT - 1);
		assert_string_not_equal(id, TRACE);
		assert_children(0, N, id, NULL);
		x.gone(&x, x.gone_arg);
		assert_string_equal(trace_id, id);
		snprintf(seen[i], sizeof(seen[i]), "%s", id);
		assert_true(i == 0 || strcmp(seen[i], seen[i - 1]) != 0);
	}
}

/* What is refused leaves a line in its trace, too. */
static void
test_trace_refused(void **state)
{
	struct exchange x = { .parents = { TRACEPARENT } };

	ask = "{}";
	trace_id[0] = '\0';
	corroborate(&pool, &asking, &x);
	assert_int_equal(x.status, 400);
	assert_int_equal(refusals, 1);
	assert_string_equal(trace_id, TRACE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_trace_of_the_caller, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trace_drawn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trace_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("attempt_trace", tests, NULL, NULL);
}
