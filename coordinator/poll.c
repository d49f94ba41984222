#include "coordinator/poll.h"

#include "coordinator/agreement.h"

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
