/* mpic-appliance firewall-watch: what the packet filter counts, for /metrics. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "appliance/appliance.h"
#include "appliance/firewall/firewall_counters.h"
#include "appliance/place.h"
#include "notify.h"

#define NAME		"mpic-appliance firewall-watch"
#define STATUS		"/run/mpic-firewall/status"
#define TURN_S		30
#define NOT_THERE	"# notice the packet filter is not in force\n"

static const char usage[] =
    "usage: mpic-appliance firewall-watch [--once] [--root DIR]\n"
    "Writes what the packet filter counts to " STATUS " twice a minute.\n\n"
    "  --once      once, and ends\n"
    "  --root DIR  the files of the image are below it, for tests\n";

/* Whether the filter is there, as well. */
static bool
look(const char *root)
{
	struct buf text = BUF_INIT(8192), why = BUF_INIT(256);
	struct firewall_counters counters;
	bool ok = firewall_counters_read(&counters, &why);

	if (!ok)
		fprintf(stderr, NAME ": %s\n", why.data != NULL ? why.data : "out of memory");
	if (!ok || counters.count == 0) {
		buf_adds(&text, NOT_THERE);
		ok = false;
	} else {
		buf_adds(&text, "# HELP mpic_firewall_packets_total Packets, or connections where "
		    "they are let in or out, since the machine was started.\n"
		    "# TYPE mpic_firewall_packets_total counter\n");
	}
	for (size_t i = 0; ok && i < counters.count; i++)
		buf_addf(&text, "mpic_firewall_packets_total{counter=\"%s\"} %llu\n",
		    counters.list[i].name, (unsigned long long)counters.list[i].packets);
	if (!place_replace(root, STATUS, &text, 0644)) {
		fputs(NAME ": " STATUS " cannot be written\n", stderr);
		ok = false;
	}
	buf_free(&text);
	buf_free(&why);
	return ok;
}

int
appliance_firewall_watch(int argc, char **argv)
{
	const char *root = "";
	bool once = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return APPLIANCE_DONE;
		}
		if (strcmp(argv[i], "--once") == 0) {
			once = true;
		} else if (strcmp(argv[i], "--root") == 0 && i + 1 < argc) {
			root = argv[++i];
		} else {
			fprintf(stderr, NAME ": %s: no such argument, or it lacks its operand (try "
			    "--help)\n", argv[i]);
			return APPLIANCE_USAGE;
		}
	}
	if (once)
		return look(root) ? APPLIANCE_DONE : APPLIANCE_FAILED;
	for (bool told = false;; sleep(TURN_S)) {
		look(root);
		if (!told)
			notify_ready("counts");
		told = true;
		notify_watchdog();
	}
}
