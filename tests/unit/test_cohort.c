/* cohort.h, fleet.h, geo.h: what holds for every fleet, and what cannot be had. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "coordinator/cohort.h"
#include "coordinator/geo.h"

#define MIN_KM	500
#define SECRET	"a secret of some length", 23

static struct target
target_of(const char *text)
{
	struct target t;

	assert_true(target_parse(&t, text, strlen(text), NULL));
	return t;
}

static void
test_distance(void **state)
{
	/* London to Frankfurt, Sydney to Santiago, a place to itself, poles. */
	assert_true(abs((int)geo_distance_km(51.51, -0.13, 50.11, 8.68) - 638) < 5);
	assert_true(abs((int)geo_distance_km(-33.87, 151.21, -33.45, -70.67) - 11340) < 50);
	assert_true(geo_distance_km(1, 2, 1, 2) < 0.001);
	assert_true(abs((int)geo_distance_km(90, 0, -90, 0) - 20015) < 5);
	assert_true(geo_distance_km(0, 179.9, 0, -179.9) < 25);
}

static void
test_rirs(void **state)
{
	for (int i = RIR_NONE + 1; i < RIR_COUNT; i++)
		assert_int_equal(rir_parse(rir_name(i)), i);
	assert_int_equal(rir_parse("ripe ncc"), RIR_RIPE_NCC);
	assert_int_equal(rir_parse("RIPE"), RIR_NONE);
	assert_int_equal(rir_parse(""), RIR_NONE);
}

/* ---- random fleets ---- */

static uint64_t
draw(uint64_t *seed, uint64_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % below;
}

struct random_fleet {
	struct fleet fleet;
	char codes[FLEET_MAX][24];
	char *close[FLEET_MAX][1];
};

static void
random_fleet(struct random_fleet *f, uint64_t *seed)
{
	size_t rirs = 1 + draw(seed, 5);

	f->fleet.count = 2 + draw(seed, 14);
	f->fleet.min_km = MIN_KM;
	for (size_t i = 0; i < f->fleet.count; i++) {
		struct perspective *p = &f->fleet.members[i];

		snprintf(f->codes[i], sizeof(f->codes[i]), "p%zu", i);
		*p = (struct perspective){ .code = f->codes[i],
			.rir = RIR_AFRINIC + (int)draw(seed, rirs),
			.placed = draw(seed, 4) > 0 };
		/* A small world, so that nearness happens. */
		p->latitude = (double)draw(seed, 30);
		p->longitude = (double)draw(seed, 30);
		if (draw(seed, 5) == 0) {
			f->close[i][0] = f->codes[draw(seed, f->fleet.count)];
			p->too_close_codes = f->close[i];
			p->too_close_count = 1;
		}
	}
	/* Of every other fleet one is the primary, while two are left beside it. */
	if (f->fleet.count > 2 && draw(seed, 2) == 0)
		f->fleet.members[draw(seed, f->fleet.count)].primary = true;
	fleet_arrange(&f->fleet);
}

static bool
pair_fits(const struct perspective *a, const struct perspective *b)
{
	for (size_t i = 0; i < a->too_close_count; i++)
		if (strcmp(a->too_close_codes[i], b->code) == 0)
			return false;
	for (size_t i = 0; i < b->too_close_count; i++)
		if (strcmp(b->too_close_codes[i], a->code) == 0)
			return false;
	return !a->placed || !b->placed || geo_distance_km(a->latitude, a->longitude,
	    b->latitude, b->longitude) >= MIN_KM;
}

/* Whether a set of members, as bits, may be a cohort, together with the primary. */
static bool
set_fits(const struct fleet *f, uint64_t set)
{
	const struct perspective *primary = fleet_primary(f);
	unsigned rirs = 0;
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++) {
		if ((set >> i & 1) == 0)
			continue;
		if (primary != NULL && (&f->members[i] == primary ||
		    !pair_fits(&f->members[i], primary)))
			return false;
		n++;
		rirs |= 1U << f->members[i].rir;
		for (size_t k = i + 1; k < f->count; k++)
			if ((set >> k & 1) != 0 && !pair_fits(&f->members[i], &f->members[k]))
				return false;
	}
	return n == 2 || (rirs & (rirs - 1)) != 0;
}

static bool
any_set_fits(const struct fleet *f, size_t size)
{
	for (uint64_t set = 0; set < UINT64_C(1) << f->count; set++)
		if ((size_t)__builtin_popcountll(set) == size && set_fits(f, set))
			return true;
	return false;
}

