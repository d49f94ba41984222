/* Evidence from any JSON: taken whole, or an error with a reason. */
#include <string.h>

#include "buf.h"
#include "evidence.h"
#include "fuzz.h"

#define NONCE	0x1122334455667788ULL

static void
check_lookup(const struct evidence *e, const struct evidence_lookup *l, size_t len)
{
	const uint8_t *end = e->rdata + len;

	REQUIRE(l->name != NULL && l->outcome >= EVIDENCE_ANSWER && l->outcome <= EVIDENCE_ABANDONED);
	if (l->outcome == EVIDENCE_ABANDONED) {
		REQUIRE(e->truncated || (e->found != NULL && l > e->found));
		return;
	}
	REQUIRE(l->rcode != NULL && l->dnssec != CHECK_DNSSEC_UNKNOWN);
	REQUIRE(l->record_count <= EVIDENCE_RECORDS_MAX);
	if (l->outcome == EVIDENCE_ANSWER && !e->truncated)
		REQUIRE(l->record_count > 0 && l->owner != NULL);
	else
		REQUIRE(l->record_count == 0);
	for (size_t i = 0; i < l->record_count; i++) {
		REQUIRE(l->records[i].rdata >= e->rdata && l->records[i].rdata <= end);
		REQUIRE(l->records[i].len <= (size_t)(end - l->records[i].rdata));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf why = BUF_INIT(4096);
	struct evidence e;

	if (evidence_decode(&e, (const char *)data, len, NONCE, &why)) {
		REQUIRE(why.len == 0 && e.document != NULL);
		REQUIRE(e.error == NULL || *e.error != '\0');
		if (e.found != NULL)
			REQUIRE(e.found >= e.lookups && e.found < e.lookups + e.lookup_count &&
			    e.found->outcome == EVIDENCE_ANSWER);
		for (size_t i = 0; i < e.lookup_count && e.error == NULL; i++)
			check_lookup(&e, &e.lookups[i], len);
		(void)evidence_weakest(&e, e.lookup_count);
	} else {
		REQUIRE(why.len > 0);
	}
	evidence_free(&e);
	buf_free(&why);
	return 0;
}
