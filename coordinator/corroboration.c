#include "coordinator/corroboration.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/adn_lookup.h"
#include "coordinator/audit.h"
#include "coordinator/intake.h"
#include "coordinator/record.h"
#include "coordinator/refusal.h"
#include "coordinator/response.h"
#include "json_writer.h"
#include "monotonic.h"
#include "server_trace.h"

#define ANSWER_MAX		((size_t)64 * 1024 * 1024)
/* An attempt with less time left than this is not worth starting. */
#define ATTEMPT_LEAST_MS	1000

/* There are a thousand of these: what only reading a request needs is not in here. */
struct corroboration {
	const struct corroborator_pool *pool;
	struct exchange *exchange;
	const struct caller *caller;
	struct ticket ticket;
	struct question question;
	struct cohorts cohorts;
	size_t cohort;			/* as in struct mpic_request */
	size_t quorum, regions;
	uint64_t request;		/* as in struct audit_context */
	uint64_t deadline_ns;		/* of the request */
	struct applied_for applied_for;	/* until the lookups end */
	struct adn_lookups *lookups;	/* before the first attempt; NULL: none under way */
	size_t attempt_count;		/* the last one is running, if there are no lookups */
	size_t attempt_max;
	struct attempt attempts[];	/* `attempt_max` of them */
};

/* ---- the end ---- */

/* After the reply; the exchange is gone. */
static void
finish(struct corroboration *co, enum answer answer)
{
	const struct corroborator_pool *pool = co->pool;
	size_t attempts = co->attempt_count;

	if (pool->admission != NULL)
		admission_leave(pool->admission, &co->ticket);
	for (size_t i = 0; i < attempts; i++)
		attempt_free(&co->attempts[i]);
	if (co->lookups != NULL)
		adn_lookups_cancel(co->lookups);
	applied_for_free(&co->applied_for);
	question_free(&co->question);
	free(co);
	if (pool->on_answer != NULL)
		pool->on_answer(pool->arg, answer, attempts);
}

/* ?status=verdict asks for the verdict in the status too: 200 or 422. */
static int
answer_status(const struct exchange *x, bool valid)
{
	const char *query = exchange_query(x), *at;
	static const char asked[] = "status=verdict";

	if (valid || query == NULL || (at = strstr(query, asked)) == NULL)
		return 200;
	return (at == query || at[-1] == '&' || at[-1] == '?') &&
	    (at[sizeof(asked) - 1] == '\0' || at[sizeof(asked) - 1] == '&') ? 422 : 200;
}

static void
send_answer(struct corroboration *co)
{
	uint64_t elapsed_ns = monotonic_ns() - exchange_started_ns(co->exchange);
	const struct mpic_response response = { .echo = co->question.echo, .rules = &co->question.rules,
		.retired = co->question.retired, .adn = co->question.adn_answer, .trace_id = co->question.trace_id,
		.attempts = co->attempts, .attempt_count = co->attempt_count,
		.elapsed_ms = (int64_t)(elapsed_ns / 1000000U) };
	bool valid = mpic_response_valid(&response);
	struct header verdict = { "X-MPIC-Is-Valid", valid ? "true" : "false" };
	enum answer came = valid ? ANSWER_VALID : ANSWER_NOT_VALID;
	struct buf out = BUF_INIT(ANSWER_MAX);

	mpic_response_encode(&response, &out);
	if (out.failed) {
		came = ANSWER_FAILED;
		exchange_refuse(co->exchange, 503, "out of memory");
	} else {
		exchange_reply(co->exchange, answer_status(co->exchange, valid), NULL,
		    out.data, out.len, &verdict, 1);
	}
	buf_free(&out);
	finish(co, came);
}

/* ---- the attempts ---- */

/* False: the audit log does not have it. */
static bool
record(const struct corroboration *co, enum record_end end)
{
	const struct attempt *a = &co->attempts[co->attempt_count - 1];
	char policy[RULES_NAME_MAX];
	const struct audit_context context = { .policy = policy,
		.caller = co->caller->name, .request = co->request };

	rules_name(&co->question.rules, policy);
	attempt_record(a, &co->question, context.caller, end);
	return co->pool->audit == NULL ||
	    audit_attempt(co->pool->audit, a, &co->question, &context, end);
}

static void on_attempt_ended(void *arg);

/* The answer is to be there at the deadline, though many be due at once. */
static uint64_t
end_of_attempts_ns(const struct corroboration *co)
{
	const struct admission *admission = co->pool->admission;
	uint64_t now = monotonic_ns();

	if (admission == NULL || now >= co->deadline_ns)
		return co->deadline_ns;
	return co->deadline_ns - admission_reserve_ns(admission, co->deadline_ns - now);
}

