/* quorum.h: the BR's table, and when a verdict is certain. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "coordinator/quorum.h"

/* As TLS BR 3.2.2.9 has them; that they come from the day's rows is test_rules'. */
static struct quorum_rule
rule_of(size_t n)
{
	return (struct quorum_rule){ .may_fail = n >= 6 ? 2 : 1, .regions = n > 2 ? 2 : 1 };
}

static const struct {
	size_t n, least;
} table[] = {
	{ 2, 1 }, { 3, 2 }, { 4, 3 }, { 5, 4 }, { 6, 4 }, { 7, 5 }, { 10, 8 }, { 64, 62 },
};

static void
test_least(void **state)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t n = table[i].n, least = table[i].least;
		const struct quorum_rule rule = rule_of(n);

		assert_int_equal(quorum_least(&rule, n), least);
		assert_true(quorum_allowed(&rule, n, (int64_t)least));
		assert_true(quorum_allowed(&rule, n, (int64_t)n));
		assert_false(quorum_allowed(&rule, n, (int64_t)least - 1));
		assert_false(quorum_allowed(&rule, n, (int64_t)n + 1));
		assert_false(quorum_allowed(&rule, n, 0));
		assert_false(quorum_allowed(&rule, n, -1));
	}
}

/*
 * Votes: p passed, f failed, c cancelled, a apart, '.' pending, the primary's first if there
 * is a '/'; RIRs: one letter each.
 */
static const struct {
	const char *votes, *rirs;
	size_t required;
	enum quorum_outcome outcome;
} ballots[] = {
	{ "pppppp", "aabbcc", 4, QUORUM_REACHED },
	{ "ppppff", "aabbcc", 4, QUORUM_REACHED },
	{ "pppp..", "aabbcc", 4, QUORUM_REACHED },
	{ "pppfff", "aabbcc", 4, QUORUM_MISSED },
	{ "ppp...", "aabbcc", 4, QUORUM_OPEN },
	{ "fff...", "aabbcc", 4, QUORUM_MISSED },
	{ "ff....", "aabbcc", 4, QUORUM_OPEN },
	{ "ffffff", "aabbcc", 4, QUORUM_MISSED },
	{ "......", "aabbcc", 4, QUORUM_OPEN },
	{ "pppppf", "aabbcc", 6, QUORUM_MISSED },
	{ "ppppp.", "aabbcc", 6, QUORUM_OPEN },
	/* Enough, but of one RIR. */
	{ "ppppff", "aaaabb", 4, QUORUM_MISSED },
	{ "pppp.f", "aaaabb", 4, QUORUM_OPEN },
	{ "pppp..", "aaaabb", 4, QUORUM_OPEN },
	{ "ppppfp", "aaaabb", 4, QUORUM_REACHED },
	{ "ppp", "aaa", 2, QUORUM_MISSED },
	{ "ppf", "aab", 2, QUORUM_MISSED },
	{ "pfp", "aab", 2, QUORUM_REACHED },
	/* Two perspectives may be of one RIR. */
	{ "pp", "aa", 1, QUORUM_REACHED },
	{ "pf", "aa", 1, QUORUM_REACHED },
	{ "ff", "ab", 1, QUORUM_MISSED },
	{ "f.", "ab", 1, QUORUM_OPEN },
	{ "pf", "ab", 2, QUORUM_MISSED },
	/* What was cancelled says nothing: it neither corroborates nor is waited for. */
	{ "ppppcc", "aabbcc", 4, QUORUM_REACHED },
	{ "pppccc", "aabbcc", 4, QUORUM_MISSED },
	{ "ppp.cc", "aabbcc", 4, QUORUM_OPEN },
	{ "ppppcc", "aaaabb", 4, QUORUM_MISSED },
	{ "cccccc", "aabbcc", 4, QUORUM_MISSED },
	/* With a primary nothing is reached before it passed, nor if it did not. */
	{ "p/pppppp", "aabbcc", 4, QUORUM_REACHED },
	{ "./pppppp", "aabbcc", 4, QUORUM_OPEN },
	{ "f/pppppp", "aabbcc", 4, QUORUM_MISSED },
	{ "f/......", "aabbcc", 4, QUORUM_MISSED },
	{ "c/pppppp", "aabbcc", 4, QUORUM_MISSED },
	{ "./......", "aabbcc", 4, QUORUM_OPEN },
	{ "./fff...", "aabbcc", 4, QUORUM_MISSED },
	{ "p/ppp...", "aabbcc", 4, QUORUM_OPEN },
	{ "p/pppfff", "aabbcc", 4, QUORUM_MISSED },
	/* It is none of those that are counted, nor is its RIR. */
	{ "p/ppp", "aaa", 2, QUORUM_MISSED },
	{ "p/pff", "abb", 2, QUORUM_MISSED },
	/* Who passed on something else does not corroborate. */
	{ "p/ppppaa", "aabbcc", 4, QUORUM_REACHED },
	{ "p/pppaaa", "aabbcc", 4, QUORUM_MISSED },
	{ "p/aaaaaa", "aabbcc", 4, QUORUM_MISSED },
	{ "p/ppppaa", "aaaabb", 4, QUORUM_MISSED },
};

