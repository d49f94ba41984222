#include "appliance/document/papers.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls.h"

#define CERTIFICATES_MAX	32	/* in one member */

/* ---- PEM ---- */

/* In place of a prompt on the console. */
static int
no_passphrase(char *out, int size, int writing, void *arg)
{
	return -1;
}

static void
fault(struct buf *faults, const char *member, const char *what)
{
	buf_addf(faults, "%s: %s\n", member, what);
}

static BIO *
text_bio(const char *text)
{
	return BIO_new_mem_buf(text, (int)strlen(text));
}

/* All certificates in a text, at least one; NULL with a fault. */
static STACK_OF(X509) *
certificates_read(const char *member, const char *text, struct buf *faults)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	BIO *bio = text_bio(text);
	X509 *cert = NULL;
	bool ok = list != NULL && bio != NULL;
	int count = 0;

	while (ok && count <= CERTIFICATES_MAX &&
	    (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		count++;
		ok = sk_X509_push(list, cert) > 0;
	}
	if (ok && count <= CERTIFICATES_MAX &&
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		fault(faults, member, "holds something that begins as PEM and is no certificate");
	else if (ok && count == 0)
		fault(faults, member, strstr(text, "PRIVATE KEY-----") != NULL ?
		    "expected a certificate in PEM, found a private key" :
		    "expected a certificate in PEM (-----BEGIN CERTIFICATE-----), found none");
	else if (ok && count > CERTIFICATES_MAX)
		fault(faults, member, "holds more than 32 certificates");
	else if (ok && strstr(text, "PRIVATE KEY-----") != NULL)
		fault(faults, member, "holds a private key beside the certificate");
	else if (!ok)
		fault(faults, member, "out of memory");
	else
		count = -1;	/* all is well */
	ERR_clear_error();
	BIO_free(bio);
	if (count == -1)
		return list;
	sk_X509_pop_free(list, X509_free);
	return NULL;
}

static EVP_PKEY *
key_read(const char *member, const char *text, struct buf *faults)
{
	BIO *bio = text_bio(text);
	EVP_PKEY *key = bio != NULL ?
	    PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	if (key == NULL)
		fault(faults, member, strstr(text, "ENCRYPTED") != NULL ?
		    "expected a private key in PEM without a passphrase, found one with" :
		    "expected a private key in PEM (-----BEGIN PRIVATE KEY-----), found none");
	ERR_clear_error();
	BIO_free(bio);
	return key;
}

/* ---- times ---- */

static int64_t
time_s(const ASN1_TIME *at)
{
	struct tm tm;

	return at != NULL && ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void
time_fault(struct buf *faults, const char *member, const char *what, int64_t at_s)
{
	time_t at = (time_t)at_s;
	char text[64] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_addf(faults, "%s: %s %s\n", member, what, text);
}

static void
check_dates(const struct papers *p, const char *member, const X509 *cert, struct buf *faults)
{
	int64_t begins_s = time_s(X509_get0_notBefore(cert));
	int64_t ends_s = time_s(X509_get0_notAfter(cert));

	if (ends_s <= p->earliest_s || (p->now_s != 0 && ends_s <= p->now_s))
		time_fault(faults, member, "has expired: it was valid until", ends_s);
	else if (p->now_s != 0 && begins_s > p->now_s)
		time_fault(faults, member, "is not valid yet: only from", begins_s);
}

/* ---- the CA ---- */

/* While one root is followed by another both are there: one of them must be in force. */
static void
check_authorities(const struct papers *p, const char *member, STACK_OF(X509) *list,
    struct buf *faults)
{
	struct buf dates = BUF_INIT(16384);
	bool in_force = false;
	size_t before;
	char name[128];

	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *cert = sk_X509_value(list, i);

		snprintf(name, sizeof(name), sk_X509_num(list) > 1 ? "%s, certificate %d" : "%s",
		    member, i + 1);
		if (X509_check_ca(cert) == 0)
			fault(faults, name, "is no CA's");
		before = dates.len;
		check_dates(p, name, cert, &dates);
		in_force = in_force || dates.len == before;
	}
	if (!in_force)
		buf_add(faults, dates.data, dates.len);
	buf_free(&dates);
}

static X509_STORE *
store_of(STACK_OF(X509) *list)
{
	X509_STORE *store = X509_STORE_new();

	for (int i = 0; store != NULL && i < sk_X509_num(list); i++)
		X509_STORE_add_cert(store, sk_X509_value(list, i));
	return store;
}

/* ---- the perspective's own ---- */

/* Times are looked at by themselves, so that each fault is said by itself. */
static void
check_chain(STACK_OF(X509) *chain, STACK_OF(X509) *ca, struct buf *faults)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = store_of(ca);
	const char *why = "out of memory";
	bool ok = false;

	if (ctx != NULL && store != NULL &&
	    X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) == 1) {
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
		X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
		ok = X509_verify_cert(ctx) == 1;
		why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
	}
	if (!ok)
		buf_addf(faults, "tls_certificate: does not lead to tls_ca: %s\n", why);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
}

