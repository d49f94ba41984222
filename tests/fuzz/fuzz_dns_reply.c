/* A resolver's reply from any bytes: the evidence lies within them, or there is none. */
#include <string.h>

#include "dns_message.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dns_reply r;

	if (!dns_reply_decode(&r, data, len))
		return 0;
	REQUIRE(len >= 12 && (data[2] & 0x80) != 0);
	REQUIRE(r.id == (data[0] << 8 | data[1]) && r.rcode == (data[3] & 0x0f));
	if (r.evidence != NULL) {
		const uint8_t *evidence = (const uint8_t *)r.evidence;

		REQUIRE(evidence >= data + 12 && evidence + r.evidence_len <= data + len);
		/* the option's own head stands before it */
		REQUIRE(evidence[-4] == MPIC_OPTION_CODE >> 8 &&
		    evidence[-3] == (MPIC_OPTION_CODE & 0xff));
		REQUIRE((size_t)(evidence[-2] << 8 | evidence[-1]) == r.evidence_len);
	}
	return 0;
}
