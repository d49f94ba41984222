#include "coordinator/corroboration.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event_struct.h>
#include <openssl/rand.h>

#include "coordinator/cohort.h"
#include "log.h"
#include "monotonic.h"

#define NONCE_BYTES		16
#define ANSWER_MAX		((size_t)64 * 1024 * 1024)
/* What the perspective has less than we do, so that its own account of a slow
 * target arrives before we stop listening. */
#define MARGIN_MAX_MS		500
/* A call that its attempt gave up may still be answered, and its connection be kept. */
#define CALL_MARGIN_MS		1000
/* An attempt with less time left than this is not worth starting. */
#define ATTEMPT_LEAST_MS	1000

/* A member of the running attempt, and the call to it. */
struct leg {
	struct call call;
	struct corroboration *owner;
	size_t index;
	bool ended;
};

struct corroboration {
	const struct corroborator_pool *pool;
	struct exchange *exchange;
	struct mpic_request request;
	struct cohorts cohorts;
	struct attempt *attempts;	/* request.attempts of them */
	size_t attempt_count;		/* the last one is running */
	struct event timer;		/* the attempt's end */
	uint64_t attempt_started_ns;
	uint64_t deadline_ns;		/* of the request */
	struct leg *legs;		/* of the running attempt */
	size_t pending;			/* legs without a vote */
	bool starting;			/* legs are being started: decide nothing */
	bool certain;			/* lingering */
	char nonce[2 * NONCE_BYTES + 1];
	struct fanout_body *body;	/* the running attempt's, shared by its calls */
};

static void attempt_start(struct corroboration *co);

/* Wall clock, UNIX epoch. */
static int64_t
wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t
since_ms(uint64_t start_ns)
{
	return (int64_t)((monotonic_ns() - start_ns) / 1000000U);
}

static struct attempt *
running(struct corroboration *co)
{
	return &co->attempts[co->attempt_count - 1];
}

/* ---- life ---- */

static void
attempt_free(struct attempt *a)
{
	for (size_t i = 0; i < a->count; i++)
		corroborator_free(&a->corroborators[i]);
	free(a->corroborators);
}

static void
corroboration_free(struct corroboration *co)
{
	event_del(&co->timer);
	for (size_t i = 0; i < co->attempt_count; i++)
		attempt_free(&co->attempts[i]);
	free(co->attempts);
	free(co->legs);
	fanout_body_free(co->body);
	mpic_request_free(&co->request);
	free(co);
}

/* ---- answers ---- */