static enum vote
vote_in(char letter)
{
	return letter == 'p' ? VOTE_PASSED : letter == 'f' ? VOTE_FAILED : letter == 'c' ?
	    VOTE_CANCELLED : letter == 'a' ? VOTE_APART : VOTE_PENDING;
}

static struct ballot
ballot_of(const char *votes, const char *rirs, size_t required)
{
	struct ballot b = { .required = required };

	if (votes[0] != '\0' && votes[1] == '/') {
		b.has_primary = true;
		b.primary = (uint8_t)vote_in(votes[0]);
		votes += 2;
	}
	b.perspectives = strlen(votes);
	b.regions = rule_of(b.perspectives).regions;
	for (size_t i = 0; i < b.perspectives; i++) {
		b.votes[i] = (uint8_t)vote_in(votes[i]);
		b.rirs[i] = (uint8_t)(RIR_AFRINIC + rirs[i] - 'a');
	}
	return b;
}

static void
test_outcomes(void **state)
{
	for (size_t i = 0; i < sizeof(ballots) / sizeof(ballots[0]); i++) {
		struct ballot b = ballot_of(ballots[i].votes, ballots[i].rirs,
		    ballots[i].required);

		if (quorum_outcome(&b) != ballots[i].outcome)
			fail_msg("%s %s %zu", ballots[i].votes, ballots[i].rirs,
			    ballots[i].required);
	}
}

/* What is certain stays so whatever the pending votes become; what is open is not decided. */
static void
certain_or_open(struct ballot b)
{
	enum quorum_outcome now = quorum_outcome(&b);
	size_t pending = 0, reached = 0, combinations;
	uint8_t *at[8];

	for (size_t i = 0; i < b.perspectives; i++)
		if (b.votes[i] == VOTE_PENDING)
			at[pending++] = &b.votes[i];
	if (b.has_primary && b.primary == VOTE_PENDING)
		at[pending++] = &b.primary;
	combinations = (size_t)1 << pending;
	for (size_t bits = 0; bits < combinations; bits++) {
		for (size_t k = 0; k < pending; k++)
			*at[k] = bits >> k & 1 ? VOTE_PASSED : VOTE_FAILED;
		reached += quorum_outcome(&b) == QUORUM_REACHED;
	}
	if (now == QUORUM_REACHED)
		assert_int_equal(reached, combinations);
	else if (now == QUORUM_MISSED)
		assert_int_equal(reached, 0);
	else
		assert_true(reached > 0 && reached < combinations);
}

static void
test_certainty(void **state)
{
	static const char *const rirs[] = { "aaaaaa", "aaaaab", "aaabbb", "aabbcc" };
	char votes[9] = "./";

	for (size_t n = 2; n <= 6; n++) {
		const struct quorum_rule rule = rule_of(n);

		for (size_t code = 0, all = n == 2 ? 9 : n == 3 ? 27 : n == 4 ? 81 :
		    n == 5 ? 243 : 729; code < all; code++) {
			for (size_t i = 0, c = code; i < n; i++, c /= 3)
				votes[2 + i] = "pf."[c % 3];
			votes[2 + n] = '\0';
			for (size_t r = 0; r < 4; r++)
				for (size_t q = quorum_least(&rule, n); q <= n; q++) {
					certain_or_open(ballot_of(votes + 2, rirs[r], q));
					for (const char *primary = ".pfc"; *primary != '\0'; primary++) {
						votes[0] = *primary;
						certain_or_open(ballot_of(votes, rirs[r], q));
					}
				}
		}
	}
}

/* A rule of ours or of tomorrow: nobody may fail, all may, no matter where they stand. */
static void
test_other_rules(void **state)
{
	const struct quorum_rule strict = { .may_fail = 0, .regions = 1 },
	    lax = { .may_fail = 9, .regions = 1 };
	struct ballot b = ballot_of("ppp", "aaa", 3);

	assert_int_equal(quorum_least(&strict, 5), 5);
	assert_int_equal(quorum_least(&lax, 5), 1);
	assert_false(quorum_allowed(&lax, 5, 0));
	assert_int_equal(quorum_outcome(&b), QUORUM_MISSED);
	b.regions = 1;
	assert_int_equal(quorum_outcome(&b), QUORUM_REACHED);
	assert_false(quorum_one_rir(&b));
}

static void
test_votes(void **state)
{
	assert_int_equal(vote_of(true, true), VOTE_PASSED);
	assert_int_equal(vote_of(true, false), VOTE_FAILED);
	assert_int_equal(vote_of(false, true), VOTE_FAILED);
	assert_int_equal(vote_of(false, false), VOTE_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_certainty),
		cmocka_unit_test(test_other_rules),
		cmocka_unit_test(test_votes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
