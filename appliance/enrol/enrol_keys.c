#include "appliance/enrol/enrol_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "appliance/place.h"
#include "base64.h"
#include "tls.h"
#include "tls_extension.h"

#define PEM_MAX		((size_t)64 * 1024)
#define PERSPECTIVE	"urn:mpic:perspective:"

/* ---- files ---- */

static void
wipe(struct buf *text)
{
	if (text->data != NULL)
		OPENSSL_cleanse(text->data, text->cap);
	buf_free(text);
}

bool
enrol_write(const char *root, const char *name, const struct buf *text, unsigned mode,
    struct buf *why)
{
	char folder[PLACE_MAX], path[PLACE_MAX + 64], next[PLACE_MAX + 80];
	bool ok;
	int fd;

	place_path(root, ENROL_FOLDER, folder);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(next, sizeof(next), "%s.new", path);
	unlink(next);
	fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
	ok = fd >= 0 && !text->failed && write(fd, text->data, text->len) == (ssize_t)text->len &&
	    fchmod(fd, (mode_t)mode) == 0 && rename(next, path) == 0;
	if (!ok)
		buf_addf(why, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

static BIO *
open_text(const char *root, const char *name, struct buf *text)
{
	char path[128];

	*text = BUF_INIT(PEM_MAX);
	snprintf(path, sizeof(path), ENROL_FOLDER "/%s", name);
	return place_read(root, path, text) && text->len > 0 ?
	    BIO_new_mem_buf(text->data, (int)text->len) : NULL;
}

static EVP_PKEY *
read_key(const char *root, const char *name)
{
	struct buf text;
	BIO *bio = open_text(root, name, &text);
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;

	ERR_clear_error();
	BIO_free(bio);
	wipe(&text);
	return key;
}

static bool
write_key(const char *root, const char *name, EVP_PKEY *key, struct buf *why)
{
	struct buf text = BUF_INIT(PEM_MAX);
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	long len = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL,
	    NULL) == 1 ? BIO_get_mem_data(bio, &bytes) : 0;
	bool ok;

	if (len > 0) {
		buf_add(&text, bytes, (size_t)len);
		OPENSSL_cleanse(bytes, (size_t)len);
	}
	ok = len > 0 && enrol_write(root, name, &text, 0600, why);
	BIO_free(bio);
	wipe(&text);
	return ok;
}

/* ---- what is there ---- */

static int64_t
unix_time(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* Owns the certificate from now on. */
static void
set_certificate(struct enrol_keys *k, X509 *x)
{
	X509_free(k->certificate);
	k->certificate = x;
	k->lifetime = (struct lifetime){ unix_time(X509_get0_notBefore(x)),
		unix_time(X509_get0_notAfter(x)) };
}

void
enrol_keys_read(struct enrol_keys *k, const char *root)
{
	struct buf text;
	BIO *bio;
	X509 *x;

	*k = (struct enrol_keys){ .tls = read_key(root, "tls.key"),
		.signing = read_key(root, "signing.key") };
	bio = open_text(root, "tls.pem", &text);
	x = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	if (x != NULL && k->tls != NULL && X509_check_private_key(x, k->tls) == 1)
		set_certificate(k, x);
	else
		X509_free(x);
	ERR_clear_error();
	BIO_free(bio);
	buf_free(&text);
}

bool
enrol_keys_make(struct enrol_keys *k, const char *root, bool signs, struct buf *why)
{
	bool tls = k->tls == NULL, signing = signs && k->signing == NULL;

	if (tls)
		k->tls = EVP_EC_gen("P-256");
	if (signing)
		k->signing = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (k->tls == NULL || (signs && k->signing == NULL)) {
		buf_adds(why, "no keys can be made: there is no randomness");
		return false;
	}
	return (!tls || write_key(root, "tls.key", k->tls, why)) &&
	    (!signing || write_key(root, "signing.key", k->signing, why));
}

void
enrol_keys_free(struct enrol_keys *k)
{
	EVP_PKEY_free(k->tls);
	EVP_PKEY_free(k->signing);
	X509_free(k->certificate);
}

/* ---- the request ---- */

/* The key that is here, or that the certificate of now names. */
static X509_EXTENSION *
signing_extension(const struct enrol_keys *k)
{
	char base64[TLS_SIGNING_KEY_LEN + 1] = "";
	struct buf text = BUF_INIT(sizeof(base64));
	unsigned char *der = NULL;
	int len = k->signing != NULL ? i2d_PUBKEY(k->signing, &der) : -1;
	X509_EXTENSION *extension = NULL;

	if (len > 0 && base64_encode(der, (size_t)len, &text))
		extension = tls_signing_key_extension(text.data);
	else if (k->certificate != NULL &&
	    tls_signing_key(X509_get0_extensions(k->certificate), base64))
		extension = tls_signing_key_extension(base64);
	OPENSSL_free(der);
	buf_free(&text);
	return extension;
}

static bool
add_signing_key(const struct enrol_keys *k, X509_REQ *req)
{
	STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *extension = signing_extension(k);
	bool ok = all != NULL;

	if (extension != NULL) {
		ok = ok && sk_X509_EXTENSION_push(all, extension) > 0 &&
		    X509_REQ_add_extensions(req, all) == 1;
		X509_EXTENSION_free(extension);
	}
	sk_X509_EXTENSION_free(all);
	return ok;
}

bool
enrol_request(const struct enrol_keys *k, struct buf *base64)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	int len = -1;
	bool ok = req != NULL && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
	    X509_REQ_set_pubkey(req, k->tls) == 1 && add_signing_key(k, req) &&
	    X509_REQ_sign(req, k->tls, EVP_PKEY_is_a(k->tls, "ED25519") ? NULL : EVP_sha256()) > 0;

	if (ok)
		len = i2d_X509_REQ(req, &der);
	ok = len > 0 && base64_encode(der, (size_t)len, base64);
	OPENSSL_free(der);
	X509_REQ_free(req);
	ERR_clear_error();
	return ok;
}

/* ---- what came ---- */

static bool
leads_to_root(X509 *leaf, STACK_OF(X509) *others, const char *ca, struct buf *why)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	bool ok = store != NULL && context != NULL && X509_STORE_load_file(store, ca) == 1 &&
	    X509_STORE_CTX_init(context, store, leaf, others) == 1;