static void
check_identity(const struct papers *p, X509 *leaf, struct buf *faults)
{
	char identity[TLS_IDENTITY_MAX], expected[TLS_IDENTITY_MAX];

	snprintf(expected, sizeof(expected), PAPERS_IDENTITY "%s", p->code != NULL ? p->code : "");
	if (!tls_certificate_identity(leaf, identity))
		fault(faults, "tls_certificate", "holds not exactly one urn:mpic: URI to name its "
		    "perspective by");
	else if (p->code != NULL && strcmp(identity, expected) != 0)
		buf_addf(faults, "tls_certificate: is of %s, and the code is that of %s\n", identity,
		    expected);
	if (!tls_usage_given(leaf, XKU_SSL_SERVER))
		fault(faults, "tls_certificate", "lacks the extended key usage serverAuth");
}

static void
check_own(const struct papers *p, STACK_OF(X509) *ca, struct buf *faults)
{
	STACK_OF(X509) *chain = p->certificate != NULL ?
	    certificates_read("tls_certificate", p->certificate, faults) : NULL;
	EVP_PKEY *key = p->key != NULL ? key_read("tls_key", p->key, faults) : NULL;

	if (chain != NULL) {
		check_identity(p, sk_X509_value(chain, 0), faults);
		check_dates(p, "tls_certificate", sk_X509_value(chain, 0), faults);
	}
	if (chain != NULL && key != NULL &&
	    X509_check_private_key(sk_X509_value(chain, 0), key) != 1)
		fault(faults, "tls_key", "is not the key of tls_certificate");
	if (chain != NULL && ca != NULL)
		check_chain(chain, ca, faults);
	ERR_clear_error();
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
}

static void
check_signing_key(const char *text, struct buf *faults)
{
	EVP_PKEY *key = key_read("signing_key", text, faults);

	if (key != NULL && EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519)
		fault(faults, "signing_key", "expected an Ed25519 key, found one of another kind");
	EVP_PKEY_free(key);
}

/* ---- revocation ---- */

/* RFC 5280 6.3.3 as far as it can be told without a time: one of ours has signed it. */
static bool
crl_is_of(X509_CRL *crl, STACK_OF(X509) *ca)
{
	for (int i = 0; i < sk_X509_num(ca); i++) {
		X509 *issuer = sk_X509_value(ca, i);

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0 &&
		    X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1)
			return true;
	}
	return false;
}

/* With one that is past it nobody is let in (lib/tls_trust.h). */
static void
check_next_update(const struct papers *p, const X509_CRL *crl, struct buf *faults)
{
	int64_t ends_s = time_s(X509_CRL_get0_nextUpdate(crl));

	if (!p->crl_renewed && ends_s != 0 && (ends_s <= p->earliest_s || (p->now_s != 0 && ends_s <= p->now_s)))
		time_fault(faults, "tls_crl", "is out of date: the next was due", ends_s);
}

static void
check_crl(const struct papers *p, STACK_OF(X509) *ca, struct buf *faults)
{
	BIO *bio = text_bio(p->crl);
	X509_CRL *crl;
	int count = 0;

	while (bio != NULL && count < CERTIFICATES_MAX &&
	    (crl = PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL)) != NULL) {
		count++;
		if (ca != NULL && !crl_is_of(crl, ca))
			buf_addf(faults, "tls_crl: list %d is not signed by tls_ca\n", count);
		check_next_update(p, crl, faults);
		X509_CRL_free(crl);
	}
	if (count == 0)
		fault(faults, "tls_crl", "expected a certificate revocation list in PEM "
		    "(-----BEGIN X509 CRL-----), found none");
	ERR_clear_error();
	BIO_free(bio);
}

/* Of another part: only whether there is one. */
static void
check_other_ca(const char *member, const char *text, struct buf *faults)
{
	if (text != NULL)
		sk_X509_pop_free(certificates_read(member, text, faults), X509_free);
}

bool
papers_check(const struct papers *p, struct buf *faults)
{
	size_t before = faults->len;
	STACK_OF(X509) *ca;

	ERR_clear_error();
	ca = p->ca != NULL ? certificates_read("tls_ca", p->ca, faults) : NULL;
	if (ca != NULL)
		check_authorities(p, "tls_ca", ca, faults);
	check_own(p, ca, faults);
	if (p->signing_key != NULL)
		check_signing_key(p->signing_key, faults);
	if (p->crl != NULL)
		check_crl(p, ca, faults);
	check_other_ca("enrolment.ca", p->enrolment_ca, faults);
	check_other_ca("log_forward.ca", p->log_forward_ca, faults);
	sk_X509_pop_free(ca, X509_free);
	return faults->len == before && !faults->failed;
}
