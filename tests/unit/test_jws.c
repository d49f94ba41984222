/* jws.h, jws_key.h, base64url.h: the RFCs' examples, and what is refused. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base64url.h"
#include "jws.h"
#include "signing_key.h"

/* RFC 8037 appendix A: the public half of SIGNING_KEY_PRIVATE, and its thumbprint of A.3. */
#define PUBLIC_LINE "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define THUMBPRINT "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
/* Another key, of the second test of RFC 8032 section 7.1. */
#define OTHER_LINE "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="

static struct jws_key *private, *public, *other;

static char *
write_file(const char *text, mode_t mode)
{
	static char path[32];
	int fd;

	strcpy(path, "/tmp/test_jws.XXXXXX");
	fd = mkstemp(path);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
	return path;
}

static int
read_keys(void **state)
{
	struct buf why = BUF_INIT(512);
	char *path = write_file(SIGNING_KEY_PRIVATE, 0600);

	private = jws_key_read_private(path, &why);
	unlink(path);
	public = jws_key_read_public(PUBLIC_LINE, &why);
	other = jws_key_read_public(OTHER_LINE, &why);
	if (private == NULL || public == NULL || other == NULL)
		print_error("%s\n", why.data != NULL ? why.data : "");
	buf_free(&why);
	return private != NULL && public != NULL && other != NULL ? 0 : -1;
}

static int
free_keys(void **state)
{
	jws_key_free(private);
	jws_key_free(public);
	jws_key_free(other);
	return 0;
}

static void
test_base64url(void **state)
{
	/* RFC 4648 section 10, without the padding; and the two digits that differ */
	static const struct { const char *bytes, *text; } rows[] = {
		{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbe", "-_--" },
	};
	static const char *const refused[] = { "Z", "Zg==", "Zg=", "Zh", "Zm9", "Zm9vY", "Z g",
		"+/", "Zg\n", "Zm9v=", "\xc3\xa9" };
	struct buf out = BUF_INIT(64);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		base64url_add(&out, rows[i].bytes, strlen(rows[i].bytes));
		assert_int_equal(out.len, BASE64URL_LEN(strlen(rows[i].bytes)));
		assert_memory_equal(out.len > 0 ? out.data : "", rows[i].text, out.len);
		buf_reset(&out);
		assert_true(base64url_decode(rows[i].text, strlen(rows[i].text), &out));
		assert_int_equal(out.len, strlen(rows[i].bytes));
		assert_memory_equal(out.len > 0 ? out.data : "", rows[i].bytes, out.len);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		buf_reset(&out);
		assert_false(base64url_decode(refused[i], strlen(refused[i]), &out));
	}
	buf_free(&out);
}

static void
test_identifier(void **state)
{
	assert_string_equal(public->id, THUMBPRINT);
	assert_string_equal(private->id, THUMBPRINT);
	assert_string_equal(private->header, public->header);
	assert_string_not_equal(other->id, THUMBPRINT);
}

static void
test_private_files(void **state)
{
	static const struct { const char *text; mode_t mode; const char *says; } rows[] = {
		{ SIGNING_KEY_PRIVATE, 0400, NULL },
		{ SIGNING_KEY_PRIVATE, 0640, NULL },
		{ SIGNING_KEY_PRIVATE, 0644, "its mode is 644" },
		{ SIGNING_KEY_PRIVATE, 0620, "its mode is 620" },
		{ "", 0600, "expected a file of 1" },
		{ "nothing\n", 0600, "no Ed25519 private key" },
		{ "-----BEGIN PUBLIC KEY-----\n" PUBLIC_LINE "\n-----END PUBLIC KEY-----\n", 0600,
		    "no Ed25519 private key" },
		/* X25519: no key for signatures */
		{ "-----BEGIN PRIVATE KEY-----\n"
		    "MC4CAQAwBQYDK2VuBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
		    "-----END PRIVATE KEY-----\n", 0600, "no Ed25519 private key" },
	};
	struct buf why = BUF_INIT(512);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *path = write_file(rows[i].text, rows[i].mode);
		struct jws_key *key = jws_key_read_private(path, &why);

		assert_int_equal(key != NULL, rows[i].says == NULL);
		if (rows[i].says != NULL)
			assert_non_null(strstr(why.data, rows[i].says));
		jws_key_free(key);
		buf_reset(&why);
		unlink(path);
	}
	assert_null(jws_key_read_private("/nonexistent", &why));
	assert_null(jws_key_read_private("/dev/null", &why));
	buf_free(&why);
}

