/* mpic-appliance clock: serving begins when the time can be relied on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appliance/appliance.h"
#include "appliance/clock.h"
#include "appliance/clock_settings.h"
#include "appliance/papers.h"
#include "appliance/place.h"
#include "appliance/step.h"

#define TURN_MS		1000

static const char usage[] =
    "usage: mpic-appliance clock [--root DIR]\n"
    "Waits until the time can be relied on: told by an NTP server, or kept by the\n"
    "hypervisor where the document says so, and plausible for this image.\n\n"
    "  --root DIR  the files of the image are below it, for tests\n";

static void
add_servers(const struct option_strings *ntp, struct buf *why)
{
	if (ntp->count > 0)
		buf_adds(why, "clock: asked are");
	for (size_t i = 0; i < ntp->count; i++)
		buf_addf(why, "%s %s", i > 0 ? "," : "", ntp->items[i]);
	if (ntp->count > 0)
		buf_addc(why, '\n');
}

/*
 * First boot could not tell whether it has ended. Whom it is shown to will not
 * say it here, so this does; it serves all the same, for its resolver and metrics.
 */
static void
warn_of_certificate(const char *root, int64_t now_s)
{
	struct buf pem = BUF_INIT(65536);
	int64_t ends_s = 0;

	if (place_read(root, "/run/mpic/tls.pem", &pem) && pem.data != NULL)
		ends_s = papers_expires_s(pem.data);
	if (ends_s != 0 && ends_s <= now_s)
		puts("mpic-appliance clock: tls_certificate: has expired: no coordinator will call "
		    "this perspective");
	buf_free(&pem);
}

static void
wait_for_time(struct step *step, const struct clock_settings *settings)
{
	struct buf why = BUF_INIT(NOTICE_TEXT_MAX);
	struct clock_seen seen = { .hypervisor = settings->hypervisor,
		.image_date_s = place_image_date_s(step->root) };

	for (;;) {
		seen.synchronized = place_exists(step->root, CLOCK_SYNCHRONIZED);
		seen.now_s = time(NULL);
		buf_reset(&why);
		if (clock_reliable(&seen, &why))
			break;
		if (!settings->hypervisor)
			add_servers(&settings->ntp, &why);
		step_wait(step, why.data != NULL ? why.data : "out of memory\n", TURN_MS);
	}
	buf_free(&why);
	warn_of_certificate(step->root, seen.now_s);
	step_end(step, settings->hypervisor ? "the hypervisor's time is plausible" :
	    "an NTP server has told the time");
}

int
appliance_clock(int argc, char **argv)
{
	struct step step = { .name = "clock" };
	struct clock_settings settings = { .hypervisor = false };
	int status = step_arguments(&step, argc, argv, usage);

	if (status != -1)
		return status;
	status = APPLIANCE_FAILED;
	if (clock_settings_read(&settings, step.root, step.name)) {
		wait_for_time(&step, &settings);
		status = APPLIANCE_DONE;
	}
	clock_settings_free(&settings);
	return status;
}
