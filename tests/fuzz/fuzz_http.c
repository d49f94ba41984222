/*
 * Request heads and chunked bodies. What is parsed must lie in the text, and a
 * chunked body must come out the same whole as byte by byte.
 */
#include <string.h>

#include "fuzz.h"
#include "server_chunk.h"
#include "server_head.h"

#define BODY_MAX 1024

static void
check_string(uint32_t at, size_t len)
{
	REQUIRE(at < len);
}

static void
check_head(const uint8_t *data, size_t len)
{
	static const char *const framing[] = { "Content-Length", "Transfer-Encoding" };
	char *text = malloc(len + 1);
	const char *why = NULL;
	struct head h;
	size_t end, step = 0;
	int status;

	REQUIRE(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	end = head_end(text, len, 0);
	/* Searched in two goes, it ends at the same place. */
	if (head_end(text, len / 2, 0) == 0)
		step = head_end(text, len, len / 2);
	REQUIRE(step == 0 || step == end);
	status = end > 0 ? head_parse(&h, text, end, &why) : 400;
	REQUIRE(status == 0 || (status >= 400 && status <= 505));
	if (status == 0) {
		check_string(h.method, end);
		check_string(h.path, end);
		check_string(h.query, end);
		REQUIRE(h.field_count <= HEAD_FIELDS_MAX);
		for (size_t i = 0; i < h.field_count; i++) {
			check_string(h.fields[i].name, end);
			check_string(h.fields[i].value, end);
			REQUIRE(strlen(text + h.fields[i].value) < end);
			REQUIRE(strpbrk(text + h.fields[i].value, "\r\n") == NULL);
		}
		REQUIRE(!h.chunked || h.content_length == 0);
		REQUIRE(head_find(&h, text, framing[0]) == NULL ||
		    head_find(&h, text, framing[1]) == NULL);
	}
	free(text);
}

static void
check_chunks(const uint8_t *data, size_t len)
{
	struct chunk_decoder whole = { CHUNK_SIZE, 0, 0, 0 }, slow = whole;
	char *at_once = malloc(len + 1), *bytewise = malloc(len + 1);
	size_t once_len = len, slow_len = 0, in = 0;
	enum chunk_result once, result = CHUNK_MORE;

	REQUIRE(at_once != NULL && bytewise != NULL);
	memcpy(at_once, data, len);
	once = chunk_decode(&whole, at_once, &once_len, BODY_MAX);
	while (in < len && result == CHUNK_MORE) {
		bytewise[slow_len++] = (char)data[in++];
		result = chunk_decode(&slow, bytewise, &slow_len, BODY_MAX);
	}
	REQUIRE(once_len <= len && whole.decoded <= once_len && whole.decoded <= BODY_MAX);
	REQUIRE(once == result);
	if (once == CHUNK_COMPLETE) {
		REQUIRE(whole.decoded == slow.decoded);
		REQUIRE(memcmp(at_once, bytewise, whole.decoded) == 0);
		/* What follows belongs to the next request and is left as it came. */
		REQUIRE(once_len - whole.decoded == len - in);
		REQUIRE(memcmp(at_once + whole.decoded, data + in, len - in) == 0);
	}
	free(at_once);
	free(bytewise);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	check_head(data, len);
	check_chunks(data, len);
	return 0;
}
