/*
 * Signed results: no bytes are genuine but those a key signed, what is signed
 * verifies, and the one spelling of base64url stands both ways.
 */
#include <string.h>

#include "base64url.h"
#include "fuzz.h"
#include "json_scan.h"
#include "signature.h"

/* RFC 8037 A.1. */
#define PUBLIC "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
/* What the key signed in the corpus begins so. */
#define GENUINE "{\"genuine\":true,"

static struct jws_key *
public_key(void)
{
	static struct jws_key *key;
	struct buf why = BUF_INIT(512);

	if (key == NULL)
		key = jws_key_read_public(PUBLIC, &why);
	REQUIRE(key != NULL);
	buf_free(&why);
	return key;
}

static void
check_base64url(const char *text, size_t len)
{
	struct buf bytes = BUF_INIT(len + 1), again = BUF_INIT(len + 1);

	if (base64url_decode(text, len, &bytes)) {
		base64url_add(&again, bytes.data, bytes.len);
		REQUIRE(again.len == len);
		REQUIRE(len == 0 || memcmp(again.data, text, len) == 0);
	}
	buf_free(&bytes);
	buf_free(&again);
}

static void
check_claims(const char *text, size_t len)
{
	struct signature_claims claims;

	if (!signature_claims_read(&claims, text, len)) {
		REQUIRE(claims.document == NULL);
		return;
	}
	REQUIRE(claims.perspective_code[0] != '\0' && claims.timestamp_ns.set);
	REQUIRE(strlen(claims.result_sha256) == SIGNATURE_DIGEST_LEN);
	REQUIRE(signature_compare(&claims, &claims) == SIGNATURE_OK);
	signature_claims_free(&claims);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	const struct jws_key *key = public_key();
	struct signature_claims claims;
	struct signature_place place;
	struct json_scanned scanned;
	struct buf payload = BUF_INIT(len + 1);

	check_base64url(text, len);
	check_claims(text, len);
	(void)jws_verify(key, text, len, &payload);
	if (signature_find(text, len, &place)) {
		REQUIRE(place.signed_len + place.jws_len < len);
		/* what is found is the member, the last of the outermost object */
		if (json_scan(text, len, "signature", &scanned) && text[0] == '{') {
			REQUIRE(scanned.value.text != NULL);
			REQUIRE(memchr(place.jws, '"', place.jws_len) == NULL);
		}
	}
	if (signature_verify(key, text, len, &claims) == SIGNATURE_OK) {
		REQUIRE(strncmp(text, GENUINE, strlen(GENUINE)) == 0);
		signature_claims_free(&claims);
	}
	buf_free(&payload);
	return 0;
}
