#include "coordinator/pki/ca.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls.h"

#define DAY_S	INT64_C(86400)

/* ---- the CA ---- */

bool
pki_ca_make(struct pki_ca *ca, const char *name, int64_t days, struct buf *why)
{
	*ca = (struct pki_ca){ .key = EVP_EC_gen("P-256") };
	if (ca->key != NULL)
		ca->certificate = certificate_make(&(struct certificate_plan){
		    .kind = CERTIFICATE_ROOT, .key = ca->key, .name = name, .days = days });
	if (ca->certificate == NULL || !certificate_sign(ca->certificate, ca->key))
		return pki_fail(why, "no CA can be made");
	return true;
}

/* False, with a sentence, when nothing issued now would last a day. */
static bool
days_left(const struct pki_ca *ca, int64_t *days, struct buf *why)
{
	int64_t left = (tls_certificate_expires_s(ca->certificate) - (int64_t)time(NULL)) / DAY_S;

	if (left < 1)
		buf_adds(why, "the CA's own certificate ends within a day");
	if (*days > left)
		*days = left;
	return left >= 1;
}

bool
pki_ca_make_enrolment(struct pki_ca *ca, const struct pki_ca *root, const char *name,
    int64_t days, struct buf *why)
{
	*ca = (struct pki_ca){ .certificate = NULL };
	if (X509_get_pathlen(root->certificate) == 0) {
		buf_adds(why, "this CA says of itself that none is below it (pathlen 0): "
		    "expected a root that mpic pki init has made");
		return false;
	}
	if (!days_left(root, &days, why))
		return false;
	ca->key = EVP_EC_gen("P-256");
	if (ca->key != NULL)
		ca->certificate = certificate_make(&(struct certificate_plan){
		    .kind = CERTIFICATE_ENROLMENT, .issuer = root->certificate, .key = ca->key,
		    .name = name, .days = days });
	if (ca->certificate == NULL || !certificate_sign(ca->certificate, root->key))
		return pki_fail(why, "no CA can be made");
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

static bool
is_root(X509 *x)
{
	return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
}

/* What follows the CA's own certificate in its file. */
static bool
read_above(struct pki_ca *ca, BIO *bio)
{
	bool ok = true;
	X509 *x;

	ca->above = sk_X509_new_null();
	while (ca->above != NULL && ok && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (is_root(x))
			X509_free(x);
		else if (sk_X509_push(ca->above, x) <= 0) {
			X509_free(x);
			ok = false;
		}
	}
	ERR_clear_error();
	return ok && ca->above != NULL;
}

static bool
read_certificates(struct pki_ca *ca, const char *path, struct buf *why)
{
	BIO *bio = open_file(path, why);
	bool ok;

	if (bio == NULL)
		return false;
	ca->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ok = ca->certificate != NULL && read_above(ca, bio);
	BIO_free(bio);
	if (!ok)
		return pki_fail(why, path);
	if (X509_check_ca(ca->certificate) == 1)
		return true;
	buf_addf(why, "%s: expected a CA's certificate first", path);
	return false;
}

bool
pki_ca_read(struct pki_ca *ca, const char *certificate, const char *key, struct buf *why)
{
	BIO *bio;

	*ca = (struct pki_ca){ .certificate = NULL };
	if (!read_certificates(ca, certificate, why))
		return false;
	bio = open_file(key, why);
	if (bio == NULL)
		return false;
	/* An empty passphrase, rather than a question on the terminal. */
	ca->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	BIO_free(bio);
	if (ca->key == NULL)
		return pki_fail(why, key);
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
	sk_X509_pop_free(ca->above, X509_free);
	*ca = (struct pki_ca){ .certificate = NULL };
}

bool
pki_ca_is_root(const struct pki_ca *ca)
{
	return is_root(ca->certificate);
}

/* ---- what is handed out ---- */

static bool
set_issued(struct pki_issued *out, X509 *x, EVP_PKEY *key)
{
	out->certificate = BUF_INIT(PKI_PEM_MAX);
	out->key = BUF_INIT(PKI_PEM_MAX);
	out->expires_s = tls_certificate_expires_s(x);
	tls_certificate_identity(x, out->identity);
	return certificate_serial(X509_get0_serialNumber(x), out->serial) &&
	    certificate_text(x, &out->certificate) &&
	    (key == NULL || certificate_key_text(key, &out->key));
}

/* Who gets a leaf has to show the CAs between it and the root as well. */
static bool
add_chain(struct pki_issued *out, const struct pki_ca *ca)
{
	bool ok = pki_ca_is_root(ca) || certificate_text(ca->certificate, &out->certificate);

	for (int i = 0; ok && i < sk_X509_num(ca->above); i++)
		ok = certificate_text(sk_X509_value(ca->above, i), &out->certificate);
	return ok;
}

bool
pki_ca_write(const struct pki_ca *ca, struct pki_issued *out, struct buf *why)
{
	*out = (struct pki_issued){ .serial = "" };
	return set_issued(out, ca->certificate, ca->key) || pki_fail(why, "the CA cannot be written");
}

/* `key` NULL: none is handed out. */
static bool
issue(const struct pki_ca *ca, struct certificate_plan *plan, EVP_PKEY *key,
    struct pki_issued *out, struct buf *why)
{
	bool ok;

	*out = (struct pki_issued){ .serial = "" };
	plan->kind = CERTIFICATE_LEAF;
	plan->issuer = ca->certificate;
	if (!days_left(ca, &plan->days, why))
		return false;
	out->x = plan->key != NULL ? certificate_make(plan) : NULL;
	ok = out->x != NULL && certificate_sign(out->x, ca->key) &&
	    set_issued(out, out->x, key) && add_chain(out, ca);
	return ok || pki_fail(why, "no certificate can be made");
}

bool
pki_issue(const struct pki_ca *ca, const struct pki_holder *holder, EVP_PKEY *key,
    int64_t days, struct pki_issued *out, struct buf *why)
{
	EVP_PKEY *fresh = key == NULL ? EVP_EC_gen("P-256") : NULL;
	struct certificate_plan plan = { .key = key != NULL ? key : fresh,
		.name = holder->identity, .holder = holder, .days = days };
	bool ok = issue(ca, &plan, fresh, out, why);

	EVP_PKEY_free(fresh);
	return ok;
}

bool
pki_renew(const struct pki_ca *ca, const X509 *old, int64_t days, struct pki_issued *out,
    struct buf *why)
{
	char identity[TLS_IDENTITY_MAX];
	struct certificate_plan plan = { .key = X509_get0_pubkey(old), .name = identity,
		.old = old, .days = days };

	*out = (struct pki_issued){ .serial = "" };
	if (!tls_certificate_identity(old, identity)) {
		buf_adds(why, "the certificate has no identity: expected one urn:mpic: URI in it");
		return false;
	}
	return issue(ca, &plan, NULL, out, why);
}

bool
pki_is_ours(const struct pki_ca *ca, const X509 *x)
{
	bool ok = X509_NAME_cmp(X509_get_issuer_name(x),
	    X509_get_subject_name(ca->certificate)) == 0 &&
	    X509_verify((X509 *)x, X509_get0_pubkey(ca->certificate)) == 1;

	ERR_clear_error();
	return ok;
}

void
pki_issued_free(struct pki_issued *issued)
{
	if (issued->key.data != NULL)
		OPENSSL_cleanse(issued->key.data, issued->key.len);
	buf_free(&issued->certificate);
	buf_free(&issued->key);
	X509_free(issued->x);
	issued->x = NULL;
}

bool
pki_signing_key(struct buf *private_pem, struct buf *public_line, struct buf *why)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	unsigned char *der = NULL, base64[128];
	int len = key != NULL ? i2d_PUBKEY(key, &der) : -1;
	bool ok;

	*private_pem = BUF_INIT(PKI_PEM_MAX);
	*public_line = BUF_INIT(sizeof(base64));
	ok = len > 0 && len <= 64 && certificate_key_text(key, private_pem);
	if (ok) {
		EVP_EncodeBlock(base64, der, len);
		buf_adds(public_line, (const char *)base64);
	}
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	return ok || pki_fail(why, "no signing key can be made");
}
