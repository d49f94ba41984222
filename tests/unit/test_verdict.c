/* coordinator/verdict.h: the command-line tool's reading of answers. */
#include "response_fixture.h"

#include <string.h>

#include "coordinator/verdict.h"

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

static const struct check_dcv_parameters http_01 = { .set = true, .method = DCV_ACME_HTTP_01,
	.token = "t", .key_authorization = "t.k" };

static void
test_dcv_read_by_tool(void **state)
{
	struct mpic_request q = request_for("dcv");
	struct buf out = BUF_INIT(65536), text = BUF_INIT(65536);

	q.dcv = http_01;
	encode(&q, (const char *[]){ "ppf" }, 1, &out);
	assert_int_equal(verdict_read(200, out.data, out.len, &text), VERDICT_YES);
	assert_string_equal(text.data, "yes  dcv C1.com  quorum 2/3  DNSSEC indeterminate  12 ms\n"
	    "  aws:us-east-1            passed    -                        secure        \n"
	    "  aws:eu-central-1         passed    -                        insecure      \n"
	    "  aws:ap-south-1           failed    -                        indeterminate no means no\n");
	q = request_for("dcv_with_caa");
	q.dcv = http_01;
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
		cmocka_unit_test(test_read_by_tool),
		cmocka_unit_test(test_dcv_read_by_tool),
		cmocka_unit_test(test_unreadable_by_tool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
