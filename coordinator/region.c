#include "coordinator/region.h"

#include <string.h>

#include "check.h"
#include "coordinator/fleet.h"

static const struct option region_rows[] = {
	{ .name = "code", .type = OPTION_STRING, .offset = offsetof(struct region, code),
	  .min = 1, .max = CHECK_CODE_MAX, .flags = OPTION_REQUIRED,
	  .sentence = "Cloud and region, such as aws:eu-central-1." },
	{ .name = "place", .type = OPTION_STRING, .offset = offsetof(struct region, place),
	  .sentence = "The place for people to read." },
	{ .name = "rir", .type = OPTION_STRING, .offset = offsetof(struct region, rir),
	  .flags = OPTION_REQUIRED, .sentence = "The RIR in whose service region it is." },
	{ .name = "latitude", .type = OPTION_REAL, .offset = offsetof(struct region, latitude),
	  .min = -90, .max = 90, .unit = "degrees", .flags = OPTION_REQUIRED,
	  .sentence = "North is positive." },
	{ .name = "longitude", .type = OPTION_REAL,
	  .offset = offsetof(struct region, longitude), .min = -180, .max = 180,
	  .unit = "degrees", .flags = OPTION_REQUIRED, .sentence = "East is positive." },
};

static const struct option rows[] = {
	{ .name = "regions", .type = OPTION_MAPS, .offset = offsetof(struct regions, list),
	  .min = 1, .max = 1024, .flags = OPTION_REQUIRED, .rows = region_rows,
	  .row_count = sizeof(region_rows) / sizeof(region_rows[0]),
	  .size = sizeof(struct region), .sentence = "The regions." },
};

const struct option_table regions_options = {
	.program = "regions", .sentence = "Where the regions of clouds are.",
	.rows = rows, .count = sizeof(rows) / sizeof(rows[0]),
};

bool
regions_load(struct regions *regions, const char *path, struct buf *faults)
{
	bool ok = option_load(&regions_options, regions, path, faults) &&
	    option_complete(&regions_options, regions, faults);

	for (size_t i = 0; ok && i < regions->list.count; i++) {
		const struct region *r = (const struct region *)regions->list.items + i;

		if (rir_parse(r->rir) == RIR_NONE) {
			buf_addf(faults, "%s: %s: there is no RIR %s\n", path, r->code, r->rir);
			ok = false;
		}
	}
	return ok;
}

const struct region *
regions_find(const struct regions *regions, const char *code)
{
	for (size_t i = 0; i < regions->list.count; i++) {
		const struct region *r = (const struct region *)regions->list.items + i;

		if (strcmp(r->code, code) == 0)
			return r;
	}
	return NULL;
}

void
regions_free(struct regions *regions)
{
	option_free(&regions_options, regions);
}
