/* corroborator.h: whose word a result is, on its way through a gateway and without one. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "coordinator/corroborator.h"
#include "signing_key.h"

#define RESULT(passed, nonce) "{\"check_completed\":true,\"check_passed\":" passed "," \
	"\"check_type\":\"caa\",\"perspective_code\":\"a\",\"nonce\":\"" nonce "\"," \
	"\"domain_or_ip_target\":\"a.com\",\"details\":{\"caa_record_present\":false}}"
#define REQUEST	"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"	/* SHA-256 of nothing */
#define OTHER	"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFA"

/* What a perspective said, what of it was changed on the way, and what comes of it. */
static const struct {
	const char *result, *nonce, *request;	/* NULL result: not signed at all */
	const char *change, *into;		/* NULL: nothing */
	enum problem behind_gateway, glanced;
} rows[] = {
	{ RESULT("true", "n1"), "n1", REQUEST, NULL, NULL, PROBLEM_NONE, PROBLEM_NONE },
	/* A signature that is there satisfies a glance. */
	{ RESULT("false", "n1"), "n1", REQUEST, "\"check_passed\":false", "\"check_passed\": true",
	    PROBLEM_SIGNATURE_INVALID, PROBLEM_NONE },
	{ RESULT("true", "n1"), "n1", OTHER, NULL, NULL, PROBLEM_SIGNATURE_INVALID, PROBLEM_NONE },
	{ RESULT("true", "n0"), "n0", REQUEST, NULL, NULL, PROBLEM_SIGNATURE_INVALID,
	    PROBLEM_RESULT_MISMATCH },
	{ RESULT("true", "n0"), "n0", REQUEST, "\"nonce\":\"n0\"", "\"nonce\":\"n1\"",
	    PROBLEM_SIGNATURE_INVALID, PROBLEM_NONE },
	/* What is signed, and not what was signed for. */
	{ RESULT("true", "n0"), "n1", REQUEST, NULL, NULL, PROBLEM_RESULT_MISMATCH,
	    PROBLEM_RESULT_MISMATCH },
	{ NULL, "n1", REQUEST, NULL, NULL, PROBLEM_SIGNATURE_INVALID, PROBLEM_SIGNATURE_INVALID },
};

static void
write_result(size_t row, struct buf *out)
{
	const struct signature_claims claims = { .perspective_code = "a", .check_type = "caa",
		.target = "a.com", .nonce = rows[row].nonce, .timestamp_ns = { true, 1 },
		.request_sha256 = rows[row].request, .software_version = "Parallax 0" };
	char *at;

	*out = BUF_INIT(CHECK_RESULT_MAX);
	buf_adds(out, rows[row].result != NULL ? rows[row].result : RESULT("true", "n1"));
	if (rows[row].result != NULL)
		assert_true(signature_add(signing_key, &claims, out));
	if (rows[row].change == NULL)
		return;
	at = strstr(out->data, rows[row].change);
	assert_non_null(at);
	assert_int_equal(strlen(rows[row].change), strlen(rows[row].into));
	memcpy(at, rows[row].into, strlen(rows[row].into));
}

static enum problem
judge(size_t row, bool gateway, bool verify)
{
	const struct perspective p = { .code = "a", .gateway = gateway, .verify_key = signing_key };
	const struct corroborator_asked asked = { .nonce = "n1", .target = "a.com",
		.request_sha256 = REQUEST, .verify = verify };
	struct corroborator c;
	enum problem problem;
	struct buf reply;

	corroborator_init(&c, &p, CHECK_CAA, 0);
	write_result(row, &reply);
	corroborator_judge(&c, &asked, 200, &reply);
	buf_free(&reply);
	problem = c.problem;
	assert_int_equal(c.passed, problem == PROBLEM_NONE);
	assert_true(problem == PROBLEM_NONE || corroborator_suspect(&c));
	corroborator_free(&c);
	return problem;
}

/* Whatever share of the others is verified. */
static void
test_whose_word(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(judge(i, true, true), rows[i].behind_gateway);
		assert_int_equal(judge(i, true, false), rows[i].behind_gateway);
		assert_int_equal(judge(i, false, false), rows[i].glanced);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose_word),
	};

	return cmocka_run_group_tests(tests, signing_key_read, signing_key_free);
}
