#include "coordinator/pki.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define BEFORE_S	300
#define SERIAL_BYTES	16
#define DAY_S		INT64_C(86400)
#define PEM_MAX		((size_t)64 * 1024)

static bool
fail(struct buf *why, const char *what)
{
	buf_addf(why, "%s: %s", what, ERR_reason_error_string(ERR_peek_last_error()) != NULL ?
	    ERR_reason_error_string(ERR_peek_last_error()) : "out of memory");
	ERR_clear_error();
	return false;
}

/* ---- texts ---- */

/* What was written to `bio`, which is freed and leaves nothing in memory. */
static bool
take_text(BIO *bio, bool written, struct buf *out)
{
	char *text = NULL;
	long len = bio != NULL ? BIO_get_mem_data(bio, &text) : 0;

	*out = BUF_INIT(PEM_MAX);
	if (written && len > 0)
		buf_add(out, text, (size_t)len);
	if (text != NULL)
		OPENSSL_cleanse(text, (size_t)len);
	BIO_free(bio);
	return out->len > 0 && !out->failed;
}

static bool
certificate_text(X509 *certificate, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_text(bio, bio != NULL && PEM_write_bio_X509(bio, certificate) == 1, out);
}

static bool
key_text(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_text(bio, bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0,
	    NULL, NULL) == 1, out);
}

/* ---- certificates ---- */

static bool
set_serial(X509 *x)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number = NULL;
	bool ok = RAND_bytes(bytes, sizeof(bytes)) == 1;

	bytes[0] &= 0x7f;	/* positive, in as many octets */
	bytes[0] |= 0x40;
	if (ok)
		number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
	BN_free(number);
	return ok;
}

/* For people; what is longer than a common name may be is cut. */
static bool
set_name(X509_NAME *name, const char *text)
{
	char cut[ub_common_name + 1];

	snprintf(cut, sizeof(cut), "%s", text);
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)cut, -1, -1, 0) == 1;
}

static bool
add_extension(X509 *x, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool ok = extension != NULL && X509_add_ext(x, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}

static bool
add_names(X509 *x, X509V3_CTX *context, const struct pki_holder *holder)
{
	struct buf names = BUF_INIT(PKI_HOSTS_MAX * 300 + 512);
	unsigned char address[16];
	bool ok;

	buf_addf(&names, "URI:%s", holder->identity);
	/* A comma would begin another name. */
	ok = holder->identity[strspn(holder->identity, PKI_IDENTITY_CHARACTERS)] == '\0';
	for (size_t i = 0; i < holder->host_count; i++) {
		const char *host = holder->hosts[i];
		bool ip = inet_pton(AF_INET, host, address) == 1 ||
		    inet_pton(AF_INET6, host, address) == 1;

		ok = ok && host[0] != '\0' && host[strspn(host, PKI_IDENTITY_CHARACTERS)] == '\0';
		buf_addf(&names, ",%s:%s", ip ? "IP" : "DNS", host);
	}
	ok = ok && !names.failed && add_extension(x, context, NID_subject_alt_name, names.data);
	buf_free(&names);
	return ok;
}

/* With a holder a leaf's, without one the CA's. */
static bool
add_extensions(X509 *x, X509 *issuer, const struct pki_holder *holder)
{
	static const struct {
		int nid;
		const char *authority, *leaf;
	} rows[] = {
		{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0", "critical,CA:FALSE" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign", "critical,digitalSignature" },
		{ NID_ext_key_usage, NULL, "serverAuth,clientAuth" },
		{ NID_subject_key_identifier, "hash", "hash" },
		{ NID_authority_key_identifier, NULL, "keyid:always" },
	};
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *value = holder != NULL ? rows[i].leaf : rows[i].authority;

		if (value != NULL && !add_extension(x, &context, rows[i].nid, value))
			return false;
	}
	return holder == NULL || add_names(x, &context, holder);
}

/* Not signed yet. NULL without memory or randomness. */
static X509 *
certificate_new(const struct pki_ca *ca, EVP_PKEY *key, const char *name,
    const struct pki_holder *holder, int64_t days)
{
	X509 *x = X509_new();
	time_t now = time(NULL);

	if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    X509_time_adj_ex(X509_getm_notBefore(x), 0, -BEFORE_S, &now) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0, &now) != NULL &&
	    set_name(X509_get_subject_name(x), name) &&
	    X509_set_issuer_name(x, X509_get_subject_name(ca != NULL ? ca->certificate : x)) == 1 &&
	    X509_set_pubkey(x, key) == 1 &&
	    add_extensions(x, ca != NULL ? ca->certificate : x, holder))
		return x;
	X509_free(x);
	return NULL;
}

