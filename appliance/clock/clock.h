/*
 * Whether an appliance's clock can be relied on: DNSSEC and TLS are worth
 * nothing at a wrong time. A pure verdict over what was seen.
 *
 * The time is one that a server of the document's told, or, where the document
 * says so, the hypervisor's; and it is no earlier than the image, nor ten years
 * later.
 */
#ifndef MPIC_APPLIANCE_CLOCK_H
#define MPIC_APPLIANCE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define CLOCK_YEARS_MAX	10	/* no image is that old and still in use */

/* systemd-timesyncd.service(8): is there once the time was had from a server. */
#define CLOCK_SYNCHRONIZED	"/run/systemd/timesync/synchronized"

struct clock_seen {
	bool hypervisor;	/* keeps the time: no server is asked */
	bool synchronized;	/* a server was asked and has told the time */
	int64_t now_s;		/* this machine's idea, Unix time */
	int64_t image_date_s;	/* 0: unknown, then no earlier than 2026 */
};

/* False, with a line that says what is missing. */
bool clock_reliable(const struct clock_seen *seen, struct buf *why);
/*
 * The same while it runs, as a file of httpcheck's status_files: the metric, and
 * a notice if it cannot. `synchronized` is then what the kernel thinks.
 */
void clock_status(const struct clock_seen *seen, struct buf *out);

#endif
