#include "jws.h"

#include <string.h>

#include <openssl/err.h>

#include "base64url.h"

bool
jws_sign(const struct jws_key *key, const char *payload, size_t len, struct buf *out)
{
	unsigned char signature[JWS_SIGNATURE_LEN];
	size_t start = out->len, signature_len = sizeof(signature);
	bool ok;

	buf_reserve(out, key->header_len + 2 + BASE64URL_LEN(len) +
	    BASE64URL_LEN(sizeof(signature)));
	buf_add(out, key->header, key->header_len);
	buf_addc(out, '.');
	base64url_add(out, payload, len);
	if (out->failed)
		return false;
	ok = EVP_MD_CTX_reset(key->context) == 1 &&
	    EVP_DigestSignInit(key->context, NULL, NULL, NULL, key->pkey) == 1 &&
	    EVP_DigestSign(key->context, signature, &signature_len,
	    (unsigned char *)out->data + start, out->len - start) == 1 &&
	    signature_len == sizeof(signature);
	ERR_clear_error();
	if (!ok)
		return false;
	buf_addc(out, '.');
	base64url_add(out, signature, sizeof(signature));
	return !out->failed;
}

bool
jws_names(const struct jws_key *key, const char *text, size_t len)
{
	return len > key->header_len && text[key->header_len] == '.' &&
	    memcmp(text, key->header, key->header_len) == 0;
}

static enum jws_fault
signature_check(const struct jws_key *key, const char *input, size_t len,
    const struct buf *signature)
{
	int good = -1;

	if (EVP_MD_CTX_reset(key->context) == 1 &&
	    EVP_DigestVerifyInit(key->context, NULL, NULL, NULL, key->pkey) == 1)
		good = EVP_DigestVerify(key->context, (const unsigned char *)signature->data,
		    signature->len, (const unsigned char *)input, len);
	ERR_clear_error();
	return good == 1 ? JWS_OK : JWS_FALSE;
}

enum jws_fault
jws_verify(const struct jws_key *key, const char *text, size_t len, struct buf *payload)
{
	struct buf signature = BUF_INIT(JWS_SIGNATURE_LEN);
	struct buf decoded = BUF_INIT(len);
	const char *first = memchr(text, '.', len), *second = NULL;
	enum jws_fault fault = JWS_MALFORMED;

	if (first != NULL)
		second = memchr(first + 1, '.', (size_t)(text + len - (first + 1)));
	if (second == NULL)
		return JWS_MALFORMED;
	if (!jws_names(key, text, len))
		return JWS_OTHER_KEY;
	if (base64url_decode(second + 1, (size_t)(text + len - (second + 1)), &signature) &&
	    !signature.failed && signature.len == JWS_SIGNATURE_LEN &&
	    base64url_decode(first + 1, (size_t)(second - (first + 1)), &decoded))
		fault = decoded.failed ? JWS_NO_MEMORY :
		    signature_check(key, text, (size_t)(second - text), &signature);
	if (fault == JWS_OK) {
		buf_add(payload, decoded.data != NULL ? decoded.data : "", decoded.len);
		if (payload->failed)
			fault = JWS_NO_MEMORY;
	}
	buf_free(&signature);
	buf_free(&decoded);
	return fault;
}