static void
next_attempt(struct corroboration *co)
{
	size_t number = co->attempt_count + 1;
	const struct attempt_plan plan = {
		.number = number,
		.question = &co->question,
		.members = cohorts_for_attempt(&co->cohorts,
		    co->cohort > 0 ? co->cohort : number),
		.count = co->cohorts.size,
		.quorum = co->quorum,
		.regions = co->regions,
		.primary = fleet_primary(co->pool->asker.fleet),
		.primary_first = co->pool->primary_first,
		.deadline_ns = end_of_attempts_ns(co),
		.ended = on_attempt_ended,
		.arg = co,
	};

	co->attempt_count = number;
	if (attempt_start(&co->attempts[number - 1], &co->pool->asker, &plan))
		return;
	record(co, RECORD_NOT_ASKED);
	refusal_log(co->exchange, co->caller, co->question.trace_id, "out of memory");
	exchange_refuse(co->exchange, 503, "out of memory");
	finish(co, ANSWER_FAILED);
}

static void
on_attempt_ended(void *arg)
{
	struct corroboration *co = arg;
	bool valid = attempt_valid(&co->attempts[co->attempt_count - 1]);

	if (!record(co, RECORD_DECIDED)) {
		refusal_unrecorded(co->exchange, co->caller, co->question.trace_id,
		    co->pool->audit);
		finish(co, ANSWER_FAILED);
		return;
	}
	if (valid || co->attempt_count >= co->attempt_max ||
	    monotonic_ns() + ATTEMPT_LEAST_MS * UINT64_C(1000000) > co->deadline_ns)
		send_answer(co);
	else
		next_attempt(co);
}

/* The caller has vanished: nobody will read an answer. */
static void
on_gone(struct exchange *x, void *arg)
{
	struct corroboration *co = arg;

	if (co->attempt_count > 0) {
		attempt_abort(&co->attempts[co->attempt_count - 1]);
		record(co, RECORD_ABORTED);
	}
	exchange_refuse(x, 503, "the caller is gone");
	finish(co, ANSWER_ABORTED);
}

/* ---- the request ---- */

/* NULL without memory. */
static struct corroboration *
corroboration_new(const struct corroborator_pool *pool, struct exchange *x,
    const struct intake *in, const struct origin *origin)
{
	const struct mpic_request *request = &in->request;
	struct corroboration *co = malloc(sizeof(*co) +
	    request->attempts * sizeof(co->attempts[0]));

	if (co == NULL)
		return NULL;
	*co = (struct corroboration){ .pool = pool, .exchange = x, .caller = origin->caller,
		.cohorts = in->cohorts, .cohort = request->cohort, .quorum = request->quorum,
		.regions = request->quorum_rule.regions,
		.attempt_max = request->attempts, .deadline_ns = exchange_started_ns(x) +
		    (uint64_t)request->deadline_ms * 1000000U,
		.request = pool->next_request != NULL ? (*pool->next_request)++ : 0 };
	if (!question_init(&co->question, request, &pool->caa_defaults)) {
		free(co);
		return NULL;
	}
	co->question.trace_context = origin->trace;
	memcpy(co->question.trace_id, origin->id, sizeof(origin->id));
	co->question.tracestate = origin->given ? exchange_tracestate(x) : NULL;
	return co;
}

/* Of a request that comes to no attempt. */
static void
count_answer(const struct corroborator_pool *pool, enum answer answer)
{
	if (pool->on_answer != NULL)
		pool->on_answer(pool->arg, answer, 0);
}

/* ---- its turn ---- */

/* All that is to be known before the attempts is known: they begin, if it is its turn. */
static void
take_turn(struct corroboration *co)
{
	if (co->ticket.state == TICKET_IN)
		next_attempt(co);
}

static struct corroboration *
holder(struct ticket *t)
{
	return (struct corroboration *)((char *)t - offsetof(struct corroboration, ticket));
}

static void
on_turn(struct ticket *t)
{
	struct corroboration *co = holder(t);

	admission_count(co->pool, co->caller, ADMISSION_OK);
	if (co->lookups == NULL)
		next_attempt(co);
}

static void
on_late(struct ticket *t)
{
	struct corroboration *co = holder(t);

	refusal_turn_away(co->pool, co->exchange, co->caller, co->question.trace_id, ADMISSION_LATE,
	    admission_retry_s(co->pool->admission));
	finish(co, ANSWER_FAILED);
}

/* It waits while there is time for an attempt, or half of a short time is left. */
static uint64_t
waits_until_ns(const struct corroboration *co)
{
	uint64_t now = monotonic_ns(), left = co->deadline_ns > now ? co->deadline_ns - now : 0;
	const uint64_t least = ATTEMPT_LEAST_MS * UINT64_C(1000000);

	return co->deadline_ns - (left > 2 * least ? least : left / 2);
}

