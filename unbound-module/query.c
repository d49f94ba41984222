#include "query.h"

#include "evidence_json.h"
#include "sldns/rrdef.h"
#include "util/data/dname.h"
#include "util/regional.h"

struct query *
query_of(struct module_qstate *qstate, int id)
{
	struct query *q = qstate->minfo[id];

	return q != NULL && q->mark == MARK_QUERY ? q : NULL;
}

/* How many names the query asks: itself alone, or all but the root. */
static size_t
query_names(struct module_qstate *qstate, const struct mpic_option *option)
{
	if (option->operation == MPIC_STATS)
		return 0;
	if (option->operation == MPIC_LOOKUP)
		return 1;
	return (size_t)dname_count_labels(qstate->qinfo.qname) - 1;
}

static const char *
query_fault(struct module_qstate *qstate, const struct mpic_option *option,
    const struct settings *settings, size_t names)
{
	size_t cap = settings->max_names;

	if (option->name_cap > 0 && option->name_cap < cap)
		cap = option->name_cap;
	if (qstate->qinfo.qclass != LDNS_RR_CLASS_IN)
		return "the question's class is not IN";
	if (option->operation == MPIC_CLIMB && names == 0)
		return "the root has nothing to climb";
	if (names > cap)
		return "the name has more labels than a climb may ask";
	return NULL;
}

static bool
query_slots(struct query *q, struct module_qstate *qstate, size_t names)
{
	uint8_t *name = qstate->qinfo.qname;
	size_t len = qstate->qinfo.qname_len;

	q->slots = regional_alloc_zero(qstate->region, names * sizeof(*q->slots));
	name = regional_alloc_init(qstate->region, name, len);
	if (q->slots == NULL || name == NULL)
		return false;
	for (size_t i = 0; i < names; i++) {
		struct lookup *l = &q->slots[i].lookup;

		l->qname = name;
		l->qname_len = len;
		l->qtype = qstate->qinfo.qtype;
		l->security = sec_status_indeterminate;
		l->ede = -1;
		l->started = q->started;
		dname_remove_label(&name, &len);
	}
	q->slot_count = names;
	return true;
}

