/*
 * The course of a request with stand-ins for the exchange, the calls and the
 * log: each attempt leaves one record, memory may run out anywhere, and a
 * request in flight is small.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/corroboration.h"
#include "failing_malloc.h"
#include "log.h"
#include "monotonic.h"

#define N		6
#define MANY		1000
#define CALLS_MAX	(N * MANY)
/* Of the coordinator's 40 MB with 1,000 requests in flight; calls and exchanges not counted. */
#define REQUEST_BYTES	4096

#define ASK "{\"check_type\":\"caa\",\"domain_or_ip_target\":\"www.customer.example.com\"," \
	"\"trace_identifier\":\"3c1c7c8e-7a5c-4a50-8e2c-6a4c8f1b8b4e\"," \
	"\"caa_check_parameters\":{\"certificate_type\":\"tls-server\",\"caa_domains\":" \
	"[\"ca1.com\",\"ca1.net\"]},\"orchestration_parameters\":{\"max_attempts\":2," \
	"\"perspective_count\":6}}"
#define PASSED "{\"check_completed\":true,\"check_passed\":true,\"errors\":null," \
	"\"timestamp_ns\":1,\"check_type\":\"caa\",\"details\":{\"caa_record_present\":true}}"
#define FORBIDDEN "{\"check_completed\":true,\"check_passed\":false,\"errors\":null," \
	"\"timestamp_ns\":1,\"check_type\":\"caa\",\"details\":{\"caa_record_present\":true}}"

/* ---- the exchange ---- */

struct exchange {
	unsigned replies;
	int status;
	void (*gone)(struct exchange *x, void *arg);
	void *gone_arg;
};

const char *
exchange_body(const struct exchange *x, size_t *len)
{
	*len = sizeof(ASK) - 1;
	return ASK;
}

const char *
exchange_query(const struct exchange *x)
{
	return NULL;
}

const char *
exchange_identity(const struct exchange *x)
{
	return "urn:mpic:ca";
}

uint64_t
exchange_started_ns(const struct exchange *x)
{
	return monotonic_ns();
}

void
exchange_on_gone(struct exchange *x, void (*gone)(struct exchange *x, void *arg), void *arg)
{
	x->gone = gone;
	x->gone_arg = arg;
}

void
exchange_reply(struct exchange *x, int status, const char *content_type, const void *body,
    size_t len, const struct header *extra, size_t extra_count)
{
	x->replies++;
	x->status = status;
}

void
exchange_refuse(struct exchange *x, int status, const char *detail)
{
	x->replies++;
	x->status = status;
}

/* ---- the calls, which end when a test says so ---- */

static struct call *calls[CALLS_MAX];
static size_t call_count;
static bool calls_fail;		/* at once, as without memory */

struct fanout_body *
fanout_body_new(size_t max)
{
	struct fanout_body *body = malloc(sizeof(*body));

	if (body != NULL)
		*body = (struct fanout_body){ BUF_INIT(max), 1 };
	return body;
}

void
fanout_body_free(struct fanout_body *body)
{
	if (body == NULL || --body->users > 0)
		return;
	buf_free(&body->text);
	free(body);
}

void
fanout_call(struct fanout *f, size_t perspective, enum check_type type, struct call *call)
{
	call->status = 0;
	call->problem = calls_fail ? PROBLEM_INTERNAL : PROBLEM_NONE;
	call->message = "out of memory";
	call->reply = BUF_INIT(CHECK_RESULT_MAX);
	if (calls_fail) {
		call->done(call);
		return;
	}
	assert_true(call_count < CALLS_MAX);
	calls[call_count++] = call;
}

void
fanout_give_up(struct call *call)
{
	call->message = "no answer came";
	for (size_t i = 0; i < call_count; i++)
		if (calls[i] == call)
			calls[i] = NULL;
}

static void
reply(size_t i, const char *text)
{
	struct call *call = calls[i];

	if (call == NULL)
		return;
	calls[i] = NULL;
	call->status = 200;
	/* Not by strdup(): the fan-out's memory is not what runs out here. */
	call->reply.len = (size_t)asprintf(&call->reply.data, "%s", text);
	call->done(call);
}

/* ---- the log ---- */

static unsigned records;
static char outcome[32], results[512];

void
log_write(enum log_level level, const char *message, ...)
{
	const char *key;
	va_list ap;

	assert_string_equal(message, "attempt");
	records++;
	va_start(ap, message);
	while ((key = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);

		assert_non_null(value);
		if (strcmp(key, "outcome") == 0)
			snprintf(outcome, sizeof(outcome), "%s", value);
		else if (strcmp(key, "results") == 0)
			snprintf(results, sizeof(results), "%s", value);
	}
	va_end(ap);
}

/* ---- the coordinator ---- */

static unsigned answers[ANSWER_COUNT], votes[3];
static size_t attempts;

static void
on_answer(void *arg, enum answer answer, size_t count)
{
	answers[answer]++;
	attempts += count;
}

static void
on_result(void *arg, const struct corroborator *c, enum hearing hearing)
{
	votes[hearing]++;
}

static struct fleet fleet = { .count = N, .members = {
	{ .code = "p0", .rir = RIR_ARIN }, { .code = "p1", .rir = RIR_ARIN },
	{ .code = "p2", .rir = RIR_APNIC }, { .code = "p3", .rir = RIR_APNIC },
	{ .code = "p4", .rir = RIR_RIPE_NCC }, { .code = "p5", .rir = RIR_RIPE_NCC } } };
static struct corroborator_pool pool;

