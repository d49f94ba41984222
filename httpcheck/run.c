#include <config.h>

#include "httpcheck/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "monotonic.h"
#include "server_trace.h"
#include "signature.h"

#define BODY_MAX	((size_t)2 * CHECK_RESULT_MAX)
#define UNSIGNED_MAX	(CHECK_RESULT_MAX - SIGNATURE_MAX)

static void
reply_faults(struct exchange *x, const struct json_faults *faults)
{
	struct buf body = BUF_INIT(BODY_MAX);

	json_faults_encode(faults, "request-validation-failed", &body);
	exchange_reply(x, 400, NULL, body.data, body.len, NULL, 0);
	buf_free(&body);
}

/* ---- the end ---- */

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

/* BR 5.4.1: perspective, domain or address, method and result of every attempt. */
static void
run_log(const struct run *run, const struct check_result *result)
{
	enum problem problem = result->problem.problem;
	bool dcv = result->type == CHECK_DCV;
	enum dcv_method method = dcv ? (enum dcv_method)result->dcv.method : 0;
	const char *found_at = dcv ? result->dcv.found_at : result->caa.found_at;
	int dnssec = dcv ? result->dcv.dnssec_status : result->caa.dnssec_status;

	char trace_id[TRACE_ID_TEXT], span[TRACE_SPAN_TEXT];

	if (!log_enabled(LOG_LEVEL_INFO))
		return;
	trace_id_text(&run->trace, trace_id);
	trace_span_text(&run->trace, span);
	log_info("check", "type", check_type_name(result->type),
	    "perspective", result->perspective_code, "target", target_text(&run->target),
	    "method", dcv ? dcv_method_names[method] : "",
	    "section", dcv ? or_empty(dcv_method_section(method, &run->target)) : "",
	    "trace", or_empty(run->request.trace_identifier),
	    "trace_id", trace_id, "span_id", span,
	    "caller", exchange_identity(run->exchange),
	    "passed", result->check_passed ? "yes" : "no",
	    "reason", dcv ? "" : or_empty(result->caa.reason),
	    "found_at", or_empty(found_at),
	    "dnssec", or_empty(check_dnssec_name((enum check_dnssec)dnssec)),
	    "problem", problem != PROBLEM_NONE ? problem_code(problem) : "",
	    "detail", result->problem.message);
}

/* A request that came to no check. */
static void
run_log_refused(const struct run *run, enum check_type type, const struct json_faults *faults)
{
	char trace_id[TRACE_ID_TEXT], span[TRACE_SPAN_TEXT];

	trace_id_text(&run->trace, trace_id);
	trace_span_text(&run->trace, span);
	log_notice("refused", "type", check_type_name(type), "trace_id", trace_id, "span_id", span,
	    "caller", exchange_identity(run->exchange), "field", faults->list[0].path,
	    "why", faults->list[0].message);
}

/* What does not fit is the applicant's own doing: such a check does not pass. */
static void
run_overfull(const struct run *run, struct check_result *result)
{
	const char *target = target_text(&run->target);

	if (result->type == CHECK_CAA) {
		result->caa = (struct check_caa_details){
		    .dnssec_status = result->caa.dnssec_status };
		check_result_fail(result, PROBLEM_DNS_TOO_LARGE,
		    "the CAA records for %s are larger than a result holds", target);
		return;
	}
	result->dcv = (struct check_dcv_details){ .method = result->dcv.method,
	    .dnssec_status = result->dcv.dnssec_status };
	if (dcv_method_row(result->dcv.method)->kind == DCV_DNS)
		check_result_fail(result, PROBLEM_DNS_TOO_LARGE,
		    "the records for %s are larger than a result holds", target);
	else
		check_result_fail(result, PROBLEM_HTTP_TOO_LARGE,
		    "the way to the page of %s is larger than a result holds", target);
}

static void
run_encode(const struct run *run, struct check_result *result, struct buf *body)
{
	check_result_encode(result, body);
	if (!body->failed && body->len <= UNSIGNED_MAX)
		return;
	buf_reset(body);
	run_overfull(run, result);
	check_result_encode(result, body);
	if (body->failed || body->len <= UNSIGNED_MAX)
		return;
	/* the evidence is what is large */
	buf_reset(body);
	result->evidence = NULL;
	check_result_encode(result, body);
}

static bool
run_sign(const struct run *run, const struct check_result *result, struct buf *body)
{
	const struct perspective *p = run->perspective;
	const struct jws_key *key = p->signing_key;
	char digest[SIGNATURE_DIGEST_LEN + 1], trace_id[TRACE_ID_TEXT];
	const struct signature_claims claims = {
		.perspective_code = result->perspective_code,
		.check_type = check_type_name(result->type),
		.target = target_text(&run->target),
		.nonce = result->nonce,
		.timestamp_ns = { true, result->timestamp_ns },
		.request_sha256 = digest,
		.software_version = "Parallax " PACKAGE_VERSION,
		.resolver_version = p->resolver_version[0] != '\0' ? p->resolver_version : NULL,
		.image_version = p->cfg->image_version,
	};
	const char *request;
	size_t len;

	if (key == NULL || body->failed)
		return true;
	request = exchange_body(run->exchange, &len);
	if (signature_digest(key, request, len, digest) && signature_add(key, &claims, body))
		return true;
	trace_id_text(&run->trace, trace_id);
	log_error("a result could not be signed", "target", claims.target, "trace_id", trace_id);
	return false;
}

