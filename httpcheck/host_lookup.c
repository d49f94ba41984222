#include "httpcheck/host_lookup.h"

#include <stdlib.h>
#include <string.h>

#include "httpcheck/inquiry.h"
#include "lookup_verdict.h"

#define MESSAGE_MAX	CHECK_MESSAGE_MAX

static const enum dcv_record records[HOST_FAMILIES] = { DCV_AAAA, DCV_A };
static const int families[HOST_FAMILIES] = { AF_INET6, AF_INET };
static const size_t sizes[HOST_FAMILIES] = { 16, 4 };

/* One question under way. */
struct question {
	struct host_lookup *lookup;
	struct inquiry inquiry;
	bool ended;
	struct buf message;		/* of its problem */
	struct host_family result;
};

struct host_lookup {
	struct run *run;
	struct web_record *record;
	struct name name;
	struct question questions[HOST_FAMILIES];
	struct event *patience;		/* runs once a family has addresses */
	host_lookup_done *done;
	void *arg;
};

/* ---- the verdict on one family ---- */

static const char *
type_of(enum host_family_name family)
{
	return dcv_record_names[records[family]];
}

static bool
addresses_read(struct host_family *f, enum host_family_name family,
    const struct evidence_lookup *l)
{
	for (size_t i = 0; i < l->record_count; i++) {
		struct address a = { .family = families[family] };

		if (l->records[i].len != sizes[family])
			return false;
		memcpy(a.bytes, l->records[i].rdata, sizes[family]);
		if (f->count < HOST_ADDRESSES_MAX)
			f->addresses[f->count++] = a;
	}
	return true;
}

static void
lookup_judge(struct host_family *f, enum host_family_name family,
    const struct evidence_lookup *l, struct check_result *result)
{
	enum problem problem = lookup_problem(l);

	f->no_name = l->outcome == EVIDENCE_NXDOMAIN;
	if (problem != PROBLEM_NONE)
		lookup_fail(l, type_of(family), problem, "", result);
	else if (l->outcome == EVIDENCE_ANSWER && !addresses_read(f, family, l))
		check_result_fail(result, PROBLEM_DNS_FAILED, "the %s records of %s are no addresses",
		    type_of(family), l->name);
}

void
host_family_judge(struct host_family *f, enum host_family_name family, const struct name *name,
    const struct evidence *e, struct buf *why)
{
	struct check_result result;

	*f = (struct host_family){ 0 };
	check_result_init(&result, CHECK_DCV);
	if (evidence_usable(e, type_of(family), name, false, &result))
		lookup_judge(f, family, &e->lookups[0], &result);
	f->problem = result.problem.problem;
	if (f->problem == PROBLEM_NONE)
		return;
	f->count = 0;
	buf_adds(why, result.problem.message);
}

/* ---- the verdict on both ---- */

/* What one family alone may lack: its name servers failed, and this perspective did not. */
static bool
excusable(enum problem problem)
{
	return problem == PROBLEM_NONE || (problem != PROBLEM_DNS_BOGUS &&
	    problem_fault(problem) == FAULT_TARGET);
}

/*
 * What keeps the addresses from being dialled, or that there are none. Of two
 * problems the one that no address of the other family excuses.
 */
static enum problem
families_judge(const struct host_lookup *l, bool found, const char **message, struct buf *why)
{
	const struct question *worst = NULL;

	for (size_t i = 0; i < HOST_FAMILIES; i++) {
		const struct question *q = &l->questions[i];

		if (q->result.problem != PROBLEM_NONE && (worst == NULL ||
		    (excusable(worst->result.problem) && !excusable(q->result.problem))))
			worst = q;
	}
	if (worst != NULL && (!found || !excusable(worst->result.problem))) {
		*message = worst->message.data != NULL ? worst->message.data : "";
		return worst->result.problem;
	}
	if (found)
		return PROBLEM_NONE;
	buf_addf(why, "%s %s", l->name.text, l->questions[HOST_IPV4].result.no_name ?
	    "does not exist" : "has neither AAAA nor A records");
	*message = why->data != NULL ? why->data : "";
	return PROBLEM_NO_ADDRESS;
}

