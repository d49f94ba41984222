#include "coordinator/poll.h"

#include <stdlib.h>

#include "coordinator/agreement.h"

static void
poll_init(struct poll *poll, const struct poll_plan *plan, enum check_type type,
    struct corroborator *c)
{
	*poll = (struct poll){ .type = type, .corroborators = c, .ballot = {
		.perspectives = plan->count, .required = plan->quorum,
		.regions = plan->regions, .has_primary = plan->primary != NULL } };
	for (size_t m = 0; m < plan->count; m++) {
		const struct perspective *p = &plan->fleet->members[plan->members[m]];

		corroborator_init(&c[m], p, type, plan->method);
		poll->ballot.rirs[m] = p->rir;
	}
	if (plan->primary != NULL) {
		poll->primary = &c[plan->count];
		corroborator_init(poll->primary, plan->primary, type, plan->method);
	}
}

struct poll *
polls_new(const struct poll_plan *plan, size_t polls)
{
	size_t width = plan->count + (plan->primary != NULL);
	struct corroborator *c;
	struct poll *made = malloc(polls * (sizeof(*made) + width * sizeof(*c)));

	if (made == NULL)
		return NULL;
	c = (struct corroborator *)(made + polls);
	for (size_t i = 0; i < polls; i++)
		poll_init(&made[i], plan, plan->types[i], c + i * width);
	return made;
}

void
polls_free(struct poll *polls, size_t count)
{
	for (size_t i = 0; polls != NULL && i < count; i++)
		for (size_t m = 0; m < polls[i].ballot.perspectives + polls[i].ballot.has_primary; m++)
			corroborator_free(&polls[i].corroborators[m]);
	free(polls);
}

static uint8_t *
vote_place(struct poll *poll, const struct corroborator *c)
{
	return c == poll->primary ? &poll->ballot.primary :
	    &poll->ballot.votes[c - poll->corroborators];
}

enum vote
poll_vote(const struct poll *poll, const struct corroborator *c)
{
	return c == poll->primary ? poll->ballot.primary :
	    poll->ballot.votes[c - poll->corroborators];
}

/* Of a remote that passed. The primary has its vote. */
static enum vote
compared_vote(const struct poll *poll, struct corroborator *c, bool fixed)
{
	const struct corroborator *primary = poll->primary;

	if (poll->ballot.primary == VOTE_PASSED)
		return agreement_judge(primary, c, fixed) ? VOTE_PASSED : VOTE_APART;
	corroborator_set_apart(c, "%s passed, and there is nothing to corroborate: the primary, %s, %s",
	    c->perspective->code, primary->perspective->code, primary->completed ?
	    "did not pass" : "came to no result");
	return VOTE_APART;
}

bool
poll_count(struct poll *poll, struct corroborator *c, bool cancelled, bool fixed)
{
	enum vote vote = cancelled ? VOTE_CANCELLED : corroborator_vote(c);

	if (vote == VOTE_PASSED && poll->primary != NULL && c != poll->primary) {
		if (poll->ballot.primary == VOTE_PENDING)
			return false;
		vote = compared_vote(poll, c, fixed);
	}
	*vote_place(poll, c) = (uint8_t)vote;
	return true;
}

void
poll_close(struct poll *poll)
{
	poll->outcome = quorum_outcome(&poll->ballot);
	if (poll->outcome == QUORUM_OPEN)
		poll->outcome = QUORUM_MISSED;
}
