/* coordinator/response.h: Open MPIC's shape to the letter, ours after it; verdict.h reads it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <json-c/json.h>

#include "coordinator/response.h"
#include "coordinator/verdict.h"
#include "open_mpic.h"

#define N 3

static struct perspective fleet[N + 1] = {
	{ .code = "aws:us-east-1", .rir = RIR_ARIN },
	{ .code = "aws:eu-central-1", .rir = RIR_RIPE_NCC },
	{ .code = "aws:ap-south-1", .rir = RIR_APNIC },
	{ .code = "aws:sa-east-1", .rir = RIR_LACNIC, .primary = true },
};

/* An attempt, and where its parts are. */
struct made {
	struct attempt attempt;
	struct poll polls[MPIC_CHECKS_MAX];
	struct corroborator corroborators[MPIC_CHECKS_MAX][N], primaries[MPIC_CHECKS_MAX];
};

/* One perspective's result: p passed, f says no, u could not be reached, c was not awaited. */
static void
corroborator_make(struct corroborator *c, const struct mpic_request *q, enum check_type type,
    size_t i, char vote)
{
	struct buf raw = BUF_INIT(CHECK_RESULT_MAX);
	struct check_result r;

	corroborator_init(c, &fleet[i], type, q->dcv.method);
	if (vote == 'u') {
		corroborator_fail(c, PROBLEM_PERSPECTIVE_UNREACHABLE, "gone");
		c->timestamp_ns = 0;
		return;
	}
	if (vote == '.')
		return;	/* not asked */
	if (vote == 'c') {
		corroborator_fail(c, PROBLEM_CANCELLED, "too late");
		c->timestamp_ns = 0;
		return;
	}
	check_result_init(&r, type);
	r.check_completed = r.check_passed = true;
	r.caa.dnssec_status = r.dcv.dnssec_status = CHECK_DNSSEC_SECURE - (int)i;
	r.dcv.method = q->dcv.method;
	if (vote == 'f')
		check_result_fail(&r, type == CHECK_CAA ? PROBLEM_CAA_FORBIDS :
		    PROBLEM_NO_MATCH, "no means no");
	check_result_encode(&r, &raw);
	corroborator_take(c, &r, &raw);
}

/*
 * `votes` of the members, the primary's first if there is a ':', those of the second check
 * behind a '/'. An 'a' passed on something else than the primary,
 * a '.' was not asked.
 */
static void
attempt_make(struct made *m, const struct mpic_request *q, size_t number, const char *votes)
{
	bool primary = votes[1] == ':';
	size_t count = strcspn(votes, "/") - (primary ? 2 : 0);

	m->attempt = (struct attempt){ .number = number, .count = count, .has_primary = primary,
		.poll_count = q->check_type->count, .polls = m->polls };
	for (size_t k = 0; k < m->attempt.poll_count; k++, votes += count + 1) {
		struct poll *poll = &m->polls[k];

		*poll = (struct poll){ .type = q->check_type->checks[k],
			.corroborators = m->corroborators[k],
			.ballot = { .perspectives = count, .required = 2, .regions = count > 2 ? 2 : 1 } };
		if (primary) {
			corroborator_make(&m->primaries[k], q, poll->type, N, votes[0]);
			poll->primary = &m->primaries[k];
			poll->ballot.has_primary = true;
			poll->ballot.primary = (uint8_t)(votes[0] == 'c' ? VOTE_CANCELLED :
			    corroborator_vote(poll->primary));
			votes += 2;
		}
		for (size_t i = 0; i < count; i++) {
			corroborator_make(&m->corroborators[k][i], q, poll->type, i, votes[i]);
			poll->ballot.votes[i] = votes[i] == 'c' ? VOTE_CANCELLED :
			    votes[i] == '.' ? VOTE_PENDING : corroborator_vote(&m->corroborators[k][i]);
			if (votes[i] == 'a') {
				corroborator_set_apart(&m->corroborators[k][i], "not the same");
				poll->ballot.votes[i] = VOTE_APART;
			}
			poll->ballot.rirs[i] = fleet[i].rir;
		}
		poll_close(poll);
	}
}

static void
attempt_drop(struct made *m)
{
	for (size_t k = 0; k < m->attempt.poll_count; k++)
		for (size_t i = 0; i < m->attempt.count; i++)
			corroborator_free(&m->corroborators[k][i]);
	for (size_t k = 0; m->attempt.has_primary && k < m->attempt.poll_count; k++)
		corroborator_free(&m->primaries[k]);
}

