#include "coordinator/attempt.h"

#include <inttypes.h>
#include <stdlib.h>

#include <event2/event_struct.h>

#include "coordinator/disagreement.h"
#include "coordinator/sheet.h"
#include "monotonic.h"

/* A call that its attempt gave up may still be answered, and its connection be kept. */
#define CALL_MARGIN_MS		1000

enum leg_state {
	LEG_IDLE,	/* not asked yet */
	LEG_CALLING,
	LEG_ENDED,	/* the corroborator has its result, but cannot be counted yet */
	LEG_COUNTED,
};

/* One check at one perspective, and the call for it. */
struct leg {
	struct call call;
	struct asking *asking;
	uint8_t state;			/* enum leg_state */
	uint8_t hearing;		/* enum hearing; once ended */
	uint32_t took_us;		/* once ended */
};

/* An attempt under way. */
struct asking {
	struct attempt *attempt;
	const struct asker *asker;
	const struct question *question;
	void (*ended)(void *arg);
	void *arg;
	struct event timer;		/* the attempt's end */
	uint64_t deadline_ns;
	size_t pending;			/* legs that are calling */
	bool starting;			/* legs are being started: decide nothing */
	bool certain;			/* lingering */
	bool remotes_due;		/* to be asked once the primary passed */
	struct sheet sheets[MPIC_CHECKS_MAX];	/* one a poll */
	size_t leg_count;
	struct leg legs[];		/* one a corroborator, poll by poll, the primary's last */
};

/* ---- life ---- */

static void
asking_free(struct asking *k)
{
	if (k == NULL)
		return;
	event_del(&k->timer);
	for (size_t i = 0; i < MPIC_CHECKS_MAX; i++)
		sheet_free(&k->sheets[i]);
	k->attempt->asking = NULL;
	free(k);
}

/* Corroborators of a poll. */
static size_t
width(const struct attempt *a)
{
	return a->count + a->has_primary;
}

void
attempt_free(struct attempt *a)
{
	asking_free(a->asking);
	polls_free(a->polls, a->poll_count);
	a->polls = NULL;
}

/* ---- votes ---- */

bool
attempt_valid(const struct attempt *a)
{
	for (size_t i = 0; i < a->poll_count; i++)
		if (a->polls == NULL || a->polls[i].outcome != QUORUM_REACHED)
			return false;
	return a->poll_count > 0;
}

static size_t
leg_poll(const struct leg *leg)
{
	return (size_t)(leg - leg->asking->legs) / width(leg->asking->attempt);
}

static struct corroborator *
leg_corroborator(const struct leg *leg)
{
	size_t i = (size_t)(leg - leg->asking->legs), count = width(leg->asking->attempt);

	return &leg->asking->attempt->polls[i / count].corroborators[i % count];
}

static void
leg_count(struct leg *leg)
{
	struct asking *k = leg->asking;
	struct poll *poll = &k->attempt->polls[leg_poll(leg)];
	struct corroborator *c = leg_corroborator(leg);

	if (leg->state != LEG_ENDED || !poll_count(poll, c,
	    leg->hearing == NOT_AWAITED, k->question->fixed))
		return;
	leg->state = LEG_COUNTED;
	if (k->asker->on_result != NULL)
		k->asker->on_result(k->asker->arg, &(struct heard){
		    .corroborator = c, .hearing = leg->hearing,
		    .vote = poll_vote(poll, c), .took_ns = leg->took_us * UINT64_C(1000),
		    .trace_id = k->question->trace_id });
}

/* The primary's result lets its remotes' be counted that were there before. */
static void
leg_end(struct leg *leg, enum hearing hearing)
{
	struct asking *k = leg->asking;
	size_t poll = leg_poll(leg), count = width(k->attempt);

	leg->state = LEG_ENDED;
	leg->hearing = (uint8_t)hearing;
	leg->took_us = hearing == NOT_ASKED ? 0 : (uint32_t)(call_took_ns(&leg->call) / 1000U);
	k->pending--;
	leg_count(leg);
	if (leg_corroborator(leg) == k->attempt->polls[poll].primary)
		for (size_t i = poll * count; i < (poll + 1) * count; i++)
			leg_count(&k->legs[i]);
}

static void
tell_disagreements(const struct asking *k)
{
	const struct attempt *a = k->attempt;

	for (size_t i = 0; k->asker->on_disagreement != NULL && i < a->poll_count; i++)
		for (uint64_t left = poll_disagreement(&a->polls[i]); left != 0; left &= left - 1)
			k->asker->on_disagreement(k->asker->arg,
			    &a->polls[i].corroborators[__builtin_ctzll(left)]);
}

