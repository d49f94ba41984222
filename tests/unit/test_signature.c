/* signature.h: what a signature on a result holds fast. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "check.h"
#include "failing_malloc.h"
#include "json_scan.h"
#include "signature.h"
#include "signing_key.h"

#define RESULT "{\"check_type\":\"caa\",\"nonce\":\"n1\",\"evidence\":{\"a\":[1]}}"
#define REQUEST "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"	/* SHA-256 of nothing */

static const struct signature_claims signed_claims = {
	.perspective_code = "aws:eu-central-1", .check_type = "caa", .target = "www.example.com",
	.nonce = "n1", .timestamp_ns = { true, 1790000000123456789 }, .request_sha256 = REQUEST,
	.software_version = "Parallax 0", .resolver_version = "unbound 1.22.0",
	.image_version = "2026.11",
};

static void
sign(const struct signature_claims *claims, struct buf *out)
{
	*out = BUF_INIT(8192);
	buf_adds(out, RESULT);
	assert_true(signature_add(signing_key, claims, out));
}

static enum signature_fault
verify(const char *text, size_t len)
{
	struct signature_claims claims;
	enum signature_fault fault = signature_verify(signing_key, text, len, &claims);

	if (fault == SIGNATURE_OK)
		signature_claims_free(&claims);
	assert_null(claims.document);
	return fault;
}

static void
test_round(void **state)
{
	char digest[SIGNATURE_DIGEST_LEN + 1];
	struct signature_claims claims;
	struct json_scanned scanned;
	struct buf text;

	assert_true(signature_digest(signing_key, "", 0, digest));
	assert_string_equal(digest, REQUEST);
	sign(&signed_claims, &text);
	assert_true(json_scan(text.data, text.len, "signature", &scanned));
	assert_non_null(scanned.value.text);
	assert_memory_equal(text.data, RESULT, strlen(RESULT) - 1);
	assert_int_equal(signature_glance(signing_key, text.data, text.len), SIGNATURE_OK);
	assert_int_equal(signature_verify(signing_key, text.data, text.len, &claims), SIGNATURE_OK);
	assert_string_equal(claims.perspective_code, "aws:eu-central-1");
	assert_string_equal(claims.resolver_version, "unbound 1.22.0");
	assert_string_equal(claims.image_version, "2026.11");
	assert_int_equal(claims.timestamp_ns.value, signed_claims.timestamp_ns.value);
	assert_true(signature_digest(signing_key, RESULT, strlen(RESULT), digest));
	assert_string_equal(claims.result_sha256, digest);
	assert_int_equal(signature_compare(&claims, &signed_claims), SIGNATURE_OK);
	signature_claims_free(&claims);
	buf_free(&text);
}

/* Payload, signature and result alike: every bit, every prefix, and more. */
static void
test_changed(void **state)
{
	struct buf text;

	sign(&signed_claims, &text);
	for (size_t i = 0; i < text.len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			text.data[i] = (char)(text.data[i] ^ 1 << bit);
			assert_int_not_equal(verify(text.data, text.len), SIGNATURE_OK);
			text.data[i] = (char)(text.data[i] ^ 1 << bit);
		}
		assert_int_not_equal(verify(text.data, i), SIGNATURE_OK);
	}
	assert_int_equal(verify(text.data, text.len), SIGNATURE_OK);
	buf_addc(&text, ' ');
	assert_int_equal(verify(text.data, text.len), SIGNATURE_MISSING);
	buf_free(&text);
}

/* Signed again with another signature before it: the last one holds the whole. */
static void
test_moved(void **state)
{
	struct buf text, other = BUF_INIT(8192);
	struct signature_place place;

	sign(&signed_claims, &text);
	assert_true(signature_find(text.data, text.len, &place));
	buf_addf(&other, "{\"check_type\":\"dcv\",\"signature\":\"%.*s\"}", (int)place.jws_len,
	    place.jws);
	assert_int_equal(verify(other.data, other.len), SIGNATURE_RESULT);
	buf_free(&other);
	buf_free(&text);
}

static void
test_compare(void **state)
{
	static const struct { struct signature_claims asked; enum signature_fault fault; } rows[] = {
		{ { .target = NULL }, SIGNATURE_OK },
		{ { .perspective_code = "aws:eu-central-2" }, SIGNATURE_CODE },
		{ { .check_type = "dcv" }, SIGNATURE_CHECK },
		{ { .target = "example.com" }, SIGNATURE_TARGET },
		{ { .nonce = "n2" }, SIGNATURE_NONCE },
		{ { .request_sha256 = "" }, SIGNATURE_REQUEST },
	};
	struct signature_claims nameless = signed_claims;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(signature_compare(&signed_claims, &rows[i].asked), rows[i].fault);
	nameless.nonce = NULL;
	assert_int_equal(signature_compare(&nameless, &signed_claims), SIGNATURE_NONCE);
	for (int f = SIGNATURE_OK + 1; f <= SIGNATURE_NO_MEMORY; f++)
		assert_non_null(signature_fault_text(f));
}

