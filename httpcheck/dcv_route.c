#include "httpcheck/dcv_route.h"

#include "httpcheck/dns_check.h"
#include "httpcheck/dns_run.h"
#include "httpcheck/run.h"
#include "httpcheck/web_check.h"

/* What only a check of domain control knows to be wrong. */
static void
dcv_judge_request(struct run *run, struct json_faults *faults)
{
	const struct check_dcv_parameters *p = &run->request.dcv;
	struct dns_check check;

	if (faults->count > 0 || !check_dcv_target(p, &run->target, "domain_or_ip_target", faults))
		return;
	if (dcv_method_row(p->method)->kind == DCV_DNS && !dns_check_init(&check, p, &run->target))
		json_fault_add(faults, "domain_or_ip_target", "invalid-target",
		    "expected a shorter name: with what %s puts before it, it is over %d octets",
		    dcv_method_names[p->method], NAME_TEXT_MAX);
}

void
dcv_route(struct exchange *x, void *arg)
{
	struct run *run = run_begin(x, arg, CHECK_DCV, dcv_judge_request);

	if (run == NULL)
		return;
	if (dcv_method_row(run->request.dcv.method)->kind == DCV_DNS)
		dns_run_start(run);
	else
		web_check_start(run);
}
