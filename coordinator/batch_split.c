#include "coordinator/batch_split.h"

#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "json_value.h"

#define BLANKS	" \t\r\n"

static bool
is_blank(char c)
{
	return c != '\0' && strchr(BLANKS, c) != NULL;
}

static void
add(struct batch_parts *parts, size_t max, size_t at, size_t len)
{
	/* One more than may be is counted, and not kept. */
	if (parts->count < max)
		parts->list[parts->count] = (struct batch_part){ (uint32_t)at, (uint32_t)len };
	parts->count++;
}

static void
split_lines(struct batch_parts *parts, size_t max, const char *text, size_t len)
{
	size_t at = 0, end, from, to;

	while (at < len && parts->count <= max) {
		const char *line = memchr(text + at, '\n', len - at);

		end = line != NULL ? (size_t)(line - text) : len;
		for (from = at; from < end && is_blank(text[from]); from++)
			;
		for (to = end; to > from && is_blank(text[to - 1]); to--)
			;
		if (to > from)
			add(parts, max, from, to - from);
		at = end + 1;
	}
}

/* False without memory. */
static bool
split_array(struct batch_parts *parts, size_t max, const char *text, size_t len,
    struct json_faults *faults)
{
	struct json_token *tokens = calloc(JSON_TOKENS_MAX(len), sizeof(*tokens));
	struct json_scanned scanned;

	if (tokens == NULL)
		return false;
	if (!json_scan_tokens(text, len, tokens, &scanned)) {
		json_document_fault(faults, "it is not well-formed", scanned.at);
	} else {
		for (size_t i = 1; i < tokens[0].next && parts->count <= max; i = tokens[i].next) {
			size_t quote = tokens[i].kind == JSON_STRING;

			add(parts, max, tokens[i].at - quote, tokens[i].len + 2 * quote);
		}
	}
	free(tokens);
	return true;
}

bool
batch_split(struct batch_parts *parts, const char *text, size_t len, bool lines, size_t max,
    struct json_faults *faults)
{
	size_t begin = 0;

	*parts = (struct batch_parts){ .list = calloc(max > 0 ? max : 1, sizeof(parts->list[0])) };
	if (parts->list == NULL)
		return false;
	while (begin < len && is_blank(text[begin]))
		begin++;
	if (lines || begin == len || text[begin] != '[')
		split_lines(parts, max, text, len);
	else if (!split_array(parts, max, text, len, faults))
		return false;
	if (faults->count > 0)
		return false;
	if (parts->count == 0)
		json_fault_add(faults, "", "too_short", "expected a list of requests, or one a "
		    "line, found none");
	if (parts->count > max)
		json_fault_add(faults, "", "too_long", "expected at most %zu requests, found more",
		    max);
	return faults->count == 0;
}

void
batch_parts_free(struct batch_parts *parts)
{
	free(parts->list);
	*parts = (struct batch_parts){ .list = NULL };
}