static struct mpic_request
request_for(const char *check_type)
{
	return (struct mpic_request){ .domain_or_ip_target = "C1.com", .perspectives = N,
		.quorum = 2, .check_type = mpic_check_type_find(check_type) };
}

static struct mpic_request
request_plain(void)
{
	return request_for("caa");
}

static void
encode(const struct mpic_request *q, const char *const *votes, size_t attempts,
    struct buf *out)
{
	struct made m[4];
	struct attempt a[4];
	const struct rules rules = policy_at(open_mpic(), 0);
	struct buf echo = BUF_INIT(4096);
	struct mpic_response r = { .rules = &rules, .attempts = a, .attempt_count = attempts,
	    .elapsed_ms = 12 };

	question_echo_encode(q, &echo);
	r.echo = echo.data;
	for (size_t i = 0; i < attempts; i++) {
		attempt_make(&m[i], q, i + 1, votes[i]);
		a[i] = m[i].attempt;
		a[i].remotes_not_asked = strstr(votes[i], ":...") != NULL;
	}
	mpic_response_encode(&r, out);
	for (size_t i = 0; i < attempts; i++)
		attempt_drop(&m[i]);
	buf_free(&echo);
}

#define ROW(rule, members) "{\"rule\":\"" rule "\",\"document\":\"Open MPIC\"," \
	"\"version\":\"3.5.0\",\"section\":null,\"from\":null," members "}"
/* What ends an answer; of two perspectives no RIR's region is demanded. */
#define RULES_OF(regions) ",\"policy\":{\"name\":\"open-mpic\",\"document\":\"Open MPIC\"," \
	"\"version\":\"3.5.0\",\"rows\":[" ROW("remotes", "\"value\":2") "," \
	ROW("may_fail", "\"remotes\":2,\"value\":1") "," regions \
	ROW("distance_km", "\"value\":500") "]},\"compliance\":[]}"
#define RULES_OF_2 RULES_OF("")
#define RULES_OF_3 RULES_OF(ROW("rir_regions", "\"remotes\":3,\"value\":2") ",")

static struct json_object *
member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("there is no %s", key);
	return value;
}

static void
test_shape(void **state)
{
	static const char begins[] = "{\"mpic_completed\":true,"
	    "\"request_orchestration_parameters\":null,\"check_type\":\"caa\","
	    "\"domain_or_ip_target\":\"C1.com\",\"trace_identifier\":null,"
	    "\"caa_check_parameters\":null,\"actual_orchestration_parameters\":"
	    "{\"perspective_count\":3,\"quorum_count\":2,\"attempt_count\":1},"
	    "\"is_valid\":true,\"perspectives\":[{\"perspective_code\":\"aws:us-east-1\",\"check_response\":"
	    "{\"check_completed\":true,\"check_passed\":true,\"errors\":null,\"timestamp_ns\":0,"
	    "\"check_type\":\"caa\",\"details\":{";
	static const char ends[] = ",\"rir\":\"APNIC\"}],"
	    "\"previous_attempt_results\":null,\"quorum\":\"3/3\",\"dnssec_status\":"
	    "\"indeterminate\",\"elapsed_ms\":12,\"trace_id\":null,\"problem\":null" RULES_OF_3;
	const struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536);

	encode(&q, (const char *[]){ "ppp" }, 1, &out);
	assert_memory_equal(out.data, begins, sizeof(begins) - 1);
	assert_string_equal(out.data + out.len - (sizeof(ends) - 1), ends);
	buf_free(&out);
}

static void
test_echo(void **state)
{
	struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536);

	q.orchestration.set = true;
	q.orchestration.perspective_count = (struct json_int){ true, 3 };
	q.trace_identifier = "t-1";
	q.caa.set = true;
	q.caa.caa_domains = (struct json_list){ true, 1, { "ca1.com" } };
	encode(&q, (const char *[]){ "ppp" }, 1, &out);
	assert_non_null(strstr(out.data, "\"request_orchestration_parameters\":"
	    "{\"perspective_count\":3,\"quorum_count\":null,\"max_attempts\":null,"
	    "\"cohort_for_single_attempt\":null}"));
	assert_non_null(strstr(out.data, "\"trace_identifier\":\"t-1\""));
	assert_non_null(strstr(out.data, "\"caa_check_parameters\":{\"certificate_type\":"
	    "\"tls-server\",\"caa_domains\":[\"ca1.com\"],\"allow_lookup_failure\":false}"));
	buf_free(&out);
}

