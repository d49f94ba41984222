/*
 * A page of any octets against values taken from it and others: what passes
 * really holds the value. The input's first octet chooses the method and its
 * options, its second how long the value is; then come the value and the page.
 */
#include <ctype.h>
#include <string.h>

#include "fuzz.h"
#include "httpcheck/http_check.h"

#define SPACE " \t\r\n\f\v"

static bool
same(uint8_t a, uint8_t b, bool exact)
{
	return exact ? a == b : tolower(a) == tolower(b);
}

/* The plainest search there is. */
static bool
holds(const struct http_page *page, const char *value, bool exact)
{
	size_t len = strlen(value), j;

	for (size_t i = 0; i + len <= page->len; i++) {
		for (j = 0; j < len && same(page->body[i + j], (uint8_t)value[j], exact); j++)
			;
		if (j == len)
			return true;
	}
	return false;
}

static void
check_passed(const struct check_dcv_parameters *p, const struct http_page *page)
{
	size_t len = strlen(p->key_authorization);

	REQUIRE(page->status >= 200 && page->status <= 299);
	if (p->method == DCV_WEBSITE_CHANGE) {
		REQUIRE(holds(page, p->challenge_value, check_dcv_exact_case(p)));
		return;
	}
	REQUIRE(!page->more && page->len >= len);
	REQUIRE(memcmp(page->body, p->key_authorization, len) == 0);
	for (size_t i = len; i < page->len; i++)
		REQUIRE(page->body[i] != '\0' && strchr(SPACE, page->body[i]) != NULL);
}

static void
judge(const struct check_dcv_parameters *p, const struct http_page *page)
{
	struct check_result r;

	check_result_init(&r, CHECK_DCV);
	http_check_judge(p, page, &r);
	REQUIRE(r.check_passed == (r.problem.problem == PROBLEM_NONE));
	if (r.check_passed) {
		REQUIRE(r.check_completed && r.dcv.matched == p->challenge_value);
		check_passed(p, page);
	} else {
		REQUIRE(*r.problem.message != '\0' && r.dcv.matched == NULL);
	}
	if (!r.check_passed && p->method == DCV_WEBSITE_CHANGE && p->match_regex == NULL &&
	    page->status == 200 && strpbrk(p->challenge_value, SPACE) == NULL)
		REQUIRE(!holds(page, p->challenge_value, check_dcv_exact_case(p)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const int statuses[] = { 200, 200, 204, 404 };
	struct check_dcv_parameters p = { .set = true };
	struct http_page page = { .url = "http://example.com/" };
	char value[256];
	size_t n;

	if (len < 2)
		return 0;
	n = data[1] < len - 2 ? data[1] : len - 2;
	memcpy(value, data + 2, n);
	value[n] = '\0';
	if (*value == '\0')
		return 0;
	p.method = (data[0] & 1) != 0 ? DCV_ACME_HTTP_01 : DCV_WEBSITE_CHANGE;
	p.require_exact_case = (struct json_bool){ true, (data[0] & 2) != 0 };
	p.match_regex = (data[0] & 4) != 0 ? "(?i)value-[0-9]+$" : NULL;
	p.key_authorization = p.challenge_value = value;
	page.status = statuses[data[0] >> 3 & 3];
	page.more = (data[0] & 32) != 0;
	page.body = data + 2 + n;
	page.len = len - 2 - n;
	judge(&p, &page);
	return 0;
}
