#include "appliance/clock/clock_settings.h"

#include <stdio.h>

#include "appliance/place.h"

#define FILE_PATH	"/run/mpic/clock.yaml"

static const struct option rows[] = {
	{ .name = "hypervisor", .type = OPTION_BOOL,
	    .offset = offsetof(struct clock_settings, hypervisor), .def = "false",
	    .sentence = "The hypervisor keeps the time." },
	{ .name = "ntp", .type = OPTION_STRINGS, .offset = offsetof(struct clock_settings, ntp),
	    .sentence = "Who is asked for it." },
};
static const struct option_table table = { .program = "clock.yaml", .rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]) };

bool
clock_settings_read(struct clock_settings *settings, const char *root, const char *command)
{
	struct buf faults = BUF_INIT(4096);
	char path[PLACE_MAX];
	bool ok;

	place_path(root, FILE_PATH, path);
	ok = option_defaults(&table, settings, &faults) &&
	    option_load(&table, settings, path, &faults);
	if (!ok)
		fprintf(stderr, "mpic-appliance %s: %s", command,
		    faults.data != NULL ? faults.data : "out of memory\n");
	buf_free(&faults);
	return ok;
}

void
clock_settings_free(struct clock_settings *settings)
{
	option_free(&table, settings);
}
