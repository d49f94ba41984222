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
#include <unistd.h>

#include "coordinator/corroboration.h"
#include "failing_malloc.h"
#include "log.h"
#include "monotonic.h"
#include "open_mpic.h"

#define N		6
#define MANY		1000
#define CALLS_MAX	(2 * N * MANY)
/* Of the coordinator's 40 MB with 1,000 requests in flight; calls and exchanges not counted. */
#define REQUEST_BYTES	4352
#define REQUEST_BYTES_2	(REQUEST_BYTES * 7 / 4)	/* of two checks */

#define ASK "{\"check_type\":\"caa\",\"domain_or_ip_target\":\"www.customer.example.com\"," \
	"\"trace_identifier\":\"3c1c7c8e-7a5c-4a50-8e2c-6a4c8f1b8b4e\"," \
	"\"caa_check_parameters\":{\"certificate_type\":\"tls-server\",\"caa_domains\":" \
	"[\"ca1.com\",\"ca1.net\"]},\"orchestration_parameters\":{\"max_attempts\":2," \
	"\"perspective_count\":6}}"
#define DCV "\"domain_or_ip_target\":\"www.customer.example.com\",\"trace_identifier\":\"t\"," \
	"\"caa_check_parameters\":{\"caa_domains\":[\"ca1.com\",\"ca1.net\"]}," \
	"\"dcv_check_parameters\":{\"validation_method\":\"acme-http-01\",\"token\":" \
	"\"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA\",\"key_authorization\":" \
	"\"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA." \
	"9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI\"}," \
	"\"orchestration_parameters\":{\"max_attempts\":2,\"perspective_count\":6}}"
#define ASK_DCV "{\"check_type\":\"dcv\"," DCV
#define ASK_BOTH "{\"check_type\":\"dcv_with_caa\"," DCV
#define DCV_RESULT(passed, method) "{\"check_completed\":true,\"check_passed\":" passed "," \
	"\"errors\":null,\"timestamp_ns\":1,\"check_type\":\"dcv\",\"details\":{" method "}}"
#define HTTP_01 "\"validation_method\":\"acme-http-01\""
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
	const char *parents[2], *state;	/* its headers: traceparent and tracestate */
};

static const char ask_caa[] = ASK, ask_dcv[] = ASK_DCV, ask_both[] = ASK_BOTH;
static const char *ask = ask_caa;
static const struct option_strings nothing;
static const struct caller asking = { .name = "ca", .identities = &nothing,
	.check_types = &nothing, .burst = 1 };

const char *
exchange_body(const struct exchange *x, size_t *len)
{
	*len = strlen(ask);
	return ask;
}

const char *
exchange_header_next(const struct exchange *x, const char *name, size_t *at)
{
	if (strcmp(name, "tracestate") == 0)
		return (*at)++ == 0 ? x->state : NULL;
	return *at < 2 ? x->parents[(*at)++] : NULL;
}

const char *
exchange_peer(const struct exchange *x)
{
	return "[::1]:1";
}