static void
run_free(struct run *run)
{
	if (run->end != NULL)
		run->end(run);
	check_request_free(&run->request);
	free(run);
}

void
run_reply(struct run *run, struct check_result *result)
{
	struct buf body = BUF_INIT(BODY_MAX);
	bool made;
	uint64_t elapsed_ns = monotonic_ns() - exchange_started_ns(run->exchange);

	result->timestamp_ns = now_ns();
	result->elapsed_ms = (int64_t)(elapsed_ns / 1000000);
	result->perspective_code = run->perspective->cfg->code;
	result->nonce = run->request.nonce;
	result->target = target_text(&run->target);
	result->private_root = run->perspective->cfg->private_root;
	if (result->type == CHECK_DCV)
		result->dcv.method = run->request.dcv.method;
	run_encode(run, result, &body);
	made = run_sign(run, result, &body) && !body.failed;
	perspective_count(run->perspective, result, (double)elapsed_ns / 1e9);
	run_log(run, result);
	exchange_on_gone(run->exchange, NULL, NULL);
	if (!made)
		exchange_refuse(run->exchange, 500, "the result cannot be written or signed");
	else
		exchange_reply(run->exchange, 200, NULL, body.data, body.len, NULL, 0);
	buf_free(&body);
	run_free(run);
}

void
run_fail(struct run *run, enum problem problem, const char *fmt, ...)
{
	char sentence[CHECK_MESSAGE_MAX];
	struct check_result result;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	check_result_init(&result, run->request.type);
	check_result_fail(&result, problem, "%s", sentence);
	run_reply(run, &result);
}

/* ---- the beginning ---- */

/* The client vanished: the attempt is over, and still leaves its record. */
static void
run_gone(struct exchange *x, void *arg)
{
	run_fail(arg, PROBLEM_ABORTED, "the coordinator closed the connection before the result");
}

static void
run_read_target(struct run *run, struct json_faults *faults)
{
	const char *text = run->request.domain_or_ip_target;
	struct buf sentence = BUF_INIT(256);
	struct target_fault why;

	if (text != NULL && !(run->request.type == CHECK_CAA ? target_parse : target_parse_adn)
	    (&run->target, text, strlen(text), &why)) {
		target_fault_text(&why, &sentence);
		json_fault_add(faults, "domain_or_ip_target", "invalid-target",
		    "expected a domain name or an IP address: it %s",
		    sentence.data != NULL ? sentence.data : "is neither");
		run->target = (struct target){ .kind = TARGET_DOMAIN };
	}
	buf_free(&sentence);
}

/* Everything a request can have wrong, said at once. */
static bool
run_read(struct run *run, enum check_type type,
    void (*judge)(struct run *run, struct json_faults *faults), struct json_faults *faults)
{
	const char *body;
	size_t len;

	body = exchange_body(run->exchange, &len);
	(void)check_request_decode(&run->request, type, body, len, faults);
	run->request.type = type;
	run_read_target(run, faults);
	if (judge != NULL)
		judge(run, faults);
	return faults->count == 0;
}

/* Of whoever passes a check on, and has itself no longer than this; INT64_MAX: says nothing. */
static int64_t
run_limit_ms(const struct run *run)
{
	const char *text = exchange_header(run->exchange, CHECK_LIMIT_FIELD);

	return text != NULL && text[0] >= '0' && text[0] <= '9' ? strtoll(text, NULL, 10) : INT64_MAX;
}

static uint64_t
run_deadline_ns(const struct run *run)
{
	const struct httpcheck_config *cfg = run->perspective->cfg;
	const int64_t limit_ms = run_limit_ms(run);
	int64_t ms = run->request.deadline_ms.set ? run->request.deadline_ms.value :
	    cfg->deadline_ms;

	if (ms > cfg->max_deadline_ms)
		ms = cfg->max_deadline_ms;
	if (ms > limit_ms)
		ms = limit_ms;
	return exchange_started_ns(run->exchange) + (uint64_t)ms * 1000000;
}

struct run *
run_begin(struct exchange *x, struct perspective *p, enum check_type type,
    void (*judge)(struct run *run, struct json_faults *faults))
{
	struct run *run = calloc(1, sizeof(*run));
	struct json_faults faults;

	if (run == NULL || !random_pool_take(&p->random, &run->nonce, sizeof(run->nonce))) {
		free(run);
		exchange_refuse(x, 500, "out of memory");
		return NULL;
	}
	run->perspective = p;
	run->exchange = x;
	(void)exchange_trace(x, &p->random, &run->trace);
	json_faults_init(&faults);
	if (!run_read(run, type, judge, &faults)) {
		run_log_refused(run, type, &faults);
		reply_faults(x, &faults);
		run_free(run);
		return NULL;
	}
	run->deadline_ns = run_deadline_ns(run);
	exchange_on_gone(x, run_gone, run);
	return run;
}

int64_t
run_left_ms(const struct run *run)
{
	uint64_t now = monotonic_ns();

	return now < run->deadline_ns ? (int64_t)((run->deadline_ns - now + 999999) / 1000000) : 1;
}

uint64_t
run_nonce(struct run *run)
{
	return run->nonce++;
}
