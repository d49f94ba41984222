/*
 * mpic-appliance clock: serving begins when the time can be relied on, and what the
 * document gave is in force at that time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appliance/appliance.h"
#include "appliance/boot/first_boot.h"
#include "appliance/clock/clock.h"
#include "appliance/clock/clock_settings.h"
#include "appliance/place.h"
#include "appliance/step.h"
#include "monotonic.h"

#define TURN_MS		200
/* Servers need some time to answer: nothing is said of it yet. */
#define SILENT_NS	(UINT64_C(3000) * 1000000)

static const char usage[] =
    "usage: mpic-appliance clock [--root DIR] [--retry SECONDS]\n"
    "Waits until the time can be relied on: told by an NTP server, or kept by the\n"
    "hypervisor where the document says so, and plausible for this image. If a\n"
    "certificate or revocation list of the document has ended by then, it waits for\n"
    "another document, as first-boot does.\n\n"
    "  --root DIR       the files of the image are below it, for tests\n"
    "  --retry SECONDS  until a document is looked for again; default: 30\n";

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

static void
wait_for_time(struct step *step, const struct clock_settings *settings)
{
	struct buf why = BUF_INIT(NOTICE_TEXT_MAX);
	struct clock_seen seen = { .hypervisor = settings->hypervisor,
		.image_date_s = place_image_date_s(step->root) };
	const uint64_t start_ns = monotonic_ns();

	for (;;) {
		seen.synchronized = place_exists(step->root, CLOCK_SYNCHRONIZED);
		seen.now_s = time(NULL);
		buf_reset(&why);
		if (clock_reliable(&seen, &why))
			break;
		if (!seen.hypervisor && !seen.synchronized &&
		    monotonic_ns() - start_ns < SILENT_NS) {
			step_pause(TURN_MS);
			continue;
		}
		if (!settings->hypervisor)
			add_servers(&settings->ntp, &why);
		step_wait(step, why.data != NULL ? why.data : "out of memory\n", TURN_MS);
	}
	buf_free(&why);
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
		first_boot_look_again(step.root, step.retry_ms);
		status = APPLIANCE_DONE;
	}
	clock_settings_free(&settings);
	return status;
}