static int
setup(void **state)
{
	pool = (struct corroborator_pool){
		.asker = { .fleet = &fleet, .linger_ms = 10, .on_result = on_result },
		.policy = policy_find("open-mpic"),
		.limits = { .perspectives = N, .default_perspectives = N, .max_attempts = 3,
			.default_deadline_ms = 60000, .max_deadline_ms = 60000 },
		.secret = "0123456789abcdef", .secret_len = 16,
		.on_answer = on_answer };
	pool.asker.base = event_base_new();
	call_count = 0;
	calls_fail = false;
	records = 0;
	attempts = 0;
	memset(answers, 0, sizeof(answers));
	memset(votes, 0, sizeof(votes));
	return 0;
}

static int
teardown(void **state)
{
	failing_malloc_after(-1);
	event_base_free(pool.asker.base);
	return 0;
}

/* What must hold once a request is over. */
static void
assert_over(const struct exchange *x, int status, enum answer answer, unsigned count)
{
	assert_int_equal(x->replies, 1);
	assert_int_equal(x->status, status);
	assert_int_equal(answers[answer], 1);
	assert_int_equal(attempts, count);
	assert_int_equal(records, count);
}

static void
test_all_answer(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &x);
	for (size_t i = 0; i < N; i++)
		reply(i, PASSED);
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_string_equal(outcome, "valid");
	assert_int_equal(votes[HEARD], N);
}

/* The second attempt asks anew and takes over nothing. */
static void
test_two_attempts(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &x);
	for (size_t i = 0; i < N; i++)
		reply(i, i < 3 ? PASSED : FORBIDDEN);
	assert_int_equal(records, 1);
	assert_string_equal(outcome, "not-valid");
	for (size_t i = N; i < N + N; i++)
		reply(i, i < N + 3 ? FORBIDDEN : PASSED);
	assert_over(&x, 200, ANSWER_NOT_VALID, 2);
	assert_string_equal(outcome, "not-valid");
}

static void
test_certain_before_all_answer(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &x);
	for (size_t i = 0; i < N - 1; i++)
		reply(i, PASSED);
	assert_int_equal(x.replies, 0);
	event_base_dispatch(pool.asker.base);
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_non_null(strstr(results, "=perspective-timeout"));
	assert_int_equal(votes[NOT_AWAITED], 1);
}

/* What had been answered until then is in the record; who was not awaited is "aborted". */
static void
test_caller_vanishes(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &x);
	reply(0, PASSED);
	x.gone(&x, x.gone_arg);
	assert_over(&x, 503, ANSWER_ABORTED, 1);
	assert_string_equal(outcome, "aborted");
	assert_non_null(strstr(results, "=passed"));
	assert_non_null(strstr(results, "=aborted"));
	for (size_t i = 0; i < N; i++)
		assert_null(calls[i]);
}

static void
test_calls_that_cannot_start(void **state)
{
	struct exchange x = { 0 };

	calls_fail = true;
	corroborate(&pool, &x);
	assert_over(&x, 200, ANSWER_NOT_VALID, 2);
	assert_int_equal(votes[NOT_HEARD], 2 * N);
}

/* ---- memory that runs out ---- */

static void
test_no_memory_to_start(void **state)
{
	unsigned not_asked = 0;
	long after = 0;

	for (;; after++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		failing_malloc_after(after);
		corroborate(&pool, &x);
		failing_malloc_after(-1);
		if (x.replies == 0) {
			x.gone(&x, x.gone_arg);
			break;
		}
		assert_over(&x, 503, ANSWER_FAILED, records);
		assert_true(records <= 1);
		if (records == 1) {
			assert_string_equal(outcome, "not-asked");
			not_asked++;
		}
	}
	/* Texts, request, cohort, calls, body: each of them failed once. */
	assert_true(after >= 5);
	assert_true(not_asked >= 3);
}

/* The attempt was asked: its record must not suffer, and no memory is never a pass. */
static void
test_no_memory_to_end(void **state)
{
	for (long after = 0; after < 40; after++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		corroborate(&pool, &x);
		for (size_t i = 0; i < N; i++) {
			failing_malloc_after(i == 3 ? after : -1);
			reply(i, i < 3 ? FORBIDDEN : PASSED);
		}
		for (size_t i = N; i < N + N && i < call_count; i++)
			reply(i, FORBIDDEN);
		failing_malloc_after(-1);
		assert_int_equal(x.replies, 1);
		assert_int_equal(records, attempts);
		assert_int_equal(answers[ANSWER_VALID], 0);
		assert_true(x.status == 503 || answers[ANSWER_NOT_VALID] == 1);
	}
}

/* ---- what a request costs while it waits ---- */

static void
test_memory_of_a_request(void **state)
{
	static struct exchange x[MANY + 1];
	size_t before, waiting;

	/* libcrypto's and libc's own first. */
	corroborate(&pool, &x[MANY]);
	x[MANY].gone(&x[MANY], x[MANY].gone_arg);
	call_count = 0;
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < MANY; i++)
		corroborate(&pool, &x[i]);
	waiting = (mallinfo2().uordblks - before) / MANY;
	print_message("a request that waits for six perspectives: %zu bytes\n", waiting);
	/* A sanitizer's malloc counts nothing. */
	assert_true(waiting <= REQUEST_BYTES);
	for (size_t i = 0; i < MANY; i++)
		x[i].gone(&x[i], x[i].gone_arg);
	/* libevent keeps its heap of timers. */
	assert_true(mallinfo2().uordblks <= before + MANY * 2 * sizeof(void *));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_attempts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_certain_before_all_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caller_vanishes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls_that_cannot_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory_to_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory_to_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_of_a_request, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
