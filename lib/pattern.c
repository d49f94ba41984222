#include "pattern.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "buf.h"
#include "monotonic.h"

#define MATCH_LIMIT	1000000	/* backtracking points from one place of the subject */
#define HEAP_LIMIT	1024	/* KiB */
#define CLOCK_STEPS	128	/* callouts between two looks at the clock */

/* A search under way. PCRE2's own limits start anew at each place of the subject. */
struct search {
	uint64_t end_ns;
	unsigned steps;
};

/*
 * Whether it holds \X, be it quoted. At a flag (regional indicators) PCRE2
 * counts those before it back to the begin, with no callout between: a page
 * of flags would keep the worker for 18 s.
 */
static bool
has_cluster(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text != '\\')
			continue;
		text++;
		if (*text == 'X')
			return true;
		/* what \c takes is no escape's begin */
		if (*text == 'c' && text[1] != '\0')
			text++;
		if (*text == '\0')
			return false;
	}
	return false;
}

static pcre2_code *
compile(const char *text, struct buf *why)
{
	pcre2_compile_context *context;
	PCRE2_UCHAR message[128];
	PCRE2_SIZE at = 0;
	pcre2_code *code = NULL;
	int error = PCRE2_ERROR_NOMEMORY;

	if (has_cluster(text)) {
		if (why != NULL)
			buf_adds(why, "holds \\X, one step of which may take longer than a search may");
		return NULL;
	}
	context = pcre2_compile_context_create(NULL);
	if (context != NULL) {
		pcre2_set_max_pattern_length(context, 4096);
		code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP |
		    PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT,
		    &error, &at, context);
	}
	pcre2_compile_context_free(context);
	if (code == NULL && why != NULL) {
		pcre2_get_error_message(error, message, sizeof(message));
		buf_addf(why, "is no regular expression: %s at offset %zu", message, (size_t)at);
	}
	return code;
}

bool
pattern_valid(const char *text, struct buf *why)
{
	pcre2_code *code = compile(text, why);

	pcre2_code_free(code);
	return code != NULL;
}

static int
on_callout(pcre2_callout_block *block, void *arg)
{
	struct search *s = arg;

	if (++s->steps % CLOCK_STEPS != 0 || monotonic_ns() < s->end_ns)
		return 0;
	return PCRE2_ERROR_MATCHLIMIT;
}

static enum pattern_outcome
outcome(int result)
{
	switch (result) {
	case PCRE2_ERROR_NOMATCH:
		return PATTERN_NOT_FOUND;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_NOMEMORY:
		return PATTERN_LIMIT;
	default:
		return result >= 0 ? PATTERN_FOUND : PATTERN_LIMIT;
	}
}

enum pattern_outcome
pattern_search(const char *text, const char *subject, size_t len)
{
	struct search s = { .end_ns = monotonic_ns() + PATTERN_TIME_MS * UINT64_C(1000000) };
	pcre2_code *code = compile(text, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	enum pattern_outcome result = code == NULL ? PATTERN_INVALID : PATTERN_LIMIT;

	if (code != NULL && context != NULL && data != NULL) {
		pcre2_set_match_limit(context, MATCH_LIMIT);
		pcre2_set_heap_limit(context, HEAP_LIMIT);
		pcre2_set_callout(context, on_callout, &s);
		result = outcome(pcre2_match(code, (PCRE2_SPTR)subject, len, 0, 0, data, context));
	}
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	pcre2_code_free(code);
	return result;
}