/* Signed by the right key, and still no result of a check. */
static void
test_claims(void **state)
{
	static const char *const payloads[] = { "{}", "[]", "no", "{\"perspective_code\":\"x\"}",
		"{\"perspective_code\":\"a\",\"check_type\":\"caa\",\"domain_or_ip_target\":\"x\","
		"\"timestamp_ns\":1,\"request_sha256\":\"short\",\"result_sha256\":\"" REQUEST "\","
		"\"software_version\":\"\"}" };

	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		struct buf text = BUF_INIT(8192);

		buf_adds(&text, "{\"a\":1,\"signature\":\"");
		assert_true(jws_sign(signing_key, payloads[i], strlen(payloads[i]), &text));
		buf_adds(&text, "\"}");
		assert_int_equal(verify(text.data, text.len), SIGNATURE_CLAIMS);
		buf_free(&text);
	}
}

static void
test_find(void **state)
{
	static const char *const none[] = { "", "{}", "\"}", "{\"signature\":\"a\"}",
		"{\"a\":\"b,\\\"signature\\\":\\\"c\"}", "{\"a\":{\"b\":1,\"signature\":\"c\"}}",
		"{\"a\":1, \"signature\":\"c\"}", "{\"a\":1,\"signature\": \"c\"}",
		"{\"a\":1,\"signature\":\"c\" }", "{\"a\":1,\"signature\":null}",
		"{\"a\":1,\"xsignature\":\"c\"}" };
	struct signature_place place;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(signature_find(none[i], strlen(none[i]), &place));
	assert_true(signature_find("{\"a\":1,\"signature\":\"c.d.e\"}", 27, &place));
	assert_int_equal(place.signed_len, 6);
	assert_int_equal(place.jws_len, 5);
	assert_int_equal(verify("{\"a\":1,\"signature\":\"c.d.e\"}", 27), SIGNATURE_OTHER_KEY);
	assert_int_equal(verify("{\"a\":1,\"signature\":\"\"}", 22), SIGNATURE_MALFORMED);
}

/* The longest claims fit, with every byte of them escaped. */
static void
test_longest(void **state)
{
	char code[CHECK_CODE_MAX + 1], nonce[CHECK_NONCE_MAX + 1], image[SIGNATURE_VERSION_MAX + 1];
	struct signature_claims claims = signed_claims;
	char target[254];
	struct buf text;

	memset(code, 1, sizeof(code));
	memset(nonce, 1, sizeof(nonce));
	memset(image, 1, sizeof(image));
	memset(target, 'a', sizeof(target));
	code[CHECK_CODE_MAX] = nonce[CHECK_NONCE_MAX] = image[SIGNATURE_VERSION_MAX] = '\0';
	target[sizeof(target) - 1] = '\0';
	claims.perspective_code = code;
	claims.nonce = nonce;
	claims.image_version = image;
	claims.resolver_version = image + SIGNATURE_VERSION_MAX - SIGNATURE_RESOLVER_MAX;
	claims.target = target;
	sign(&claims, &text);
	assert_true(text.len - strlen(RESULT) <= SIGNATURE_MAX);
	assert_int_equal(verify(text.data, text.len), SIGNATURE_OK);
	buf_free(&text);
}

/* Without memory nothing is signed by half, and nothing is genuine. */
static void
test_no_memory(void **state)
{
	struct signature_claims claims;
	struct buf text;
	bool done = false;

	for (long n = 0; !done; n++) {
		text = BUF_INIT(8192);
		buf_adds(&text, RESULT);
		failing_malloc_after(n);
		done = signature_add(signing_key, &signed_claims, &text);
		failing_malloc_after(-1);
		if (!done)
			buf_free(&text);
		assert_true(n < 200);
	}
	done = false;
	for (long n = 0; !done; n++) {
		failing_malloc_after(n);
		done = signature_verify(signing_key, text.data, text.len, &claims) == SIGNATURE_OK;
		failing_malloc_after(-1);
		if (done)
			signature_claims_free(&claims);
		assert_true(n < 500);
	}
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, signing_key_read, signing_key_free);
}