const char *
exchange_query(const struct exchange *x)
{
	return NULL;
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

static struct fleet fleet;
static struct call *calls[CALLS_MAX];
static size_t call_members[CALLS_MAX];
static size_t call_count;
static bool calls_fail;		/* at once, as without memory */

struct fanout_body *
fanout_body_new(size_t max)
{
	struct fanout_body *body = malloc(sizeof(*body));

	if (body != NULL)
		*body = (struct fanout_body){ .text = BUF_INIT(max), .users = 1,
		    .trace = { .flags = 0 }, .tracestate = NULL };
	return body;
}

void
fanout_body_free(struct fanout_body *body)
{
	if (body == NULL || --body->users > 0)
		return;
	buf_free(&body->text);
	free(body->tracestate);
	free(body);
}

void
fanout_call(struct fanout *f, size_t perspective, enum check_type type, struct call *call)
{
	call->type = type;
	call->status = 0;
	call->problem = calls_fail ? PROBLEM_INTERNAL : PROBLEM_NONE;
	call->message = "out of memory";
	call->reply = BUF_INIT(CHECK_RESULT_MAX);
	if (calls_fail) {
		call->done(call);
		return;
	}
	assert_true(call_count < CALLS_MAX);
	call_members[call_count] = perspective;
	calls[call_count++] = call;
}

uint64_t
call_took_ns(const struct call *call)
{
	return 1;
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
	call->reply.len = (size_t)asprintf(&call->reply.data, "%.*s,\"perspective_code\":\"%s\","
	    "\"nonce\":\"%.32s\",\"domain_or_ip_target\":\"www.customer.example.com\"}",
	    (int)strlen(text) - 1, text, fleet.members[call_members[i]].code,
	    strstr(call->body->text.data, "\"nonce\":\"") + 9);
	call->done(call);
}

/* ---- the log ---- */

/* `outcome` and `results` are those of the last line, `outcomes` of all. */
static unsigned records;
static char outcome[32], results[512], outcomes[512], method[64], trace_id[64];
static unsigned refusals;

void
log_write(enum log_level level, const char *message, ...)
{
	const char *key;
	va_list ap;

	if (strcmp(message, "refused") == 0)
		refusals++;
	else
		assert_string_equal(message, "attempt");
	records += strcmp(message, "attempt") == 0;
	method[0] = '\0';
	va_start(ap, message);
	while ((key = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);

		assert_non_null(value);
		if (strcmp(key, "trace_id") == 0)
			snprintf(trace_id, sizeof(trace_id), "%s", value);
		else if (strcmp(key, "outcome") == 0)
			snprintf(outcome, sizeof(outcome), "%s", value);
		else if (strcmp(key, "results") == 0)
			snprintf(results, sizeof(results), "%s", value);
		else if (strcmp(key, "check") == 0)
			snprintf(outcomes + strlen(outcomes), sizeof(outcomes) - strlen(outcomes),
			    "%s%s %s", outcomes[0] != '\0' ? "," : "", value, outcome);
		else if (strcmp(key, "method") == 0 || strcmp(key, "section") == 0)
			snprintf(method + strlen(method), sizeof(method) - strlen(method), "%s ",
			    value);
	}
	va_end(ap);
}

/* ---- the coordinator ---- */

static unsigned answers[ANSWER_COUNT], votes[4];
static size_t attempts;

static void
on_answer(void *arg, enum answer answer, size_t count)
{
	answers[answer]++;
	attempts += count;
}

static void
on_result(void *arg, const struct heard *heard)
{
	votes[heard->hearing]++;
	assert_true(heard->took_ns < UINT64_C(60000000000));
	assert_non_null(heard->trace_id);
}

static struct fleet fleet = { .count = N, .members = {
	{ .code = "p0", .rir = RIR_ARIN }, { .code = "p1", .rir = RIR_ARIN },
	{ .code = "p2", .rir = RIR_APNIC }, { .code = "p3", .rir = RIR_APNIC },
	{ .code = "p4", .rir = RIR_RIPE_NCC }, { .code = "p5", .rir = RIR_RIPE_NCC } } };
static struct corroborator_pool pool;
static struct random_pool drawn;

static int
setup(void **state)
{
	pool = (struct corroborator_pool){
		.asker = { .fleet = &fleet, .linger_ms = 10, .on_result = on_result,
			.random = &drawn },
		.policy = open_mpic(),
		.limits = { .perspectives = N, .default_perspectives = N, .max_attempts = 3,
			.default_deadline_ms = 60000, .max_deadline_ms = 60000 },
		.secret = "0123456789abcdef", .secret_len = 16,
		.on_answer = on_answer };
	pool.asker.base = event_base_new();
	call_count = 0;
	calls_fail = false;
	ask = ask_caa;
	records = 0;
	refusals = 0;
	outcomes[0] = '\0';
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

static unsigned
checks_asked(void)
{
	return ask == ask_both ? 2 : 1;
}

/* What must hold once a request is over. */
static void
assert_over(const struct exchange *x, int status, enum answer answer, unsigned count)
{
	assert_int_equal(x->replies, 1);
	assert_int_equal(x->status, status);
	assert_int_equal(answers[answer], 1);
	assert_int_equal(attempts, count);
	assert_int_equal(records, count * checks_asked());
}

static void
test_all_answer(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
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

	corroborate(&pool, &asking, &x);
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

	corroborate(&pool, &asking, &x);
	for (size_t i = 0; i < N - 1; i++)
		reply(i, PASSED);
	assert_int_equal(x.replies, 0);
	event_base_dispatch(pool.asker.base);
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_non_null(strstr(results, "=cancelled"));
	assert_int_equal(votes[NOT_AWAITED], 1);
}

/* At the deadline it is a failure, whether or not it could still have mattered. */
static void
test_unanswered_at_the_deadline(void **state)
{
	for (size_t passed = 3; passed < N; passed++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		pool.limits.default_deadline_ms = 40;
		pool.asker.linger_ms = 60000;
		corroborate(&pool, &asking, &x);
		for (size_t i = 0; i < passed; i++)
			reply(i, PASSED);
		event_base_dispatch(pool.asker.base);
		assert_over(&x, 200, passed >= 4 ? ANSWER_VALID : ANSWER_NOT_VALID, 1);
		assert_non_null(strstr(results, "=perspective-timeout"));
		assert_null(strstr(results, "=cancelled"));
		assert_int_equal(votes[NOT_IN_TIME], N - passed);
	}
}

/* Only we cancel: a perspective that says so of itself has failed. */
static void
test_a_perspective_cancels_nothing(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
	for (size_t i = 0; i < N; i++)
		reply(i, i > 0 ? PASSED : "{\"check_completed\":false,\"check_passed\":false,"
		    "\"check_type\":\"caa\",\"problem\":{\"code\":\"cancelled\",\"message\":\"\"}}");
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_non_null(strstr(results, "=internal"));
	assert_null(strstr(results, "=cancelled"));
}

/* What had been answered until then is in the record; who was not awaited is "aborted". */
static void
test_caller_vanishes(void **state)
{
	struct exchange x = { 0 };

	corroborate(&pool, &asking, &x);
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
	corroborate(&pool, &asking, &x);
	assert_over(&x, 200, ANSWER_NOT_VALID, 2);
	assert_int_equal(votes[NOT_HEARD], 2 * N);
}

/* ---- domain control, alone and with CAA ---- */

static const char control[] = DCV_RESULT("true", HTTP_01);
static const char no_control[] = DCV_RESULT("false", HTTP_01);

static void
test_dcv(void **state)
{
	struct exchange x = { 0 };

	ask = ask_dcv;
	corroborate(&pool, &asking, &x);
	assert_int_equal(call_count, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(calls[i]->type, CHECK_DCV);
		assert_null(strstr(calls[i]->body->text.data, "caa_check_parameters"));
		reply(i, control);
	}
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_string_equal(outcomes, "dcv valid");
	assert_string_equal(method, "acme-http-01 3.2.2.4.19 ");
}

/* A checker that answers for another method has been asked something else. */
static void
test_another_method(void **state)
{
	struct exchange x = { 0 };

	ask = ask_dcv;
	corroborate(&pool, &asking, &x);
	reply(0, DCV_RESULT("true", "\"validation_method\":\"acme-dns-01\""));
	reply(1, DCV_RESULT("true", "\"validation_method\":\"of-tomorrow\""));
	reply(2, DCV_RESULT("true", "\"validation_method\":null"));
	reply(3, DCV_RESULT("true", ""));
	reply(4, "{\"check_completed\":true,\"check_passed\":true,\"check_type\":\"dcv\"}");
	reply(5, control);
	assert_int_equal(records, 1);
	assert_non_null(strstr(results, "perspective-reply"));
	assert_non_null(strstr(results, "result-mismatch"));
	assert_null(strstr(results + (strstr(results, "passed") - results) + 1, "passed"));
	for (size_t i = N; i < 2 * N; i++)
		reply(i, control);
	assert_string_equal(outcomes, "dcv not-valid,dcv valid");
	assert_over(&x, 200, ANSWER_VALID, 2);
}

/* Both checks are asked of everybody before anybody answers, each under its own nonce. */
static void
test_both_at_once(void **state)
{
	const char *nonces[2] = { NULL, NULL };
	struct exchange x = { 0 };
	unsigned types[CHECK_TYPE_COUNT] = { 0 };

	ask = ask_both;
	corroborate(&pool, &asking, &x);
	assert_int_equal(call_count, 2 * N);
	for (size_t i = 0; i < call_count; i++) {
		enum check_type type = calls[i]->type;
		const char *text = calls[i]->body->text.data;
		const char *nonce = strstr(text, "\"nonce\":");

		types[type]++;
		assert_non_null(nonce);
		assert_true(nonces[type] == NULL || nonces[type] == nonce);
		nonces[type] = nonce;
		assert_non_null(strstr(text, "\"deadline_ms\":"));
		assert_true((strstr(text, "dcv_check_parameters") != NULL) == (type == CHECK_DCV));
		assert_true((strstr(text, "caa_check_parameters") != NULL) == (type == CHECK_CAA));
	}
	assert_int_equal(types[CHECK_DCV], N);
	assert_int_equal(types[CHECK_CAA], N);
	assert_memory_not_equal(nonces[CHECK_DCV], nonces[CHECK_CAA], 42);
	for (size_t i = 0; i < 2 * N; i++)
		reply(i, calls[i]->type == CHECK_DCV ? control : PASSED);
	assert_over(&x, 200, ANSWER_VALID, 1);
	assert_string_equal(outcomes, "dcv valid,caa valid");
	assert_string_equal(method, "");
	assert_int_equal(votes[HEARD], 2 * N);
}

/* The calls of this check, in the cohort's order: `pass` answer yes, `fail` no. */
static void
reply_check(size_t from, enum check_type type, size_t pass, size_t fail)
{
	for (size_t i = from; i < call_count && pass + fail > 0; i++) {
		if (calls[i] == NULL || calls[i]->type != type)
			continue;
		if (pass > 0)
			reply(i, type == CHECK_DCV ? control : PASSED);
		else
			reply(i, type == CHECK_DCV ? no_control : FORBIDDEN);
		if (pass > 0)
			pass--;
		else
			fail--;
	}
}

/* Neither a yes nor a no of one check ends the waiting for the other. */
static void
test_waits_for_both(void **state)
{
	for (int caa = 0; caa < 2; caa++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		ask = ask_both;
		corroborate(&pool, &asking, &x);
		reply_check(0, CHECK_CAA, caa == 1 ? N : 0, caa == 1 ? 0 : N);
		reply_check(0, CHECK_DCV, 3, 0);
		usleep(30000);
		event_base_loop(pool.asker.base, EVLOOP_NONBLOCK);
		assert_int_equal(x.replies, 0);
		assert_int_equal(records, 0);
		reply_check(0, CHECK_DCV, 2, 0);
		assert_int_equal(records, 0);
		event_base_loop(pool.asker.base, EVLOOP_ONCE);
		assert_int_equal(records, 2);
		assert_string_equal(outcomes, caa == 1 ? "dcv valid,caa valid" :
		    "dcv valid,caa not-valid");
		if (caa == 1)
			assert_over(&x, 200, ANSWER_VALID, 1);
		else
			x.gone(&x, x.gone_arg);
	}
}

/* A retry repeats both, also the one that had passed. */
static void
test_retry_of_both(void **state)
{
	struct exchange x = { 0 };

	ask = ask_both;
	corroborate(&pool, &asking, &x);
	reply_check(0, CHECK_DCV, N, 0);
	reply_check(0, CHECK_CAA, 0, N);
	assert_int_equal(call_count, 4 * N);
	assert_string_equal(outcomes, "dcv valid,caa not-valid");
	reply_check(2 * N, CHECK_DCV, 0, N);
	reply_check(2 * N, CHECK_CAA, N, 0);
	assert_over(&x, 200, ANSWER_NOT_VALID, 2);
	assert_string_equal(outcomes, "dcv valid,caa not-valid,dcv not-valid,caa valid");
}

static void
test_caller_of_both_vanishes(void **state)
{
	struct exchange x = { 0 };

	ask = ask_both;
	corroborate(&pool, &asking, &x);
	reply_check(0, CHECK_DCV, N, 0);
	reply_check(0, CHECK_CAA, 1, 1);
	x.gone(&x, x.gone_arg);
	assert_over(&x, 503, ANSWER_ABORTED, 1);
	assert_string_equal(outcomes, "dcv aborted,caa aborted");
	assert_non_null(strstr(results, "=caa-forbids"));
	for (size_t i = 0; i < 2 * N; i++)
		assert_null(calls[i]);
}

/* ---- memory that runs out ---- */

static void
no_memory_to_start(const char *text)
{
	unsigned not_asked = 0;
	long after = 0;

	for (;; after++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		ask = text;
		failing_malloc_after(after);
		corroborate(&pool, &asking, &x);
		failing_malloc_after(-1);
		if (x.replies == 0) {
			x.gone(&x, x.gone_arg);
			break;
		}
		assert_over(&x, 503, ANSWER_FAILED, (unsigned)attempts);
		assert_true(attempts <= 1);
		if (attempts == 1) {
			assert_string_equal(outcome, "not-asked");
			assert_null(strstr(results, "=aborted"));
			not_asked++;
		}
	}
	/* Texts, request, cohort, calls, body: each of them failed once. */
	assert_true(after >= 5);
	assert_true(not_asked >= 3);
}

static void
test_no_memory_to_start(void **state)
{
	no_memory_to_start(ask_caa);
	no_memory_to_start(ask_dcv);
	no_memory_to_start(ask_both);
}

/* The attempt was asked: its record must not suffer, and no memory is never a pass. */
static void
test_no_memory_to_end(void **state)
{
	for (long after = 0; after < 40; after++) {
		struct exchange x = { 0 };

		teardown(NULL);
		setup(NULL);
		corroborate(&pool, &asking, &x);
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

/* ---- its trace ---- */

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

/* ---- what a request costs while it waits ---- */

static void
memory_of_a_request(const char *text, size_t most)
{
	static struct exchange x[MANY + 1];
	size_t before, waiting;

	ask = text;
	/* libcrypto's and libc's own first. */
	corroborate(&pool, &asking, &x[MANY]);
	x[MANY].gone(&x[MANY], x[MANY].gone_arg);
	call_count = 0;
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < MANY; i++)
		corroborate(&pool, &asking, &x[i]);
	waiting = (mallinfo2().uordblks - before) / MANY;
	print_message("a request that waits for six perspectives: %zu bytes\n", waiting);
	/* A sanitizer's malloc counts nothing. */
	assert_true(waiting <= most);
	for (size_t i = 0; i < MANY; i++)
		x[i].gone(&x[i], x[i].gone_arg);
	/* libevent keeps its heap of timers, malloc a few chunks of each size. */
	assert_true(mallinfo2().uordblks <= before + MANY * 2 * sizeof(void *) + 4096);
	call_count = 0;
}

static void
test_memory_of_a_request(void **state)
{
	memory_of_a_request(ask_caa, REQUEST_BYTES);
	memory_of_a_request(ask_dcv, REQUEST_BYTES);
	memory_of_a_request(ask_both, REQUEST_BYTES_2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_attempts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_certain_before_all_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unanswered_at_the_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_perspective_cancels_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caller_vanishes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls_that_cannot_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dcv, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_method, setup, teardown),
		cmocka_unit_test_setup_teardown(test_both_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits_for_both, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry_of_both, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caller_of_both_vanishes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory_to_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory_to_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trace_of_the_caller, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trace_drawn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trace_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_of_a_request, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