	if (!ok)
		buf_addf(why, "%s cannot be read", ca);
	else if (X509_verify_cert(context) != 1) {
		buf_addf(why, "the certificate that came does not lead to the document's tls_ca: %s",
		    X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
		ok = false;
	}
	ERR_clear_error();
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return ok;
}

static bool
is_ours(const struct enrol_keys *k, const char *code, X509 *leaf, struct buf *why)
{
	char identity[TLS_IDENTITY_MAX], expected[TLS_IDENTITY_MAX];

	snprintf(expected, sizeof(expected), PERSPECTIVE "%s", code);
	tls_certificate_identity(leaf, identity);
	if (X509_check_private_key(leaf, k->tls) != 1)
		buf_adds(why, "the certificate that came is of another key");
	else if (strcmp(identity, expected) != 0)
		buf_addf(why, "the certificate that came is for \"%s\" instead of %s", identity, expected);
	ERR_clear_error();
	return why->len == 0;
}

static bool
add_pem(X509 *x, BIO *bio)
{
	return PEM_write_bio_X509(bio, x) == 1;
}

/* The leaf, then what is no root. */
static bool
write_chain(const char *root, X509 *leaf, STACK_OF(X509) *others, struct buf *why)
{
	struct buf text = BUF_INIT(PEM_MAX);
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = bio != NULL && add_pem(leaf, bio);
	char *bytes = NULL;
	long len;

	for (int i = 0; ok && i < sk_X509_num(others); i++) {
		X509 *x = sk_X509_value(others, i);

		if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) != 0)
			ok = add_pem(x, bio);
	}
	len = ok ? BIO_get_mem_data(bio, &bytes) : 0;
	if (len > 0)
		buf_add(&text, bytes, (size_t)len);
	ok = len > 0 && enrol_write(root, "tls.pem", &text, 0644, why);
	BIO_free(bio);
	buf_free(&text);
	return ok;
}

bool
enrol_keys_take(struct enrol_keys *k, const char *root, const char *code, const char *ca,
    STACK_OF(X509) *leaf, STACK_OF(X509) *others, struct buf *why)
{
	X509 *x = sk_X509_num(leaf) == 1 ? sk_X509_value(leaf, 0) : NULL;

	if (x == NULL) {
		buf_adds(why, "what came is not one certificate");
		return false;
	}
	if (!is_ours(k, code, x, why) || !leads_to_root(x, others, ca, why) ||
	    !write_chain(root, x, others, why) || X509_up_ref(x) != 1)
		return false;
	set_certificate(k, x);
	return true;
}