/* Votes, and what is said of them. */
static const struct {
	const char *votes, *quorum, *problem;
	bool completed, valid;
} verdicts[] = {
	{ "ppp", "3/3", NULL, true, true },
	{ "ppf", "2/3", NULL, true, true },
	{ "ppu", "2/3", NULL, true, true },
	{ "pff", "1/3", "caa-forbids", true, false },
	{ "fff", "0/3", "caa-forbids", true, false },
	{ "puu", "1/3", "perspective-unreachable", false, false },
	{ "ffu", "0/3", "caa-forbids", true, false },
	{ "fuu", "0/3", "perspective-unreachable", false, false },
	/* What was not awaited is no failing, and is not why. */
	{ "ppc", "2/3", NULL, true, true },
	{ "pcf", "1/3", "caa-forbids", true, false },
	{ "ucu", "0/3", "perspective-unreachable", false, false },
	{ "fcu", "0/3", "caa-forbids", true, false },
};

static void
test_verdicts(void **state)
{
	const struct mpic_request q = request_plain();

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		struct buf out = BUF_INIT(65536);
		struct json_object *o, *problem;

		encode(&q, &verdicts[i].votes, 1, &out);
		o = json_tokener_parse(out.data);
		assert_non_null(o);
		assert_int_equal(json_object_get_boolean(member(o, "is_valid")),
		    verdicts[i].valid);
		assert_int_equal(json_object_get_boolean(member(o, "mpic_completed")),
		    verdicts[i].completed);
		assert_string_equal(json_object_get_string(member(o, "quorum")),
		    verdicts[i].quorum);
		problem = member(o, "problem");
		if (verdicts[i].problem == NULL)
			assert_null(problem);
		else
			assert_string_equal(json_object_get_string(member(problem, "code")),
			    verdicts[i].problem);
		json_object_put(o);
		buf_free(&out);
	}
}

/* Neither pass nor fail, and visible as such: of one check, and of one of two. */
static void
test_cancelled(void **state)
{
	struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536), text = BUF_INIT(65536);

	encode(&q, (const char *[]){ "pcp" }, 1, &out);
	assert_non_null(strstr(out.data, "{\"perspective_code\":\"aws:eu-central-1\","
	    "\"check_response\":{\"check_completed\":false,\"check_passed\":false,\"errors\":"
	    "[{\"error_type\":\"mpic_error:coordinator:remote_check\",\"error_message\":"
	    "\"too late\"}],"));
	assert_non_null(strstr(out.data, "\"problem\":{\"code\":\"cancelled\",\"message\":"
	    "\"too late\",\"fault\":\"coordinator\",\"retryable\":true}"));
	assert_non_null(strstr(out.data, "\"rir\":\"RIPE NCC\",\"cancelled\":true}"));
	assert_null(strstr(out.data, "\"rir\":\"ARIN\",\"cancelled\""));
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_YES);
	assert_non_null(strstr(text.data, "aws:eu-central-1         cancelled "));
	buf_reset(&out);
	q = request_for("dcv_with_caa");
	encode(&q, (const char *[]){ "ppp/ppc" }, 1, &out);
	assert_non_null(strstr(out.data, "\"rir\":\"APNIC\",\"cancelled\":true}"));
	assert_null(strstr(out.data, "\"rir\":\"RIPE NCC\",\"cancelled\""));
	buf_free(&out);
	buf_free(&text);
}

/* ---- with a primary ---- */

static const struct {
	const char *votes, *quorum, *problem, *says;
	bool completed, valid;
} determined[] = {
	{ "p:ppp", "3/3", NULL, NULL, true, true },
	{ "p:ppf", "2/3", NULL, NULL, true, true },
	{ "p:pff", "1/3", "caa-forbids", "1 of 3 remote perspectives corroborated; 2 needed. ", true,
	    false },
	{ "f:aaa", "0/3", "caa-forbids", "the primary, aws:sa-east-1, did not pass: no means no", true,
	    false },
	{ "f:ppp", "3/3", "caa-forbids", "the primary, aws:sa-east-1, did not pass: no means no", true,
	    false },
	{ "u:aaa", "0/3", "perspective-unreachable",
	    "the primary, aws:sa-east-1, came to no result: gone", false, false },
	{ "p:paa", "1/3", "not-corroborating", "1 of 3 remote perspectives corroborated; 2 needed. "
	    "aws:eu-central-1: not the same", true, false },
	{ "p:paf", "1/3", "not-corroborating", "not the same", true, false },
	{ "p:ppa", "2/3", NULL, NULL, true, true },
	{ "c:fff", "0/3", "caa-forbids", "0 of 3 remote", true, false },
	{ "f:...", "0/3", "caa-forbids", "the primary, ", true, false },
};

