#include "coordinator/adn_lookup.h"

#include <stdlib.h>

#include "coordinator/adn_evidence.h"
#include "monotonic.h"

#define TYPE_CNAME	5
#define WHY_MAX		1024

/* One name that is followed. */
struct hunt {
	struct adn_lookups *lookups;
	size_t index;			/* in the names */
	struct adn_chain chain;
	struct resolver_query *query;	/* NULL: over */
	uint64_t nonce;
	struct buf why;			/* it is refused; or what failed us */
	bool unavailable;
};

struct adn_lookups {
	struct adn_lookup_plan plan;
	struct target target;
	struct adn_question question;
	uint64_t deadline_ns;
	size_t under_way;
	struct json_faults faults;
	size_t count;
	struct hunt hunts[];
};

static void
lookups_free(struct adn_lookups *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->hunts[i].query != NULL)
			resolver_cancel(l->hunts[i].query);
		buf_free(&l->hunts[i].why);
	}
	free(l);
}

static const char *
why_text(const struct hunt *h)
{
	return h->why.data != NULL ? h->why.data : "out of memory";
}

static void
lookups_end(struct adn_lookups *l)
{
	struct adn_lookup_end end = { .faults = &l->faults, .question = &l->question };

	json_faults_init(&l->faults);
	for (size_t i = 0; i < l->count; i++) {
		const struct hunt *h = &l->hunts[i];

		if (h->unavailable && end.unavailable == NULL)
			end.unavailable = why_text(h);
		else if (l->plan.names->names[h->index].outcome != ADN_PERMITTED)
			applied_for_fault(l->plan.names, h->index, &l->question, why_text(h),
			    &l->faults);
	}
	l->plan.ended(l->plan.arg, &end);
	lookups_free(l);
}

/* ---- one answer ---- */

static struct adn *
adn_of(struct hunt *h)
{
	return &h->lookups->plan.names->names[h->index];
}

/* Nothing was learnt. Whose failing it is decides whether the request is at fault, or we are. */
static void
hunt_fail(struct hunt *h, enum problem problem, const char *message)
{
	adn_of(h)->outcome = ADN_REFUSED;
	buf_adds(&h->why, message);
	h->unavailable = problem_fault(problem) != FAULT_TARGET;
}

static void
take_evidence(struct hunt *h, const struct evidence *e, const char *text, size_t len)
{
	struct buf *kept = &adn_of(h)->evidence;
	enum problem problem = adn_evidence_take(adn_of(h), &h->lookups->question, &h->chain, e,
	    &h->why);

	h->unavailable = problem != PROBLEM_NONE && problem_fault(problem) != FAULT_TARGET;
	if (kept->len > 0)
		buf_addc(kept, ',');
	buf_add(kept, text, len);
}

/* ---- the questions ---- */

static bool hunt_ask(struct hunt *h);

static void
hunt_answered(void *arg, const struct resolver_answer *answer)
{
	struct hunt *h = arg;
	struct adn_lookups *l = h->lookups;
	struct buf why = BUF_INIT(512);
	struct evidence e = { 0 };

	h->query = NULL;
	if (answer->problem != PROBLEM_NONE)
		hunt_fail(h, answer->problem, answer->message);
	else if (!evidence_decode(&e, answer->evidence, answer->evidence_len, h->nonce, &why))
		hunt_fail(h, PROBLEM_RESOLVER_NO_EVIDENCE, why.data != NULL ? why.data :
		    "the evidence is malformed");
	else
		take_evidence(h, &e, answer->evidence, answer->evidence_len);
	evidence_free(&e);
	buf_free(&why);
	if (adn_of(h)->outcome == ADN_UNKNOWN && !hunt_ask(h))
		hunt_fail(h, PROBLEM_INTERNAL, "out of memory");
	if (h->query == NULL && --l->under_way == 0)
		lookups_end(l);
}

static bool
hunt_ask(struct hunt *h)
{
	struct adn_lookups *l = h->lookups;
	uint64_t now = monotonic_ns();
	int64_t left_ms = now < l->deadline_ns ? (int64_t)((l->deadline_ns - now) / 1000000U) : 0;
	struct dns_question question = { .type = TYPE_CNAME, .option.operation = MPIC_LOOKUP };

	question.name = *adn_chain_end(adn_of(h), &h->chain);
	if (!random_pool_take(l->plan.random, &h->nonce, sizeof(h->nonce)))
		return false;
	question.option.nonce = h->nonce;
	h->query = resolver_ask(l->plan.resolver, &question, left_ms > 0 ? left_ms : 1,
	    hunt_answered, h);
	return h->query != NULL;
}

struct adn_lookups *
adn_lookups_start(const struct adn_lookup_plan *plan)
{
	size_t names = plan->names->count;
	struct adn_lookups *l = malloc(sizeof(*l) + names * sizeof(l->hunts[0]));

	if (l == NULL)
		return NULL;
	*l = (struct adn_lookups){ .plan = *plan, .target = *plan->question->target,
		.question = *plan->question, .deadline_ns = monotonic_ns() +
		    (uint64_t)plan->patience_ms * 1000000U };
	l->question.target = &l->target;
	for (size_t i = 0; i < names; i++) {
		struct hunt *h = &l->hunts[l->count];

		if (plan->names->names[i].outcome != ADN_UNKNOWN)
			continue;
		*h = (struct hunt){ .lookups = l, .index = i, .why = BUF_INIT(WHY_MAX) };
		l->count++;
		if (!hunt_ask(h)) {
			lookups_free(l);
			return NULL;
		}
	}
	l->under_way = l->count;
	return l;
}

void
adn_lookups_cancel(struct adn_lookups *l)
{
	lookups_free(l);
}
