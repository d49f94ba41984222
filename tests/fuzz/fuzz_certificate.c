/* DER of a hostile server's certificate: what is read has its bounds. */
#include <string.h>

#include "fuzz.h"
#include "httpcheck/certificate.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf once = BUF_INIT(FETCH_MESSAGE_MAX);
	struct fetch_outcome o = { 0 }, again;
	struct certificate_texts texts;
	uint64_t id;

	certificate_read(&o.certificate, &texts, data, len);
	REQUIRE(o.certificate.present);
	REQUIRE(o.certificate.acme_len <= FETCH_ACME_MAX);
	REQUIRE(o.certificate.acme_count > 0 || o.certificate.acme_len == 0);
	/* The worker accepts whatever a certificate may say. */
	fetch_outcome_encode(&o, 1, &once);
	REQUIRE(fetch_outcome_decode(&again, &id, once.data, once.len));
	REQUIRE(again.certificate.name_count == o.certificate.name_count);
	buf_free(&once);
	return 0;
}