static void
check_cohorts(const struct cohorts *c, const struct fleet *f)
{
	uint64_t used = 0;

	for (size_t k = 1; k <= c->count; k++) {
		const uint8_t *members = cohorts_for_attempt(c, k);
		uint64_t set = 0;

		for (size_t i = 0; i < c->size; i++)
			set |= UINT64_C(1) << members[i];
		assert_int_equal(__builtin_popcountll(set), c->size);
		assert_int_equal(set & used, 0);
		used |= set;
		assert_true(set_fits(f, set));
	}
	assert_ptr_equal(cohorts_for_attempt(c, c->count + 1), cohorts_for_attempt(c, 1));
}

/* RIRs and distances always hold; if there is a cohort, one is found. */
static void
test_random_fleets(void **state)
{
	uint64_t seed = 1;
	size_t none = 0;

	for (int round = 0; round < 10000; round++) {
		struct target t = target_of(round % 2 == 0 ? "example.com" : "a.example");
		static struct random_fleet f;
		struct cohorts c, again;
		size_t size, remotes;
		enum cohort_fault fault;

		random_fleet(&f, &seed);
		remotes = fleet_remotes(&f.fleet);
		size = 2 + draw(&seed, remotes < 7 ? remotes - 1 : 6);
		fault = cohorts_build(&c, &f.fleet, size, SECRET, &t);
		assert_int_equal(cohorts_build(&again, &f.fleet, size, SECRET, &t), fault);
		if (fault == COHORT_OK) {
			assert_memory_equal(&c, &again, sizeof(c));
			check_cohorts(&c, &f.fleet);
			continue;
		}
		none++;
		if (f.fleet.count <= 12)
			assert_false(any_set_fits(&f.fleet, size));
	}
	assert_true(none > 100 && none < 9000);
}

/* ---- a fleet as they are ---- */

static void
plain_fleet(struct fleet *f, const char *rirs)
{
	static char codes[FLEET_MAX][24];

	*f = (struct fleet){ .count = strlen(rirs) };
	for (size_t i = 0; i < f->count; i++) {
		snprintf(codes[i], sizeof(codes[i]), "p%02zu", i);
		f->members[i] = (struct perspective){ .code = codes[i],
			.rir = (enum rir)(RIR_AFRINIC + (rirs[i] | 32) - 'a'),
			.primary = rirs[i] < 'a' };
	}
	fleet_arrange(f);
}

static const struct {
	const char *rirs;
	size_t size;
	enum cohort_fault fault;
	size_t count;
} fleets[] = {
	{ "aabbcc", 6, COHORT_OK, 1 },
	{ "aabbcc", 3, COHORT_OK, 2 },
	{ "aabbcc", 2, COHORT_OK, 3 },
	{ "aabbcc", 4, COHORT_OK, 1 },
	/* A small RIR's perspectives are shared out over the cohorts. */
	{ "aaaaaaaabb", 5, COHORT_OK, 2 },
	/* But to be spread widely goes before having many cohorts. */
	{ "aaaaaaaaaaaaaaaaaaaabbcc", 6, COHORT_OK, 2 },
	{ "aaaa", 3, COHORT_ONE_RIR, 0 },
	{ "aaaa", 2, COHORT_OK, 2 },
	{ "ab", 3, COHORT_TOO_LARGE, 0 },
	{ "ab", 1, COHORT_TOO_SMALL, 0 },
	{ "ab", 0, COHORT_TOO_SMALL, 0 },
	{ "aaaaab", 3, COHORT_OK, 1 },
	/* The primary, in capitals, is no member, nor its RIR a remotes'. */
	{ "aabbccA", 6, COHORT_OK, 1 },
	{ "aabbccA", 7, COHORT_TOO_LARGE, 0 },
	{ "aabbcC", 6, COHORT_TOO_LARGE, 0 },
	{ "Baaaa", 3, COHORT_ONE_RIR, 0 },
	{ "aaaaB", 3, COHORT_ONE_RIR, 0 },
	{ "aaBaa", 2, COHORT_OK, 2 },
};

static void
test_fleets(void **state)
{
	for (size_t i = 0; i < sizeof(fleets) / sizeof(fleets[0]); i++) {
		struct target t = target_of("example.com");
		struct cohorts c;
		struct fleet f;

		plain_fleet(&f, fleets[i].rirs);
		assert_int_equal(cohorts_build(&c, &f, fleets[i].size, SECRET, &t),
		    fleets[i].fault);
		assert_int_equal(c.count, fleets[i].count);
	}
}

/* Where two are enough they are of two RIRs if that can be had. */
static void
test_pairs_prefer_two_rirs(void **state)
{
	static const char *const names[] = { "a.com", "b.com", "c.com", "d.com", "e.com" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct target t = target_of(names[i]);
		struct cohorts c;
		struct fleet f;

		plain_fleet(&f, "aaaaaaab");
		assert_int_equal(cohorts_build(&c, &f, 2, SECRET, &t), COHORT_OK);
		assert_int_not_equal(f.members[c.members[0]].rir, f.members[c.members[1]].rir);
	}
}

