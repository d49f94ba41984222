/* mpic-appliance: what an appliance does by itself, one subcommand a step. */
#include "appliance/appliance.h"
#include "subcommand.h"

static const struct subcommand rows[] = {
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

int
main(int argc, char **argv)
{
	static const struct subcommand_table table = { "mpic-appliance", rows,
		sizeof(rows) / sizeof(rows[0]) };

	return subcommand_run(&table, argc, argv);
}
