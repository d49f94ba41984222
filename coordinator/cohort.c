#include "coordinator/cohort.h"

#include <string.h>

#include <openssl/hmac.h>

/* Steps of one search; fleets whose nearness is not contrived need about `size`. */
#define SEARCH_STEPS	200000

static const char *const fault_texts[] = {
	[COHORT_OK] = "",
	[COHORT_TOO_SMALL] = "a cohort has at least two perspectives",
	[COHORT_TOO_LARGE] = "there are not so many perspectives",
	[COHORT_ONE_RIR] = "all perspectives are in the service region of one RIR",
	[COHORT_TOO_CLOSE] = "no such set of perspectives is pairwise far enough apart "
	    "and in the service regions of two RIRs",
};

const char *
cohort_fault_text(enum cohort_fault fault)
{
	return fault_texts[fault];
}

/* ---- the order that depends on the secret and the target ---- */

/* xoshiro256**: 256 bits of state, all of them from the HMAC. */
struct stream {
	uint64_t s[4];
};

static uint64_t
rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static uint64_t
stream_next(struct stream *st)
{
	uint64_t *s = st->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

static void
stream_seed(struct stream *st, const void *secret, size_t secret_len,
    const struct target *target)
{
	const char *text = target->kind == TARGET_WILDCARD ? target->name.text :
	    target_text(target);
	unsigned char digest[EVP_MAX_MD_SIZE];

	HMAC(EVP_sha256(), secret, (int)secret_len, (const unsigned char *)text,
	    strlen(text), digest, NULL);
	for (size_t i = 0; i < 4; i++) {
		st->s[i] = 0;
		for (size_t k = 0; k < 8; k++)
			st->s[i] = st->s[i] << 8 | digest[i * 8 + k];
	}
}

/* A permutation of 0..n-1; the bias of the remainder is below 2^-57. */
static void
shuffle(struct stream *st, uint8_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = (size_t)(stream_next(st) % (i + 1));

		order[i] = order[k];
		order[k] = (uint8_t)i;
	}
}

/* ---- one cohort ---- */

struct search {
	const struct fleet *fleet;
	const uint8_t *candidates;	/* in order of preference */
	size_t n, size;
	bool two_rirs;			/* required */
	unsigned steps;
	uint8_t *picked;
};

static bool
one_rir(const struct search *s)
{
	for (size_t i = 1; i + 1 < s->size; i++)
		if (s->fleet->members[s->picked[i]].rir !=
		    s->fleet->members[s->picked[0]].rir)
			return false;
	return true;
}

/* Whether the last place must go to an RIR other than this candidate's. */
static bool
needs_other_rir(const struct search *s, size_t have, size_t candidate)
{
	return s->two_rirs && have + 1 == s->size && one_rir(s) &&
	    s->fleet->members[candidate].rir == s->fleet->members[s->picked[0]].rir;
}

/* The first set in order of preference that fits, depth first. */
static bool
pick(struct search *s, size_t from, size_t have, uint64_t near)
{
	if (have == s->size)
		return true;
	for (size_t i = from; i + (s->size - have) <= s->n; i++) {
		size_t candidate = s->candidates[i];

		if (s->steps == 0)
			return false;
		s->steps--;
		if ((near >> candidate & 1) != 0 || needs_other_rir(s, have, candidate))
			continue;
		s->picked[have] = (uint8_t)candidate;
		if (pick(s, i + 1, have + 1, near | s->fleet->members[candidate].near))
			return true;
	}
	return false;
}

/*
 * Orders what is left by turns of the RIRs, no RIR giving more than its share
 * for the cohorts still to come; what exceeds the share stands at the end. So
 * a cohort is spread widely without using up a small RIR's perspectives.
 */
static void
prefer(const struct fleet *fleet, const uint8_t *left, size_t n, size_t size,
    uint8_t *candidates)
{
	size_t total[RIR_COUNT] = { 0 }, cohorts = n / size, placed = 0, turn_of[FLEET_MAX];

	for (size_t i = 0; i < n; i++)
		turn_of[i] = total[fleet->members[left[i]].rir]++;
	for (int over = 0; over < 2; over++)
		for (size_t turn = 0; turn < n; turn++)
			for (size_t i = 0; i < n; i++) {
				size_t t = total[fleet->members[left[i]].rir];
				bool beyond = turn_of[i] >= (t + cohorts - 1) / cohorts;

				if (turn_of[i] == turn && beyond == (over == 1))
					candidates[placed++] = left[i];
			}
}

static bool
cohort_find(const struct fleet *fleet, const uint8_t *left, size_t n, size_t size,
    uint8_t *picked)
{
	uint8_t candidates[FLEET_MAX];
	const struct perspective *primary = fleet_primary(fleet);
	uint64_t near = primary != NULL ? primary->near : 0;
	struct search s = { .fleet = fleet, .candidates = candidates, .n = n,
		.size = size, .two_rirs = true, .steps = SEARCH_STEPS, .picked = picked };

	prefer(fleet, left, n, size, candidates);
	if (pick(&s, 0, 0, near))
		return true;
	s.two_rirs = size > COHORT_MIN;
	s.steps = SEARCH_STEPS;
	return !s.two_rirs && pick(&s, 0, 0, near);
}

/* ---- all of them ---- */

static enum cohort_fault
why_none(const struct fleet *fleet, size_t size)
{
	enum rir rir = RIR_NONE;

	for (size_t i = 0; i < fleet->count; i++) {
		if (fleet->members[i].primary)
			continue;
		if (rir != RIR_NONE && fleet->members[i].rir != rir)
			return COHORT_TOO_CLOSE;
		rir = fleet->members[i].rir;
	}
	return size > COHORT_MIN ? COHORT_ONE_RIR : COHORT_TOO_CLOSE;
}

static size_t
remove_picked(uint8_t *left, size_t n, const uint8_t *picked, size_t size)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (memchr(picked, left[i], size) == NULL)
			left[kept++] = left[i];
	return kept;
}

/* The remotes in the order that depends on secret and target. */
static size_t
remotes_shuffled(const struct fleet *fleet, struct stream *st, uint8_t *order)
{
	const struct perspective *primary = fleet_primary(fleet);
	size_t n = fleet_remotes(fleet), at;

	shuffle(st, order, n);
	if (primary == NULL)
		return n;
	at = (size_t)(primary - fleet->members);
	for (size_t i = 0; i < n; i++)
		order[i] = (uint8_t)(order[i] + (order[i] >= at));
	return n;
}

enum cohort_fault
cohorts_build(struct cohorts *c, const struct fleet *fleet, size_t size,
    const void *secret, size_t secret_len, const struct target *target)
{
	uint8_t left[FLEET_MAX], *picked;
	size_t n;
	struct stream st;

	*c = (struct cohorts){ .size = size };
	if (size < COHORT_MIN)
		return COHORT_TOO_SMALL;
	if (size > fleet_remotes(fleet))
		return COHORT_TOO_LARGE;
	stream_seed(&st, secret, secret_len, target);
	n = remotes_shuffled(fleet, &st, left);
	while (n >= size) {
		picked = c->members + c->count * size;
		if (!cohort_find(fleet, left, n, size, picked))
			break;
		n = remove_picked(left, n, picked, size);
		c->count++;
	}
	return c->count > 0 ? COHORT_OK : why_none(fleet, size);
}

const uint8_t *
cohorts_for_attempt(const struct cohorts *c, size_t attempt)
{
	return c->members + (attempt - 1) % c->count * c->size;
}
