/*
 * What a metadata service answers: the same in whatever pieces it comes, within all
 * limits; a token that can stand in a request, user-data or a sentence. The first
 * byte says which cloud and in what pieces.
 */
#include <string.h>

#include "appliance/boot/metadata.h"
#include "appliance/boot/source.h"
#include "appliance/document/document.h"
#include "fuzz.h"

static enum http_progress
feed(struct http_answer *a, const uint8_t *data, size_t len, size_t step)
{
	enum http_progress progress = HTTP_MORE;

	http_answer_init(a, "Metadata-Flavor: Google");
	for (size_t at = 0; at < len && progress == HTTP_MORE; at += step)
		progress = http_answer_feed(a, data + at, len - at < step ? len - at : step);
	return progress == HTTP_MORE ? http_answer_end(a) : progress;
}

static void
check_token(const struct http_answer *a)
{
	char token[64];

	if (!metadata_token(a, token, sizeof(token)))
		return;
	REQUIRE(token[0] != '\0' && strlen(token) == a->body_len);
	for (const char *s = token; *s != '\0'; s++)
		REQUIRE(*s > ' ' && *s <= '~');
}

static void
check_user_data(enum cloud cloud, const struct http_answer *a)
{
	struct buf text = BUF_INIT(DOCUMENT_MAX), why = BUF_INIT(512);
	enum metadata_result result = metadata_user_data(cloud, a, &text, &why);

	REQUIRE(result != METADATA_FAILED || why.len > 0);
	REQUIRE(result != METADATA_FOUND || (a->status == 200 && !text.failed));
	if (result == METADATA_FOUND)
		source_foreign(text.data != NULL ? text.data : "", text.len);
	buf_free(&text);
	buf_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_answer whole, pieces;
	enum http_progress at_once, bit_by_bit;

	if (len == 0)
		return 0;
	at_once = feed(&whole, data + 1, len - 1, len);
	bit_by_bit = feed(&pieces, data + 1, len - 1, (size_t)(data[0] >> 2) + 1);
	REQUIRE(at_once != HTTP_MORE && bit_by_bit != HTTP_MORE);
	if (at_once == HTTP_DONE) {
		/* in pieces what follows an answer's end is not waited for */
		REQUIRE(bit_by_bit == HTTP_DONE && pieces.status == whole.status);
		REQUIRE(pieces.marked == whole.marked && pieces.body_len == whole.body_len);
		REQUIRE(memcmp(pieces.body, whole.body, whole.body_len) == 0);
		REQUIRE(whole.body_len <= HTTP_ANSWER_BODY_MAX);
		REQUIRE(whole.status >= 200 && whole.status <= 999);
		check_token(&whole);
		check_user_data((enum cloud)(data[0] % 3 + 1), &whole);
	} else {
		REQUIRE(whole.why != NULL);
	}
	http_answer_free(&whole);
	http_answer_free(&pieces);
	return 0;
}
