/*
 * The named counters of the packet filter (etc/nftables.conf of the image), as the
 * kernel has them. Needs CAP_NET_ADMIN.
 */
#ifndef MPIC_APPLIANCE_FIREWALL_COUNTERS_H
#define MPIC_APPLIANCE_FIREWALL_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define FIREWALL_TABLE		"parallax"
#define FIREWALL_COUNTERS_MAX	64
#define FIREWALL_NAME_MAX	64

struct firewall_counter {
	char name[FIREWALL_NAME_MAX];	/* letters, digits and _ */
	uint64_t packets;
};

struct firewall_counters {
	struct firewall_counter list[FIREWALL_COUNTERS_MAX];
	size_t count;
};

/* None is no fault: then the filter is not there. False, with a sentence. */
bool firewall_counters_read(struct firewall_counters *c, struct buf *why);

#endif