static void
test_primary(void **state)
{
	const struct mpic_request q = request_plain();

	for (size_t i = 0; i < sizeof(determined) / sizeof(determined[0]); i++) {
		bool asked = strstr(determined[i].votes, "...") == NULL;
		struct buf out = BUF_INIT(65536);
		struct json_object *o, *problem;

		encode(&q, &determined[i].votes, 1, &out);
		o = json_tokener_parse(out.data);
		assert_non_null(o);
		assert_string_equal(json_object_get_string(member(member(o, "primary"),
		    "perspective_code")), "aws:sa-east-1");
		assert_int_equal(json_object_array_length(member(o, "perspectives")), asked ? 3 : 0);
		assert_int_equal(json_object_object_get(o, "remotes") != NULL, !asked);
		assert_null(json_object_object_get(o, "previous_primary_results"));
		assert_int_equal(json_object_get_boolean(member(o, "is_valid")), determined[i].valid);
		assert_int_equal(json_object_get_boolean(member(o, "mpic_completed")),
		    determined[i].completed);
		assert_string_equal(json_object_get_string(member(o, "quorum")), determined[i].quorum);
		problem = member(o, "problem");
		assert_int_equal(problem == NULL, determined[i].problem == NULL);
		if (problem != NULL) {
			assert_string_equal(json_object_get_string(member(problem, "code")),
			    determined[i].problem);
			if (strstr(json_object_get_string(member(problem, "message")),
			    determined[i].says) == NULL)
				fail_msg("%s", json_object_get_string(problem));
		}
		json_object_put(o);
		buf_free(&out);
	}
}

static void
test_primary_of_two_checks(void **state)
{
	const struct mpic_request q = request_for("dcv_with_caa");
	struct buf out = BUF_INIT(65536), text = BUF_INIT(65536);
	struct json_object *o, *of;

	encode(&q, (const char *[]){ "p:.../f:..." }, 1, &out);
	o = json_tokener_parse(out.data);
	of = member(o, "verdicts");
	assert_string_equal(json_object_get_string(member(member(o, "problem"), "code")),
	    "caa-forbids");
	assert_string_equal(json_object_get_string(member(member(member(of, "dcv"), "problem"),
	    "code")), "remotes-not-asked");
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_NO);
	assert_non_null(strstr(text.data, " dcv no  quorum 0/3\n  primary\n  aws:sa-east-1            "
	    "passed "));
	assert_non_null(strstr(text.data, "  remotes were not asked\n"));
	json_object_put(o);
	buf_reset(&out);
	buf_reset(&text);
	encode(&q, (const char *[]){ "p:ppp/f:...", "p:ppa/p:app" }, 2, &out);
	o = json_tokener_parse(out.data);
	assert_int_equal(json_object_array_length(member(o, "previous_primary_results")), 1);
	assert_non_null(strstr(out.data, "\"rir\":\"APNIC\",\"not_corroborating\":{\"dcv\":{\"code\":"
	    "\"not-corroborating\",\"message\":\"not the same\",\"fault\":\"target\","
	    "\"retryable\":true}}}]"));
	assert_non_null(strstr(out.data, "\"rir\":\"ARIN\",\"not_corroborating\":{\"caa\":{"));
	assert_true(json_object_get_boolean(member(o, "is_valid")));
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_YES);
	assert_non_null(strstr(text.data, "  remotes\n"));
	assert_non_null(strstr(text.data, "not the same"));
	json_object_put(o);
	buf_free(&out);
	buf_free(&text);
}

static void
test_attempts(void **state)
{
	const struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536);
	struct json_object *o, *previous;

	encode(&q, (const char *[]){ "fff", "uup", "ppp" }, 3, &out);
	o = json_tokener_parse(out.data);
	previous = member(o, "previous_attempt_results");
	assert_int_equal(json_object_array_length(previous), 2);
	assert_int_equal(json_object_array_length(json_object_array_get_idx(previous, 1)), 3);
	assert_int_equal(json_object_get_int(member(member(o,
	    "actual_orchestration_parameters"), "attempt_count")), 3);
	assert_true(json_object_get_boolean(member(o, "is_valid")));
	json_object_put(o);
	buf_free(&out);
}

