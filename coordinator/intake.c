#include "coordinator/intake.h"

#include <stdio.h>
#include <time.h>

#include "coordinator/refusal.h"
#include "coordinator/response.h"
#include "json_writer.h"

static bool
read_request(struct mpic_request *request, const struct corroborator_pool *pool,
    const struct exchange *x, struct buf *refusal)
{
	struct mpic_limits limits = pool->limits;
	struct json_faults faults;
	const char *text;
	size_t len;

	limits.rules = policy_at(pool->policy, time(NULL));
	json_faults_init(&faults);
	text = exchange_body(x, &len);
	if (mpic_request_decode(request, &limits, text, len, &faults))
		return true;
	json_faults_encode(&faults, "request-validation-failed", refusal);
	return false;
}

static bool
check_permitted(const struct mpic_request *r, const struct corroborator_pool *pool,
    const struct caller *caller, struct buf *refusal)
{
	struct buf detail = BUF_INIT(REFUSAL_MAX);

	if (caller_may(caller, r->check_type))
		return true;
	caller_forbidden_text(caller, r->check_type, &detail);
	json_add_string(refusal, "{\"detail\":", detail.data != NULL ? detail.data : "");
	buf_addc(refusal, '}');
	buf_free(&detail);
	admission_count(pool, caller, ADMISSION_FORBIDDEN);
	return false;
}

/* Nothing a request could say would be enough: no verdict is below the rules. */
static bool
fleet_suffices(const struct mpic_request *r, const struct corroborator_pool *pool,
    struct buf *refusal)
{
	size_t have = fleet_remotes(pool->asker.fleet);
	const struct policy_row *row = rules_row(&r->rules, RULE_REMOTES);
	struct buf why = BUF_INIT(512);

	if (r->perspectives <= have)
		return true;
	if (row != NULL)
		policy_row_text(r->rules.policy, row, &why);
	buf_addf(&why, ", %zu configured", have);
	mpic_refusal_encode("The coordinator has fewer perspectives than its policy demands",
	    "orchestration_parameters.perspective_count", "policy",
	    why.data != NULL ? why.data : "", refusal);
	buf_free(&why);
	return false;
}

static bool
choose_cohorts(struct cohorts *cohorts, const struct mpic_request *r,
    const struct corroborator_pool *pool, struct buf *refusal)
{
	enum cohort_fault fault = cohorts_build(cohorts, pool->asker.fleet, r->perspectives,
	    pool->secret, pool->secret_len, &r->target);
	char error[128], why[64];

	if (fault != COHORT_OK) {
		snprintf(error, sizeof(error), "The coordinator could not construct a cohort "
		    "of size %zu", r->perspectives);
		mpic_refusal_encode(error, "orchestration_parameters.perspective_count",
		    "mpic_error:coordinator:cohort", cohort_fault_text(fault), refusal);
		return false;
	}
	if (r->cohort > cohorts->count) {
		snprintf(error, sizeof(error), "The coordinator could not select cohort number "
		    "%zu from available cohorts.", r->cohort);
		snprintf(why, sizeof(why), "expected 1 to %zu", cohorts->count);
		mpic_refusal_encode(error, "orchestration_parameters.cohort_for_single_attempt",
		    "mpic_error:coordinator:cohort_selection", why, refusal);
		return false;
	}
	return true;
}

bool
intake_read(struct intake *in, const struct corroborator_pool *pool,
    const struct caller *caller, const struct exchange *x, struct buf *refusal)
{
	in->status = 400;
	if (!read_request(&in->request, pool, x, refusal))
		return false;
	in->status = 403;
	if (!check_permitted(&in->request, pool, caller, refusal))
		return false;
	in->status = 503;
	if (!fleet_suffices(&in->request, pool, refusal))
		return false;
	in->status = 400;
	return choose_cohorts(&in->cohorts, &in->request, pool, refusal);
}

void
intake_free(struct intake *in)
{
	mpic_request_free(&in->request);
}
