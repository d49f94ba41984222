#include "appliance/update/update_keys.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* The next block; NULL for what is no Ed25519 key, and, with `end`, at the end of the text. */
static EVP_PKEY *
key_next(BIO *in, bool *end)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	const unsigned char *at;
	EVP_PKEY *key = NULL;
	long len;

	*end = PEM_read_bio(in, &name, &header, &der, &len) != 1 &&
	    ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	at = der;
	if (der != NULL && strcmp(name, PEM_STRING_PUBLIC) == 0)
		key = d2i_PUBKEY(NULL, &at, len);
	if (key != NULL && EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	ERR_clear_error();
	return key;
}

bool
update_keys_parse(struct update_keys *k, const char *text, size_t len, struct buf *why)
{
	BIO *in = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key;
	bool end = false;

	*k = (struct update_keys){ .count = 0 };
	while (in != NULL && (key = key_next(in, &end)) != NULL) {
		if (k->count == UPDATE_KEYS_MAX) {
			EVP_PKEY_free(key);
			break;
		}
		k->keys[k->count++] = key;
	}
	BIO_free(in);
	if (end && k->count > 0)
		return true;
	buf_addf(why, "expected one to %d Ed25519 keys in PEM (openssl pkey -pubout)",
	    UPDATE_KEYS_MAX);
	update_keys_free(k);
	return false;
}

bool
update_keys_verify(const struct update_keys *k, const void *bytes, size_t len,
    const unsigned char signature[static UPDATE_SIGNATURE_LEN])
{
	bool good = false;

	for (size_t i = 0; i < k->count && !good; i++) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		good = ctx != NULL &&
		    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->keys[i]) == 1 &&
		    EVP_DigestVerify(ctx, signature, UPDATE_SIGNATURE_LEN, bytes, len) == 1;
		EVP_MD_CTX_free(ctx);
	}
	ERR_clear_error();
	return good;
}

void
update_keys_free(struct update_keys *k)
{
	for (size_t i = 0; i < k->count; i++)
		EVP_PKEY_free(k->keys[i]);
	k->count = 0;
}
