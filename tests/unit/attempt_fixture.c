#include "attempt_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "log.h"
#include "monotonic.h"
#include "open_mpic.h"

/* ---- the exchange ---- */

const char ask_caa[] = ASK, ask_dcv[] = ASK_DCV, ask_both[] = ASK_BOTH;
const char *ask = ask_caa;
static const struct option_strings nothing;
const struct caller asking = { .name = "ca", .identities = &nothing,
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

struct call *calls[CALLS_MAX];
size_t call_members[CALLS_MAX];
size_t call_count;
bool calls_fail;

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

void
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

unsigned records, refusals;
char outcome[32], results[512], outcomes[512], method[64], trace_id[64];

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

unsigned answers[ANSWER_COUNT], hearings[NOT_ASKED + 1], votes[VOTE_APART + 1], disagreements;
size_t attempts;

static void
on_answer(void *arg, enum answer answer, size_t count)
{
	answers[answer]++;
	attempts += count;
}

static void
on_result(void *arg, const struct heard *heard)
{
	hearings[heard->hearing]++;
	votes[heard->vote]++;
	assert_true(heard->took_ns < UINT64_C(60000000000));
	assert_non_null(heard->trace_id);
}

static void
on_disagreement(void *arg, const struct corroborator *c)
{
	disagreements++;
}

struct fleet fleet = { .count = N, .members = {
	{ .code = "p0", .rir = RIR_ARIN }, { .code = "p1", .rir = RIR_ARIN },
	{ .code = "p2", .rir = RIR_APNIC }, { .code = "p3", .rir = RIR_APNIC },
	{ .code = "p4", .rir = RIR_RIPE_NCC }, { .code = "p5", .rir = RIR_RIPE_NCC },
	{ .code = "p6", .rir = RIR_LACNIC } } };
struct corroborator_pool pool;
static struct random_pool drawn;

int
setup(void **state)
{
	pool = (struct corroborator_pool){
		.asker = { .fleet = &fleet, .linger_ms = 10, .on_result = on_result,
			.on_disagreement = on_disagreement,
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
	memset(hearings, 0, sizeof(hearings));
	memset(votes, 0, sizeof(votes));
	disagreements = 0;
	fleet.count = N;
	fleet.members[N].primary = false;
	return 0;
}

int
setup_primary(void **state)
{
	setup(state);
	fleet.count = N + 1;
	fleet.members[N].primary = true;
	return 0;
}

int
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

void
assert_over(const struct exchange *x, int status, enum answer answer, unsigned count)
{
	assert_int_equal(x->replies, 1);
	assert_int_equal(x->status, status);
	assert_int_equal(answers[answer], 1);
	assert_int_equal(attempts, count);
	assert_int_equal(records, count * checks_asked());
}

const char control[] = DCV_RESULT("true", HTTP_01);
const char no_control[] = DCV_RESULT("false", HTTP_01);

void
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
