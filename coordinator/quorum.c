#include "coordinator/quorum.h"

size_t
quorum_least(const struct quorum_rule *rule, size_t perspectives)
{
	return perspectives > rule->may_fail ? perspectives - rule->may_fail : 1;
}

bool
quorum_allowed(const struct quorum_rule *rule, size_t perspectives, int64_t quorum)
{
	return quorum >= (int64_t)quorum_least(rule, perspectives) &&
	    quorum <= (int64_t)perspectives;
}

enum vote
vote_of(bool completed, bool passed)
{
	return completed && passed ? VOTE_PASSED : VOTE_FAILED;
}

/* Votes of this kind, and a bit a RIR they come from. */
static size_t
count(const struct ballot *b, enum vote vote, unsigned *rirs)
{
	size_t n = 0;

	for (size_t i = 0; i < b->perspectives; i++)
		if (b->votes[i] == vote) {
			*rirs |= 1U << b->rirs[i];
			n++;
		}
	return n;
}

static bool
enough(const struct ballot *b, size_t passed, unsigned rirs)
{
	return passed >= b->required &&
	    (size_t)__builtin_popcount(rirs) >= b->regions;
}

bool
quorum_primary_failed(const struct ballot *b)
{
	return b->has_primary && b->primary != VOTE_PENDING && b->primary != VOTE_PASSED;
}

enum quorum_outcome
quorum_outcome(const struct ballot *b)
{
	unsigned rirs = 0;
	size_t passed = count(b, VOTE_PASSED, &rirs);

	if (quorum_primary_failed(b))
		return QUORUM_MISSED;
	if (enough(b, passed, rirs))
		return b->has_primary && b->primary == VOTE_PENDING ? QUORUM_OPEN : QUORUM_REACHED;
	passed += count(b, VOTE_PENDING, &rirs);
	return enough(b, passed, rirs) ? QUORUM_OPEN : QUORUM_MISSED;
}

size_t
quorum_passed(const struct ballot *b)
{
	unsigned rirs = 0;

	return count(b, VOTE_PASSED, &rirs);
}

bool
quorum_one_rir(const struct ballot *b)
{
	unsigned rirs = 0;
	size_t passed = count(b, VOTE_PASSED, &rirs);

	return passed >= b->required && !enough(b, passed, rirs);
}
