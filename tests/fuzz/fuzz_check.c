/* Check requests and results: decoding either never fails silently, and encoding it is a fixed point. */
#include <string.h>

#include "buf.h"
#include "check.h"
#include "fuzz.h"
#include "json_scan.h"

/* A target is judged without a fault of ours, and what the method requires is there. */
static void
check_target(const struct check_request *r)
{
	const char *text = r->domain_or_ip_target;
	struct json_faults faults;
	struct target target;

	json_faults_init(&faults);
	REQUIRE(r->dcv.set && r->dcv.method >= 0 && r->dcv.method < DCV_METHOD_COUNT);
	if (target_parse(&target, text, strlen(text), NULL))
		REQUIRE(check_dcv_target(&r->dcv, &target, "t", &faults) == (faults.count == 0));
}

static void
check_request(enum check_type type, const char *text, size_t len)
{
	struct buf once = BUF_INIT((size_t)1024 * 1024), twice = BUF_INIT((size_t)1024 * 1024);
	struct json_faults faults;
	struct check_request r, again;

	json_faults_init(&faults);
	if (check_request_decode(&r, type, text, len, &faults)) {
		REQUIRE(faults.count == 0 && r.domain_or_ip_target != NULL);
		if (type == CHECK_DCV)
			check_target(&r);
		check_request_encode(&r, &once);
		REQUIRE(check_request_decode(&again, type, once.data, once.len, &faults));
		check_request_encode(&again, &twice);
		REQUIRE(strcmp(once.data, twice.data) == 0);
		check_request_free(&again);
	} else {
		REQUIRE(faults.count > 0);
	}
	check_request_free(&r);
	buf_free(&once);
	buf_free(&twice);
}

static void
check_result(enum check_type type, const char *text, size_t len)
{
	struct json_scanned scanned;
	struct json_faults faults;
	struct check_result r;

	json_faults_init(&faults);
	if (check_result_decode(&r, type, text, len, &faults)) {
		/* It is spliced into an answer as it is. */
		REQUIRE(json_scan(text, len, NULL, &scanned));
		REQUIRE(r.check_passed || r.problem.problem != PROBLEM_NONE);
		REQUIRE(strlen(r.problem.message) < CHECK_MESSAGE_MAX);
	} else {
		REQUIRE(faults.count > 0);
	}
	check_result_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	for (int type = 0; type < CHECK_TYPE_COUNT; type++) {
		check_request(type, (const char *)data, len);
		check_result(type, (const char *)data, len);
	}
	return 0;
}
