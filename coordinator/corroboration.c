#include "coordinator/corroboration.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/adn_lookup.h"
#include "coordinator/audit.h"
#include "coordinator/cohort.h"
#include "coordinator/record.h"
#include "coordinator/response.h"
#include "json_writer.h"
#include "log.h"
#include "monotonic.h"
#include "server_trace.h"

#define ANSWER_MAX		((size_t)64 * 1024 * 1024)
#define REFUSAL_MAX		((size_t)256 * 1024)
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

/* A request that got no verdict leaves a line, too. */
static void
log_refusal(const struct exchange *x, const struct caller *caller, const char *trace_id,
    const char *why)
{
	log_notice("refused", "why", why, "trace_id", trace_id, "caller", caller->name,
	    "peer", exchange_peer(x));
}

/* No verdict without its record (TLS BR 5.4.1). */
static void
refuse_unrecorded(struct exchange *x, const struct caller *caller, const char *trace_id,
    const struct audit_file *audit)
{
	const struct header later = { "Retry-After", "1" };	/* it is tried again every second */
	struct buf out = BUF_INIT(REFUSAL_MAX);
	char text[1024];

	snprintf(text, sizeof(text), "no verdict is given that cannot be recorded: %s",
	    audit_file_fault(audit));
	log_refusal(x, caller, trace_id, text);
	json_add_string(&out, "{\"detail\":", text);
	buf_addc(&out, '}');
	if (out.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 503, NULL, out.data, out.len, &later, 1);
	buf_free(&out);
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
	log_refusal(co->exchange, co->caller, co->question.trace_id, "out of memory");
	exchange_refuse(co->exchange, 503, "out of memory");
	finish(co, ANSWER_FAILED);
}

