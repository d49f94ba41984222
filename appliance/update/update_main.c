/* mpic-update: looks for an update of the appliance, installs it, restarts at its time. */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "appliance/appliance.h"
#include "appliance/update/update.h"
#include "log.h"

static const char usage[] =
    "usage: mpic-update [--check] [--root DIR]\n"
    "Looks for an update as /run/mpic/update.yaml says, installs it beside what\n"
    "runs, and asks for a restart when that is due.\n\n"
    "  --check     only says what there is\n"
    "  --root DIR  the files of the machine are below it, for tests\n"
    "  --version   prints the version\n";

int
main(int argc, char **argv)
{
	const char *root = "";
	bool check = false;
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--check") == 0) {
			check = true;
		} else if (strcmp(argv[i], "--root") == 0 && i + 1 < argc) {
			root = argv[++i];
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return APPLIANCE_DONE;
		} else if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
			puts("mpic-update " PACKAGE_VERSION);
			return APPLIANCE_DONE;
		} else {
			fprintf(stderr, "mpic-update: %s: no such argument, or it lacks its operand\n%s",
			    argv[i], usage);
			return APPLIANCE_USAGE;
		}
	}
	signal(SIGPIPE, SIG_IGN);
	log_init("mpic-update", LOG_LEVEL_NOTICE, false);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		fputs("mpic-update: libcurl cannot be set up\n", stderr);
		return APPLIANCE_FAILED;
	}
	status = update_run(root, check);
	curl_global_cleanup();
	return status;
}