static void
attempt_end(struct asking *k)
{
	void (*ended)(void *arg) = k->ended;
	void *arg = k->arg;

	for (size_t i = 0; i < k->attempt->poll_count; i++)
		poll_close(&k->attempt->polls[i]);
	tell_disagreements(k);
	k->attempt->remotes_not_asked = k->remotes_due;
	asking_free(k);
	ended(arg);
}

static int64_t
left_ms(uint64_t deadline_ns)
{
	uint64_t now = monotonic_ns();

	return now < deadline_ns ? (int64_t)((deadline_ns - now) / 1000000U) : 0;
}

/* `cancelled`: nobody needs its answer any more; else the deadline has passed without it. */
static void
leg_give_up(struct leg *leg, bool cancelled)
{
	const struct asking *k = leg->asking;
	int64_t waited_ms = (int64_t)((monotonic_ns() - k->attempt->started_ns) / 1000000U);

	fanout_give_up(&leg->call);
	corroborator_fail(leg_corroborator(leg), cancelled ? PROBLEM_CANCELLED :
	    PROBLEM_PERSPECTIVE_TIMEOUT, "%s had not answered after %" PRId64 " ms (%s)%s",
	    leg_corroborator(leg)->perspective->code, waited_ms, leg->call.message,
	    cancelled ? "; the verdict was certain without it" : "");
	leg_end(leg, cancelled ? NOT_AWAITED : NOT_IN_TIME);
}

/* The lingering is over, or all of the time: the latter also where it was cut short by it. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct asking *k = arg;
	bool cancelled = k->certain && left_ms(k->deadline_ns) > 0;

	for (size_t i = 0; i < k->leg_count; i++)
		if (k->legs[i].state == LEG_CALLING)
			leg_give_up(&k->legs[i], cancelled);
	attempt_end(k);
}

static void
set_timer(struct asking *k, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(&k->timer, &tv);
}

/* Remotes that are not asked, as the primary did not pass, decide nothing any more. */
static bool
is_certain(const struct asking *k)
{
	const struct attempt *a = k->attempt;
	bool open = false;

	for (size_t i = 0; i < a->poll_count; i++) {
		if (k->remotes_due && quorum_primary_failed(&a->polls[i].ballot))
			return true;
		open = open || quorum_outcome(&a->polls[i].ballot) == QUORUM_OPEN;
	}
	return !open;
}

static bool
primary_passed(const struct attempt *a)
{
	for (size_t i = 0; i < a->poll_count; i++)
		if (a->polls[i].ballot.primary != VOTE_PASSED)
			return false;
	return true;
}

static void remotes_ask(struct asking *k);

/* Ends the attempt, or its waiting, once the votes allow it. */
static void
attempt_decide(struct asking *k)
{
	int64_t left;

	if (k->remotes_due && primary_passed(k->attempt))
		remotes_ask(k);
	if (k->pending == 0) {
		attempt_end(k);
	} else if (!k->certain && is_certain(k)) {
		left = left_ms(k->deadline_ns);
		k->certain = true;
		set_timer(k, k->asker->linger_ms < left ? k->asker->linger_ms : left);
	}
}

/* Nobody can know beforehand which. Without randomness, all. */
static bool
is_to_be_verified(const struct asker *asker)
{
	uint32_t drawn;

	if (asker->verify_share >= 1 || asker->random == NULL ||
	    !random_pool_take(asker->random, &drawn, sizeof(drawn)))
		return true;
	return (double)drawn < asker->verify_share * 4294967296.0;
}

static void
leg_judge(struct leg *leg)
{
	struct asking *k = leg->asking;
	struct sheet *sheet = &k->sheets[leg_poll(leg)];
	const struct jws_key *key = corroborator_key(leg_corroborator(leg)->perspective,
	    leg->call.signing_key);
	struct corroborator_asked asked = { .nonce = sheet->nonce, .target = k->question->target,
		.body = &sheet->body->text, .enrolled_key = leg->call.signing_key,
		.compared = k->attempt->has_primary };

	asked.verify = key != NULL && (corroborator_must_verify(leg_corroborator(leg)) ||
	    is_to_be_verified(k->asker));
	if (asked.verify)
		asked.request_sha256 = sheet_digest(sheet, key);
	corroborator_judge(leg_corroborator(leg), &asked, leg->call.status, &leg->call.reply);
}

