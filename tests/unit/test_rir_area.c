/* Places and service regions: the whole catalogue, capitals, and slips of the pen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "coordinator/region.h"
#include "coordinator/rir_area.h"

static void
test_catalogue(void **state)
{
	const char *top = getenv("srcdir");
	struct regions regions = { .list = { .count = 0 } };
	struct buf faults = BUF_INIT(4096);
	const struct region *list;
	char path[4096];

	snprintf(path, sizeof(path), "%s/conf/regions.yaml", top != NULL ? top : ".");
	assert_true(regions_load(&regions, path, &faults));
	list = regions.list.items;
	assert_true(regions.list.count > 100);
	for (size_t i = 0; i < regions.list.count; i++) {
		if (rir_area_has(rir_parse(list[i].rir), list[i].latitude, list[i].longitude))
			continue;
		fail_msg("%s is not in the area of %s", list[i].code, list[i].rir);
	}
	regions_free(&regions);
	buf_free(&faults);
}

static void
test_places(void **state)
{
	static const struct {
		const char *place;
		double latitude, longitude;
		unsigned areas;		/* set of 1 << enum rir */
	} rows[] = {
#define IN(rir)	(1U << RIR_##rir)
		{ "Ottawa", 45.4, -75.7, IN(ARIN) },
		{ "Anchorage", 61.2, -149.9, IN(ARIN) },
		{ "Honolulu", 21.3, -157.9, IN(ARIN) },
		{ "Kingston", 18.0, -76.8, IN(ARIN) | IN(LACNIC) },
		{ "Mexico City", 19.4, -99.1, IN(LACNIC) },
		{ "Havana", 23.1, -82.4, IN(LACNIC) },
		{ "Quito", -0.2, -78.5, IN(LACNIC) },
		{ "Buenos Aires", -34.6, -58.4, IN(LACNIC) },
		{ "Reykjavik", 64.1, -21.9, IN(RIPE_NCC) },
		{ "Nuuk", 64.2, -51.7, IN(RIPE_NCC) | IN(ARIN) },
		{ "Riyadh", 24.7, 46.7, IN(RIPE_NCC) },
		{ "Jerusalem", 31.8, 35.2, IN(RIPE_NCC) },
		{ "Tashkent", 41.3, 69.2, IN(RIPE_NCC) },
		{ "Vladivostok", 43.1, 131.9, IN(RIPE_NCC) | IN(APNIC) },
		{ "Cairo", 30.0, 31.2, IN(AFRINIC) },
		{ "Tunis", 36.8, 10.2, IN(AFRINIC) | IN(RIPE_NCC) },
		{ "Nairobi", -1.3, 36.8, IN(AFRINIC) },
		{ "Port Louis", -20.2, 57.5, IN(AFRINIC) },
		{ "Kabul", 34.5, 69.2, IN(APNIC) | IN(RIPE_NCC) },
		{ "New Delhi", 28.6, 77.2, IN(APNIC) },
		{ "Beijing", 39.9, 116.4, IN(APNIC) },
		{ "Wellington", -41.3, 174.8, IN(APNIC) },
		{ "Apia", -13.8, -171.8, IN(APNIC) },
		/* Frankfurt with its numbers the wrong way round, or a sign lost */
		{ "8.68 north, 50.11 east", 8.68, 50.11, IN(AFRINIC) },
		{ "Sydney without its sign", 33.87, 151.21, 0 },
		{ "Sao Paulo without its signs", 23.55, 46.63, IN(RIPE_NCC) },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned areas = 0;

		for (enum rir rir = RIR_AFRINIC; rir < RIR_COUNT; rir++)
			if (rir_area_has(rir, rows[i].latitude, rows[i].longitude))
				areas |= 1U << rir;
		if (areas != rows[i].areas)
			fail_msg("%s: %#x, expected %#x", rows[i].place, areas, rows[i].areas);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_catalogue),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