static void
test_public_forms(void **state)
{
	static const char pem[] = "-----BEGIN PUBLIC KEY-----\n" PUBLIC_LINE
	    "\n-----END PUBLIC KEY-----\n";
	static const char *const refused[] = { "/nonexistent", SIGNING_KEY_PRIVATE, "-----BEGIN nothing",
		/* 33 bytes of key */
		"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUR==", };
	struct buf why = BUF_INIT(512);
	char *path = write_file(pem, 0644);
	struct jws_key *key = jws_key_read_public(path, &why);

	unlink(path);
	assert_string_equal(key->id, THUMBPRINT);
	jws_key_free(key);
	key = jws_key_read_public(pem, &why);
	assert_string_equal(key->id, THUMBPRINT);
	jws_key_free(key);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_null(jws_key_read_public(refused[i], &why));
	buf_free(&why);
}

static enum jws_fault
verify(const struct jws_key *key, const char *text)
{
	struct buf payload = BUF_INIT(4096);
	enum jws_fault fault = jws_verify(key, text, strlen(text), &payload);

	if (fault != JWS_OK)
		assert_int_equal(payload.len, 0);
	else
		assert_string_equal(payload.data, "Example of Ed25519 signing");
	buf_free(&payload);
	return fault;
}

static char *
sign(void)
{
	struct buf out = BUF_INIT(4096);

	assert_true(jws_sign(private, "Example of Ed25519 signing", 26, &out));
	return buf_take(&out);
}

static void
test_round(void **state)
{
	char *text = sign();

	assert_int_equal(verify(public, text), JWS_OK);
	assert_int_equal(verify(private, text), JWS_OK);
	assert_int_equal(verify(other, text), JWS_OTHER_KEY);
	free(text);
}

/* Each byte replaced by each of a few others, each prefix, and what is appended. */
static void
test_changed(void **state)
{
	static const char others[] = "A-_.=+/ \n\x80z";
	char *text = sign(), *longer = NULL;
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		char byte = text[i];

		for (size_t k = 0; k < sizeof(others) - 1; k++)
			if (others[k] != byte) {
				text[i] = others[k];
				assert_int_not_equal(verify(public, text), JWS_OK);
			}
		for (unsigned int bit = 0; bit < 7; bit++) {
			text[i] = (char)(byte ^ 1 << bit);
			assert_int_not_equal(verify(public, text), JWS_OK);
		}
		text[i] = '\0';
		assert_int_not_equal(verify(public, text), JWS_OK);
		text[i] = byte;
	}
	for (const char *more = "A.= \"=="; *more != '\0'; more++) {
		assert_int_not_equal(asprintf(&longer, "%s%c", text, *more), -1);
		assert_int_not_equal(verify(public, longer), JWS_OK);
		free(longer);
	}
	free(text);
}

/* Right signatures under wrong headers, and headers that ask for no signature. */
static void
test_header(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\"}",
		"{\"alg\":\"none\",\"kid\":\"" THUMBPRINT "\",\"typ\":\"mpic-result\"}",
		"{\"alg\":\"HS256\",\"kid\":\"" THUMBPRINT "\",\"typ\":\"mpic-result\"}",
		"{\"alg\":\"EdDSA\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"another\",\"typ\":\"mpic-result\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"" THUMBPRINT "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"" THUMBPRINT "\",\"typ\":\"mpic-result\",\"crit\":[\"x\"]}",
		"{\"alg\":\"EdDSA\", \"kid\":\"" THUMBPRINT "\",\"typ\":\"mpic-result\"}",
		"",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct buf header = BUF_INIT(512), text = BUF_INIT(4096);
		struct jws_key forged = *private;

		base64url_add(&header, headers[i], strlen(headers[i]));
		snprintf(forged.header, sizeof(forged.header), "%s",
		    header.data != NULL ? header.data : "");
		forged.header_len = strlen(forged.header);
		assert_true(jws_sign(&forged, "Example of Ed25519 signing", 26, &text));
		assert_int_equal(verify(public, text.data), JWS_OTHER_KEY);
		/* and without a signature, as `none` has it */
		*(strrchr(text.data, '.') + 1) = '\0';
		assert_int_equal(verify(public, text.data), JWS_OTHER_KEY);
		buf_free(&header);
		buf_free(&text);
	}
}

static void
test_parts(void **state)
{
	struct buf text = BUF_INIT(4096);

	assert_int_equal(verify(public, ""), JWS_MALFORMED);
	assert_int_equal(verify(public, "."), JWS_MALFORMED);
	assert_int_equal(verify(public, ".."), JWS_OTHER_KEY);
	assert_int_equal(verify(public, public->header), JWS_MALFORMED);
	buf_addf(&text, "%s..", public->header);
	assert_int_equal(verify(public, text.data), JWS_MALFORMED);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64url),
		cmocka_unit_test(test_identifier),
		cmocka_unit_test(test_private_files),
		cmocka_unit_test(test_public_forms),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, read_keys, free_keys);
}
