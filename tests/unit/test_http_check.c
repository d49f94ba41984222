/* http_check.h: the verdict over a page. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "httpcheck/http_check.h"

#define URL	"http://example.com/x"
#define KEY	"token.thumbprint"
#define VALUE	"Value-1"

struct row {
	const char *label;
	enum dcv_method method;
	const char *body;	/* of `len` octets if set, else a string */
	size_t len;
	int status;		/* 0: 200 */
	bool more;
	const char *regex;
	int exact_case;		/* 0: not said, 1: true, -1: false */
	enum problem problem;
	const char *says;
};

static const struct row rows[] = {
#define A(...) { .method = DCV_ACME_HTTP_01, __VA_ARGS__ }
#define NO .problem = PROBLEM_NO_MATCH
	A(.label = "the key authorization", .body = KEY),
	A(.label = "a line end", .body = KEY "\n"),
	A(.label = "much white space after", .body = KEY " \t\r\n\v\f\n"),
	A(.label = "status 299", .body = KEY, .status = 299),
	A(.label = "white space before", .body = " " KEY, NO, .says = "has white space before"),
	A(.label = "a line end before", .body = "\n" KEY, NO, .says = "has white space before"),
	A(.label = "more after it", .body = KEY "x", NO, .says = "goes on after"),
	A(.label = "more after a line end", .body = KEY "\nx", NO, .says = "goes on after"),
	A(.label = "in a page", .body = "<p>" KEY "</p>", NO, .says = "but not alone"),
	A(.label = "a NUL after", .body = KEY "\0", .len = sizeof(KEY), NO, .says = "goes on after"),
	A(.label = "a NUL within", .body = "token\0thumbprint", .len = 16, NO,
	    .says = "is not the key authorization; it begins with \"token\\000thumbprint\""),
	A(.label = "a BOM before", .body = "\xef\xbb\xbf" KEY, NO),
	A(.label = "another case", .body = "TOKEN.thumbprint", NO),
	A(.label = "a long page", .body = "<!DOCTYPE html><html><head><title>Welcome to this server of ours</title>",
	    NO, .says = "begins with \"<!DOCTYPE html><html><head><title>Welcome to this server of ours\""),
	A(.label = "cut", .body = "token.thumbprin", NO),
	A(.label = "the token alone", .body = "token", NO),
	A(.label = "empty", .body = "", NO, .says = "(0 bytes) is empty"),
	A(.label = "white space alone", .body = " \n", NO),
	A(.label = "a page that goes on", .body = KEY "\n", .more = true, NO,
	    .says = "bytes, and more that was not read)"),
	A(.label = "not UTF-8", .body = "\xff\xfe\x00", .len = 3, NO),
	A(.label = "404 with it", .body = KEY, .status = 404, .problem = PROBLEM_HTTP_STATUS,
	    .says = URL " answered with HTTP status 404"),
	A(.label = "500", .body = KEY, .status = 500, .problem = PROBLEM_HTTP_STATUS),
	A(.label = "199", .body = KEY, .status = 199, .problem = PROBLEM_HTTP_STATUS),
	A(.label = "no status", .body = KEY, .status = -1, .problem = PROBLEM_HTTP_STATUS),
#undef A
#define W(...) { .method = DCV_WEBSITE_CHANGE, __VA_ARGS__ }
	W(.label = "the value", .body = VALUE),
	W(.label = "the value in a page", .body = "<html>\n" VALUE "</html>"),
	W(.label = "the value between NULs", .body = "\0" VALUE "\0", .len = sizeof(VALUE) + 1),
	W(.label = "the value after what is not UTF-8", .body = "\xff\xfe" VALUE),
	W(.label = "the value in a page that goes on", .body = VALUE " and", .more = true),
	W(.label = "another value", .body = "Value-2", NO, .says = "does not hold the value; it begins with \"Value-2\""),
	W(.label = "cut value", .body = "xx Value-", NO),
	W(.label = "cut by a NUL", .body = "Value\0-1", .len = 8, NO),
	W(.label = "value beyond what is read", .body = "Value", .more = true, NO,
	    .says = "more that was not read"),
	W(.label = "empty page", .body = "", NO),
	W(.label = "other case", .body = "vALUE-1", NO),
	W(.label = "other case, case forced", .body = "vALUE-1", .exact_case = 1, NO),
	W(.label = "other case allowed", .body = "aa vALUE-1.", .exact_case = -1),
	W(.label = "other case, cut by a NUL", .body = "vALUE\0-1", .len = 8, .exact_case = -1, NO),
	W(.label = "other case, at the very end cut", .body = "vALUE-", .exact_case = -1, NO),
	W(.label = "404", .body = VALUE, .status = 404, .problem = PROBLEM_HTTP_STATUS),
	W(.label = "empty regex", .body = VALUE, .regex = ""),
	W(.label = "regex matches", .body = VALUE "\n", .regex = "^Value-[0-9]$"),
	W(.label = "regex sees no white space about", .body = "\n " VALUE " \n",
	    .regex = "^Value-1\\z"),
	W(.label = "regex does not match", .body = VALUE, .regex = "^x", NO,
	    .says = "does not match match_regex"),
	W(.label = "regex matches without the value", .body = "x", .regex = "x", NO,
	    .says = "does not hold the value"),
	W(.label = "regex over what is not UTF-8", .body = "\xff" VALUE, .regex = "Value"),
	W(.label = "regex without end",
	    .body = VALUE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
	    .regex = "(a|aa)+b|(a+)+c", .problem = PROBLEM_REGEX_LIMIT, .says = "match_regex took"),
#undef W
};

