/*
 * Explanations of answers that were recorded in the mini-Internet, in
 * tests/fuzz/corpus/explain: what must be told, and what must not.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/clean_text.h"
#include "coordinator/explain.h"

#define SAYS_MAX	8

static struct buf
read_answer(const char *name)
{
	struct buf text = BUF_INIT(EXPLAIN_TEXT_MAX);
	const char *top = getenv("srcdir");
	char path[1024], bytes[4096];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/explain/%s", top != NULL ? top : ".", name);
	file = fopen(path, "re");
	if (file == NULL)
		fail_msg("%s: cannot be read", path);
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buf_add(&text, bytes, n);
	fclose(file);
	return text;
}

static size_t
occurrences(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		count++;
	return count;
}

static const struct {
	const char *name;
	enum verdict verdict;
	const char *says[SAYS_MAX], *not_said;
} answers[] = {
	{ "caa-half", VERDICT_NO, {
	    "half.com (caa): NOT VALID, corroborated by 3/6 (4 needed)\n",
	    "Found at: half.com\n", "Record: 0 issue \"other-ca.example\"\n",
	    "     half.com. IN CAA 0 issue \"ca1.com\"\n",
	    "perspectives in the same regions saw different things",
	    "servers that are not in step", "Asking again before that changes nothing" },
	    "Only a minority" },
	{ "caa-minority", VERDICT_NO, { "Only a minority saw what is expected", "attack" }, NULL },
	{ "caa-attempts", VERDICT_NO, { "after 1 earlier attempt\n" }, "Where:" },
	{ "caa-account", VERDICT_NO, { "It permits another account only (accounturi, RFC 8657)",
	    "account.com. IN CAA 0 issue \"ca1.com; accounturi=https://ca1.com/9\"\n" }, NULL },
	{ "caa-method", VERDICT_NO, { "It permits other methods of validation only",
	    "method.com. IN CAA 0 issue \"ca1.com; validationmethods=tls-alpn-01\"\n" }, NULL },
	{ "caa-wildcard", VERDICT_NO, { "*.wild.com (caa): NOT VALID",
	    "wild.com. IN CAA 0 issuewild \"ca1.com\"\n" }, "they hold for" },
	{ "dnssec-expired", VERDICT_NO, { "The domain's DNSSEC is broken",
	    "Asked for: CAA of expired.org\n", "the signatures have expired" }, NULL },
	{ "dns-refused", VERDICT_NO, { "Name server: 93.184.220.16 of refused.com: REFUSED\n",
	    "Name server: 2606:2800:220:f::10 of refused.com: REFUSED\n" }, NULL },
	{ "dns-no-record", VERDICT_NO, {
	    "_acme-challenge.gone.dcv.com. IN TXT \"8LX-W3cNZ_XG6z3yzUJ11ydCmkjOh-8mSNaVy2VxN_w\"\n" },
	    NULL },
	{ "unreachable", VERDICT_NO, { "The coordinator could not reach the perspective.",
	    "Nothing in the domain has to change." }, "Where:" },
	{ "both", VERDICT_NO, { " Domain control: NOT VALID, corroborated by 0/6\n",
	    " CAA: VALID, corroborated by 6/6\n", "Record: rkSKyGxOjk3sZFcpcI70GHOuecbf-E7_czYJiUh_COU" },
	    NULL },
	{ "http-status", VERDICT_NO, { "with status 403\n", "First bytes of the page: \"",
	    "Expected: lXG1yGLkSVbXoKsNR_1Mbq0Y-3gVYz2cGz0hJ5lT4dE.", "Tried: forbidden.web.com at " },
	    NULL },
	{ "http-redirect", VERDICT_NO, { "redirects to where a validation may not go" }, NULL },
	{ "http-loop", VERDICT_NO, { "Redirected: http://redirect-self.web.com/", " by 302 to " }, NULL },
	{ "http-other", VERDICT_NO, { "First bytes of the page: \"", "Expected: lXG1" }, NULL },
	{ "tls-timeout", VERDICT_NO, { "port 443: connection-timeout", "Expected in its acmeIdentifier: " },
	    NULL },
	{ "tls-bare", VERDICT_NO, { "shows a certificate without what proves control" }, NULL },
	{ "refused-members", VERDICT_ERROR, {
	    "1. orchestration_parameters.perspective_count: expected an integer",
	    "2. orchestration_parameters.quorum_count: Invalid quorum count: 99" }, NULL },
	{ "refused-json", VERDICT_ERROR, { "nothing of the domain was checked" }, NULL },
	{ "lines", VERDICT_ERROR, { "method.com (caa): NOT VALID", "Line 3 is no JSON",
	    "orchestration_parameters.perspective_count" }, NULL },
	{ "list", VERDICT_ERROR, { "account.com (caa): NOT VALID",
	    "orchestration_parameters.perspective_count" }, NULL },
	/* What another make says, and what is no result at all. */
	{ "open-mpic", VERDICT_NO, { "Said: no?[31m luck\n", "Cannot be read in this answer: y, ?\n",
	    "com. IN CAA 0 issue \"THE-CA'S-ISSUER-DOMAIN-NAME\"\n", "they hold for a.com" }, "\033" },
};

static void
test_answers(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct buf text = read_answer(answers[i].name), out = BUF_INIT(EXPLAIN_OUTPUT_MAX);

		assert_int_equal(explain(text.data, text.len, &out), answers[i].verdict);
		for (size_t k = 0; k < SAYS_MAX && answers[i].says[k] != NULL; k++)
			if (strstr(out.data, answers[i].says[k]) == NULL)
				fail_msg("%s: no \"%s\" in\n%s", answers[i].name, answers[i].says[k],
				    out.data);
		if (answers[i].not_said != NULL && strstr(out.data, answers[i].not_said) != NULL)
			fail_msg("%s: \"%s\" in\n%s", answers[i].name, answers[i].not_said, out.data);
		buf_free(&text);
		buf_free(&out);
	}
}