static void
test_refusal(void **state)
{
	struct buf out = BUF_INIT(4096);

	mpic_refusal_encode("The coordinator could not construct a cohort of size 4", "a.b", "k",
	    "because", &out);
	assert_string_equal(out.data, "{\"error\":\"The coordinator could not construct a cohort "
	    "of size 4\",\"validation_issues\":[{\"issue_type\":\"k\",\"message\":\"The "
	    "coordinator could not construct a cohort of size 4: because\",\"type\":\"k\",\"loc\":"
	    "[\"body\",\"a\",\"b\"],\"msg\":\"The coordinator could not construct a cohort of "
	    "size 4: because\"}]}");
	buf_free(&out);
}

/* ---- domain control ---- */

#define RESULT_BEGINS "{\"check_completed\":true,\"check_passed\":true,\"errors\":null," \
	"\"timestamp_ns\":0,\"check_type\":"
#define RESULT_ENDS ",\"perspective_code\":null,\"nonce\":null," \
	"\"domain_or_ip_target\":null,\"problem\":null," \
	"\"elapsed_ms\":null,\"evidence\":null}"
#define GONE_BEGINS "{\"check_completed\":false,\"check_passed\":false,\"errors\":" \
	"[{\"error_type\":\"mpic_error:coordinator:remote_check\",\"error_message\":\"gone\"}]," \
	"\"timestamp_ns\":0,\"check_type\":"
#define GONE_ENDS ",\"perspective_code\":\"aws:eu-central-1\",\"nonce\":null," \
	"\"domain_or_ip_target\":null,\"problem\":" \
	"{\"code\":\"perspective-unreachable\",\"message\":\"gone\",\"fault\":\"perspective\"," \
	"\"retryable\":true},\"elapsed_ms\":null,\"evidence\":null}"
#define ECHO(check_type) "{\"mpic_completed\":false,\"request_orchestration_parameters\":null," \
	"\"check_type\":\"" check_type "\",\"domain_or_ip_target\":\"C1.com\"," \
	"\"trace_identifier\":null,\"dcv_check_parameters\":"
#define ACTUAL ",\"actual_orchestration_parameters\":{\"perspective_count\":2," \
	"\"quorum_count\":2,\"attempt_count\":1},\"is_valid\":"
#define FIRST ",\"perspectives\":[{\"perspective_code\":\"aws:us-east-1\",\"check_response\":"
#define SECOND ",\"rir\":\"ARIN\"},{\"perspective_code\":\"aws:eu-central-1\",\"check_response\":"
#define LAST ",\"rir\":\"RIPE NCC\"}],\"previous_attempt_results\":null"

/* Whole answers: one perspective that passed, one that could not be reached. */
static const struct {
	struct check_dcv_parameters parameters;
	const char *echo, *passed, *gone;
} answers[] = {
	{ { .set = true, .method = DCV_ACME_HTTP_01, .token = "t", .key_authorization = "t.k" },
	    "{\"validation_method\":\"acme-http-01\",\"require_exact_case\":true,\"token\":\"t\","
	    "\"key_authorization\":\"t.k\",\"http_headers\":null}",
	    "{\"validation_method\":\"acme-http-01\",\"response_history\":null,\"response_url\":null,"
	    "\"response_status_code\":null,\"response_page\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":\"secure\",\"resolved_ip\":null,\"addresses_tried\":[]}",
	    "{\"validation_method\":\"acme-http-01\",\"response_history\":null,\"response_url\":null,"
	    "\"response_status_code\":null,\"response_page\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":null,\"resolved_ip\":null,\"addresses_tried\":[]}" },
	{ { .set = true, .method = DCV_ACME_DNS_01, .key_authorization_hash = "h",
		.dns_record_type = DCV_TXT },
	    "{\"validation_method\":\"acme-dns-01\",\"require_exact_case\":true,"
	    "\"key_authorization_hash\":\"h\"}",
	    "{\"validation_method\":\"acme-dns-01\",\"records_seen\":null,\"response_code\":null,"
	    "\"ad_flag\":null,\"found_at\":null,\"cname_chain\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":\"secure\"}",
	    "{\"validation_method\":\"acme-dns-01\",\"records_seen\":null,\"response_code\":null,"
	    "\"ad_flag\":null,\"found_at\":null,\"cname_chain\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":null}" },
	{ { .set = true, .method = DCV_ACME_TLS_ALPN_01, .key_authorization_hash = "h" },
	    "{\"validation_method\":\"acme-tls-alpn-01\",\"require_exact_case\":false,"
	    "\"key_authorization_hash\":\"h\"}",
	    "{\"validation_method\":\"acme-tls-alpn-01\",\"common_name\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":\"secure\",\"resolved_ip\":null,\"addresses_tried\":[]}",
	    "{\"validation_method\":\"acme-tls-alpn-01\",\"common_name\":null,\"matched\":null,"
	    "\"relied_on\":null,"
	    "\"dnssec_status\":null,\"resolved_ip\":null,\"addresses_tried\":[]}" },
};

