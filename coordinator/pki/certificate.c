#include "coordinator/pki/certificate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tls_extension.h"

#define BEFORE_S	300
#define SERIAL_BYTES	16

bool
pki_fail(struct buf *why, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	buf_addf(why, "%s: %s", what, reason != NULL ? reason : "out of memory");
	ERR_clear_error();
	return false;
}

/* ---- texts ---- */

/* Adds what was written to `bio`, which is freed and leaves nothing in memory. */
static bool
take_text(BIO *bio, bool written, struct buf *out)
{
	char *text = NULL;
	long len = bio != NULL ? BIO_get_mem_data(bio, &text) : 0;

	if (written && len > 0)
		buf_add(out, text, (size_t)len);
	if (text != NULL)
		OPENSSL_cleanse(text, (size_t)len);
	BIO_free(bio);
	return written && len > 0 && !out->failed;
}

bool
certificate_text(X509 *x, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_text(bio, bio != NULL && PEM_write_bio_X509(bio, x) == 1, out);
}

bool
certificate_key_text(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_text(bio, bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0,
	    NULL, NULL) == 1, out);
}

bool
certificate_serial(const ASN1_INTEGER *number, char hex[static CERTIFICATE_SERIAL_MAX])
{
	BIGNUM *value = ASN1_INTEGER_to_BN(number, NULL);
	char *text = value != NULL ? BN_bn2hex(value) : NULL;

	snprintf(hex, CERTIFICATE_SERIAL_MAX, "%s", text != NULL ? text : "");
	OPENSSL_free(text);
	BN_free(value);
	return hex[0] != '\0';
}

/* ---- what is in it ---- */

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

static bool
set_name(X509_NAME *name, const char *text)
{
	char cut[ub_common_name + 1];

	snprintf(cut, sizeof(cut), "%s", text);
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)cut, -1, -1, 0) == 1;
}

/* Frees it; NULL fails. */
static bool
add_made(X509 *x, X509_EXTENSION *extension)
{
	bool ok = extension != NULL && X509_add_ext(x, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}

static bool
add_extension(X509 *x, X509V3_CTX *context, int nid, const char *value)
{
	return add_made(x, X509V3_EXT_conf_nid(NULL, context, nid, value));
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

static bool
copy_names(X509 *x, const X509 *old)
{
	int at = X509_get_ext_by_NID(old, NID_subject_alt_name, -1);

	return at >= 0 && X509_add_ext(x, X509_get_ext(old, at), -1) == 1;
}

static bool
add_holder(X509 *x, X509V3_CTX *context, const struct certificate_plan *plan)
{
	char old_key[TLS_SIGNING_KEY_LEN + 1] = "";
	const char *key = plan->holder != NULL ? plan->holder->signing_key : old_key;

	if (plan->holder == NULL)
		tls_signing_key(X509_get0_extensions(plan->old), old_key);
	if (!(plan->holder != NULL ? add_names(x, context, plan->holder) :
	    copy_names(x, plan->old)))
		return false;
	return key == NULL || key[0] == '\0' || add_made(x, tls_signing_key_extension(key));
}

static bool
add_extensions(X509 *x, const struct certificate_plan *plan)
{
	/* A root has room for the enrolment CA below it. NULL: not at all. */
	static const struct {
		int nid;
		const char *values[CERTIFICATE_LEAF + 1];
	} rows[] = {
		{ NID_basic_constraints, { "critical,CA:TRUE,pathlen:1", "critical,CA:TRUE,pathlen:0",
		    "critical,CA:FALSE" } },
		{ NID_key_usage, { "critical,keyCertSign,cRLSign", "critical,keyCertSign,cRLSign",
		    "critical,digitalSignature" } },
		{ NID_ext_key_usage, { NULL, NULL, "serverAuth,clientAuth" } },
		{ NID_subject_key_identifier, { "hash", "hash", "hash" } },
		{ NID_authority_key_identifier, { NULL, "keyid:always", "keyid:always" } },
	};
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, plan->issuer != NULL ? plan->issuer : x, x, NULL, NULL, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *value = rows[i].values[plan->kind];

		if (value != NULL && !add_extension(x, &context, rows[i].nid, value))
			return false;
	}
	if (plan->kind == CERTIFICATE_ENROLMENT)
		return add_made(x, tls_identities_extension(PKI_PERSPECTIVE));
	return plan->kind != CERTIFICATE_LEAF || add_holder(x, &context, plan);
}

X509 *
certificate_make(const struct certificate_plan *plan)
{
	X509 *x = X509_new();
	time_t now = time(NULL);

	if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    X509_time_adj_ex(X509_getm_notBefore(x), 0, -BEFORE_S, &now) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(x), (int)plan->days, 0, &now) != NULL &&
	    set_name(X509_get_subject_name(x), plan->name) &&
	    X509_set_issuer_name(x, X509_get_subject_name(plan->issuer != NULL ?
	    plan->issuer : x)) == 1 &&
	    X509_set_pubkey(x, plan->key) == 1 && add_extensions(x, plan))
		return x;
	X509_free(x);
	return NULL;
}

bool
certificate_sign(X509 *x, EVP_PKEY *key)
{
	/* Of Ed25519 the digest is its own. */
	return X509_sign(x, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0;
}