struct query *
query_new(struct module_qstate *qstate, int id, const struct mpic_option *option)
{
	struct module_state *module = module_state(qstate->env, id);
	size_t names = query_names(qstate, option);
	struct query *q = regional_alloc_zero(qstate->region, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->mark = MARK_QUERY;
	q->option = *option;
	q->found = -1;
	clock_gettime(CLOCK_MONOTONIC, &q->started);
	if (option->operation == MPIC_LOOKUP)
		COUNT(&module->counters, lookups);
	if (option->operation == MPIC_CLIMB)
		COUNT(&module->counters, climbs);
	q->error = query_fault(qstate, option, &module->settings, names);
	if (q->error != NULL)
		COUNT(&module->counters, refused);
	else if (names > 0 && !query_slots(q, qstate, names))
		q->error = "out of memory";
	return q;
}

/*
 * The steps of one slot. Each does what its phase calls for, sets the next
 * phase, and returns false when the slot must wait for a sub.
 */

static bool
step_ask(struct query *q, size_t i, struct module_qstate *qstate, int id)
{
	struct slot *s = &q->slots[i];
	struct lookup *l = &s->lookup;

	unsigned int flags = SUB_FRESH | (l->plain_case ? SUB_PLAIN_CASE : 0);

	if (!sub_start(qstate, id, l->qname, l->qname_len, l->qtype, i, flags)) {
		q->error = "too many sub-queries in flight, or out of memory";
		return false;
	}
	if (l->tries++ > 0)
		COUNT(&module_state(qstate->env, id)->counters, retries);
	s->phase = PHASE_WAIT;
	return true;
}

static bool
step_wait(struct query *q, size_t i, struct module_qstate *qstate, int id)
{
	return false;
}

static bool
step_judge(struct query *q, size_t i, struct module_qstate *qstate, int id)
{
	struct slot *s = &q->slots[i];
	struct lookup *l = &s->lookup;

	/* a failure with a status is a bogus answer, or one that we had no memory for */
	if (l->outcome != OUTCOME_FAILED || l->security != sec_status_indeterminate) {
		s->phase = PHASE_DONE;
	} else if (l->case_lost && !l->plain_case) {
		l->plain_case = true;
		s->phase = PHASE_ASK;
	} else if (l->tries_sent == 0 && l->tries == 1) {
		/* the back-off gave up without asking: the servers are forgiven by now */
		s->phase = PHASE_ASK;
	} else if (!(q->option.flags & MPIC_FLAG_PROVE)) {
		s->phase = PHASE_DONE;
	} else if (l->tries_sent < QUERY_TRIES_SENT && l->tries < QUERY_TRIES_MAX) {
		s->phase = PHASE_ASK;
	} else {
		s->phase = PHASE_WALK;
	}
	return true;
}

static bool
step_walk(struct query *q, size_t i, struct module_qstate *qstate, int id)
{
	struct slot *s = &q->slots[i];

	s->phase = walk_advance(&s->lookup, qstate, id, i) ? PHASE_DONE : PHASE_WALK_WAIT;
	return true;
}

static bool (*const steps[])(struct query *, size_t, struct module_qstate *, int) = {
	[PHASE_ASK] = step_ask,
	[PHASE_WAIT] = step_wait,
	[PHASE_JUDGE] = step_judge,
	[PHASE_WALK] = step_walk,
	[PHASE_WALK_WAIT] = step_wait,
	[PHASE_DONE] = step_wait,
};

/* Whether the outcome no longer depends on a slot that is not done. */
static bool
query_decided(struct query *q)
{
	q->found = -1;
	q->failed = false;
	for (size_t i = 0; i < q->slot_count; i++) {
		struct slot *s = &q->slots[i];

		if (s->phase != PHASE_DONE)
			return false;
		if (s->lookup.outcome == OUTCOME_FAILED || s->lookup.outcome == OUTCOME_TOO_LARGE)
			q->failed = true;
		if (s->lookup.outcome != OUTCOME_ANSWER)
			continue;
		q->found = (ssize_t)i;
		if (!q->failed)
			return true;
	}
	return true;
}

static void
query_finish(struct query *q, struct module_qstate *qstate, int id)
{
	struct counters *counters = &module_state(qstate->env, id)->counters;

	sub_stop_all(qstate);
	if (q->failed)
		q->found = -1;
	for (size_t i = 0; i < q->slot_count; i++) {
		struct lookup *l = &q->slots[i].lookup;

		if (q->slots[i].phase != PHASE_DONE)
			l->outcome = OUTCOME_ABANDONED;
		if (l->outcome == OUTCOME_FAILED)
			COUNT(counters, failures);
		if (l->security == sec_status_bogus)
			COUNT(counters, bogus);
	}
	evidence_make(q, qstate, id);
}

bool
query_advance(struct query *q, struct module_qstate *qstate, int id)
{
	for (size_t i = 0; i < q->slot_count && q->error == NULL; i++)
		while (steps[q->slots[i].phase](q, i, qstate, id))
			;
	if (q->error == NULL && !query_decided(q))
		return false;
	query_finish(q, qstate, id);
	return true;
}

void
query_inform(struct query *q, struct module_qstate *sub, struct module_qstate *super, int id)
{
	struct sub *s = sub_of(sub, id);
	struct slot *slot;

	if (s == NULL || s->slot >= q->slot_count)
		return;
	slot = &q->slots[s->slot];
	if (slot->phase == PHASE_WAIT) {
		lookup_finish(&slot->lookup, sub, super, id);
		if (slot->lookup.outcome == OUTCOME_FAILED)
			lookup_forgive(sub, id);
		slot->phase = PHASE_JUDGE;
	} else if (slot->phase == PHASE_WALK_WAIT) {
		walk_take(&slot->lookup, sub);
		slot->phase = PHASE_WALK;
	}
}
