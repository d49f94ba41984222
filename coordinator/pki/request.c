#include "coordinator/pki/request.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "base64.h"

#define DER_MAX		((size_t)16 * 1024)
#define EXTENSIONS_MAX	32

/* The whole of the bytes must be one. */
static X509_REQ *
request_parse(const struct buf *der)
{
	const unsigned char *at = (const unsigned char *)der->data;
	const unsigned char *end = at + der->len;
	X509_REQ *req = der->len > 0 ? d2i_X509_REQ(NULL, &at, (long)der->len) : NULL;

	if (req != NULL && at == end)
		return req;
	X509_REQ_free(req);
	return NULL;
}

/* Cheap and sound alone: what RSA keys there are to be verified with is nobody's choice here. */
static bool
key_allowed(const EVP_PKEY *key)
{
	char group[64] = "";
	int explicit_group = 0;

	if (EVP_PKEY_is_a(key, "ED25519"))
		return true;
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
	    NULL) != 1)
		return false;
	EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_group);
	return explicit_group == 0 &&
	    (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0);
}

static bool
hash_key(struct pki_request *r)
{
	unsigned char *der = NULL, sha256[SHA256_DIGEST_LENGTH];
	int len = i2d_PUBKEY(r->key, &der);
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, sha256, NULL, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; ok && i < sizeof(sha256); i++)
		snprintf(r->key_hash + 2 * i, 3, "%02x", sha256[i]);
	OPENSSL_free(der);
	return ok;
}

/* False: it has one that is none. */
static bool
take_signing_key(struct pki_request *r, X509_REQ *req)
{
	STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req);
	int count = sk_X509_EXTENSION_num(extensions);
	bool ok = count <= EXTENSIONS_MAX && (tls_signing_key(extensions, r->signing_key) ||
	    !tls_signing_key_named(extensions));

	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return ok;
}

static const char *
take(struct pki_request *r, X509_REQ *req)
{
	EVP_PKEY *key = req != NULL ? X509_REQ_get0_pubkey(req) : NULL;

	if (req == NULL)
		return "it is no PKCS #10 request in base64";
	if (key == NULL || !key_allowed(key))
		return "its key is none of P-256, P-384 and Ed25519";
	if (X509_REQ_verify(req, key) != 1)
		return "it is not signed with the key that it is for";
	if (!take_signing_key(r, req))
		return "the signing key that it names is no Ed25519 key";
	if (EVP_PKEY_up_ref(key) != 1)
		return "out of memory";
	r->key = key;
	return hash_key(r) ? NULL : "out of memory";
}

bool
pki_request_read(struct pki_request *r, const char *base64, size_t len, struct buf *why)
{
	struct buf der = BUF_INIT(DER_MAX);
	X509_REQ *req;
	const char *wrong;

	*r = (struct pki_request){ .key = NULL };
	req = base64_decode(base64, len, &der) && der.data != NULL ? request_parse(&der) : NULL;
	wrong = take(r, req);
	if (wrong != NULL)
		buf_addf(why, "the request for a certificate cannot be used: %s", wrong);
	X509_REQ_free(req);
	ERR_clear_error();
	buf_free(&der);
	return wrong == NULL;
}

void
pki_request_free(struct pki_request *r)
{
	EVP_PKEY_free(r->key);
	r->key = NULL;
}
