/* mpic-appliance clock-watch: says in metrics and notices when the clock is no longer kept. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sys/stat.h>
#include <sys/timex.h>

#include "appliance/appliance.h"
#include "appliance/clock/clock.h"
#include "appliance/clock/clock_settings.h"
#include "appliance/place.h"
#include "appliance/step.h"
#include "notify.h"

#define FOLDER		"/run/mpic-clock"	/* of its unit */
#define STATUS		FOLDER "/status"

static const char usage[] =
    "usage: mpic-appliance clock-watch [--root DIR] [--retry SECONDS]\n"
    "Keeps " STATUS ", a file for mpic-httpcheck's status_files: whether\n"
    "something still keeps the clock right.\n\n"
    "  --root DIR       the files of the image are below it, for tests\n"
    "  --retry SECONDS  between two looks; default: 30\n";

/* The kernel's own view: adjtimex(2), TIME_ERROR, after hours without a server's word. */
static bool
kernel_unsynchronized(void)
{
	struct timex state = { .modes = 0 };
	int known = adjtimex(&state);

	return known == -1 || known == TIME_ERROR || (state.status & STA_UNSYNC) != 0;
}

/* A new one, then renamed: readers see one or the other. */
static bool
write_status(const char *root, const struct buf *text)
{
	char path[PLACE_MAX], new[PLACE_MAX];
	FILE *f;
	bool ok;

	place_path(root, STATUS, path);
	place_path(root, STATUS ".new", new);
	f = fopen(new, "we");
	ok = f != NULL && fputs(text->data, f) >= 0;
	ok = f != NULL && fclose(f) == 0 && ok;
	return ok && rename(new, path) == 0;
}

static bool
look(const char *root, const struct clock_settings *settings)
{
	struct clock_seen seen = { .hypervisor = settings->hypervisor, .now_s = time(NULL),
		.synchronized = !kernel_unsynchronized(),
		.image_date_s = place_image_date_s(root) };
	struct buf text = BUF_INIT(4096);
	bool ok;

	clock_status(&seen, &text);
	ok = !text.failed && write_status(root, &text);
	if (!ok)
		fprintf(stderr, "mpic-appliance clock-watch: " STATUS ": %s\n", strerror(errno));
	buf_free(&text);
	return ok;
}

int
appliance_clock_watch(int argc, char **argv)
{
	struct step step = { .name = "clock-watch" };
	struct clock_settings settings = { .hypervisor = false };
	int status = step_arguments(&step, argc, argv, usage);
	struct timespec turn;

	if (status != -1)
		return status;
	turn = (struct timespec){ .tv_sec = step.retry_ms / 1000 };
	umask(0022);
	if (clock_settings_read(&settings, step.root, step.name)) {
		notify_ready("watching the clock");
		while (look(step.root, &settings)) {
			notify_watchdog();
			nanosleep(&turn, NULL);
		}
	}
	clock_settings_free(&settings);
	return APPLIANCE_FAILED;
}
