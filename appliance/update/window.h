/*
 * When an appliance that has an update may restart. Perspectives of one fleet
 * must not do so together, for the coordinator needs a quorum of them all the
 * time, and none knows of the others: so each takes its own place within the time
 * there is, which follows from its code. A pure function of that and the clock.
 */
#ifndef MPIC_APPLIANCE_WINDOW_H
#define MPIC_APPLIANCE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_SPREAD_MAX	1440	/* minutes */
#define WINDOW_MISSED_S		INT64_C(900)

struct window {
	bool set;		/* false: at any time of the day */
	int from_min, to_min;	/* of the day, in UTC; to < from: over midnight */
	int64_t spread_min;	/* within so many minutes from its beginning */
};

/* "02:00-04:00"; false, leaving the window as it was, for anything else. */
bool window_parse(struct window *w, const char *text);
/*
 * The Unix time to restart at, for an update that has been there since `since_s`.
 * With a window that is the next place in it which is not over for
 * WINDOW_MISSED_S yet; without one it may lie in the past: then it is now.
 */
int64_t window_restart_s(const struct window *w, const char *code, int64_t since_s,
    int64_t now_s);

#endif