#define UNREACHED_PROBLEM "\"problem\":{\"code\":\"perspective-unreachable\",\"message\":" \
	"\"1 of 2 perspectives corroborated; 2 needed. aws:eu-central-1: gone\",\"fault\":" \
	"\"perspective\",\"retryable\":true}"

static void
test_shape_of_dcv(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct mpic_request q = request_for("dcv");
		struct buf out = BUF_INIT(65536), expected = BUF_INIT(65536);

		q.dcv = answers[i].parameters;
		encode(&q, (const char *[]){ "pu" }, 1, &out);
		buf_addf(&expected, ECHO("dcv") "%s" ACTUAL "false" FIRST RESULT_BEGINS
		    "\"dcv\",\"details\":%s" RESULT_ENDS SECOND GONE_BEGINS "\"dcv\",\"details\":%s"
		    GONE_ENDS LAST ",\"quorum\":\"1/2\",\"dnssec_status\":\"secure\","
		    "\"elapsed_ms\":12,\"trace_id\":null," UNREACHED_PROBLEM RULES_OF_2, answers[i].echo,
		    answers[i].passed, answers[i].gone);
		assert_string_equal(out.data, expected.data);
		buf_free(&out);
		buf_free(&expected);
	}
}

/* A method whose row has begun: the answer says so. */
static void
test_compliance(void **state)
{
	static const char text[] = "{ name: n, document: D, version: 1, rows: "
	    "[{ rule: retired, from: 2026-03-15, section: 3.2.2.4.8, method: ip-address }] }";
	struct buf out = BUF_INIT(65536), faults = BUF_INIT(1024);
	const struct mpic_request q = request_plain();
	struct policy policy = { .name = NULL };
	const struct rules rules = policy_at(&policy, 0);
	struct made m;
	struct mpic_response r = { .echo = "", .rules = &rules, .attempts = &m.attempt,
		.attempt_count = 1 };
	static const char ends[] = ",\"compliance\":[{\"message\":\"D 1 section 3.2.2.4.8, "
	    "from 2026-03-15: ip-address is not to be relied on\",\"row\":{\"rule\":\"retired\","
	    "\"document\":\"D\",\"version\":\"1\",\"section\":\"3.2.2.4.8\","
	    "\"from\":\"2026-03-15\",\"method\":\"ip-address\"}}]}";

	assert_true(policy_parse(&policy, "p", text, strlen(text), &faults));
	r.retired = &policy.rows[0];
	attempt_make(&m, &q, 1, "ppp");
	mpic_response_encode(&r, &out);
	assert_memory_equal(out.data + out.len - strlen(ends), ends, strlen(ends));
	attempt_drop(&m);
	policy_free(&policy);
	buf_free(&out);
}

#define CAA_DETAILS(dnssec) "{\"caa_record_present\":null,\"found_at\":null," \
	"\"records_seen\":null,\"dnssec_status\":" dnssec ",\"reason\":null," \
	"\"deciding_record\":null,\"looked_up\":null}"

static void
test_shape_of_dcv_with_caa(void **state)
{
	struct mpic_request q = request_for("dcv_with_caa");
	struct buf out = BUF_INIT(65536), expected = BUF_INIT(65536);

	q.dcv = answers[0].parameters;
	encode(&q, (const char *[]){ "pu/pp" }, 1, &out);
	buf_addf(&expected, ECHO("dcv_with_caa") "%s,\"caa_check_parameters\":null" ACTUAL "false"
	    FIRST RESULT_BEGINS "\"dcv\",\"details\":%s" RESULT_ENDS ",\"caa_check_response\":"
	    RESULT_BEGINS "\"caa\",\"details\":" CAA_DETAILS("\"secure\"") RESULT_ENDS
	    SECOND GONE_BEGINS "\"dcv\",\"details\":%s" GONE_ENDS ",\"caa_check_response\":"
	    RESULT_BEGINS "\"caa\",\"details\":" CAA_DETAILS("\"insecure\"") RESULT_ENDS LAST
	    ",\"verdicts\":{\"dcv\":{\"is_valid\":false,\"quorum\":\"1/2\","
	    "\"dnssec_status\":\"secure\"," UNREACHED_PROBLEM "},\"caa\":{\"is_valid\":true,"
	    "\"quorum\":\"2/2\",\"dnssec_status\":\"insecure\",\"problem\":null}},"
	    "\"quorum\":\"1/2\",\"dnssec_status\":\"insecure\",\"elapsed_ms\":12,\"trace_id\":null,"
	    UNREACHED_PROBLEM RULES_OF_2, answers[0].echo, answers[0].passed, answers[0].gone);
	assert_string_equal(out.data, expected.data);
	buf_free(&out);
	buf_free(&expected);
}

