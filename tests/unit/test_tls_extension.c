#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tls_extension.h"

/* RFC 8037 A.1. */
#define KEY	"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define BEGINNING "urn:mpic:perspective:"

static STACK_OF(X509_EXTENSION) *
stack_of(X509_EXTENSION *first, X509_EXTENSION *second)
{
	STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();

	assert_non_null(first);
	sk_X509_EXTENSION_push(all, first);
	if (second != NULL)
		sk_X509_EXTENSION_push(all, second);
	return all;
}

/* With another value in it. */
static X509_EXTENSION *
spoiled(X509_EXTENSION *extension, const char *bytes, int len)
{
	assert_int_equal(ASN1_OCTET_STRING_set(X509_EXTENSION_get_data(extension),
	    (const unsigned char *)bytes, len), 1);
	return extension;
}

static void
stack_free(STACK_OF(X509_EXTENSION) *all)
{
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
}

static void
test_signing_key(void **state)
{
	STACK_OF(X509_EXTENSION) *one = stack_of(tls_signing_key_extension(KEY), NULL);
	STACK_OF(X509_EXTENSION) *two = stack_of(tls_signing_key_extension(KEY),
	    tls_signing_key_extension(KEY));
	STACK_OF(X509_EXTENSION) *bad = stack_of(spoiled(tls_signing_key_extension(KEY), "\x05", 1),
	    NULL);
	char base64[TLS_SIGNING_KEY_LEN + 1] = "x";

	assert_true(tls_signing_key(one, base64));
	assert_string_equal(base64, KEY);
	assert_true(tls_signing_key_named(one));
	assert_false(tls_signing_key(two, base64));
	assert_string_equal(base64, "");
	assert_false(tls_signing_key(bad, base64));
	assert_true(tls_signing_key_named(bad));
	assert_false(tls_signing_key(NULL, base64));
	assert_false(tls_signing_key_named(NULL));
	stack_free(one);
	stack_free(two);
	stack_free(bad);
}

static void
test_no_signing_key(void **state)
{
	static const char *const wrong[] = { "", "x", KEY "=",
		/* X25519 */
		"MCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		"!CowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_null(tls_signing_key_extension(wrong[i]));
}

static void
test_identities(void **state)
{
	STACK_OF(X509_EXTENSION) *one = stack_of(tls_identities_extension(BEGINNING), NULL);
	STACK_OF(X509_EXTENSION) *two = stack_of(tls_identities_extension(BEGINNING),
	    tls_identities_extension("urn:"));
	STACK_OF(X509_EXTENSION) *other = stack_of(tls_signing_key_extension(KEY), NULL);

	assert_true(tls_identities_allow(NULL, "urn:mpic:coordinator"));
	assert_true(tls_identities_allow(other, "urn:mpic:coordinator"));
	assert_true(tls_identities_allow(one, BEGINNING "aws:eu-central-1"));
	assert_false(tls_identities_allow(one, BEGINNING));
	assert_false(tls_identities_allow(one, "urn:mpic:coordinator"));
	assert_false(tls_identities_allow(one, "URN:mpic:perspective:a"));
	assert_false(tls_identities_allow(one, ""));
	assert_false(tls_identities_allow(two, BEGINNING "a"));
	stack_free(one);
	stack_free(two);
	stack_free(other);
}

/* What cannot be read allows nobody. */
static void
test_identities_malformed(void **state)
{
	static const struct { const char *bytes; int len; } rows[] = { { "", 0 }, { "\x0c\x00", 2 },
		{ "\x0c\x04urn:x", 7 }, { "\x0c\x09urn:", 6 }, { "urn:", 4 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		STACK_OF(X509_EXTENSION) *all = stack_of(spoiled(tls_identities_extension(BEGINNING),
		    rows[i].bytes, rows[i].len), NULL);

		assert_false(tls_identities_allow(all, "urn:mpic:perspective:a"));
		stack_free(all);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signing_key),
		cmocka_unit_test(test_no_signing_key),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_identities_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
