/* mpic-appliance: what an appliance does by itself, one subcommand a step. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "appliance/appliance.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *sentence;
} commands[] = {
	{ "first-boot", appliance_first_boot, "Make the operator's document this appliance's "
	    "configuration." },
	{ "container", appliance_container, "Run a perspective in a container." },
	{ "lambda", appliance_lambda, "Run a perspective as an AWS Lambda function." },
	{ "clock", appliance_clock, "Wait until the time can be relied on." },
	{ "ready", appliance_ready, "Wait until this machine serves." },
	{ "clock-watch", appliance_clock_watch, "Say when nothing keeps the clock any more." },
	{ "document", appliance_document, "Check an operator's document before it is given to an "
	    "appliance." },
	{ "firewall-watch", appliance_firewall_watch, "Count what the packet filter drops." },
	{ "resolver", appliance_resolver, "Become Unbound, with its trust anchor, watched." },
};

static void
print_help(FILE *out)
{
	fputs("usage: mpic-appliance COMMAND ...\n\n", out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-15s %s\n", commands[i].name, commands[i].sentence);
	fputs("\n  mpic-appliance COMMAND --help says more; mpic-appliance --version the version.\n",
	    out);
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		puts("mpic-appliance " PACKAGE_VERSION);
		return APPLIANCE_DONE;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_help(stdout);
		return APPLIANCE_DONE;
	}
	if (name[0] != '\0')
		fprintf(stderr, "mpic-appliance: there is no command %s\n", name);
	print_help(stderr);
	return APPLIANCE_USAGE;
}