static void
check_row(const struct row *row)
{
	struct check_dcv_parameters p = {
		.set = true, .method = (int)row->method, .key_authorization = KEY,
		.challenge_value = VALUE, .match_regex = row->regex,
		.require_exact_case = { row->exact_case != 0, row->exact_case > 0 },
	};
	size_t len = row->len > 0 ? row->len : strlen(row->body);
	uint8_t *exact = malloc(len > 0 ? len : 1);	/* so that a sanitizer sees a read past it */
	struct http_page page = { URL, row->status != 0 ? row->status : 200, exact, len, row->more };
	struct check_result r;

	memcpy(exact, row->body, len);
	check_result_init(&r, CHECK_DCV);
	http_check_judge(&p, &page, &r);
	if (r.problem.problem != row->problem || r.check_passed != (row->problem == PROBLEM_NONE))
		fail_msg("%s: %s %s", row->label, r.check_passed ? "passed" : "failed",
		    r.problem.message);
	if (row->says != NULL && strstr(r.problem.message, row->says) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", row->label, r.problem.message, row->says);
	assert_true(r.check_completed);
	if (r.check_passed)
		assert_string_equal(r.dcv.matched,
		    row->method == DCV_ACME_HTTP_01 ? KEY : VALUE);
	else
		assert_null(r.dcv.matched);
	assert_ptr_equal(r.dcv.relied_on, r.dcv.matched);
	free(exact);
}

static void
test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static void
test_no_body(void **state)
{
	struct check_dcv_parameters p = { .method = DCV_WEBSITE_CHANGE, .challenge_value = VALUE };
	struct http_page page = { .url = URL, .status = 204 };
	struct check_result r;

	check_result_init(&r, CHECK_DCV);
	http_check_judge(&p, &page, &r);
	assert_int_equal(r.problem.problem, PROBLEM_NO_MATCH);
	p = (struct check_dcv_parameters){ .method = DCV_ACME_HTTP_01, .key_authorization = KEY };
	http_check_judge(&p, &page, &r);
	assert_int_equal(r.problem.problem, PROBLEM_NO_MATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_body),
	};

	return cmocka_run_group_tests_name("http_check", tests, NULL, NULL);
}
