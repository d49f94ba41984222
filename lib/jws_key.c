#include "jws_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base64url.h"

#define FILE_MAX	((size_t)16 * 1024)
#define PUBLIC_LEN	32
/* Every Ed25519 SubjectPublicKeyInfo (RFC 8410) in base64: its length and how it begins. */
#define SPKI_LEN	60
#define SPKI_PREFIX	"MCowBQYDK2VwAyEA"
#define PEM_BEGIN	"-----BEGIN "

/* ---- bytes ---- */

/* `secret`: not for everybody to read. The bytes are the caller's to wipe. */
static bool
file_read(const char *path, bool secret, struct buf *out, struct buf *why)
{
	struct stat st;
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1 || fstat(fd, &st) == -1) {
		buf_addf(why, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (size_t)st.st_size > FILE_MAX) {
		buf_addf(why, "%s: expected a file of 1 to %zu bytes", path, FILE_MAX);
	} else if (secret && (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0) {
		buf_addf(why, "%s: its mode is %03o, and a private key is not for others to read or "
		    "its group to write: chmod 600", path, (unsigned int)st.st_mode & 0777);
	} else {
		buf_reserve(out, (size_t)st.st_size);
		if (out->data != NULL && (got = read(fd, out->data, (size_t)st.st_size)) >= 0) {
			out->len = (size_t)got;
			out->data[out->len] = '\0';
		}
		if (got < 0)
			buf_addf(why, "%s: cannot be read", path);
	}
	if (fd != -1)
		close(fd);
	return got >= 0;
}

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		OPENSSL_cleanse(b->data, b->cap);
	buf_free(b);
}

/* ---- the key ---- */

/* In place of the prompt on the terminal. */
static int
no_passphrase(char *out, int size, int writing, void *arg)
{
	return -1;
}

/* RFC 7638 section 3, RFC 8037 section 2: the required members, in order, without spaces. */
static bool
thumbprint(struct jws_key *key)
{
	unsigned char public[PUBLIC_LEN], digest[EVP_MAX_MD_SIZE];
	struct buf jwk = BUF_INIT(256), id = BUF_INIT(64);
	size_t len = sizeof(public);
	unsigned int digest_len = 0;
	bool ok;

	if (EVP_PKEY_get_raw_public_key(key->pkey, public, &len) != 1 || len != sizeof(public))
		return false;
	buf_adds(&jwk, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
	base64url_add(&jwk, public, len);
	buf_adds(&jwk, "\"}");
	ok = !jwk.failed && EVP_Digest(jwk.data, jwk.len, digest, &digest_len, key->sha256,
	    NULL) == 1;
	if (ok)
		base64url_add(&id, digest, digest_len);
	ok = ok && !id.failed && id.len == JWS_ID_LEN;
	if (ok)
		memcpy(key->id, id.data, JWS_ID_LEN + 1);
	buf_free(&jwk);
	buf_free(&id);
	return ok;
}

/* `typ`: a signature on a result is not to be taken for anything else (RFC 8725 3.11). */
static bool
write_header(struct jws_key *key)
{
	struct buf json = BUF_INIT(JWS_HEADER_MAX), text = BUF_INIT(JWS_HEADER_MAX - 1);
	bool ok;

	buf_addf(&json, "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"mpic-result\"}", key->id);
	if (!json.failed)
		base64url_add(&text, json.data, json.len);
	ok = !json.failed && !text.failed;
	if (ok) {
		memcpy(key->header, text.data, text.len + 1);
		key->header_len = text.len;
	}
	buf_free(&json);
	buf_free(&text);
	return ok;
}

/* Takes `pkey` over, NULL too. */
static struct jws_key *
key_new(EVP_PKEY *pkey, const char *where, const char *kind, struct buf *why)
{
	struct jws_key *key = calloc(1, sizeof(*key));

	ERR_clear_error();
	if (pkey == NULL || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_ED25519) {
		buf_addf(why, "%s: holds no Ed25519 %s key in PEM", where, kind);
		EVP_PKEY_free(pkey);
		free(key);
		return NULL;
	}
	if (key != NULL) {
		key->pkey = pkey;
		key->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		key->digest = EVP_MD_CTX_new();
		key->context = EVP_MD_CTX_new();
		if (key->sha256 != NULL && key->digest != NULL && key->context != NULL &&
		    thumbprint(key) && write_header(key))
			return key;
		jws_key_free(key);
	} else {
		EVP_PKEY_free(pkey);
	}
	buf_addf(why, "%s: out of memory", where);
	return NULL;
}

void
jws_key_free(struct jws_key *key)
{
	if (key == NULL)
		return;
	EVP_MD_CTX_free(key->digest);
	EVP_MD_CTX_free(key->context);
	EVP_MD_free(key->sha256);
	EVP_PKEY_free(key->pkey);
	free(key);
}

struct jws_key *
jws_key_read_private(const char *path, struct buf *why)
{
	struct buf pem = BUF_INIT(FILE_MAX);
	struct jws_key *key = NULL;
	EVP_PKEY *pkey;
	BIO *bio;

	if (file_read(path, true, &pem, why)) {
		bio = BIO_new_mem_buf(pem.data, (int)pem.len);
		pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
		BIO_free(bio);
		key = key_new(pkey, path, "private", why);
	}
	wipe(&pem);
	return key;
}

struct jws_key *
jws_key_read_public(const char *text, struct buf *why)
{
	struct buf pem = BUF_INIT(FILE_MAX);
	const char *where = "public key";
	struct jws_key *key = NULL;
	bool ok = true;
	BIO *bio;

	if (strncmp(text, PEM_BEGIN, strlen(PEM_BEGIN)) == 0) {
		buf_adds(&pem, text);
	} else if (strlen(text) == SPKI_LEN && strncmp(text, SPKI_PREFIX, strlen(SPKI_PREFIX)) == 0) {
		buf_addf(&pem, PEM_BEGIN "PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", text);
	} else {
		where = text;
		ok = file_read(text, false, &pem, why);
	}
	if (ok && !pem.failed && pem.len > 0) {
		bio = BIO_new_mem_buf(pem.data, (int)pem.len);
		key = key_new(bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL) :
		    NULL, where, "public", why);
		BIO_free(bio);
	} else if (ok) {
		buf_addf(why, "%s: is too long", where);
	}
	buf_free(&pem);
	return key;
}
