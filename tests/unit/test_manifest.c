/* Manifests of updates: whose signature counts, and what they may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "appliance/update/manifest.h"
#include "base64url.h"

#define SHA	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD	"format: parallax-update-1\nimage: parallax-perspective\nversion: 2026.11.22-1\n"
#define TIMES	"released: \"2026-11-22T10:00:00Z\"\nexpires: \"2027-02-20T10:00:00Z\"\n"
#define ROOT	"root: {file: a_1.root, bytes: 8192, sha256: " SHA "}\n"
#define EFI	"efi: {file: a_1.efi, bytes: 5000, sha256: " SHA "}\n"
#define GOOD	HEAD TIMES ROOT EFI

static EVP_PKEY *ours, *next, *strangers;
static struct update_keys keys;

static void
add_signature(struct buf *text, EVP_PKEY *key, const char *what, size_t len)
{
	unsigned char bytes[UPDATE_SIGNATURE_LEN];
	size_t size = sizeof(bytes);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, bytes, &size, (const unsigned char *)what, len), 1);
	EVP_MD_CTX_free(ctx);
	buf_adds(text, "  - ");
	base64url_add(text, bytes, size);
	buf_addc(text, '\n');
}

/* GOOD, signed by one key or two. */
static struct buf
signed_text(EVP_PKEY *one, EVP_PKEY *other)
{
	struct buf text = BUF_INIT(65536);

	buf_adds(&text, GOOD "signatures:\n");
	add_signature(&text, one, GOOD, strlen(GOOD));
	if (other != NULL)
		add_signature(&text, other, GOOD, strlen(GOOD));
	return text;
}

static void
expect_signed(const struct buf *text, bool good)
{
	struct buf why = BUF_INIT(1024);
	size_t len = manifest_signed(text->data, text->len, &keys, &why);

	assert_int_equal(len, good ? strlen(GOOD) : 0);
	assert_int_equal(why.len == 0, good);
	buf_free(&why);
}

static void
test_whose_signature(void **state)
{
	EVP_PKEY *const pairs[][2] = { { ours, NULL }, { next, NULL }, { ours, next },
		{ strangers, ours }, { ours, strangers }, { strangers, NULL }, { strangers, strangers } };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct buf text = signed_text(pairs[i][0], pairs[i][1]);

		expect_signed(&text, i < 5);
		buf_free(&text);
	}
}

/* Each byte of it matters, of the text and of the signature. */
static void
test_one_byte_changed(void **state)
{
	struct buf text = signed_text(ours, NULL);

	for (size_t i = 0; i < text.len; i++) {
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			struct buf why = BUF_INIT(1024);

			text.data[i] = (char)(text.data[i] ^ (char)bit);
			assert_int_equal(manifest_signed(text.data, text.len, &keys, &why), 0);
			text.data[i] = (char)(text.data[i] ^ (char)bit);
			buf_free(&why);
		}
	}
	expect_signed(&text, true);
	buf_free(&text);
}

static void
test_cut_or_longer(void **state)
{
	struct buf text = signed_text(ours, NULL);
	size_t len = text.len;

	for (text.len = 0; text.len < len; text.len++)
		expect_signed(&text, false);
	/* nothing rides along behind what is signed */
	text.len = len;
	buf_adds(&text, "rollback: true\n");
	expect_signed(&text, false);
	text.len = len;
	buf_adds(&text, "\n");
	expect_signed(&text, false);
	text.len = len;
	for (int i = 1; i < MANIFEST_SIGNATURES_MAX; i++)
		add_signature(&text, strangers, GOOD, strlen(GOOD));
	expect_signed(&text, true);
	add_signature(&text, ours, GOOD, strlen(GOOD));
	expect_signed(&text, false);
	buf_free(&text);
}

/* A signature of a text that goes on after "signatures:" is one of another text. */
static void
test_two_ends(void **state)
{
	static const char longer[] = GOOD "signatures:\nrollback: true\n";
	struct buf text = BUF_INIT(65536);

	buf_adds(&text, longer);
	buf_adds(&text, "signatures:\n");
	add_signature(&text, ours, longer, strlen(longer));
	expect_signed(&text, false);
	buf_free(&text);
}

static void
test_too_long(void **state)
{
	struct buf text = BUF_INIT(65536), what = BUF_INIT(65536);

	buf_adds(&what, GOOD);
	while (what.len < MANIFEST_MAX)
		buf_adds(&what, "#\n");
	buf_add(&text, what.data, what.len);
	buf_adds(&text, "signatures:\n");
	add_signature(&text, ours, what.data, what.len);
	expect_signed(&text, false);
	buf_free(&text);
	buf_free(&what);
}

/* ---- what it says ---- */

static void
test_good(void **state)
{
	struct buf faults = BUF_INIT(4096);
	struct manifest m;
	static const char text[] = GOOD "rollback: true\nminimum: 2026.1\n";

	assert_true(manifest_parse(&m, text, strlen(text), &faults));
	assert_string_equal(m.image, "parallax-perspective");
	assert_string_equal(m.version, "2026.11.22-1");
	assert_string_equal(m.minimum, "2026.1");
	assert_true(m.rollback);
	assert_int_equal(m.released_s, 1795341600);
	assert_int_equal(m.expires_s, 1803117600);
	assert_string_equal(m.root.file, "a_1.root");
	assert_int_equal(m.root.bytes, 8192);
	assert_string_equal(m.efi.sha256, SHA);
	manifest_free(&m);
	assert_true(manifest_parse(&m, GOOD, strlen(GOOD), &faults));
	assert_false(m.rollback);
	assert_null(m.minimum);
	manifest_free(&m);
	buf_free(&faults);
}