static bool
same_cohorts(const char *target_a, const char *secret_a, const char *target_b,
    const char *secret_b)
{
	struct target a = target_of(target_a), b = target_of(target_b);
	struct cohorts ca, cb;
	struct fleet f;

	plain_fleet(&f, "aaaabbbbccccddddeeee");
	assert_int_equal(cohorts_build(&ca, &f, 5, secret_a, strlen(secret_a), &a), COHORT_OK);
	assert_int_equal(cohorts_build(&cb, &f, 5, secret_b, strlen(secret_b), &b), COHORT_OK);
	return memcmp(ca.members, cb.members, sizeof(ca.members)) == 0;
}

static void
test_targets_and_secrets(void **state)
{
	assert_true(same_cohorts("example.com", "s", "EXAMPLE.com", "s"));
	assert_true(same_cohorts("example.com", "s", "*.example.com", "s"));
	assert_false(same_cohorts("example.com", "s", "example.org", "s"));
	assert_false(same_cohorts("example.com", "s", "example.com", "t"));
}

/* Every perspective is used about as often as any other. */
static void
test_evenness(void **state)
{
	size_t used[12] = { 0 };
	struct fleet f;
	char name[32];

	plain_fleet(&f, "aaaabbbbcccc");
	for (int i = 0; i < 12000; i++) {
		struct target t;
		struct cohorts c;

		snprintf(name, sizeof(name), "n%d.example", i);
		t = target_of(name);
		assert_int_equal(cohorts_build(&c, &f, 6, SECRET, &t), COHORT_OK);
		for (size_t k = 0; k < 6; k++)
			used[c.members[k]]++;
	}
	for (size_t k = 0; k < 12; k++)
		assert_true(used[k] > 5600 && used[k] < 6400);
}

/* ---- what a configuration may not say ---- */

static void
test_fleet_defects(void **state)
{
	char *too_close[] = { (char *)"b" }, *nobody[] = { (char *)"z" };
	struct buf faults = BUF_INIT(4096);
	struct fleet f = { .count = 2, .min_km = MIN_KM, .min_km_rule = "the rule", .members = {
		{ .code = "a", .url = "https://h:1/x", .rir = RIR_RIPE_NCC, .placed = true,
		    .latitude = 50, .longitude = 8 },
		{ .code = "b", .url = "https://h:2/x", .rir = RIR_RIPE_NCC, .placed = true,
		    .latitude = 51, .longitude = 9 } } };

	fleet_arrange(&f);
	assert_false(fleet_check(&f, &faults));
	assert_non_null(strstr(faults.data, "km apart, less than the 500 km that the rule asks for"));
	buf_reset(&faults);
	f.members[0].too_close_codes = too_close;
	f.members[0].too_close_count = 1;
	assert_true(fleet_check(&f, &faults));
	f.members[1].primary = true;
	assert_false(fleet_check(&f, &faults));
	assert_non_null(strstr(faults.data, "a is too close to b, the primary, which is part of every "
	    "attempt, so it would never be asked; drop it"));
	buf_reset(&faults);
	f.members[0].too_close_count = 0;
	assert_false(fleet_check(&f, &faults));
	assert_non_null(strstr(faults.data, "a is too close to b, the primary"));
	buf_reset(&faults);
	f.members[1].primary = false;
	f.members[0].too_close_count = 1;
	f.members[1].url = "HTTPS://h:1/y";
	assert_false(fleet_check(&f, &faults));
	assert_non_null(strstr(faults.data, "same host and port"));
	buf_reset(&faults);
	f.members[1].url = NULL;
	f.members[1].rir = RIR_NONE;
	f.members[0].too_close_codes = nobody;
	assert_false(fleet_check(&f, &faults));
	assert_non_null(strstr(faults.data, "b has no RIR"));
	assert_non_null(strstr(faults.data, "names z"));
	f.members[1].placed = false;
	buf_reset(&faults);
	assert_false(fleet_check(&f, &faults));
	assert_non_null(strstr(faults.data, "b has no place"));
	f.members[1].code = "a";
	buf_reset(&faults);
	assert_false(fleet_check(&f, &faults));
	assert_non_null(strstr(faults.data, "given twice"));
	buf_free(&faults);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_rirs),
		cmocka_unit_test(test_random_fleets),
		cmocka_unit_test(test_fleets),
		cmocka_unit_test(test_pairs_prefer_two_rirs),
		cmocka_unit_test(test_targets_and_secrets),
		cmocka_unit_test(test_evenness),
		cmocka_unit_test(test_fleet_defects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