static void
refuse(struct corroboration *co, const struct buf *body)
{
	const struct corroborator_pool *pool = co->pool;

	if (body->failed)
		exchange_refuse(co->exchange, 503, "out of memory");
	else
		exchange_reply(co->exchange, 400, NULL, body->data, body->len, NULL, 0);
	corroboration_free(co);
	if (pool->on_answer != NULL)
		pool->on_answer(pool->arg, true, false, 0);
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
answer(struct corroboration *co)
{
	const struct corroborator_pool *pool = co->pool;
	struct mpic_response response = { &co->request, co->attempts, co->attempt_count,
		since_ms(exchange_started_ns(co->exchange)) };
	bool valid = mpic_response_valid(&response);
	struct header verdict = { "X-MPIC-Is-Valid", valid ? "true" : "false" };
	size_t attempts = co->attempt_count;
	struct buf out = BUF_INIT(ANSWER_MAX);

	mpic_response_encode(&response, &out);
	if (out.failed)
		exchange_refuse(co->exchange, 503, "out of memory");
	else
		exchange_reply(co->exchange, answer_status(co->exchange, valid), NULL,
		    out.data, out.len, &verdict, 1);
	buf_free(&out);
	corroboration_free(co);
	if (pool->on_answer != NULL)
		pool->on_answer(pool->arg, false, valid, attempts);
}

/* ---- the record ---- */

/* One line an attempt (TLS BR 5.4.1): target, quorum, and each perspective's result. */
static void
attempt_record(struct corroboration *co, const char *ended)
{
	const struct attempt *a = running(co);
	struct buf results = BUF_INIT(FLEET_MAX * (CHECK_CODE_MAX + 40));
	char number[24], quorum[48], elapsed[24];

	for (size_t i = 0; i < a->count; i++) {
		const struct corroborator *c = &a->corroborators[i];

		buf_adds(&results, i > 0 ? " " : "");
		buf_adds(&results, c->perspective->code);
		buf_addc(&results, '=');
		buf_adds(&results, a->ballot.votes[i] == VOTE_PASSED ? "passed" :
		    a->ballot.votes[i] == VOTE_PENDING ? "aborted" :
		    problem_code(c->problem));
	}
	snprintf(number, sizeof(number), "%zu", a->number);
	snprintf(quorum, sizeof(quorum), "%zu/%zu", quorum_passed(&a->ballot), a->count);
	snprintf(elapsed, sizeof(elapsed), "%" PRId64, since_ms(co->attempt_started_ns));
	log_notice("attempt", "outcome", ended, "check", check_type_name(co->request.check_type),
	    "target", target_text(&co->request.target), "quorum", quorum, "attempt", number,
	    "results", results.data != NULL ? results.data : "", "elapsed_ms", elapsed,
	    "trace", co->request.trace_identifier != NULL ? co->request.trace_identifier : "",
	    "caller", exchange_identity(co->exchange));
	buf_free(&results);
}

/* ---- the end of an attempt ---- */

static void
attempt_end(struct corroboration *co)
{
	struct attempt *a = running(co);

	event_del(&co->timer);
	attempt_record(co, a->outcome == QUORUM_REACHED ? "valid" : "not-valid");
	if (a->outcome == QUORUM_REACHED || co->attempt_count >= co->request.attempts ||
	    monotonic_ns() + ATTEMPT_LEAST_MS * UINT64_C(1000000) > co->deadline_ns)
		answer(co);
	else
		attempt_start(co);
}

/* A result of our own making for a perspective that gave none. */
static void __attribute__((format(printf, 4, 5)))
corroborator_fail(struct corroborator *c, enum check_type type, enum problem problem,
    const char *fmt, ...)
{
	char sentence[CHECK_MESSAGE_MAX];
	struct check_result r;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	check_result_init(&r, type);
	check_result_fail(&r, problem, "%s", sentence);
	r.timestamp_ns = wall_ns();
	r.perspective_code = c->perspective->code;
	check_result_encode(&r, &c->raw);
	corroborator_take(c, &r);
}

static void
leg_vote(struct leg *leg, enum hearing hearing)
{
	struct corroboration *co = leg->owner;
	struct attempt *a = running(co);
	const struct corroborator *c = &a->corroborators[leg->index];

	leg->ended = true;
	a->ballot.votes[leg->index] = vote_of(c->completed, c->passed);
	co->pending--;
	if (co->pool->on_result != NULL)
		co->pool->on_result(co->pool->arg, c, hearing);
}

/* Those that have not answered do not corroborate. */
static void
attempt_give_up(struct corroboration *co)
{
	struct attempt *a = running(co);
	int64_t waited_ms = since_ms(co->attempt_started_ns);

	for (size_t i = 0; i < a->count; i++) {
		struct leg *leg = &co->legs[i];

		if (leg->ended)
			continue;
		fanout_give_up(&leg->call);
		corroborator_fail(&a->corroborators[i], co->request.check_type,
		    PROBLEM_PERSPECTIVE_TIMEOUT,
		    "%s had not answered after %" PRId64 " ms (%s)%s",
		    a->corroborators[i].perspective->code, waited_ms, leg->call.message,
		    co->certain ? "; the verdict was certain without it" : "");
		leg_vote(leg, NOT_AWAITED);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct corroboration *co = arg;

	attempt_give_up(co);
	running(co)->outcome = quorum_outcome(&running(co)->ballot);
	attempt_end(co);
}

/* The caller has vanished: nobody will read an answer. */
static void
on_gone(struct exchange *x, void *arg)
{
	struct corroboration *co = arg;

	for (size_t i = 0; i < running(co)->count; i++)
		if (!co->legs[i].ended)
			fanout_give_up(&co->legs[i].call);
	attempt_record(co, "aborted");
	exchange_refuse(x, 503, "the caller is gone");
	corroboration_free(co);
}

/* ---- an answer from a perspective ---- */

/* Takes the reply over if it is this perspective's result of this check. */
static void
take_reply(struct corroboration *co, struct corroborator *c, struct call *call)
{
	enum check_type type = co->request.check_type;
	struct check_result r;
	const char *code = c->perspective->code;
	struct json_faults faults;

	json_faults_init(&faults);
	if (!check_result_decode(&r, type, call->reply.data != NULL ?
	    call->reply.data : "", call->reply.len, &faults)) {
		corroborator_fail(c, type, PROBLEM_PERSPECTIVE_REPLY, "%s answered with HTTP status "
		    "%ld and no check result: %s%s%s", code, call->status,
		    faults.list[0].path, faults.list[0].path[0] != '\0' ? ": " : "",
		    faults.list[0].message);
	} else if (r.check_passed && call->status != 200) {
		corroborator_fail(c, type, PROBLEM_PERSPECTIVE_REPLY, "%s answered with HTTP status "
		    "%ld a result that passed", code, call->status);
	} else if (r.perspective_code != NULL && strcmp(r.perspective_code, code) != 0) {
		corroborator_fail(c, type, PROBLEM_PERSPECTIVE_IDENTITY, "the server called as %s "
		    "calls itself %s", code, r.perspective_code);
	} else if (r.nonce != NULL && strcmp(r.nonce, co->nonce) != 0) {
		corroborator_fail(c, type, PROBLEM_PERSPECTIVE_REPLY, "%s answered another "
		    "request's nonce", code);
	} else {
		corroborator_take(c, &r);
		c->raw = call->reply;
		call->reply = BUF_INIT(CHECK_RESULT_MAX);
	}
	check_result_free(&r);
}

static void
set_timer(struct corroboration *co, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(&co->timer, &tv);
}

static int64_t
left_ms(const struct corroboration *co)
{
	uint64_t now = monotonic_ns();

	return now < co->deadline_ns ? (int64_t)((co->deadline_ns - now) / 1000000U) : 0;
}

/* Ends the attempt, or its waiting, once the votes allow it. */
static void
attempt_decide(struct corroboration *co)
{
	struct attempt *a = running(co);

	a->outcome = quorum_outcome(&a->ballot);
	if (co->pending == 0) {
		attempt_end(co);
	} else if (a->outcome != QUORUM_OPEN && !co->certain) {
		int64_t left = left_ms(co);

		co->certain = true;
		set_timer(co, co->pool->linger_ms < left ? co->pool->linger_ms : left);
	}
}

static void
on_call_done(struct call *call)
{
	struct leg *leg = call->owner;
	struct corroboration *co = leg->owner;
	struct corroborator *c = &running(co)->corroborators[leg->index];
	bool reached = call->problem == PROBLEM_NONE;

	if (reached)
		take_reply(co, c, call);
	else
		corroborator_fail(c, co->request.check_type, call->problem, "%s",
		    call->message);
	buf_free(&call->reply);
	leg_vote(leg, reached ? HEARD : NOT_HEARD);
	if (!co->starting)
		attempt_decide(co);
}

/* ---- the beginning of an attempt ---- */

static bool
nonce_draw(char nonce[2 * NONCE_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[NONCE_BYTES];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	for (size_t i = 0; i < NONCE_BYTES; i++) {
		nonce[2 * i] = digits[bytes[i] >> 4];
		nonce[2 * i + 1] = digits[bytes[i] & 15];
	}
	nonce[2 * (size_t)NONCE_BYTES] = '\0';
	return true;
}

/* The body that all calls of the attempt send. */
static bool
encode_body(struct corroboration *co, int64_t deadline_ms)
{
	const struct corroborator_pool *pool = co->pool;
	int64_t margin = deadline_ms / 10 < MARGIN_MAX_MS ? deadline_ms / 10 : MARGIN_MAX_MS;
	struct check_request r = {
		.type = co->request.check_type,
		.domain_or_ip_target = target_text(&co->request.target),
		.trace_identifier = co->request.trace_identifier,
		.nonce = co->nonce,
		.deadline_ms = { true, deadline_ms - margin },
		.caa = co->request.caa,
		.ignore_rfc8657 = { true,
		    policy_ignores_rfc8657(pool->policy, &co->request.caa) },
	};

	if (r.caa.caa_domains.count == 0 && pool->caa_domain_count > 0) {
		r.caa.set = r.caa.caa_domains.set = true;
		r.caa.caa_domains.count = pool->caa_domain_count;
		for (size_t i = 0; i < pool->caa_domain_count; i++)
			r.caa.caa_domains.items[i] = pool->caa_domains[i];
	}
	if (!nonce_draw(co->nonce))
		return false;
	fanout_body_free(co->body);
	co->body = fanout_body_new(CHECK_REQUEST_MAX);
	if (co->body == NULL)
		return false;
	check_request_encode(&r, &co->body->text);
	return !co->body->text.failed;
}

/* Room for the attempt's members, all of them pending. */
static bool
attempt_init(struct corroboration *co)
{
	size_t number = co->attempt_count + 1, n = co->cohorts.size;
	const uint8_t *members = cohorts_for_attempt(&co->cohorts,
	    co->request.cohort > 0 ? co->request.cohort : number);
	struct attempt *a;
	struct leg *legs = realloc(co->legs, n * sizeof(*legs));

	if (legs != NULL)
		co->legs = legs;
	if (legs == NULL || co->attempts == NULL)
		return false;
	a = &co->attempts[co->attempt_count];
	*a = (struct attempt){ .number = number, .count = n,
		.ballot = { .perspectives = n, .required = co->request.quorum } };
	a->corroborators = malloc(n * sizeof(*a->corroborators));
	if (a->corroborators == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct corroborator *c = &a->corroborators[i];

		corroborator_init(c, &co->pool->fleet->members[members[i]]);
		a->ballot.rirs[i] = c->perspective->rir;
		legs[i].owner = co;
		legs[i].index = i;
		legs[i].ended = false;
	}
	co->attempt_count++;
	return true;
}

static void
attempt_start(struct corroboration *co)
{
	struct attempt *a;
	int64_t left = left_ms(co);

	if (!attempt_init(co) || !encode_body(co, left)) {
		exchange_refuse(co->exchange, 503, "out of memory");
		corroboration_free(co);
		return;
	}
	a = running(co);
	co->attempt_started_ns = monotonic_ns();
	co->pending = a->count;
	co->certain = false;
	co->starting = true;
	set_timer(co, left);
	for (size_t i = 0; i < a->count; i++) {
		struct call *call = &co->legs[i].call;

		call->body = co->body;
		call->limit_ms = left + CALL_MARGIN_MS;
		call->done = on_call_done;
		call->owner = &co->legs[i];
		fanout_call(co->pool->fanout, (size_t)(a->corroborators[i].perspective -
		    co->pool->fleet->members), co->request.check_type, call);
	}
	co->starting = false;
	attempt_decide(co);
}

/* ---- the request ---- */

static bool
read_request(struct corroboration *co, struct buf *refusal)
{
	struct json_faults faults;
	const char *text;
	size_t len;

	json_faults_init(&faults);
	text = exchange_body(co->exchange, &len);
	if (mpic_request_decode(&co->request, &co->pool->limits, text, len, &faults))
		return true;
	json_faults_encode(&faults, "request-validation-failed", refusal);
	return false;
}

static bool
choose_cohorts(struct corroboration *co, struct buf *refusal)
{
	const struct corroborator_pool *pool = co->pool;
	const struct mpic_request *r = &co->request;
	enum cohort_fault fault = cohorts_build(&co->cohorts, pool->fleet, r->perspectives,
	    pool->secret, pool->secret_len, &r->target);
	char error[128], why[64];

	if (fault != COHORT_OK) {
		snprintf(error, sizeof(error), "The coordinator could not construct a cohort "
		    "of size %zu", r->perspectives);
		mpic_refusal_encode(error, "orchestration_parameters.perspective_count",
		    "mpic_error:coordinator:cohort", cohort_fault_text(fault), refusal);
		return false;
	}
	if (r->cohort > co->cohorts.count) {
		snprintf(error, sizeof(error), "The coordinator could not select cohort number "
		    "%zu from available cohorts.", r->cohort);
		snprintf(why, sizeof(why), "expected 1 to %zu", co->cohorts.count);
		mpic_refusal_encode(error, "orchestration_parameters.cohort_for_single_attempt",
		    "mpic_error:coordinator:cohort_selection", why, refusal);
		return false;
	}
	return true;
}

void
corroborate(const struct corroborator_pool *pool, struct exchange *x)
{
	struct corroboration *co = malloc(sizeof(*co));
	struct buf refusal = BUF_INIT(64 * 1024);

	if (co == NULL) {
		exchange_refuse(x, 503, "out of memory");
		return;
	}
	co->pool = pool;
	co->exchange = x;
	co->attempt_count = 0;
	co->attempts = NULL;
	co->legs = NULL;
	co->body = NULL;
	event_assign(&co->timer, pool->base, -1, 0, on_timer, co);
	if (read_request(co, &refusal) && choose_cohorts(co, &refusal)) {
		co->attempts = calloc(co->request.attempts, sizeof(*co->attempts));
		co->deadline_ns = exchange_started_ns(x) +
		    (uint64_t)co->request.deadline_ms * 1000000U;
		exchange_on_gone(x, on_gone, co);
		attempt_start(co);
	} else {
		refuse(co, &refusal);
	}
	buf_free(&refusal);
}
