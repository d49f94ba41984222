/*
 * A coordinator's requests with stand-ins for the exchange, the calls and the
 * log. Calls end when a test says so; what came of requests is counted.
 */
#ifndef MPIC_TEST_ATTEMPT_FIXTURE_H
#define MPIC_TEST_ATTEMPT_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/corroboration.h"

#define N		6
#define MANY		1000
#define CALLS_MAX	(2 * (N + 1) * MANY)

#define ASK "{\"check_type\":\"caa\",\"domain_or_ip_target\":\"www.customer.example.com\"," \
	"\"trace_identifier\":\"3c1c7c8e-7a5c-4a50-8e2c-6a4c8f1b8b4e\"," \
	"\"caa_check_parameters\":{\"certificate_type\":\"tls-server\",\"caa_domains\":" \
	"[\"ca1.com\",\"ca1.net\"]},\"orchestration_parameters\":{\"max_attempts\":2," \
	"\"perspective_count\":6}}"
#define DCV "\"domain_or_ip_target\":\"www.customer.example.com\",\"trace_identifier\":\"t\"," \
	"\"caa_check_parameters\":{\"caa_domains\":[\"ca1.com\",\"ca1.net\"]}," \
	"\"dcv_check_parameters\":{\"validation_method\":\"acme-http-01\",\"token\":" \
	"\"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA\",\"key_authorization\":" \
	"\"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA." \
	"9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI\"}," \
	"\"orchestration_parameters\":{\"max_attempts\":2,\"perspective_count\":6}}"
#define ASK_DCV "{\"check_type\":\"dcv\"," DCV
#define ASK_BOTH "{\"check_type\":\"dcv_with_caa\"," DCV
#define DCV_RESULT(passed, method) "{\"check_completed\":true,\"check_passed\":" passed "," \
	"\"errors\":null,\"timestamp_ns\":1,\"check_type\":\"dcv\",\"details\":{" method "}}"
#define HTTP_01 "\"validation_method\":\"acme-http-01\""
#define PASSED "{\"check_completed\":true,\"check_passed\":true,\"errors\":null," \
	"\"timestamp_ns\":1,\"check_type\":\"caa\",\"details\":{\"caa_record_present\":true}}"
#define FORBIDDEN "{\"check_completed\":true,\"check_passed\":false,\"errors\":null," \
	"\"timestamp_ns\":1,\"check_type\":\"caa\",\"details\":{\"caa_record_present\":true}}"

struct exchange {
	unsigned replies;
	int status;
	void (*gone)(struct exchange *x, void *arg);
	void *gone_arg;
	const char *parents[2], *state;	/* its headers: traceparent and tracestate */
};

extern const char ask_caa[], ask_dcv[], ask_both[];
extern const char *ask;			/* the body of the next request */
extern const struct caller asking;
/* N members of three RIRs; one more behind them, for a primary. */
extern struct fleet fleet;
extern struct corroborator_pool pool;

/* NULL once it was answered or given up; in the order they were made. */
extern struct call *calls[CALLS_MAX];
extern size_t call_members[CALLS_MAX];	/* of the fleet */
extern size_t call_count;
extern bool calls_fail;			/* at once, as without memory */

/* `outcome` and `results` are those of the last line of the log, `outcomes` of all. */
extern unsigned records, refusals;
extern char outcome[32], results[512], outcomes[512], method[64], trace_id[64];

extern unsigned answers[ANSWER_COUNT];
extern unsigned hearings[NOT_ASKED + 1];	/* by enum hearing */
extern unsigned votes[VOTE_APART + 1];		/* by enum vote */
extern unsigned disagreements;
extern size_t attempts;

/* What passes and fails a check of domain control. */
extern const char control[], no_control[];

int setup(void **state);
int teardown(void **state);
/* The same with a primary, the fleet's last member. */
int setup_primary(void **state);

/* Ends a call, if it is still waited for; the names in the result are the perspective's own. */
void reply(size_t i, const char *text);
/* The calls of this check from `from` on: the first `pass` answer yes, then `fail` no. */
void reply_check(size_t from, enum check_type type, size_t pass, size_t fail);
/* What must hold once a request is over. */
void assert_over(const struct exchange *x, int status, enum answer answer, unsigned count);

#endif
