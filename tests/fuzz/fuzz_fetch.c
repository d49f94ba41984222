/* Jobs and outcomes between worker and fetcher: what decodes is encoded to the same bytes. */
#include <string.h>

#include "fuzz.h"
#include "httpcheck/fetch.h"

static void
require_same(struct buf *out, const uint8_t *data, size_t len)
{
	REQUIRE(!out->failed && out->len == len && memcmp(out->data, data, len) == 0);
	buf_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf out = BUF_INIT(FETCH_MESSAGE_MAX);
	struct fetch_job job;
	struct fetch_outcome o;
	uint64_t id;

	if (fetch_job_decode(&job, &id, data, len)) {
		REQUIRE(strpbrk(job.path, "\r\n ") == NULL);
		REQUIRE(strpbrk(job.authority, "\r\n ") == NULL);
		for (size_t i = 0; i < job.header_count; i++)
			REQUIRE(strpbrk(job.headers[i].value, "\r\n") == NULL);
		fetch_job_encode(&job, id, &out);
		require_same(&out, data, len);
	}
	if (fetch_outcome_decode(&o, &id, data, len)) {
		REQUIRE(o.problem < PROBLEM_COUNT && strlen(o.sentence) < FETCH_SENTENCE_MAX);
		REQUIRE(o.body_len <= FETCH_BODY_MAX);
		fetch_outcome_encode(&o, id, &out);
		require_same(&out, data, len);
	}
	return 0;
}
