#include "httpcheck/http_check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "pattern.h"

#define URL_SHOWN	200	/* characters of a URL in a sentence */
#define PAGE_SHOWN	64	/* octets of a page */
#define SPACE		" \t\r\n\f\v"

/* A part of the page. */
struct text {
	const char *octets;
	size_t len;
};

static bool
is_space(char c)
{
	return c != '\0' && strchr(SPACE, c) != NULL;
}

static struct text
strip_end(struct text t)
{
	while (t.len > 0 && is_space(t.octets[t.len - 1]))
		t.len--;
	return t;
}

static struct text
strip(struct text t)
{
	while (t.len > 0 && is_space(*t.octets)) {
		t.octets++;
		t.len--;
	}
	return strip_end(t);
}

static bool
text_begins(struct text t, const char *value)
{
	size_t len = strlen(value);

	return t.len >= len && memcmp(t.octets, value, len) == 0;
}

static bool
text_is(struct text t, const char *value)
{
	return t.len == strlen(value) && text_begins(t, value);
}

/*
 * Whether `value` stands in it; letters of ASCII in either case unless `exact`.
 * By the two cases of the first octet, so that a page of it costs no more than
 * its length times the value's, which are both capped.
 */
static bool
text_holds(struct text t, const char *value, bool exact)
{
	size_t len = strlen(value);

	if (t.len <= len)
		return t.len == len && (exact ? memcmp(t.octets, value, len) :
		    strncasecmp(t.octets, value, len)) == 0;
	if (exact)
		return memmem(t.octets, t.len, value, len) != NULL;
	for (size_t i = 0; i + len <= t.len; i++)
		if (tolower((unsigned char)t.octets[i]) == tolower((unsigned char)*value) &&
		    strncasecmp(t.octets + i, value, len) == 0)
			return true;
	return false;
}

/* The value alone makes it pass, wherever on the page it stood. */
static void
pass(struct check_result *result, const char *matched)
{
	result->check_completed = true;
	result->check_passed = true;
	result->dcv.matched = result->dcv.relied_on = matched;
}

/* That it does not match; `what` is how. */
static void
mismatch(const struct http_page *page, const char *what, struct check_result *result)
{
	struct buf why = BUF_INIT(CHECK_MESSAGE_MAX);

	buf_reserve(&why, CHECK_MESSAGE_MAX);
	buf_adds(&why, "the page at ");
	buf_add(&why, page->url, strnlen(page->url, URL_SHOWN));
	buf_adds(&why, " (");
	buf_add_uint(&why, page->len);
	buf_adds(&why, page->more ? " bytes, and more that was not read) " : " bytes) ");
	buf_adds(&why, what);
	if (page->len > 0) {
		buf_adds(&why, "; it begins with \"");
		buf_add_escaped(&why, page->body, page->len < PAGE_SHOWN ? page->len : PAGE_SHOWN);
		buf_addc(&why, '"');
	}
	check_result_fail(result, PROBLEM_NO_MATCH, "%s", why.data != NULL ? why.data : what);
	buf_free(&why);
}

/* What keeps the page from being the key authorization, as the end of a sentence. */
static const char *
difference(struct text page, const char *expected)
{
	if (page.len == 0)
		return "is empty";
	if (text_begins(strip(page), expected))
		return is_space(*page.octets) ? "has white space before the key authorization" :
		    "goes on after the key authorization";
	if (text_holds(page, expected, true))
		return "holds the key authorization, but not alone";
	return "is not the key authorization";
}

static void
judge_acme(const struct check_dcv_parameters *p, const struct http_page *page,
    struct check_result *result)
{
	struct text all = { (const char *)page->body, page->len };

	if (!page->more && text_is(strip_end(all), p->key_authorization))
		pass(result, p->key_authorization);
	else
		mismatch(page, difference(all, p->key_authorization), result);
}

static void
judge_pattern(const struct check_dcv_parameters *p, const struct http_page *page,
    struct text text, struct check_result *result)
{
	switch (pattern_search(p->match_regex, text.octets, text.len)) {
	case PATTERN_FOUND:
		pass(result, p->challenge_value);
		break;
	case PATTERN_NOT_FOUND:
		check_result_fail(result, PROBLEM_NO_MATCH,
		    "the page at %.*s holds the value but does not match match_regex", URL_SHOWN,
		    page->url);
		break;
	case PATTERN_LIMIT:
		check_result_fail(result, PROBLEM_REGEX_LIMIT,
		    "match_regex took more than %d ms or its memory on the page at %.*s",
		    PATTERN_TIME_MS, URL_SHOWN, page->url);
		break;
	case PATTERN_INVALID:
		check_result_fail(result, PROBLEM_INTERNAL, "match_regex could not be compiled");
		break;
	}
}

static void
judge_website(const struct check_dcv_parameters *p, const struct http_page *page,
    struct check_result *result)
{
	struct text text = strip((struct text){ (const char *)page->body, page->len });

	if (!text_holds(text, p->challenge_value, check_dcv_exact_case(p)))
		mismatch(page, "does not hold the value", result);
	else if (p->match_regex == NULL || *p->match_regex == '\0')
		pass(result, p->challenge_value);
	else
		judge_pattern(p, page, text, result);
}

void
http_check_judge(const struct check_dcv_parameters *p, const struct http_page *page,
    struct check_result *result)
{
	static const uint8_t nothing[1];
	struct http_page it = *page;

	if (it.body == NULL)
		it.body = nothing;
	if (it.status < 200 || it.status > 299)
		check_result_fail(result, PROBLEM_HTTP_STATUS, "%.*s answered with HTTP status %d",
		    URL_SHOWN, it.url, it.status);
	else if (p->method == DCV_ACME_HTTP_01)
		judge_acme(p, &it, result);
	else
		judge_website(p, &it, result);
}
