#include "httpcheck/caa_route.h"

#include <stdlib.h>

#include "httpcheck/caa_check.h"
#include "httpcheck/inquiry.h"
#include "httpcheck/run.h"

/* A run's work. */
struct caa_work {
	struct run *run;
	struct caa_check check;
	struct inquiry inquiry;
};

static void
caa_end(struct run *run)
{
	struct caa_work *work = run->work;

	inquiry_cancel(&work->inquiry);
	free(work);
}

static void
caa_answered(void *arg, const struct inquiry_answer *answer)
{
	struct caa_work *work = arg;
	struct caa_verdict_text text = { 0 };
	struct check_result result;

	if (answer->problem != PROBLEM_NONE) {
		run_fail(work->run, answer->problem, "%s", answer->message);
		return;
	}
	check_result_init(&result, CHECK_CAA);
	result.evidence = answer->text;
	result.evidence_len = answer->text_len;
	if (!caa_check_judge(&work->check, answer->evidence, &result, &text)) {
		check_result_init(&result, CHECK_CAA);
		check_result_fail(&result, PROBLEM_INTERNAL, "out of memory");
	}
	run_reply(work->run, &result);
	caa_verdict_free(&text);
}

/* The CA's own names: the request's, else those configured. */
static size_t
caa_issuers(const struct run *run, const char *const **issuers)
{
	const struct check_caa_parameters *p = &run->request.caa;
	const struct option_strings *configured = &run->perspective->cfg->caa_domains;

	if (p->caa_domains.set && p->caa_domains.count > 0) {
		*issuers = p->caa_domains.items;
		return p->caa_domains.count;
	}
	*issuers = (const char *const *)configured->items;
	return configured->count;
}

static struct caa_check
caa_check_of(const struct run *run)
{
	const struct check_caa_parameters *p = &run->request.caa;
	struct caa_check check = {
		.target = &run->target,
		.allow_lookup_failure = p->allow_lookup_failure.value,
		.question = {
			.certificate = p->certificate_type == CHECK_S_MIME ? CAA_S_MIME :
			    CAA_TLS_SERVER,
			.wildcard = run->target.kind == TARGET_WILDCARD,
			.account_uris = p->account_uris.items,
			.account_uri_count = p->account_uris.count,
			.validation_methods = p->validation_methods.items,
			.validation_method_count = p->validation_methods.count,
			.ignore_parameters = run->request.ignore_rfc8657.value,
		},
	};

	check.question.issuer_count = caa_issuers(run, &check.question.issuers);
	return check;
}

/* What only a CAA check knows to be wrong. */
static void
caa_judge_request(struct run *run, struct json_faults *faults)
{
	const char *const *issuers;

	if (target_is_ip(&run->target))
		json_fault_add(faults, "domain_or_ip_target", "invalid-target",
		    "expected a domain name for a CAA check, not an IP address");
	if (faults->count == 0 && caa_issuers(run, &issuers) == 0)
		json_fault_add(faults, "caa_check_parameters.caa_domains", "missing",
		    "expected the CA's issuer domain names: the request has none and none are configured");
}

void
caa_route(struct exchange *x, void *arg)
{
	struct run *run = run_begin(x, arg, CHECK_CAA, caa_judge_request);
	struct caa_work *work = run != NULL ? calloc(1, sizeof(*work)) : NULL;
	struct dns_question question = { .type = DNS_TYPE_CAA, .option.operation = MPIC_CLIMB };

	if (run == NULL)
		return;
	if (work != NULL) {
		run->work = work;
		run->end = caa_end;
		work->run = run;
		work->check = caa_check_of(run);
		question.name = run->target.name;
		if (work->check.allow_lookup_failure)
			question.option.flags = MPIC_FLAG_PROVE;
	}
	if (work == NULL || !inquiry_start(&work->inquiry, run, &question, caa_answered, work))
		run_fail(run, PROBLEM_INTERNAL, "out of memory");
}