static void
on_attempt_ended(void *arg)
{
	struct corroboration *co = arg;
	bool valid = attempt_valid(&co->attempts[co->attempt_count - 1]);

	if (!record(co, RECORD_DECIDED)) {
		refuse_unrecorded(co->exchange, co->caller, co->question.trace_id,
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

static bool
read_request(struct mpic_request *request, const struct corroborator_pool *pool,
    const struct exchange *x, struct buf *refusal)
{
	struct mpic_limits limits = pool->limits;
	struct json_faults faults;
	const char *text;
	size_t len;

	limits.rules = policy_at(pool->policy, time(NULL));
	json_faults_init(&faults);
	text = exchange_body(x, &len);
	if (mpic_request_decode(request, &limits, text, len, &faults))
		return true;
	json_faults_encode(&faults, "request-validation-failed", refusal);
	return false;
}

static bool
choose_cohorts(struct cohorts *cohorts, const struct mpic_request *r,
    const struct corroborator_pool *pool, struct buf *refusal)
{
	enum cohort_fault fault = cohorts_build(cohorts, pool->asker.fleet, r->perspectives,
	    pool->secret, pool->secret_len, &r->target);
	char error[128], why[64];

	if (fault != COHORT_OK) {
		snprintf(error, sizeof(error), "The coordinator could not construct a cohort "
		    "of size %zu", r->perspectives);
		mpic_refusal_encode(error, "orchestration_parameters.perspective_count",
		    "mpic_error:coordinator:cohort", cohort_fault_text(fault), refusal);
		return false;
	}
	if (r->cohort > cohorts->count) {
		snprintf(error, sizeof(error), "The coordinator could not select cohort number "
		    "%zu from available cohorts.", r->cohort);
		snprintf(why, sizeof(why), "expected 1 to %zu", cohorts->count);
		mpic_refusal_encode(error, "orchestration_parameters.cohort_for_single_attempt",
		    "mpic_error:coordinator:cohort_selection", why, refusal);
		return false;
	}
	return true;
}

/* Where a request comes from: its caller, and the trace it is part of. */
struct origin {
	const struct caller *caller;
	struct trace trace;
	bool given;			/* it is the caller's, and may come with a state */
	char id[TRACE_ID_TEXT];
};

static void
origin_read(struct origin *origin, const struct corroborator_pool *pool, const struct exchange *x)
{
	origin->given = exchange_trace(x, pool->asker.random, &origin->trace);
	trace_id_text(&origin->trace, origin->id);
}

/* NULL without memory. */
static struct corroboration *
corroboration_new(const struct corroborator_pool *pool, struct exchange *x,
    const struct mpic_request *request, const struct cohorts *cohorts,
    const struct origin *origin)
{
	struct corroboration *co = malloc(sizeof(*co) +
	    request->attempts * sizeof(co->attempts[0]));

	if (co == NULL)
		return NULL;
	*co = (struct corroboration){ .pool = pool, .exchange = x, .caller = origin->caller,
		.cohorts = *cohorts, .cohort = request->cohort, .quorum = request->quorum,
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

static size_t
cell_of(const struct corroborator_pool *pool, const struct caller *caller)
{
	return pool->caller_cells != NULL ?
	    pool->caller_cells[callers_index(pool->callers, caller)] : 0;
}

static bool
check_permitted(const struct mpic_request *r, const struct corroborator_pool *pool,
    const struct caller *caller, struct buf *refusal)
{
	struct buf detail = BUF_INIT(REFUSAL_MAX);

	if (caller_may(caller, r->check_type))
		return true;
	caller_forbidden_text(caller, r->check_type, &detail);
	json_add_string(refusal, "{\"detail\":", detail.data != NULL ? detail.data : "");
	buf_addc(refusal, '}');
	buf_free(&detail);
	if (pool->on_admission != NULL)
		pool->on_admission(pool->arg, cell_of(pool, caller), ADMISSION_FORBIDDEN);
	return false;
}

/* Nothing a request could say would be enough: no verdict is below the rules. */
static bool
fleet_suffices(const struct mpic_request *r, const struct corroborator_pool *pool,
    struct buf *refusal)
{
	size_t have = fleet_remotes(pool->asker.fleet);
	const struct policy_row *row = rules_row(&r->rules, RULE_REMOTES);
	struct buf why = BUF_INIT(512);

	if (r->perspectives <= have)
		return true;
	if (row != NULL)
		policy_row_text(r->rules.policy, row, &why);
	buf_addf(&why, ", %zu configured", have);
	mpic_refusal_encode("The coordinator has fewer perspectives than its policy demands",
	    "orchestration_parameters.perspective_count", "policy",
	    why.data != NULL ? why.data : "", refusal);
	buf_free(&why);
	return false;
}

/* For a request that comes to no attempt: an empty `refusal` is no memory. */
static enum answer
send_refusal(struct exchange *x, int status, const struct header *header,
    const struct caller *caller, const char *trace_id, const struct buf *refusal)
{
	bool failed = refusal->failed || refusal->len == 0;

	log_refusal(x, caller, trace_id, failed ? "out of memory" : refusal->data);
	if (failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, status, NULL, refusal->data, refusal->len, header,
		    header != NULL);
	return failed || status == 503 ? ANSWER_FAILED : ANSWER_REFUSED;
}

static void
refuse(const struct corroborator_pool *pool, struct exchange *x, int status,
    const struct origin *origin, const struct buf *refusal)
{
	enum answer answer = send_refusal(x, status, NULL, origin->caller, origin->id,
	    refusal);

	if (pool->on_answer != NULL)
		pool->on_answer(pool->arg, answer, 0);
}

/* ---- its turn ---- */

static void
count_admission(const struct corroborator_pool *pool, const struct caller *caller,
    enum admittance came)
{
	if (pool->on_admission != NULL)
		pool->on_admission(pool->arg, cell_of(pool, caller), came);
}

/* Counted, and in the log where it is told everything: there may be thousands a second. */
static void
turn_away(const struct corroborator_pool *pool, struct exchange *x, const struct caller *caller,
    const char *trace_id, enum admittance came, int64_t retry_s)
{
	struct buf text = BUF_INIT(REFUSAL_MAX), refusal = BUF_INIT(REFUSAL_MAX);
	char seconds[24];
	const struct header later = { "Retry-After", seconds };

	count_admission(pool, caller, came);
	admission_text(came, caller, &text);
	buf_addf(&text, "; try again in %" PRId64 " s", retry_s);
	snprintf(seconds, sizeof(seconds), "%" PRId64, retry_s);
	json_add_string(&refusal, "{\"detail\":", text.data != NULL ? text.data : "");
	buf_addc(&refusal, '}');
	log_info("turned away", "why", text.data != NULL ? text.data : "", "trace_id", trace_id,
	    "caller", caller->name, "peer", exchange_peer(x));
	if (refusal.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, admission_status(came), NULL, refusal.data, refusal.len, &later, 1);
	buf_free(&text);
	buf_free(&refusal);
}

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

	count_admission(co->pool, co->caller, ADMISSION_OK);
	if (co->lookups == NULL)
		next_attempt(co);
}

static void
on_late(struct ticket *t)
{
	struct corroboration *co = holder(t);

	turn_away(co->pool, co->exchange, co->caller, co->question.trace_id, ADMISSION_LATE,
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
		came = admission_enter(admission, co->caller, cell_of(co->pool, co->caller),
		    &co->ticket, &calls, waits_until_ns(co), &retry_s);
	if (came == ADMISSION_OK) {
		if (co->ticket.state == TICKET_IN)
			count_admission(co->pool, co->caller, came);
		return true;
	}
	turn_away(co->pool, co->exchange, co->caller, co->question.trace_id, came, retry_s);
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
	came = admission_knock(pool->admission, origin->caller, cell_of(pool, origin->caller),
	    &retry_s);
	if (came == ADMISSION_OK)
		return true;
	turn_away(pool, x, origin->caller, origin->id, came, retry_s);
	if (pool->on_answer != NULL)
		pool->on_answer(pool->arg, came == ADMISSION_FULL ? ANSWER_FAILED : ANSWER_REFUSED, 0);
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
	finish(co, send_refusal(co->exchange, failed ? 503 : 400, failed ? &later : NULL,
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
	struct buf refusal = BUF_INIT(REFUSAL_MAX);
	struct corroboration *co = NULL;
	struct mpic_request request;
	struct cohorts cohorts;
	struct origin origin;
	int status = 400;

	origin.caller = caller;
	origin_read(&origin, pool, x);
	if (pool->audit != NULL && !audit_file_ready(pool->audit)) {
		refuse_unrecorded(x, caller, origin.id, pool->audit);
		if (pool->on_answer != NULL)
			pool->on_answer(pool->arg, ANSWER_FAILED, 0);
		return;
	}
	if (!knock(pool, x, &origin))
		return;
	if (!read_request(&request, pool, x, &refusal))
		;
	else if (!check_permitted(&request, pool, caller, &refusal))
		status = 403;
	else if (!fleet_suffices(&request, pool, &refusal))
		status = 503;
	else if (choose_cohorts(&cohorts, &request, pool, &refusal))
		co = corroboration_new(pool, x, &request, &cohorts, &origin);
	if (co != NULL) {
		exchange_on_gone(x, on_gone, co);
		if (!let_in(co))
			;
		else if (request.applied_for.count > 0)
			begin(co, &request);
		else
			take_turn(co);
	} else {
		refuse(pool, x, status, &origin, &refusal);
	}
	mpic_request_free(&request);
	buf_free(&refusal);
}