/* False: it was turned away, and is gone. */
static bool
let_in(struct corroboration *co)
{
	static const struct ticket_calls calls = { on_turn, on_late };
	struct admission *admission = co->pool->admission;
	enum admittance came = ADMISSION_OK;
	int64_t retry_s;

	co->ticket.state = TICKET_IN;
	if (admission != NULL)
		came = admission_enter(admission, co->caller, admission_cell(co->pool, co->caller),
		    &co->ticket, &calls, waits_until_ns(co), &retry_s);
	if (came == ADMISSION_OK) {
		if (co->ticket.state == TICKET_IN)
			admission_count(co->pool, co->caller, came);
		return true;
	}
	refusal_turn_away(co->pool, co->exchange, co->caller, co->question.trace_id, came, retry_s);
	finish(co, came == ADMISSION_CONCURRENCY ? ANSWER_REFUSED : ANSWER_FAILED);
	return false;
}

/* Before anything is read: what is asked too often costs no more than this. */
static bool
knock(const struct corroborator_pool *pool, struct exchange *x, const struct origin *origin)
{
	enum admittance came;
	int64_t retry_s;

	if (pool->admission == NULL)
		return true;
	came = admission_knock(pool->admission, origin->caller, admission_cell(pool, origin->caller),
	    &retry_s);
	if (came == ADMISSION_OK)
		return true;
	refusal_turn_away(pool, x, origin->caller, origin->id, came, retry_s);
	count_answer(pool, came == ADMISSION_FULL ? ANSWER_FAILED : ANSWER_REFUSED);
	return false;
}

/* ---- the names applied for ---- */

/* Each is validated by the target: the attempts can begin. */
static void
start(struct corroboration *co, const struct adn_question *asked)
{
	bool ok = question_set_names(&co->question, &co->applied_for, asked);

	applied_for_free(&co->applied_for);
	if (ok) {
		take_turn(co);
		return;
	}
	exchange_refuse(co->exchange, 503, "out of memory");
	finish(co, ANSWER_FAILED);
}

static void
on_lookups_ended(void *arg, const struct adn_lookup_end *end)
{
	struct corroboration *co = arg;
	const struct header later = { "Retry-After", "1" };
	struct buf refusal = BUF_INIT(REFUSAL_MAX);
	bool failed = end->unavailable != NULL;

	co->lookups = NULL;
	if (!failed && end->faults->count == 0) {
		start(co, end->question);
		return;
	}
	if (failed) {
		json_add_string(&refusal, "{\"detail\":", end->unavailable);
		buf_addc(&refusal, '}');
	} else {
		json_faults_encode(end->faults, "request-validation-failed", &refusal);
	}
	finish(co, refusal_send(co->exchange, failed ? 503 : 400, failed ? &later : NULL,
	    co->caller, co->question.trace_id, &refusal));
	buf_free(&refusal);
}

/* A second is left for an attempt, if there is one. */
static int64_t
lookup_patience_ms(const struct corroboration *co)
{
	uint64_t now = monotonic_ns();
	int64_t left_ms = now < co->deadline_ns ? (int64_t)((co->deadline_ns - now) / 1000000U) : 0;

	return left_ms > 2 * ATTEMPT_LEAST_MS ? left_ms - ATTEMPT_LEAST_MS : left_ms / 2;
}

/* Attempts at once, unless lookups have to say first whether they would prove anything. */
static void
begin(struct corroboration *co, struct mpic_request *request)
{
	const struct adn_question asked = mpic_request_adn(request, co->pool->limits.suffixes);
	const struct adn_lookup_plan plan = { .resolver = co->pool->resolver,
		.random = co->pool->asker.random, .question = &asked, .names = &co->applied_for,
		.patience_ms = lookup_patience_ms(co), .ended = on_lookups_ended, .arg = co };

	co->applied_for = request->applied_for;
	request->applied_for = (struct applied_for){ .count = 0 };
	if (!applied_for_undecided(&co->applied_for)) {
		start(co, &asked);
		return;
	}
	co->lookups = adn_lookups_start(&plan);
	if (co->lookups != NULL)
		return;
	exchange_refuse(co->exchange, 503, "out of memory");
	finish(co, ANSWER_FAILED);
}

void
corroborate(const struct corroborator_pool *pool, const struct caller *caller,
    struct exchange *x)
{
	const struct origin origin = origin_of(pool, caller, x);
	struct buf refusal = BUF_INIT(REFUSAL_MAX);
	struct corroboration *co = NULL;
	struct intake in;

	if (pool->audit != NULL && !audit_file_ready(pool->audit)) {
		refusal_unrecorded(x, caller, origin.id, pool->audit);
		count_answer(pool, ANSWER_FAILED);
		return;
	}
	if (!knock(pool, x, &origin))
		return;
	if (intake_read(&in, pool, caller, x, &refusal))
		co = corroboration_new(pool, x, &in, &origin);
	if (co == NULL) {
		count_answer(pool, refusal_send(x, in.status, NULL, caller, origin.id, &refusal));
	} else {
		exchange_on_gone(x, on_gone, co);
		if (!let_in(co))
			;
		else if (in.request.applied_for.count > 0)
			begin(co, &in.request);
		else
			take_turn(co);
	}
	intake_free(&in);
	buf_free(&refusal);
}