static void
test_faults(void **state)
{
	static const struct {
		const char *text, *fault;
	} table[] = {
		{ "", "format" },
		{ TIMES ROOT EFI, "version" },
		{ HEAD ROOT EFI, "released" },
		{ HEAD TIMES EFI, "root" },
		{ HEAD TIMES ROOT, "efi" },
		{ GOOD "sha512: x\n", "sha512" },
		{ GOOD "version: 3\n", "version" },
		{ GOOD "rollback: 1\n", "rollback" },
		{ GOOD "minimum: 1.x\n", "minimum" },
		{ "format: parallax-update-2\nimage: i\nversion: 1\n" TIMES ROOT EFI, "format" },
		{ "format: parallax-update-1\nimage: i\nversion: 1.x\n" TIMES ROOT EFI, "version" },
		{ "format: parallax-update-1\nimage: i\nversion: ../1\n" TIMES ROOT EFI, "version" },
		{ HEAD "released: \"2026-02-31T10:00:00Z\"\nexpires: \"2027-02-20T10:00:00Z\"\n" ROOT EFI,
		    "released" },
		{ HEAD "released: \"2026-11-22T10:00:00Z\"\nexpires: \"2027-02-20 10:00:00Z\"\n" ROOT EFI,
		    "expires" },
		{ HEAD "released: \"2026-11-22T10:00:00Z\"\nexpires: soon\n" ROOT EFI, "expires" },
		{ HEAD TIMES "root: {file: ../a, bytes: 8192, sha256: " SHA "}\n" EFI, "root.file" },
		{ HEAD TIMES "root: {file: .a, bytes: 8192, sha256: " SHA "}\n" EFI, "root.file" },
		{ HEAD TIMES "root: {file: a%2e, bytes: 8192, sha256: " SHA "}\n" EFI, "root.file" },
		{ HEAD TIMES "root: {file: 'http://x/a', bytes: 8192, sha256: " SHA "}\n" EFI,
		    "root.file" },
		{ HEAD TIMES "root: {file: a, bytes: 8193, sha256: " SHA "}\n" EFI, "root.bytes" },
		{ HEAD TIMES "root: {file: a, bytes: 0, sha256: " SHA "}\n" EFI, "root.bytes" },
		{ HEAD TIMES "root: {file: a, bytes: -8192, sha256: " SHA "}\n" EFI, "root.bytes" },
		{ HEAD TIMES "root: {file: a, bytes: 99999999999999999999, sha256: " SHA "}\n" EFI,
		    "root.bytes" },
		{ HEAD TIMES "root: {file: a, bytes: 8192, sha256: abc}\n" EFI, "root.sha256" },
		{ HEAD TIMES "root: {file: a, bytes: 8192}\n" EFI, "root.sha256" },
		{ HEAD TIMES ROOT "efi: {file: a, bytes: 5000, sha256: "
		    "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef}\n", "efi.sha256" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buf faults = BUF_INIT(4096);
		struct manifest m;

		if (manifest_parse(&m, table[i].text, strlen(table[i].text), &faults) ||
		    faults.data == NULL || strstr(faults.data, table[i].fault) == NULL)
			fail_msg("%s: %s", table[i].fault, faults.data != NULL ? faults.data : "good");
		assert_null(m.version);
		buf_free(&faults);
	}
}

/* ---- the keys ---- */

static struct buf
pem_of(EVP_PKEY *one, EVP_PKEY *other)
{
	struct buf text = BUF_INIT(4096);
	BIO *out = BIO_new(BIO_s_mem());
	char *data;
	long len;

	assert_int_equal(PEM_write_bio_PUBKEY(out, one), 1);
	if (other != NULL)
		assert_int_equal(PEM_write_bio_PUBKEY(out, other), 1);
	len = BIO_get_mem_data(out, &data);
	buf_add(&text, data, (size_t)len);
	BIO_free(out);
	return text;
}

static void
expect_keys(const char *text, size_t len, size_t count)
{
	struct buf why = BUF_INIT(1024);
	struct update_keys k;

	assert_int_equal(update_keys_parse(&k, text, len, &why), count > 0);
	assert_int_equal(k.count, count);
	assert_int_equal(why.len == 0, count > 0);
	update_keys_free(&k);
	buf_free(&why);
}

static void
test_keys(void **state)
{
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	struct buf two = pem_of(ours, next), other = pem_of(ours, rsa);
	struct buf five = pem_of(ours, next);

	expect_keys(two.data, two.len, 2);
	expect_keys(two.data, two.len / 2, 1);
	expect_keys("", 0, 0);
	expect_keys("rubbish\n", 8, 0);
	expect_keys(other.data, other.len, 0);
	/* a block that is cut off is not no block */
	expect_keys(two.data, two.len - 30, 0);
	buf_add(&five, two.data, two.len);
	expect_keys(five.data, five.len, 4);
	buf_add(&five, two.data, two.len / 2);
	expect_keys(five.data, five.len, 0);
	buf_free(&two);
	buf_free(&other);
	buf_free(&five);
	EVP_PKEY_free(rsa);
}

static int
setup(void **state)
{
	struct buf text, why = BUF_INIT(256);
	bool ok;

	ours = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	next = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	strangers = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	text = pem_of(ours, next);
	ok = update_keys_parse(&keys, text.data, text.len, &why);
	buf_free(&text);
	buf_free(&why);
	return ok ? 0 : -1;
}

static int
teardown(void **state)
{
	EVP_PKEY_free(ours);
	EVP_PKEY_free(next);
	EVP_PKEY_free(strangers);
	update_keys_free(&keys);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose_signature),
		cmocka_unit_test(test_one_byte_changed),
		cmocka_unit_test(test_cut_or_longer),
		cmocka_unit_test(test_two_ends),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