static void
on_call_done(struct call *call)
{
	struct leg *leg = call->owner;
	struct asking *k = leg->asking;
	bool reached = call->problem == PROBLEM_NONE;

	if (reached)
		leg_judge(leg);
	else
		corroborator_fail(leg_corroborator(leg), call->problem, "%s", call->message);
	buf_free(&call->reply);
	leg_end(leg, reached ? HEARD : NOT_HEARD);
	if (!k->starting)
		attempt_decide(k);
}

void
attempt_abort(struct attempt *a)
{
	struct asking *k = a->asking;

	if (k == NULL)
		return;
	for (size_t i = 0; i < k->leg_count; i++)
		if (k->legs[i].state == LEG_CALLING)
			fanout_give_up(&k->legs[i].call);
	a->remotes_not_asked = k->remotes_due;
	asking_free(k);
}

/* ---- the beginning ---- */

static bool
write_sheets(struct asking *k, int64_t left)
{
	for (size_t i = 0; i < k->question->type->count; i++)
		if (!sheet_write(&k->sheets[i], k->question, i, left))
			return false;
	return true;
}

static struct asking *
asking_new(struct attempt *a, const struct asker *asker, const struct attempt_plan *plan)
{
	size_t legs = a->poll_count * width(a);
	struct asking *k = malloc(sizeof(*k) + legs * sizeof(k->legs[0]));

	if (k == NULL)
		return NULL;
	*k = (struct asking){ .attempt = a, .asker = asker, .ended = plan->ended,
		.question = plan->question, .arg = plan->arg, .deadline_ns = plan->deadline_ns,
		.remotes_due = a->has_primary && plan->primary_first, .leg_count = legs };
	event_assign(&k->timer, asker->base, -1, 0, on_timer, k);
	for (size_t i = 0; i < legs; i++) {
		k->legs[i].asking = k;
		k->legs[i].state = LEG_IDLE;
	}
	return k;
}

static void
leg_start(struct leg *leg, int64_t left)
{
	const struct asker *asker = leg->asking->asker;
	struct corroborator *c = leg_corroborator(leg);
	const char *why = "";

	leg->state = LEG_CALLING;
	leg->asking->pending++;
	leg->call.body = sheet_body(&leg->asking->sheets[leg_poll(leg)], c->perspective, c->type,
	    &why);
	if (leg->call.body == NULL) {
		corroborator_fail(c, PROBLEM_UNSUPPORTED, "%s was not asked: %s",
		    c->perspective->code, why);
		leg_end(leg, NOT_ASKED);
		return;
	}
	leg->call.limit_ms = left + CALL_MARGIN_MS;
	leg->call.done = on_call_done;
	leg->call.owner = leg;
	trace_span(leg->call.span, asker->random);
	fanout_call(asker->fanout, (size_t)(c->perspective - asker->fleet->members), c->type,
	    &leg->call);
}

/* Asks the primary, or the others. Nothing is decided before all of them are asked. */
static void
legs_start(struct asking *k, bool primary, int64_t left)
{
	k->starting = true;
	for (size_t i = 0; i < k->leg_count; i++)
		if ((leg_corroborator(&k->legs[i]) == k->attempt->polls[leg_poll(&k->legs[i])].primary) ==
		    primary)
			leg_start(&k->legs[i], left);
	k->starting = false;
}

static void
remotes_ask(struct asking *k)
{
	int64_t left = left_ms(k->deadline_ns);

	if (left == 0 || !write_sheets(k, left))
		return;
	k->remotes_due = false;
	legs_start(k, false, left);
}

bool
attempt_start(struct attempt *a, const struct asker *asker, const struct attempt_plan *plan)
{
	int64_t left = left_ms(plan->deadline_ns);

	*a = (struct attempt){ .number = plan->number, .count = plan->count,
		.has_primary = plan->primary != NULL, .started_ns = monotonic_ns(),
		.poll_count = plan->question->type->count };
	a->polls = polls_new(&(struct poll_plan){ .fleet = asker->fleet, .members = plan->members,
		.count = plan->count, .primary = plan->primary, .quorum = plan->quorum,
		.regions = plan->regions, .types = plan->question->type->checks,
		.method = plan->question->method }, a->poll_count);
	if (a->polls == NULL ||
	    (a->asking = asking_new(a, asker, plan)) == NULL ||
	    !write_sheets(a->asking, left)) {
		asking_free(a->asking);
		return false;
	}
	set_timer(a->asking, left);
	if (a->has_primary)
		legs_start(a->asking, true, left);
	if (!a->asking->remotes_due)
		legs_start(a->asking, false, left);
	attempt_decide(a->asking);
	return true;
}