static void
lookup_free(struct host_lookup *l)
{
	for (size_t i = 0; i < HOST_FAMILIES; i++) {
		inquiry_cancel(&l->questions[i].inquiry);
		buf_free(&l->questions[i].message);
	}
	if (l->patience != NULL)
		event_free(l->patience);
	free(l);
}

static void
lookup_end(struct host_lookup *l)
{
	struct host_addresses all = { .count = 0 };
	struct buf why = BUF_INIT(MESSAGE_MAX);
	const char *message = NULL;
	enum problem problem;

	for (size_t i = 0; i < HOST_FAMILIES; i++)
		for (size_t j = 0; j < l->questions[i].result.count; j++)
			all.list[all.count++] = l->questions[i].result.addresses[j];
	problem = families_judge(l, all.count > 0, &message, &why);
	l->done(l->arg, problem, message, &all);
	buf_free(&why);
	lookup_free(l);
}

/* ---- the questions ---- */

static enum host_family_name
family_of(const struct question *q)
{
	return (enum host_family_name)(q - q->lookup->questions);
}

static void
question_fail(struct question *q, enum problem problem, const char *message)
{
	q->ended = true;
	q->result = (struct host_family){ .problem = problem };
	buf_adds(&q->message, message);
	web_record_no_evidence(q->lookup->record, q->lookup->name.text, type_of(family_of(q)),
	    problem, message);
}

static void
on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct host_lookup *l = arg;

	for (size_t i = 0; i < HOST_FAMILIES; i++) {
		struct question *q = &l->questions[i];

		if (q->ended)
			continue;
		inquiry_cancel(&q->inquiry);
		question_fail(q, PROBLEM_DNS_TIMEOUT,
		    "no answer from the name servers, long after the other family's");
	}
	lookup_end(l);
}

/* For the other family: half of what is left goes to the addresses there are. */
static bool
patience_start(struct host_lookup *l)
{
	int64_t ms = run_left_ms(l->run) / 2;
	struct timeval tv;

	if (ms > HOST_LOOKUP_PATIENCE_MS)
		ms = HOST_LOOKUP_PATIENCE_MS;
	tv = (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	l->patience = evtimer_new(l->run->perspective->base, on_patience, l);
	return l->patience != NULL && evtimer_add(l->patience, &tv) == 0;
}

static void
question_judge(struct question *q, const struct inquiry_answer *answer)
{
	const struct evidence *e = answer->evidence;

	q->ended = true;
	host_family_judge(&q->result, family_of(q), &q->lookup->name, e, &q->message);
	web_record_evidence(q->lookup->record, answer->text, answer->text_len,
	    e->lookup_count > 0 ? evidence_weakest(e, e->lookup_count) :
	    CHECK_DNSSEC_INDETERMINATE);
}

static void
on_answer(void *arg, const struct inquiry_answer *answer)
{
	struct question *q = arg;
	struct host_lookup *l = q->lookup;

	if (answer->problem == PROBLEM_NONE)
		question_judge(q, answer);
	else
		question_fail(q, answer->problem, answer->message);
	if (l->questions[HOST_IPV6].ended && l->questions[HOST_IPV4].ended)
		lookup_end(l);
	else if ((q->result.count > 0 || !excusable(q->result.problem)) && !patience_start(l))
		l->record->failed = true;
}

static bool
question_ask(struct host_lookup *l, enum host_family_name family)
{
	struct question *q = &l->questions[family];
	struct dns_question question = {
		.name = l->name,
		.type = dcv_record_type(records[family]),
		.option.operation = MPIC_LOOKUP,
	};

	q->lookup = l;
	q->message = BUF_INIT(MESSAGE_MAX);
	return inquiry_start(&q->inquiry, l->run, &question, on_answer, q);
}

struct host_lookup *
host_lookup_start(struct run *run, const struct name *name, struct web_record *record,
    host_lookup_done *done, void *arg)
{
	struct host_lookup *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->run = run;
	l->record = record;
	l->name = *name;
	l->done = done;
	l->arg = arg;
	if (!question_ask(l, HOST_IPV6) || !question_ask(l, HOST_IPV4)) {
		lookup_free(l);
		return NULL;
	}
	return l;
}

void
host_lookup_cancel(struct host_lookup *l)
{
	lookup_free(l);
}