/* One cause is told once, whoever saw it, and every perspective is named once a check. */
static void
test_grouped(void **state)
{
	struct buf text = read_answer("caa-half"), out = BUF_INIT(EXPLAIN_OUTPUT_MAX);

	explain(text.data, text.len, &out);
	assert_int_equal(occurrences(out.data, "The domain's CAA records do not let"), 1);
	assert_int_equal(occurrences(out.data, "aws:eu-north-1"), 1);
	buf_free(&text);
	buf_free(&out);
}

/* A valid answer from `codes`: as many perspectives, one letter each. */
#define ENTRY(code, rir, rest) "{\"perspective_code\":\"" code "\",\"rir\":\"" rir "\"," rest "}"
#define PASSED "\"check_response\":{\"check_completed\":true,\"check_passed\":true," \
	"\"check_type\":\"dcv\",\"details\":{\"validation_method\":\"acme-http-01\"}}"
#define FAILED(code) "\"check_response\":{\"check_completed\":false,\"check_passed\":false," \
	"\"check_type\":\"dcv\",\"details\":{\"validation_method\":\"acme-http-01\"},\"problem\":" \
	"{\"code\":\"" code "\",\"message\":\"m\"}}"
#define ANSWER(entries) "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"a.com\"," \
	"\"is_valid\":true,\"perspectives\":[" entries "]}"

static const struct {
	const char *answer, *says, *not_said;
} places[] = {
	{ ANSWER(ENTRY("a", "ARIN", PASSED) "," ENTRY("b", "APNIC", FAILED("connection-timeout")) ","
	    ENTRY("c", "RIPE NCC", PASSED)),
	    "only perspectives in the service region of APNIC saw this; those in that of ARIN and "
	    "RIPE NCC did not.\n     Usual: a geo-block", "minority" },
	{ ANSWER(ENTRY("a", "ARIN", PASSED) "," ENTRY("b", "APNIC", FAILED("no-match")) ","
	    ENTRY("c", "ARIN", FAILED("no-match"))),
	    "the same regions saw different things.\n     Usual: servers that are not in step", NULL },
	/* A perspective's own failing is no view of the domain. */
	{ ANSWER(ENTRY("a", "ARIN", PASSED) "," ENTRY("b", "APNIC",
	    FAILED("perspective-unreachable"))), "could not reach the perspective", "Where:" },
	/* Nor is one that was not waited for. */
	{ ANSWER(ENTRY("a", "ARIN", FAILED("no-match")) "," ENTRY("b", "APNIC",
	    "\"cancelled\":true," FAILED("cancelled"))), "Not waited for, as the verdict was certain: "
	    "b (APNIC)", "Where:" },
	/* Of two checks of a perspective it may be the other that was not waited for. */
	{ ANSWER(ENTRY("a", "ARIN", PASSED) "," ENTRY("b", "APNIC", "\"cancelled\":true," PASSED)),
	    "b (APNIC)", "Not waited for" },
	/* It passed by itself, and not as the primary did. */
	{ ANSWER(ENTRY("a", "ARIN", PASSED) "," ENTRY("b", "APNIC",
	    "\"not_corroborating\":{\"dcv\":{\"message\":\"it is another contact\"}}," PASSED)),
	    "Seen by: b (APNIC)\n     Said: it is another contact\n", NULL },
	/* The primary is one of those who saw. */
	{ "{\"check_type\":\"dcv\",\"domain_or_ip_target\":\"a.com\",\"is_valid\":false,"
	    "\"perspectives\":[],\"primary\":" ENTRY("p", "ARIN", FAILED("no-match")) "}",
	    "Seen by: p (ARIN) [primary]", NULL },
};

static void
test_places(void **state)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct buf out = BUF_INIT(EXPLAIN_OUTPUT_MAX);

		explain(places[i].answer, strlen(places[i].answer), &out);
		if (strstr(out.data, places[i].says) == NULL || (places[i].not_said != NULL &&
		    strstr(out.data, places[i].not_said) != NULL))
			fail_msg("%zu:\n%s", i, out.data);
		buf_free(&out);
	}
}

/* Nothing to explain is an error, whatever it looks like. */
static void
test_nothing(void **state)
{
	static const char *const texts[] = { "", " \n\t\n", "[]", "null", "7", "[7]", "\"x\"", "{}",
		"{\"check_type\":\"caa\"}", "{\"check_type\":\"x\",\"perspectives\":[]}",
		"{\"error\":\"no\"}", "{\"detail\":null,\"error\":null}", "[[{}]]" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = BUF_INIT(EXPLAIN_OUTPUT_MAX);

		assert_int_equal(explain(texts[i], strlen(texts[i]), &out), VERDICT_ERROR);
		assert_true(out.len > 0 && out.data[out.len - 1] == '\n');
		buf_free(&out);
	}
}

static void
test_clean_text(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		const char *clean;
	} texts[] = {
		{ "a\033[1m\x7f\n", 99, "a?[1m??" },
		{ "\xc2\x9b" "31m", 99, "?31m" },
		{ "b\xc3\xbc" "c", 99, "b\xc3\xbc" "c" },
		{ "b\xc3\xbc" "c", 2, "b..." },
		{ "abc", 3, "abc" },
		{ "\xc2", 99, "\xc2" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = BUF_INIT(64);

		clean_text_add_short(&out, texts[i].text, texts[i].max);
		assert_string_equal(out.data, texts[i].clean);
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_grouped),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_clean_text),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
