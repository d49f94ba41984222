/* Persistent records: whatever is usable says so by a parse of its own, and case of tags decides nothing. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "caa_value.h"
#include "fuzz.h"
#include "httpcheck/persist.h"

#define ACCOUNT	"https://ca1.com/acct/1"

/* The conditions of a usable record, one by one and without regard to order. */
static bool
is_usable(const char *text, size_t len, bool wildcard)
{
	size_t accounts = 0, untils = 0, policies = 0;
	struct caa_parameter p;
	struct caa_value v;
	bool good = caa_value_parse(&v, text, len);

	good = good && v.issuer_len >= 7 && strncasecmp(v.issuer, "ca1.com", 7) == 0 &&
	    (v.issuer_len == 7 || (v.issuer_len == 8 && v.issuer[7] == '.'));
	while (good && caa_value_next(&v, &p)) {
		if (caa_tag_is(p.tag, p.tag_len, "accounturi")) {
			accounts++;
			good = p.value_len == strlen(ACCOUNT) &&
			    memcmp(p.value, ACCOUNT, p.value_len) == 0;
		} else if (caa_tag_is(p.tag, p.tag_len, "persistuntil")) {
			untils++;
			good = p.value_len > 0;
			for (size_t i = 0; i < p.value_len; i++)
				good = good && isdigit((unsigned char)p.value[i]);
		} else if (caa_tag_is(p.tag, p.tag_len, "policy")) {
			policies++;
			good = !wildcard || caa_tag_is(p.value, p.value_len, "wildcard");
		}
	}
	return good && accounts == 1 && untils <= 1 && policies <= 1 &&
	    (!wildcard || policies == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct json_list issuers = { true, 1, { "CA1.com" } };
	static const struct json_list accounts = { .set = false };
	size_t account = SIZE_MAX;
	char *copy = malloc(len + 1);	/* of its own size: a read past it is seen */

	REQUIRE(copy != NULL);
	memcpy(copy, data, len);
	for (int wildcard = 0; wildcard < 2; wildcard++) {
		struct persist_question q = {
			.issuers = &issuers, .account_uri = ACCOUNT, .account_uris = &accounts,
			.wildcard = wildcard, .now_s = 0,
		};
		enum persist_outcome outcome = persist_judge(&q, copy, len, &account);

		REQUIRE((outcome == PERSIST_USABLE) == is_usable(copy, len, wildcard));
		REQUIRE(outcome != PERSIST_EXPIRED);
		REQUIRE(outcome != PERSIST_USABLE || account == 0);
		REQUIRE(persist_text(outcome) != NULL);
		/* later, it can only be less */
		q.now_s = INT64_MAX;
		REQUIRE(persist_judge(&q, copy, len, &account) <= outcome);
	}
	free(copy);
	return 0;
}
