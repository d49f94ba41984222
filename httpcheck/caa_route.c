#include "httpcheck/caa_route.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "httpcheck/caa_check.h"
#include "httpcheck/perspective.h"
#include "monotonic.h"

#define BODY_MAX	((size_t)2 * CHECK_RESULT_MAX)

/* A check under way. It ends by its reply, also when its client is gone. */
struct run {
	struct perspective *perspective;
	struct exchange *exchange;
	struct resolver_query *query;
	struct check_request request;
	struct target target;
	struct caa_check check;
	uint64_t nonce;
};

static void
run_free(struct run *run)
{
	if (run->query != NULL)
		resolver_cancel(run->query);
	check_request_free(&run->request);
	free(run);
}

static void
reply_faults(struct exchange *x, const struct json_faults *faults)
{
	struct buf body = BUF_INIT(BODY_MAX);

	json_faults_encode(faults, "request-validation-failed", &body);
	exchange_reply(x, 400, NULL, body.data, body.len, NULL, 0);
	buf_free(&body);
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The log takes no NULL. */
static const char *
or_empty(const char *s)
{
	return s != NULL ? s : "";
}

/* BR 5.4.1: perspective, domain and result of every attempt. */
static void
run_log(struct run *run, const struct check_result *result)
{
	const struct check_caa_details *d = &result->caa;
	enum problem problem = result->problem.problem;

	if (!log_enabled(LOG_LEVEL_INFO))
		return;
	log_info("check", "type", check_type_name(result->type),
	    "perspective", result->perspective_code, "target", target_text(&run->target),
	    "trace", or_empty(run->request.trace_identifier),
	    "caller", exchange_identity(run->exchange),
	    "passed", result->check_passed ? "yes" : "no", "reason", or_empty(d->reason),
	    "found_at", or_empty(d->found_at),
	    "dnssec", or_empty(check_dnssec_name((enum check_dnssec)d->dnssec_status)),
	    "problem", problem != PROBLEM_NONE ? problem_code(problem) : "",
	    "detail", result->problem.message);
}

/*
 * Octets that are no text take five of the result's each, twice if their
 * record decides: what does not fit then is the domain's own doing.
 */
static void
run_encode(const struct run *run, struct check_result *result, struct buf *body)
{
	int dnssec = result->caa.dnssec_status;

	check_result_encode(result, body);
	if (!body->failed && body->len <= CHECK_RESULT_MAX)
		return;
	buf_reset(body);
	result->caa = (struct check_caa_details){ .dnssec_status = dnssec };
	check_result_fail(result, PROBLEM_DNS_TOO_LARGE,
	    "the CAA records for %s are larger than a result holds", target_text(&run->target));
	check_result_encode(result, body);
}

/* Replies with the result and ends the run. */
static void
run_reply(struct run *run, struct check_result *result)
{
	struct buf body = BUF_INIT(BODY_MAX);
	uint64_t elapsed_ns = monotonic_ns() - exchange_started_ns(run->exchange);

	result->timestamp_ns = now_ns();
	result->elapsed_ms = (int64_t)(elapsed_ns / 1000000);
	result->perspective_code = run->perspective->cfg->code;
	result->nonce = run->request.nonce;
	run_encode(run, result, &body);
	perspective_count(run->perspective, result->check_passed, result->problem.problem,
	    (double)elapsed_ns / 1e9);
	run_log(run, result);
	exchange_on_gone(run->exchange, NULL, NULL);
	if (body.failed)
		exchange_refuse(run->exchange, 500, "out of memory");
	else
		exchange_reply(run->exchange, 200, NULL, body.data, body.len, NULL, 0);
	buf_free(&body);
	run_free(run);
}

static void
run_judge(struct run *run, const struct resolver_answer *answer)
{
	struct buf why = BUF_INIT(512);
	struct caa_verdict_text text = { 0 };
	struct check_result result;
	struct evidence evidence;

	check_result_init(&result, CHECK_CAA);
	if (!evidence_decode(&evidence, answer->evidence, answer->evidence_len, run->nonce, &why)) {
		check_result_fail(&result, PROBLEM_RESOLVER_NO_EVIDENCE, "%s",
		    why.failed ? "the evidence is malformed" : why.data);
	} else {
		result.evidence = answer->evidence;
		result.evidence_len = answer->evidence_len;
		if (!caa_check_judge(&run->check, &evidence, &result, &text)) {
			check_result_init(&result, CHECK_CAA);
			check_result_fail(&result, PROBLEM_INTERNAL, "out of memory");
		}
	}
	run_reply(run, &result);
	caa_verdict_free(&text);
	evidence_free(&evidence);
	buf_free(&why);
}

static void
run_answered(void *arg, const struct resolver_answer *answer)
{
	struct run *run = arg;
	struct check_result result;

	run->query = NULL;
	if (answer->problem == PROBLEM_NONE) {
		run_judge(run, answer);
		return;
	}
	check_result_init(&result, CHECK_CAA);
	check_result_fail(&result, answer->problem, "%s", answer->message);
	run_reply(run, &result);
}

/* The client vanished: the attempt is over, and still leaves its record. */
static void
run_gone(struct exchange *x, void *arg)
{
	struct run *run = arg;
	struct check_result result;

	check_result_init(&result, CHECK_CAA);
	check_result_fail(&result, PROBLEM_ABORTED, "the coordinator closed the connection before the result");
	run_reply(run, &result);
}

static void
run_question(struct run *run, const struct httpcheck_config *cfg)
{
	const struct check_caa_parameters *p = &run->request.caa;
	bool own = p->caa_domains.set && p->caa_domains.count > 0;

	run->check = (struct caa_check){
		.target = &run->target,
		.allow_lookup_failure = p->allow_lookup_failure.value,
		.question = {
			.certificate = p->certificate_type == CHECK_S_MIME ? CAA_S_MIME :
			    CAA_TLS_SERVER,
			.wildcard = run->target.kind == TARGET_WILDCARD,
			.issuers = own ? p->caa_domains.items :
			    (const char *const *)cfg->caa_domains.items,
			.issuer_count = own ? p->caa_domains.count : cfg->caa_domains.count,
			.account_uris = p->account_uris.items,
			.account_uri_count = p->account_uris.count,
			.validation_methods = p->validation_methods.items,
			.validation_method_count = p->validation_methods.count,
			.ignore_parameters = run->request.ignore_rfc8657.value,
		},
	};
}

/* Everything a request can have wrong, said at once. */
static bool
run_read(struct run *run, struct exchange *x, struct json_faults *faults)
{
	struct buf sentence = BUF_INIT(256);
	struct target_fault why;
	const char *body;
	size_t len;

	body = exchange_body(x, &len);
	(void)check_request_decode(&run->request, CHECK_CAA, body, len, faults);
	if (run->request.domain_or_ip_target != NULL) {
		const char *text = run->request.domain_or_ip_target;

		if (!target_parse(&run->target, text, strlen(text), &why)) {
			target_fault_text(&why, &sentence);
			json_fault_add(faults, "domain_or_ip_target", "invalid-target",
			    "expected a domain name: it %s", sentence.data);
		} else if (target_is_ip(&run->target)) {
			json_fault_add(faults, "domain_or_ip_target", "invalid-target",
			    "expected a domain name for a CAA check, not an IP address");
		}
	}
	buf_free(&sentence);
	run_question(run, run->perspective->cfg);
	if (faults->count == 0 && run->check.question.issuer_count == 0)
		json_fault_add(faults, "caa_check_parameters.caa_domains", "missing",
		    "expected the CA's issuer domain names: the request has none and none are configured");
	return faults->count == 0;
}

static int64_t
run_deadline_ms(const struct run *run)
{
	const struct httpcheck_config *cfg = run->perspective->cfg;
	int64_t ms = run->request.deadline_ms.set ? run->request.deadline_ms.value :
	    cfg->deadline_ms;

	return ms < cfg->max_deadline_ms ? ms : cfg->max_deadline_ms;
}

static void
run_ask(struct run *run)
{
	struct dns_question question = {
		.name = run->target.name,
		.type = DNS_TYPE_CAA,
		.option = {
			.operation = MPIC_CLIMB,
			.flags = run->check.allow_lookup_failure ? MPIC_FLAG_PROVE : 0,
			.nonce = run->nonce,
		},
	};
	struct check_result result;

	run->query = resolver_ask(run->perspective->resolver, &question, run_deadline_ms(run),
	    run_answered, run);
	if (run->query != NULL) {
		exchange_on_gone(run->exchange, run_gone, run);
		return;
	}
	check_result_init(&result, CHECK_CAA);
	check_result_fail(&result, PROBLEM_INTERNAL, "out of memory");
	run_reply(run, &result);
}

void
caa_route(struct exchange *x, void *arg)
{
	struct perspective *p = arg;
	struct run *run = calloc(1, sizeof(*run));
	struct json_faults faults;

	if (run == NULL || !random_pool_take(&p->random, &run->nonce, sizeof(run->nonce))) {
		free(run);
		exchange_refuse(x, 500, "out of memory");
		return;
	}
	run->perspective = p;
	run->exchange = x;
	json_faults_init(&faults);
	if (run_read(run, x, &faults)) {
		run_ask(run);
		return;
	}
	reply_faults(x, &faults);
	run_free(run);
}
