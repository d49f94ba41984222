/* certificate.h: what is read from certificates of every sort. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <openssl/ec.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "httpcheck/certificate.h"

#define ACME_OID "1.3.6.1.5.5.7.1.31"
#define DIGEST "0420" "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* Extensions as openssl.cnf writes them; NULL: none. */
struct recipe {
	const char *common_name;
	const char *names, *names_again;	/* subjectAltName */
	const char *acme, *acme_again;		/* "critical,DER:..." */
};

static void
extend(X509 *x, const char *oid, const char *value)
{
	X509_EXTENSION *ext;

	if (value == NULL)
		return;
	ext = X509V3_EXT_conf(NULL, NULL, oid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* The caller frees the DER. */
static size_t
make(const struct recipe *recipe, unsigned char **der)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	int len;

	X509_set_version(x, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	if (recipe->common_name != NULL)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
		    (const unsigned char *)recipe->common_name, -1, -1, 0);
	X509_set_pubkey(x, key);
	extend(x, "subjectAltName", recipe->names);
	extend(x, "subjectAltName", recipe->names_again);
	extend(x, ACME_OID, recipe->acme);
	extend(x, ACME_OID, recipe->acme_again);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	*der = NULL;
	len = i2d_X509(x, der);
	assert_true(len > 0);
	X509_free(x);
	EVP_PKEY_free(key);
	return (size_t)len;
}

static struct fetch_certificate
read_made(const struct recipe *recipe, struct certificate_texts *texts)
{
	struct fetch_certificate c;
	unsigned char *der;
	size_t len = make(recipe, &der);
	uint8_t sha256[32];

	certificate_read(&c, texts, der, len);
	SHA256(der, len, sha256);
	assert_true(c.present);
	assert_memory_equal(c.sha256, sha256, 32);
	OPENSSL_free(der);
	return c;
}

static void
test_acme(void **state)
{
	const struct recipe recipe = { "b\xc3\xbc" "cher.example", "DNS:www.example.com", NULL,
	    "critical,DER:" DIGEST, NULL };
	struct certificate_texts texts;
	struct fetch_certificate c = read_made(&recipe, &texts);

	assert_true(c.parsed);
	assert_string_equal(c.common_name, "b\xc3\xbc" "cher.example");
	assert_int_equal(c.name_count, 1);
	assert_int_equal(c.names[0].kind, FETCH_DNS_NAME);
	assert_string_equal(c.names[0].text, "www.example.com");
	assert_int_equal(c.acme_count, 1);
	assert_true(c.acme_critical);
	assert_int_equal(c.acme_len, 34);
	assert_int_equal(c.acme[0], 4);
	assert_int_equal(c.acme[33], 0x1f);
}

static void
test_plain(void **state)
{
	const struct recipe recipe = { 0 };
	struct certificate_texts texts;
	struct fetch_certificate c = read_made(&recipe, &texts);

	assert_true(c.parsed);
	assert_null(c.common_name);
	assert_int_equal(c.name_count, 0);
	assert_int_equal(c.acme_count, 0);
}

static void
test_names(void **state)
{
	const struct recipe recipe = { NULL, "IP:192.0.2.1,IP:2001:db8::1,email:a@example.com,"
	    "URI:http://www.example.com,DNS:a b", NULL, "DER:" DIGEST, "critical,DER:0400" };
	struct certificate_texts texts;
	struct fetch_certificate c = read_made(&recipe, &texts);

	assert_true(c.parsed);
	assert_int_equal(c.name_count, 5);
	assert_int_equal(c.names[0].kind, FETCH_IP_ADDRESS);
	assert_string_equal(c.names[0].text, "192.0.2.1");
	assert_string_equal(c.names[1].text, "2001:db8::1");
	for (size_t i = 2; i < 5; i++) {
		assert_int_equal(c.names[i].kind, FETCH_OTHER_NAME);
		assert_null(c.names[i].text);
	}
	assert_int_equal(c.acme_count, 2);
	assert_false(c.acme_critical);	/* the first's */
	assert_int_equal(c.acme_len, 34);
}

static void
test_many_names(void **state)
{
	const struct recipe recipe = { NULL, "DNS:a,DNS:b,DNS:c,DNS:d,DNS:e,DNS:f,DNS:g,DNS:h,"
	    "DNS:i,DNS:j,DNS:k,DNS:l,DNS:m,DNS:n,DNS:o,DNS:p,DNS:q,DNS:r", NULL, NULL, NULL };
	struct certificate_texts texts;
	struct fetch_certificate c = read_made(&recipe, &texts);

	assert_int_equal(c.name_count, 18);
	assert_string_equal(c.names[FETCH_NAMES_MAX - 1].text, "p");
}

/* dNSName "www.example.com\0.evil.example" equals nothing. */
static void
test_name_with_nul(void **state)
{
	const struct recipe recipe = { NULL,
	    "DER:301e821c7777772e6578616d706c652e636f6d002e6578616d706c652e6e6574", NULL, NULL,
	    NULL };
	struct certificate_texts texts;
	struct fetch_certificate c = read_made(&recipe, &texts);

	assert_true(c.parsed);
	assert_int_equal(c.name_count, 1);
	assert_int_equal(c.names[0].kind, FETCH_OTHER_NAME);
}

static void
test_malformed(void **state)
{
	static const struct recipe recipes[] = {
		{ NULL, "DNS:a", "DNS:b", NULL, NULL },
		{ NULL, "DER:0101ff", NULL, NULL, NULL },
		{ NULL, "DER:300382016100", NULL, NULL, NULL },	/* a byte too many */
	};
	const struct recipe good = { NULL, "DNS:a", NULL, "critical,DER:" DIGEST, NULL };
	struct certificate_texts texts;
	struct fetch_certificate c;
	unsigned char *der;
	size_t len;

	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++)
		assert_false(read_made(&recipes[i], &texts).parsed);
	len = make(&good, &der);
	for (size_t cut = 0; cut < len; cut++) {
		certificate_read(&c, &texts, der, cut);
		assert_true(c.present);
		assert_false(c.parsed);
	}
	der = OPENSSL_realloc(der, len + 1);
	der[len] = 0;
	certificate_read(&c, &texts, der, len + 1);
	assert_false(c.parsed);
	OPENSSL_free(der);
}

/* An extnValue of any length is told of, but only so much of it. */
static void
test_long_acme(void **state)
{
	const struct recipe recipe = { NULL, "DNS:a", NULL, "DER:" DIGEST DIGEST, NULL };
	struct certificate_texts texts;
	struct fetch_certificate c = read_made(&recipe, &texts);

	assert_int_equal(c.acme_len, FETCH_ACME_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acme),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_name_with_nul),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_long_acme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
