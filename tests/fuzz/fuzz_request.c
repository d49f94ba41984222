/* POST /mpic: whatever the body, a request that is in order or at least one fault. */
#include <string.h>

#include "buf.h"
#include "coordinator/quorum.h"
#include "coordinator/request.h"
#include "fuzz.h"
#include "json_scan.h"

static const struct mpic_limits limits = { .perspectives = 10, .default_perspectives = 6,
	.max_attempts = 3, .default_deadline_ms = 20000, .max_deadline_ms = 60000,
	.own_caa_domains = true };

/* What the rest of the coordinator relies on. */
static void
check_good(const struct mpic_request *r)
{
	REQUIRE(r->perspectives >= 2 && r->perspectives <= limits.perspectives);
	REQUIRE(quorum_allowed(r->perspectives, (int64_t)r->quorum));
	REQUIRE(r->attempts >= 1 && r->attempts <= limits.max_attempts);
	REQUIRE(r->deadline_ms >= 1 && r->deadline_ms <= limits.max_deadline_ms);
	REQUIRE(r->check_type == CHECK_CAA && !target_is_ip(&r->target));
	REQUIRE(r->target.name.len > 0);
}

/* What we send on, or answer with, is JSON. */
static void
check_json(const struct buf *text)
{
	struct json_scanned scanned;

	REQUIRE(!text->failed && json_scan(text->data, text->len, NULL, &scanned));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf text = BUF_INIT((size_t)1024 * 1024);
	struct json_faults faults;
	struct mpic_request r;
	bool ok;

	json_faults_init(&faults);
	ok = mpic_request_decode(&r, &limits, (const char *)data, len, &faults);
	REQUIRE(ok == (faults.count == 0));
	if (ok) {
		check_good(&r);
		check_caa_parameters_encode(&r.caa, &text);
	} else {
		json_faults_encode(&faults, "request-validation-failed", &text);
	}
	check_json(&text);
	mpic_request_free(&r);
	buf_free(&text);
	return 0;
}
