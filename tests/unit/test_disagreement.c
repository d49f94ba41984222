/* Which perspectives differ from the others: every vote there is, and the splits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/disagreement.h"

/*
 * A letter a perspective: p passed, d denied by the domain, t the target's name
 * servers did not answer it, u it was unreachable, x it is broken itself, c it
 * was cancelled, - it is pending, a it passed on something else than the
 * primary. A primary comes last, after a space. Below, ^ marks those that disagree.
 */
static const struct {
	const char *votes, *disagree;
} rows[] = {
	{ "pppppp", "      " },
	{ "dddddd", "      " },
	{ "pppppd", "     ^" },
	{ "dppppp", "^     " },
	{ "pppptd", "    ^^" },
	{ "ddddpd", "    ^ " },
	{ "ttttpt", "    ^ " },
	/* an even split: neither side has most of the others with it */
	{ "pppddd", "^^^^^^" },
	{ "pd", "^^" },
	{ "ppd", "  ^" },
	{ "pdd", "^  " },
	/* alone it differs from nobody */
	{ "p", " " },
	{ "d", " " },
	{ "puuuuu", "      " },
	{ "dccccc", "      " },
	/* who says nothing about the target neither differs nor is differed from */
	{ "pppuxc", "      " },
	{ "ppp-dd", "    ^^" },
	{ "puuudd", "^     " },
	{ "pxuccd", "^    ^" },
	{ "uuuuuu", "      " },
	{ "------", "      " },
	{ "", "" },
	/* a primary is one among them, though it alone determines */
	{ "ppppp p", "       " },
	{ "pppap p", "   ^   " },
	{ "ppdpp p", "  ^    " },
	{ "ppppp d", "      ^" },
	{ "ddddd p", "      ^" },
	{ "ppptt p", "   ^^  " },
	{ "----- d", "       " },
	/* those that passed have no primary's result to corroborate, which is what differs */
	{ "aaaaa d", "      ^" },
	{ "aaaaa u", "       " },
	{ "adddd d", "^      " },
};

static void
vote(struct poll *poll, size_t i, char letter)
{
	struct corroborator *c = &poll->corroborators[i];

	c->problem = letter == 'd' ? PROBLEM_CAA_FORBIDS : letter == 't' ? PROBLEM_DNS_TIMEOUT :
	    letter == 'u' ? PROBLEM_PERSPECTIVE_UNREACHABLE :
	    letter == 'x' ? PROBLEM_RESOLVER_UNREACHABLE : PROBLEM_NONE;
	c->completed = letter == 'p' || letter == 'd' || letter == 'a';
	*(c == poll->primary ? &poll->ballot.primary : &poll->ballot.votes[i]) =
	    letter == 'a' ? VOTE_APART : letter == 'p' ? VOTE_PASSED : letter == 'c' ? VOTE_CANCELLED :
	    letter == '-' ? VOTE_PENDING : VOTE_FAILED;
}

static void
test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct corroborator corroborators[8] = { { .perspective = NULL } };
		struct poll poll = { .corroborators = corroborators,
			.ballot.perspectives = strcspn(rows[i].votes, " ") };
		size_t remotes = poll.ballot.perspectives;
		uint64_t expected = 0, found;

		if (rows[i].votes[remotes] == ' ')
			poll.primary = &corroborators[remotes];
		for (size_t k = 0; k < remotes + (poll.primary != NULL); k++) {
			/* a primary's letter is behind the space */
			size_t at = k + (k == remotes);

			vote(&poll, k, rows[i].votes[at]);
			expected |= (uint64_t)(rows[i].disagree[at] == '^') << k;
		}
		found = poll_disagreement(&poll);
		if (found != expected)
			fail_msg("%s: 0x%llx", rows[i].votes, (unsigned long long)found);
	}
}

/* CAA is denied without a problem where the perspective gives no reason of ours. */
static void
test_denied_without_a_problem(void **state)
{
	struct corroborator corroborators[3] = { { .perspective = NULL } };
	struct poll poll = { .corroborators = corroborators, .ballot = { .perspectives = 3,
		.votes = { VOTE_PASSED, VOTE_PASSED, VOTE_FAILED } } };

	assert_int_equal(poll_disagreement(&poll), 1 << 2);
}

static void
test_largest(void **state)
{
	struct corroborator corroborators[FLEET_MAX] = { { .perspective = NULL } };
	struct poll poll = { .corroborators = corroborators, .ballot.perspectives = FLEET_MAX };

	for (size_t i = 0; i < FLEET_MAX; i++)
		vote(&poll, i, i == FLEET_MAX - 1 ? 'd' : 'p');
	assert_true(poll_disagreement(&poll) == UINT64_C(1) << (FLEET_MAX - 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_denied_without_a_problem),
		cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
