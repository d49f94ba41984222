/*
 * tables NAME: a table of the manual pages that no installed program prints, as
 * mdoc rows, from where the programs have it.
 */
#include <stdio.h>
#include <string.h>

#include "appliance/document/document.h"
#include "caa.h"
#include "coordinator/policy.h"
#include "coordinator/region.h"
#include "dcv_method.h"
#include "option.h"
#include "problem_advice.h"

#define OUTPUT_MAX	((size_t)1024 * 1024)

static void
print_policy(struct buf *out)
{
	option_man(&policy_options, out);
}

static void
print_document(struct buf *out)
{
	option_man(document_options(), out);
}

static void
print_regions(struct buf *out)
{
	option_man(&regions_options, out);
}

static void
print_problems(struct buf *out)
{
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		buf_addf(out, ".It Li %s\n", problem_code((enum problem)p));
		option_man_text(problem_cause((enum problem)p), out);
		buf_addf(out, "Fault: %s; asking again %s.\n",
		    fault_name(problem_fault((enum problem)p)),
		    problem_retryable((enum problem)p) ? "may end otherwise" : "changes nothing");
	}
}

static void
print_caa_reasons(struct buf *out)
{
	for (int r = 0; r < CAA_REASON_COUNT; r++) {
		buf_addf(out, ".It Li %s\n", caa_reason_code((enum caa_reason)r));
		option_man_text(caa_reason_text((enum caa_reason)r), out);
	}
}

static void
print_methods(struct buf *out)
{
	for (int m = 0; m < DCV_METHOD_COUNT; m++) {
		const struct dcv_method_row *row = dcv_method_row((enum dcv_method)m);

		buf_addf(out, ".It Li %s\n%s%s%s%s\n", dcv_method_names[m],
		    row->section != NULL ? row->section : "",
		    row->section != NULL && row->ip_section != NULL ? ", " : "",
		    row->ip_section != NULL ? "of IP addresses " : "",
		    row->ip_section != NULL ? row->ip_section : "");
	}
}

static const struct {
	const char *name;
	void (*print)(struct buf *out);
} tables[] = {
	{ "policy", print_policy },
	{ "regions", print_regions },
	{ "document", print_document },
	{ "problems", print_problems },
	{ "caa-reasons", print_caa_reasons },
	{ "methods", print_methods },
};

int
main(int argc, char **argv)
{
	struct buf out = BUF_INIT(OUTPUT_MAX);
	bool ok = false;

	for (size_t i = 0; argc == 2 && i < sizeof(tables) / sizeof(tables[0]); i++)
		if (strcmp(argv[1], tables[i].name) == 0) {
			tables[i].print(&out);
			ok = !out.failed && out.data != NULL && fputs(out.data, stdout) >= 0;
		}
	buf_free(&out);
	if (!ok)
		fputs("usage: tables policy|regions|document|problems|caa-reasons|methods\n", stderr);
	return ok ? 0 : 1;
}
