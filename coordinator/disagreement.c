#include "coordinator/disagreement.h"

_Static_assert(FLEET_MAX <= 64, "a member is a bit");

struct sides {
	uint64_t passed, failed, apart;
};

/* What passed is apart from a primary that did not pass, too, but then it is on a side. */
static void
take_side(struct sides *sides, const struct poll *poll, const struct corroborator *c)
{
	uint64_t bit = UINT64_C(1) << (c - poll->corroborators);
	enum vote vote = poll_vote(poll, c);

	if (vote == VOTE_APART && poll->ballot.primary == VOTE_PASSED)
		sides->apart |= bit;
	else if (vote == VOTE_PASSED || vote == VOTE_APART)
		sides->passed |= bit;
	else if (vote == VOTE_FAILED && (c->problem == PROBLEM_NONE ||
	    problem_fault(c->problem) == FAULT_TARGET))
		sides->failed |= bit;
}

/* Whether most of the others are on the other side; the one that is looked at is not among them. */
static bool
outnumbered(uint64_t own, uint64_t others)
{
	return own != 0 && __builtin_popcountll(others) > __builtin_popcountll(own) - 1;
}

uint64_t
poll_disagreement(const struct poll *poll)
{
	size_t remotes = poll->ballot.perspectives, count = remotes + (poll->primary != NULL);
	struct sides sides = { 0 };
	uint64_t found;

	for (size_t i = 0; i < count; i++)
		take_side(&sides, poll, i < remotes ? &poll->corroborators[i] : poll->primary);
	found = sides.apart;
	if (outnumbered(sides.passed, sides.failed))
		found |= sides.passed;
	if (outnumbered(sides.failed, sides.passed))
		found |= sides.failed;
	return found;
}