/* Two ballots: each needs two votes of three, from the regions of two RIRs. */
static const struct {
	const char *votes;
	bool dcv, caa, completed;
	const char *quorum, *problem, *says;
} both[] = {
	{ "ppp/ppp", true, true, true, "3/3", NULL, NULL },
	{ "ppf/ppp", true, true, true, "2/3", NULL, NULL },
	{ "ppp/fpp", true, true, true, "2/3", NULL, NULL },
	/* Different ones for each: the two checks are two questions. */
	{ "ppf/fpp", true, true, true, "2/3", NULL, NULL },
	{ "pff/ppp", false, true, true, "1/3", "no-match", "1 of 3" },
	{ "ppp/ffp", true, false, true, "1/3", "caa-forbids", "1 of 3" },
	{ "ppf/fff", true, false, true, "0/3", "caa-forbids", "0 of 3" },
	/* Both fail: domain control comes first. */
	{ "pff/fff", false, false, true, "1/3", "no-match", "1 of 3" },
	/* Enough votes of one check, but two of them from one RIR. */
	{ "pfp/ppp", false, true, true, "2/3", "no-match", "in the service region of one RIR" },
	{ "ppp/pfp", true, false, true, "2/3", "caa-forbids", "in the service region of one RIR" },
	{ "ppf/pfp", true, false, true, "2/3", "caa-forbids", "in the service region of one RIR" },
	/* Votes of one check are none for the other. */
	{ "pff/fpp", false, true, true, "1/3", "no-match", "1 of 3" },
	{ "puu/ppp", false, true, false, "1/3", "perspective-unreachable", "gone" },
	{ "ppp/uup", true, false, false, "1/3", "perspective-unreachable", "gone" },
	{ "ppu/upp", true, true, true, "2/3", NULL, NULL },
};

static bool
is_valid(struct json_object *o)
{
	struct json_object *value;

	return json_object_object_get_ex(o, "is_valid", &value) &&
	    json_object_get_boolean(value);
}

static void
test_two_verdicts(void **state)
{
	enum rir rir = fleet[2].rir;

	fleet[2].rir = fleet[0].rir;
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		struct mpic_request q = request_for("dcv_with_caa");
		struct buf out = BUF_INIT(65536);
		struct json_object *o, *problem;

		q.dcv = answers[0].parameters;
		encode(&q, &both[i].votes, 1, &out);
		o = json_tokener_parse(out.data);
		assert_non_null(o);
		assert_int_equal(is_valid(o), both[i].dcv && both[i].caa);
		assert_int_equal(is_valid(member(member(o, "verdicts"), "dcv")), both[i].dcv);
		assert_int_equal(is_valid(member(member(o, "verdicts"), "caa")), both[i].caa);
		assert_int_equal(json_object_get_boolean(member(o, "mpic_completed")),
		    both[i].completed);
		assert_string_equal(json_object_get_string(member(o, "quorum")), both[i].quorum);
		problem = member(o, "problem");
		if (both[i].problem == NULL) {
			assert_null(problem);
		} else {
			assert_string_equal(json_object_get_string(member(problem, "code")),
			    both[i].problem);
			assert_non_null(strstr(json_object_get_string(member(problem, "message")),
			    both[i].says));
		}
		json_object_put(o);
		buf_free(&out);
	}
	fleet[2].rir = rir;
}

static void
test_attempts_of_dcv_with_caa(void **state)
{
	struct mpic_request q = request_for("dcv_with_caa");
	struct buf out = BUF_INIT(65536);
	struct json_object *o, *previous, *row;

	q.dcv = answers[0].parameters;
	encode(&q, (const char *[]){ "ppp/fff", "fff/ppp" }, 2, &out);
	o = json_tokener_parse(out.data);
	previous = member(o, "previous_attempt_results");
	row = json_object_array_get_idx(json_object_array_get_idx(previous, 0), 2);
	assert_string_equal(json_object_get_string(member(member(row, "caa_check_response"),
	    "check_type")), "caa");
	assert_string_equal(json_object_get_string(member(member(row, "check_response"),
	    "check_type")), "dcv");
	assert_false(is_valid(o));
	json_object_put(o);
	buf_free(&out);
}

