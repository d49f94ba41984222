/*
 * POST /mpic/draft-00: whatever the body, a well-formed request to POST /mpic
 * or a fault; and whatever that answers, it is success only where it was valid.
 */
#include <string.h>

#include "buf.h"
#include "coordinator/draft.h"
#include "fuzz.h"
#include "json_scan.h"

#define TEXT_MAX ((size_t)1024 * 1024)

static void
check_json(const struct buf *text)
{
	struct json_scanned scanned;

	REQUIRE(!text->failed && json_scan(text->data, text->len, NULL, &scanned));
}

static void
check_request(const char *text, size_t len)
{
	struct buf out = BUF_INIT(TEXT_MAX);
	struct json_faults faults;

	json_faults_init(&faults);
	if (!draft_request_translate(text, len, &out, &faults)) {
		REQUIRE(faults.count > 0);
		buf_reset(&out);
		draft_faults_encode(&faults, &out);
	}
	check_json(&out);
	buf_free(&out);
}

static void
check_response(const char *text, size_t len)
{
	struct buf out = BUF_INIT(TEXT_MAX);

	if (draft_response_translate(text, len, &out)) {
		check_json(&out);
		if (strncmp(out.data, "{\"success\":true", 15) == 0)
			REQUIRE(strstr(text, "true") != NULL);
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* in memory of its own size, so that a read beyond it shows */
	char *text = malloc(len + 1);

	REQUIRE(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	check_request(text, len);
	check_response(text, len);
	free(text);
	return 0;
}
