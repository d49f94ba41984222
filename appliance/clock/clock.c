#include "appliance/clock/clock.h"

#include <time.h>

#define YEAR_S	(INT64_C(31556952))	/* of the Gregorian calendar, on average */
/* 2026-01-01: when none of this was there yet. */
#define EARLIEST_S	INT64_C(1767225600)

static void
add_date(struct buf *out, int64_t at_s)
{
	time_t at = (time_t)at_s;
	char text[64];
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf_addf(out, "%lld s after 1970", (long long)at_s);
	else
		buf_adds(out, text);
}

static void
explain_date(const struct clock_seen *seen, int64_t limit_s, const char *side, struct buf *why)
{
	buf_adds(why, "clock: it is set to ");
	add_date(why, seen->now_s);
	buf_addf(why, ", %s ", side);
	add_date(why, limit_s);
	buf_adds(why, seen->hypervisor ? ": the hypervisor's time is wrong\n" :
	    ": what the NTP servers tell is wrong\n");
}

bool
clock_reliable(const struct clock_seen *seen, struct buf *why)
{
	const int64_t first_s = seen->image_date_s > EARLIEST_S ? seen->image_date_s : EARLIEST_S;
	const int64_t last_s = first_s + CLOCK_YEARS_MAX * YEAR_S;

	if (!seen->hypervisor && !seen->synchronized) {
		buf_adds(why, "clock: no NTP server has told the time yet\n");
		return false;
	}
	if (seen->now_s < first_s) {
		explain_date(seen, first_s, "before this image was made,", why);
		return false;
	}
	if (seen->now_s > last_s) {
		explain_date(seen, last_s, "more than ten years after this image was made: after",
		    why);
		return false;
	}
	return true;
}

void
clock_status(const struct clock_seen *seen, struct buf *out)
{
	struct buf why = BUF_INIT(1024);
	bool reliable;

	if (!seen->hypervisor && !seen->synchronized) {
		buf_adds(&why, "clock: no NTP server has told the time for hours\n");
		reliable = false;
	} else {
		reliable = clock_reliable(seen, &why);
	}
	if (!reliable)
		buf_addf(out, "# notice %s", why.data != NULL ? why.data : "clock\n");
	buf_addf(out, "# HELP mpic_clock_unsynchronized 1 while nothing is known to keep the clock "
	    "right.\n# TYPE mpic_clock_unsynchronized gauge\nmpic_clock_unsynchronized %d\n",
	    !reliable);
	buf_free(&why);
}
