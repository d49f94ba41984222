/* mpic-appliance resolver: Unbound with its trust anchor, watched. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>

#include "appliance/appliance.h"
#include "appliance/resolver/anchor.h"
#include "appliance/resolver/resolver_watch.h"
#include "notify.h"

#define NAME	"mpic-appliance resolver"

static const char usage[] =
    "usage: mpic-appliance resolver [--root DIR] [--address ADDR:PORT] -- PROGRAM [ARG...]\n"
    "Puts the image's trust anchor where Unbound keeps it, if it is not there, and becomes\n"
    "PROGRAM. A child of it tells the service manager that Unbound is ready once it answers,\n"
    "and that it lives while it goes on answering.\n\n"
    "  --root DIR           the files of the image are below it, for tests\n"
    "  --address ADDR:PORT  where it answers; 127.0.0.1:53 if not given\n";

struct resolver_start {
	const char *root;
	struct endpoint address;
	char **program;
};

/* -1: go on; else the exit status. */
static int
read_arguments(struct resolver_start *start, int argc, char **argv)
{
	int i;

	start->root = "";
	endpoint_parse(&start->address, "127.0.0.1:53");
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return APPLIANCE_DONE;
		}
		if (value != NULL && strcmp(argv[i], "--root") == 0) {
			start->root = value;
		} else if (value == NULL || strcmp(argv[i], "--address") != 0) {
			fprintf(stderr, NAME ": %s: no such argument, or it lacks its operand "
			    "(try --help)\n", argv[i]);
			return APPLIANCE_USAGE;
		} else if (!endpoint_parse(&start->address, value)) {
			fprintf(stderr, NAME ": --address: expected ADDR:PORT, such as "
			    "127.0.0.1:53\n");
			return APPLIANCE_USAGE;
		}
		i++;
	}
	if (i + 1 >= argc) {
		fputs(NAME ": which PROGRAM to become is missing (try --help)\n", stderr);
		return APPLIANCE_USAGE;
	}
	start->program = argv + i + 1;
	return -1;
}

/* The child ends with Unbound, and alone it says nothing. */
static void
watch(const struct endpoint *address, int64_t watchdog_ms, pid_t unbound)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != unbound)
		_exit(APPLIANCE_FAILED);
	prctl(PR_SET_NAME, "resolver-watch");
	resolver_watch(address, watchdog_ms);
}

/* What the child says of Unbound, Unbound does not say itself. */
static void
forget_manager(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

int
appliance_resolver(int argc, char **argv)
{
	struct resolver_start start = { 0 };
	struct buf said = BUF_INIT(512);
	int status = read_arguments(&start, argc, argv);
	int64_t watchdog_ms = notify_watchdog_ms();
	pid_t self = getpid(), child;
	bool seeded;

	if (status >= 0)
		return status;
	seeded = anchor_seed(start.root, &said);
	if (said.data != NULL)
		fprintf(stderr, NAME ": %s\n", said.data);
	buf_free(&said);
	if (!seeded)
		return APPLIANCE_FAILED;
	child = getenv("NOTIFY_SOCKET") != NULL ? fork() : 1;
	if (child == 0)
		watch(&start.address, watchdog_ms, self);
	if (child != -1) {
		forget_manager();
		execv(start.program[0], start.program);
	}
	fprintf(stderr, NAME ": cannot start %s: %s\n", start.program[0], strerror(errno));
	return APPLIANCE_FAILED;
}
