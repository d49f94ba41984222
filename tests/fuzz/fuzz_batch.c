/* POST /mpic/batch: whatever the body, parts that lie within it, in their order, or a fault. */
#include <string.h>

#include "coordinator/batch_split.h"
#include "fuzz.h"
#include "json_scan.h"

#define PARTS_MAX 20

static void
check(const char *text, size_t len, bool lines)
{
	struct json_faults faults;
	struct json_scanned scanned;
	struct batch_parts parts;
	size_t behind = 0, begin = strspn(text, " \t\r\n");
	bool array = !lines && begin < len && text[begin] == '[';

	json_faults_init(&faults);
	if (!batch_split(&parts, text, len, lines, PARTS_MAX, &faults)) {
		REQUIRE(faults.count > 0);
		batch_parts_free(&parts);
		return;
	}
	REQUIRE(faults.count == 0 && parts.count > 0 && parts.count <= PARTS_MAX);
	for (size_t i = 0; i < parts.count; i++) {
		const struct batch_part *p = &parts.list[i];

		REQUIRE(p->len > 0 && p->at >= behind && p->at + p->len <= len);
		behind = p->at + p->len;
		if (array)
			REQUIRE(json_scan(text + p->at, p->len, NULL, &scanned));
		else
			REQUIRE(memchr(text + p->at, '\n', p->len) == NULL);
	}
	batch_parts_free(&parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* in memory of its own size, so that a read beyond it shows */
	char *text = malloc(len + 1);

	REQUIRE(text != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	check(text, len, false);
	check(text, len, true);
	free(text);
	return 0;
}