static int64_t
expires_s(const X509 *x)
{
	struct tm tm;

	return ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool
set_issued(struct pki_issued *out, X509 *x, EVP_PKEY *key)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;

	snprintf(out->serial, sizeof(out->serial), "%s", hex != NULL ? hex : "");
	OPENSSL_free(hex);
	BN_free(number);
	out->expires_s = expires_s(x);
	return out->serial[0] != '\0' && certificate_text(x, &out->certificate) &&
	    key_text(key, &out->key);
}

/* ---- the CA ---- */

bool
pki_ca_make(struct pki_ca *ca, const char *name, int64_t days, struct buf *why)
{
	*ca = (struct pki_ca){ .key = EVP_EC_gen("P-256") };
	if (ca->key != NULL)
		ca->certificate = certificate_new(NULL, ca->key, name, NULL, days);
	if (ca->certificate == NULL || X509_sign(ca->certificate, ca->key, EVP_sha256()) == 0)
		return fail(why, "no CA can be made");
	return true;
}

static BIO *
open_file(const char *path, struct buf *why)
{
	BIO *bio = BIO_new_file(path, "r");

	if (bio == NULL)
		buf_addf(why, "%s: %s", path, strerror(errno));
	ERR_clear_error();
	return bio;
}

bool
pki_ca_read(struct pki_ca *ca, const char *certificate, const char *key, struct buf *why)
{
	BIO *bio = open_file(certificate, why);

	*ca = (struct pki_ca){ .certificate = NULL };
	if (bio == NULL)
		return false;
	ca->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (ca->certificate == NULL)
		return fail(why, certificate);
	bio = open_file(key, why);
	if (bio == NULL)
		return false;
	/* An empty passphrase, rather than a question on the terminal. */
	ca->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	BIO_free(bio);
	if (ca->key == NULL)
		return fail(why, key);
	if (X509_check_private_key(ca->certificate, ca->key) == 1)
		return true;
	ERR_clear_error();
	buf_addf(why, "%s is not the key of %s", key, certificate);
	return false;
}

void
pki_ca_free(struct pki_ca *ca)
{
	X509_free(ca->certificate);
	EVP_PKEY_free(ca->key);
	*ca = (struct pki_ca){ .certificate = NULL };
}

bool
pki_ca_write(const struct pki_ca *ca, struct pki_issued *out, struct buf *why)
{
	*out = (struct pki_issued){ .serial = "" };
	return set_issued(out, ca->certificate, ca->key) || fail(why, "the CA cannot be written");
}

/* ---- what it issues ---- */

bool
pki_issue(const struct pki_ca *ca, const struct pki_holder *holder, int64_t days,
    struct pki_issued *out, struct buf *why)
{
	int64_t left = (expires_s(ca->certificate) - (int64_t)time(NULL)) / DAY_S;
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	bool ok = false;

	*out = (struct pki_issued){ .serial = "" };
	if (left < 1) {
		buf_adds(why, "the CA's own certificate ends within a day");
		return false;
	}
	key = EVP_EC_gen("P-256");
	if (key != NULL)
		x = certificate_new(ca, key, holder->identity, holder, days < left ? days : left);
	ok = x != NULL && X509_sign(x, ca->key, EVP_sha256()) != 0 && set_issued(out, x, key);
	if (!ok)
		fail(why, "no certificate can be made");
	X509_free(x);
	EVP_PKEY_free(key);
	return ok;
}

void
pki_issued_free(struct pki_issued *issued)
{
	if (issued->key.data != NULL)
		OPENSSL_cleanse(issued->key.data, issued->key.len);
	buf_free(&issued->certificate);
	buf_free(&issued->key);
}

bool
pki_signing_key(struct buf *private_pem, struct buf *public_line, struct buf *why)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	unsigned char *der = NULL, base64[128];
	int len = key != NULL ? i2d_PUBKEY(key, &der) : -1;
	bool ok = len > 0 && len <= 64 && key_text(key, private_pem);

	*public_line = BUF_INIT(sizeof(base64));
	if (ok) {
		EVP_EncodeBlock(base64, der, len);
		buf_adds(public_line, (const char *)base64);
	}
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	return ok || fail(why, "no signing key can be made");
}
