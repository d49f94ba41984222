/* mpic: the command-line tool. */
#include "coordinator/mpic.h"
#include "subcommand.h"

static const struct subcommand rows[] = {
	{ "check", mpic_check, "Ask a coordinator for a check: exits with 0 for yes, 1 for no, "
	    "2 for an error." },
	{ "audit", mpic_audit, "Verify an audit log: exits with 0 if its lines are a chain, 1 if "
	    "not, 2 for an error." },
	{ "batch", mpic_batch, "Ask a coordinator for all requests in a file: exits with 0 for yes to "
	    "all, 1 for no to some, 2 for an error." },
	{ "lookup", mpic_lookup, "Ask a perspective's resolver for records with their DNSSEC status: exits "
	    "with 0 if nothing failed, 1 if something did, 2 for an error." },
	{ "explain", mpic_explain, "Tell what a coordinator answered as one tells it to a customer: exits "
	    "with 0 for valid, 1 for not, 2 for an error." },
	{ "pki", mpic_pki, "Make the private CA, and the certificates and keys that each part begins "
	    "with." },
	{ "policy", mpic_policy, "What a coordinator's fleet satisfies of the rules on a day, and "
	    "lacks next." },
	{ "status", mpic_status, "What of a coordinator's fleet needs care: exits with 0 if nothing does, 1 "
	    "if something does, 2 for an error." },
	{ "token", mpic_token, "Make a bearer token for a caller of a coordinator, and its line for "
	    "the configuration." },
	{ "verify", mpic_verify, "Verify the signatures in an archived answer: exits with 0 if it is "
	    "genuine, 1 if not, 2 for an error." },
};

int
main(int argc, char **argv)
{
	static const struct subcommand_table table = { "mpic", rows,
		sizeof(rows) / sizeof(rows[0]) };

	return subcommand_run(&table, argc, argv);
}
