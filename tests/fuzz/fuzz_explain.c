/*
 * Explanations: whatever a file holds, what is told is text for a terminal, and
 * the same text each time.
 */
#include <string.h>

#include "coordinator/explain.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf out = BUF_INIT(EXPLAIN_OUTPUT_MAX), again = BUF_INIT(EXPLAIN_OUTPUT_MAX);
	enum verdict verdict = explain((const char *)data, len, &out);

	REQUIRE(explain((const char *)data, len, &again) == verdict);
	REQUIRE(out.len == again.len);
	REQUIRE(out.len == 0 || memcmp(out.data, again.data, out.len) == 0);
	for (size_t i = 0; i < out.len; i++) {
		unsigned char c = (unsigned char)out.data[i];

		REQUIRE(c == '\n' || (c >= 0x20 && c != 0x7f));
		REQUIRE(c != 0xc2 || i + 1 == out.len || (unsigned char)out.data[i + 1] < 0x80 ||
		    (unsigned char)out.data[i + 1] >= 0xa0);
	}
	buf_free(&out);
	buf_free(&again);
	return 0;
}
