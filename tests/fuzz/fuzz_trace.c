/*
 * Trace context of a stranger's: what is taken is passed on in the one
 * spelling, and nothing that is passed on ends a header or passes a cap.
 */
#include <string.h>

#include "fuzz.h"
#include "trace.h"

static void
check_parent(const char *text)
{
	struct trace t, again;
	char out[TRACEPARENT_TEXT];

	if (!trace_parse(&t, text)) {
		REQUIRE(!trace_exists(&t));
		return;
	}
	trace_text(&t, out);
	REQUIRE(strlen(out) == TRACEPARENT_TEXT - 1);
	REQUIRE(strspn(out, "0123456789abcdef-") == TRACEPARENT_TEXT - 1);
	REQUIRE(strncmp(out + 2, text + 2, 51) == 0);
	REQUIRE(trace_parse(&again, out) && memcmp(&t, &again, sizeof(t)) == 0);
}

static void
check_state(const char *text)
{
	struct buf out = BUF_INIT(TRACESTATE_MAX), again = BUF_INIT(TRACESTATE_MAX);

	if (tracestate_add(&out, text) && out.len > 0) {
		REQUIRE(out.len <= TRACESTATE_MAX && strpbrk(out.data, "\r\n\t") == NULL);
		REQUIRE(tracestate_add(&again, out.data) && again.len == out.len);
		REQUIRE(memcmp(again.data, out.data, out.len) == 0);
	}
	buf_free(&out);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* in memory of its own size, so that a read beyond it shows */
	char *text = malloc(len + 1);

	REQUIRE(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	check_parent(text);
	check_state(text);
	free(text);
	return 0;
}
