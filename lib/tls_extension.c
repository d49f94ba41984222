#include "tls_extension.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#define SIGNING_KEY	TLS_EXTENSION_ARC ".1"
#define IDENTITIES	TLS_EXTENSION_ARC ".2"
/* Every Ed25519 SubjectPublicKeyInfo: its length, and all before the 32 bytes of the key. */
#define SPKI_LEN	44
static const unsigned char spki_begin[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
	0x70, 0x03, 0x21, 0x00 };

/* `bytes` are the whole value. NULL without memory. */
static X509_EXTENSION *
extension_new(const char *oid, const unsigned char *bytes, size_t len)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;

	if (object != NULL && value != NULL && ASN1_OCTET_STRING_set(value, bytes, (int)len) == 1)
		extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
	return extension;
}

enum found { FOUND_NONE, FOUND_ONE, FOUND_SEVERAL };

/* The value of the one extension with this identifier. */
static enum found
extension_find(const STACK_OF(X509_EXTENSION) *extensions, const char *oid,
    const ASN1_OCTET_STRING **value)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	enum found found = FOUND_NONE;
	int at = -1;

	/* Without memory nothing is said to be absent. */
	if (object == NULL)
		return FOUND_SEVERAL;
	while ((at = X509v3_get_ext_by_OBJ(extensions, object, at)) >= 0) {
		found = found == FOUND_NONE ? FOUND_ONE : FOUND_SEVERAL;
		*value = X509_EXTENSION_get_data(X509v3_get_ext(extensions, at));
	}
	ASN1_OBJECT_free(object);
	return found;
}

/* ---- the signing key ---- */

static bool
is_spki(const unsigned char *bytes, size_t len)
{
	return len == SPKI_LEN && memcmp(bytes, spki_begin, sizeof(spki_begin)) == 0;
}

X509_EXTENSION *
tls_signing_key_extension(const char *base64)
{
	unsigned char bytes[TLS_SIGNING_KEY_LEN];

	if (strlen(base64) != TLS_SIGNING_KEY_LEN ||
	    EVP_DecodeBlock(bytes, (const unsigned char *)base64, TLS_SIGNING_KEY_LEN) <
	    SPKI_LEN || !is_spki(bytes, SPKI_LEN))
		return NULL;
	return extension_new(SIGNING_KEY, bytes, SPKI_LEN);
}

bool
tls_signing_key(const STACK_OF(X509_EXTENSION) *extensions,
    char base64[static TLS_SIGNING_KEY_LEN + 1])
{
	const ASN1_OCTET_STRING *value;

	base64[0] = '\0';
	if (extension_find(extensions, SIGNING_KEY, &value) != FOUND_ONE ||
	    !is_spki(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)))
		return false;
	EVP_EncodeBlock((unsigned char *)base64, ASN1_STRING_get0_data(value), SPKI_LEN);
	return true;
}

bool
tls_signing_key_named(const STACK_OF(X509_EXTENSION) *extensions)
{
	const ASN1_OCTET_STRING *value;

	return extension_find(extensions, SIGNING_KEY, &value) != FOUND_NONE;
}

/* ---- identities ---- */

X509_EXTENSION *
tls_identities_extension(const char *beginning)
{
	ASN1_UTF8STRING *text = ASN1_UTF8STRING_new();
	X509_EXTENSION *extension = NULL;
	unsigned char *der = NULL;
	int len;

	if (text != NULL && ASN1_STRING_set(text, beginning, -1) == 1 &&
	    (len = i2d_ASN1_UTF8STRING(text, &der)) > 0)
		extension = extension_new(IDENTITIES, der, (size_t)len);
	OPENSSL_free(der);
	ASN1_UTF8STRING_free(text);
	return extension;
}

/* The whole of it must be one string. */
static bool
begins_as(const ASN1_OCTET_STRING *value, const char *identity)
{
	const unsigned char *at = ASN1_STRING_get0_data(value);
	const unsigned char *end = at + ASN1_STRING_length(value);
	ASN1_UTF8STRING *text = d2i_ASN1_UTF8STRING(NULL, &at, ASN1_STRING_length(value));
	size_t len = text != NULL ? (size_t)ASN1_STRING_length(text) : 0;
	bool ok = text != NULL && at == end && len > 0 && len <= TLS_IDENTITIES_MAX &&
	    strlen(identity) > len && memcmp(identity, ASN1_STRING_get0_data(text), len) == 0;

	ASN1_UTF8STRING_free(text);
	return ok;
}

bool
tls_identities_allow(const STACK_OF(X509_EXTENSION) *extensions, const char *identity)
{
	const ASN1_OCTET_STRING *value;

	switch (extension_find(extensions, IDENTITIES, &value)) {
	case FOUND_NONE:
		return true;
	case FOUND_ONE:
		return begins_as(value, identity);
	default:
		return false;
	}
}