/* ---- the command-line tool's reading of it ---- */

static void
test_read_by_tool(void **state)
{
	const struct mpic_request q = request_plain();
	struct buf out = BUF_INIT(65536), text = BUF_INIT(65536);

	encode(&q, (const char *[]){ "ppf" }, 1, &out);
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_YES);
	assert_non_null(strstr(text.data, "yes  caa C1.com  quorum 2/3"));
	assert_non_null(strstr(text.data, "no means no"));
	buf_reset(&out);
	buf_reset(&text);
	encode(&q, (const char *[]){ "fff" }, 1, &out);
	assert_int_equal(verdict_read(422, out.data, out.len, &text), VERDICT_NO);
	buf_free(&out);
	buf_free(&text);
}

static void
test_dcv_read_by_tool(void **state)
{
	struct mpic_request q = request_for("dcv");
	struct buf out = BUF_INIT(65536), text = BUF_INIT(65536);

	q.dcv = answers[0].parameters;
	encode(&q, (const char *[]){ "ppf" }, 1, &out);
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_YES);
	assert_string_equal(text.data, "yes  dcv C1.com  quorum 2/3  DNSSEC indeterminate  12 ms\n"
	    "  aws:us-east-1            passed    -                        secure        \n"
	    "  aws:eu-central-1         passed    -                        insecure      \n"
	    "  aws:ap-south-1           failed    -                        indeterminate no means no\n");
	q = request_for("dcv_with_caa");
	q.dcv = answers[0].parameters;
	buf_reset(&out);
	buf_reset(&text);
	encode(&q, (const char *[]){ "pp/fu" }, 1, &out);
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_NO);
	assert_string_equal(text.data, "no  dcv_with_caa C1.com  quorum 0/2  DNSSEC insecure  12 ms\n"
	    " dcv yes  quorum 2/2\n"
	    "  aws:us-east-1            passed    -                        secure        \n"
	    "  aws:eu-central-1         passed    -                        insecure      \n"
	    " caa no  quorum 0/2\n"
	    "  aws:us-east-1            failed    -                        secure        no means no\n"
	    "  aws:eu-central-1         error     -                        -             gone\n"
	    "0 of 2 perspectives corroborated; 2 needed. aws:us-east-1: no means no\n");
	buf_free(&out);
	buf_free(&text);
}

static const struct {
	long status;
	const char *text, *says;
} unreadable[] = {
	{ 200, "{\"is_valid\":true,\"domain_or_ip_target\":\"a\",\"check_type\":\"dvc\","
	    "\"perspectives\":[]}", "none of a coordinator's: check_type" },
	{ 200, "", "no JSON" },
	{ 200, "[]", "none of a coordinator's" },
	{ 200, "{\"is_valid\":true}", "none of a coordinator's" },
	{ 200, "{\"is_valid\":true,\"domain_or_ip_target\":\"a\",\"check_type\":\"caa\","
	    "\"perspectives\":3}", "none of a coordinator's" },
	{ 400, "{\"error\":\"bad\",\"validation_issues\":[{\"message\":\"m\",\"loc\":[\"body\","
	    "\"a\",0]}]}", "a.0: m" },
	{ 403, "{\"detail\":\"not you\"}", "not you" },
	{ 503, "{}", "no reason given" },
	{ 400, "{\"error\":\"\x1b[2J\"}", "status 400" },
	{ 400, "{\"error\":\"\\u001b[2J\"}", "?[2J" },
	{ 400, "{\"error\":\"x\",\"validation_issues\":[1,null,{\"loc\":3}]}", "x" },
};

static void
test_unreadable_by_tool(void **state)
{
	for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++) {
		struct buf text = BUF_INIT(65536);

		assert_int_equal(verdict_read(unreadable[i].status, unreadable[i].text,
		    strlen(unreadable[i].text), &text), VERDICT_ERROR);
		if (strstr(text.data, unreadable[i].says) == NULL)
			fail_msg("%s", text.data);
		buf_free(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_compliance),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_primary),
		cmocka_unit_test(test_primary_of_two_checks),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_shape_of_dcv),
		cmocka_unit_test(test_shape_of_dcv_with_caa),
		cmocka_unit_test(test_two_verdicts),
		cmocka_unit_test(test_attempts_of_dcv_with_caa),
		cmocka_unit_test(test_read_by_tool),
		cmocka_unit_test(test_dcv_read_by_tool),
		cmocka_unit_test(test_unreadable_by_tool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
