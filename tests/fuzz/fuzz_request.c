/* POST /mpic: whatever the body, a request that is in order or at least one fault. */
#include <string.h>

#include "buf.h"
#include "coordinator/question.h"
#include "coordinator/quorum.h"
#include "coordinator/response.h"
#include "fuzz.h"
#include "json_scan.h"
#include "json_writer.h"
#include "../unit/open_mpic.h"

static struct suffixes suffixes;
static struct mpic_limits limits = { .perspectives = 10, .default_perspectives = 6,
	.max_attempts = 3, .default_deadline_ms = 20000, .max_deadline_ms = 60000,
	.suffixes = &suffixes, .cname_lookups = true, .own_caa_domains = true };

/* What the rest of the coordinator relies on. */
static void
check_good(const struct mpic_request *r)
{
	REQUIRE(r->perspectives >= 2 && r->perspectives <= limits.perspectives);
	REQUIRE(quorum_allowed(&r->quorum_rule, r->perspectives, (int64_t)r->quorum));
	REQUIRE(r->attempts >= 1 && r->attempts <= limits.max_attempts);
	REQUIRE(r->deadline_ms >= 1 && r->deadline_ms <= limits.max_deadline_ms);
	REQUIRE(r->check_type != NULL);
	if (mpic_check_type_has(r->check_type, CHECK_CAA))
		REQUIRE(!target_is_ip(&r->target) && r->target.name.len > 0);
	for (size_t i = 0; i < r->applied_for.count; i++)
		REQUIRE(r->applied_for.names[i].outcome != ADN_REFUSED);
	REQUIRE(r->dcv.set == mpic_check_type_has(r->check_type, CHECK_DCV));
	if (r->dcv.set)
		REQUIRE(dcv_method_refuses(r->dcv.method, &r->target) == NULL &&
		    dcv_method_section(r->dcv.method, &r->target) != NULL);
}

/* What we send on, or answer with, is JSON. */
static void
check_json(const struct buf *text)
{
	struct json_scanned scanned;

	REQUIRE(!text->failed && json_scan(text->data, text->len, NULL, &scanned));
}

/* Names that need no lookup: what is said of them is JSON. */
static void
check_names(const struct mpic_request *r, struct question *q)
{
	struct adn_question asked = mpic_request_adn(r, limits.suffixes);
	struct buf text = BUF_INIT((size_t)1024 * 1024);

	if (r->applied_for.count == 0 || applied_for_undecided(&r->applied_for))
		return;
	REQUIRE(question_set_names(q, &r->applied_for, &asked));
	buf_addf(&text, "{\"adn\":%s%s}", q->adn_answer, q->adn_record);
	check_json(&text);
	buf_free(&text);
}

/* What each perspective is asked is a request in order to it. */
static void
check_question(const struct mpic_request *r)
{
	static const struct caa_defaults defaults = { NULL, 0 };
	struct buf body = BUF_INIT(8 * CHECK_REQUEST_MAX);
	struct question q;

	REQUIRE(question_init(&q, r, &defaults));
	check_names(r, &q);
	for (size_t i = 0; i < q.type->count; i++) {
		struct json_faults faults;
		struct check_request asked;

		json_faults_init(&faults);
		buf_reset(&body);
		question_encode(&q, i, "00", 1000, &body);
		REQUIRE(!body.failed);
		REQUIRE(check_request_decode(&asked, q.type->checks[i], body.data, body.len,
		    &faults));
		REQUIRE(asked.type == q.type->checks[i]);
		REQUIRE(asked.type == CHECK_CAA || asked.dcv.set);
		check_request_free(&asked);
	}
	buf_free(&body);
	question_free(&q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf text = BUF_INIT((size_t)1024 * 1024);
	struct json_faults faults;
	struct mpic_request r;
	bool ok;

	json_faults_init(&faults);
	if (suffixes.psl == NULL)
		REQUIRE(suffixes_load(&suffixes, NULL, NULL));
	limits.rules = policy_at(open_mpic(), 0);
	ok = mpic_request_decode(&r, &limits, (const char *)data, len, &faults);
	REQUIRE(ok == (faults.count == 0));
	if (ok) {
		check_good(&r);
		check_question(&r);
		buf_addc(&text, '{');
		json_add_bool(&text, "\"is_echo\":", true);
		question_echo_encode(&r, &text);
		buf_addc(&text, '}');
	} else {
		json_faults_encode(&faults, "request-validation-failed", &text);
	}
	check_json(&text);
	mpic_request_free(&r);
	buf_free(&text);
	return 0;
}
