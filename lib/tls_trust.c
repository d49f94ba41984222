#include "tls_trust.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls_extension.h"

#define SERIAL_MAX	64
#define TIME_MAX	24
#define COMMON_NAME_MAX	128

/* ---- places for sentences ---- */

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static int store_index = -1, ssl_index = -1;

static void
ssl_forget(void *parent, void *reason, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
	OPENSSL_free(reason);
}

static void
indices_make(void)
{
	store_index = X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, ssl_forget);
}

void
tls_trust_listen(X509_STORE_CTX *store, char reason[static TLS_REASON_MAX])
{
	reason[0] = '\0';
	if (CRYPTO_THREAD_run_once(&once, indices_make) == 1 && store_index >= 0)
		X509_STORE_CTX_set_ex_data(store, store_index, reason);
}

static void
keep(X509_STORE_CTX *store, const char *sentence)
{
	char *into = NULL;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

	if (CRYPTO_THREAD_run_once(&once, indices_make) != 1)
		return;
	if (store_index >= 0)
		into = X509_STORE_CTX_get_ex_data(store, store_index);
	if (into != NULL) {
		snprintf(into, TLS_REASON_MAX, "%s", sentence);
	} else if (ssl != NULL && ssl_index >= 0) {
		OPENSSL_free(SSL_get_ex_data(ssl, ssl_index));
		SSL_set_ex_data(ssl, ssl_index, OPENSSL_strdup(sentence));
	}
}

const char *
tls_refusal(const SSL *ssl)
{
	return CRYPTO_THREAD_run_once(&once, indices_make) == 1 && ssl_index >= 0 ?
	    SSL_get_ex_data(ssl, ssl_index) : NULL;
}

/* ---- sentences ---- */

static void
serial_text(const X509 *x, char text[static SERIAL_MAX])
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;

	snprintf(text, SERIAL_MAX, "%s", hex != NULL ? hex : "?");
	OPENSSL_free(hex);
	BN_free(number);
}

static void
time_text(const ASN1_TIME *time, char text[static TIME_MAX])
{
	struct tm tm;

	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1 ||
	    strftime(text, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(text, TIME_MAX, "an unknown day");
}

/* The common name, which is for people; what is no plain text in it is not shown. */
static void
name_text(const X509_NAME *name, char text[static COMMON_NAME_MAX])
{
	int len = X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, text, COMMON_NAME_MAX);

	for (int i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			len = -1;
	if (len <= 0)
		snprintf(text, COMMON_NAME_MAX, "another CA");
}

/* " (keyCompromise)"; "" for none. */
static const char *
reason_text(const X509_REVOKED *revoked)
{
	/* RFC 5280 5.3.1, by number. */
	static const char *const names[] = { "", " (keyCompromise)", " (cACompromise)",
		" (affiliationChanged)", " (superseded)", " (cessationOfOperation)",
		" (certificateHold)", "", "", " (privilegeWithdrawn)", " (aACompromise)" };
	ASN1_ENUMERATED *value = X509_REVOKED_get_ext_d2i((X509_REVOKED *)revoked, NID_crl_reason,
	    NULL, NULL);
	long code = value != NULL ? ASN1_ENUMERATED_get(value) : 0;

	ASN1_ENUMERATED_free(value);
	return code >= 0 && code < (long)(sizeof(names) / sizeof(names[0])) ? names[code] : "";
}

static void
explain_revoked(X509_STORE_CTX *store, const char *serial, const char *whose, char *out)
{
	X509_CRL *crl = X509_STORE_CTX_get0_current_crl(store);
	X509_REVOKED *revoked = NULL;
	char since[TIME_MAX] = "an unknown day";

	if (crl != NULL && X509_CRL_get0_by_cert(crl, &revoked,
	    X509_STORE_CTX_get_current_cert(store)) != 0 && revoked != NULL)
		time_text(X509_REVOKED_get0_revocationDate(revoked), since);
	snprintf(out, TLS_REASON_MAX, "certificate %s of %s was revoked on %s%s", serial, whose, since,
	    revoked != NULL ? reason_text(revoked) : "");
}

static void
explain_overdue(const X509_CRL *crl, char *out)
{
	char since[TIME_MAX] = "an unknown day", name[COMMON_NAME_MAX] = "another CA";

	if (crl != NULL) {
		time_text(X509_CRL_get0_nextUpdate(crl), since);
		name_text(X509_CRL_get_issuer(crl), name);
	}
	snprintf(out, TLS_REASON_MAX, "the CRL of %s in tls_crl is overdue since %s: until there is "
	    "its next one, nobody is trusted whom that CA has vouched for", name, since);
}

/* Of what OpenSSL found. */
static void
explain(X509_STORE_CTX *store, char out[static TLS_REASON_MAX])
{
	X509 *x = X509_STORE_CTX_get_current_cert(store);
	int error = X509_STORE_CTX_get_error(store);
	char serial[SERIAL_MAX] = "?", whose[TLS_IDENTITY_MAX] = "", name[COMMON_NAME_MAX] = "";

	if (x != NULL) {
		serial_text(x, serial);
		name_text(X509_get_issuer_name(x), name);
		if (!tls_certificate_identity(x, whose))
			name_text(X509_get_subject_name(x), whose);
	}
	if (error == X509_V_ERR_CERT_REVOKED)
		explain_revoked(store, serial, whose, out);
	else if (error == X509_V_ERR_CRL_HAS_EXPIRED)
		explain_overdue(X509_STORE_CTX_get0_current_crl(store), out);
	else if (error == X509_V_ERR_UNABLE_TO_GET_CRL)
		snprintf(out, TLS_REASON_MAX, "tls_crl has no CRL of %s, which issued certificate %s "
		    "of %s", name, serial, whose);
	else
		snprintf(out, TLS_REASON_MAX, "%s", X509_verify_cert_error_string(error));
}

/* ---- the verdict ---- */

static int
refuse(X509_STORE_CTX *store, int error, const char *sentence)
{
	keep(store, sentence);
	X509_STORE_CTX_set_error(store, error);
	return 0;
}

/* NULL: each CA may vouch for this leaf. */
static X509 *
ca_beyond_its_identities(X509_STORE_CTX *store, X509 *leaf)
{
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
	char identity[TLS_IDENTITY_MAX];

	tls_certificate_identity(leaf, identity);
	for (int i = 1; i < sk_X509_num(chain); i++) {
		X509 *ca = sk_X509_value(chain, i);

		if (!tls_identities_allow(X509_get0_extensions(ca), identity))
			return ca;
	}
	return NULL;
}

static int
verify(int preverified, X509_STORE_CTX *store, uint32_t usage, const char *usage_name)
{
	char sentence[TLS_REASON_MAX], name[COMMON_NAME_MAX], whose[TLS_IDENTITY_MAX];
	X509 *leaf, *ca;

	if (!preverified) {
		explain(store, sentence);
		keep(store, sentence);
		return 0;
	}
	if (X509_STORE_CTX_get_error_depth(store) != 0)
		return 1;
	leaf = X509_STORE_CTX_get_current_cert(store);
	if (!tls_usage_given(leaf, usage)) {
		snprintf(sentence, sizeof(sentence), "the certificate lacks the extended key usage %s",
		    usage_name);
		return refuse(store, X509_V_ERR_INVALID_PURPOSE, sentence);
	}
	ca = ca_beyond_its_identities(store, leaf);
	if (ca == NULL)
		return 1;
	name_text(X509_get_subject_name(ca), name);
	tls_certificate_identity(leaf, whose);
	snprintf(sentence, sizeof(sentence), "%s may not vouch for %s", name, whose[0] != '\0' ?
	    whose : "a certificate without an identity");
	return refuse(store, X509_V_ERR_PERMITTED_VIOLATION, sentence);
}

int
tls_trust_verify_client(int preverified, X509_STORE_CTX *store)
{
	return verify(preverified, store, XKU_SSL_CLIENT, "clientAuth");
}

int
tls_trust_verify_server(int preverified, X509_STORE_CTX *store)
{
	return verify(preverified, store, XKU_SSL_SERVER, "serverAuth");
}

/* ---- CRLs ---- */

/* Adds it; false, with a sentence. */
static bool
take_crl(X509_STORE *store, X509_CRL *crl, const char *file, struct buf *why)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	char sentence[TLS_REASON_MAX];

	if (next == NULL) {
		buf_addf(why, "CRL file %s: a CRL does not say when its next update is", file);
		return false;
	}
	if (X509_cmp_current_time(next) <= 0) {
		explain_overdue(crl, sentence);
		buf_addf(why, "CRL file %s: %s", file, sentence);
		return false;
	}
	if (X509_STORE_add_crl(store, crl) == 1)
		return true;
	buf_addf(why, "CRL file %s: out of memory", file);
	return false;
}

bool
tls_trust_load_crls(X509_STORE *store, const char *file, struct buf *why)
{
	BIO *bio = BIO_new_file(file, "r");
	X509_CRL *crl;
	size_t count = 0;
	bool ok = bio != NULL;

	while (ok && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		ok = take_crl(store, crl, file, why);
		count++;
		X509_CRL_free(crl);
	}
	if (bio == NULL)
		buf_addf(why, "CRL file %s: %s", file, ERR_reason_error_string(ERR_peek_last_error()));
	else if (ok && (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		buf_addf(why, "CRL file %s: expected CRLs in PEM", file);
	ok = ok && why->len == 0;
	ERR_clear_error();
	BIO_free(bio);
	return ok && X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK |
	    X509_V_FLAG_CRL_CHECK_ALL) == 1;
}

int64_t
tls_trust_crl_next_s(X509_STORE *store)
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	int64_t first = 0, next;
	struct tm tm;

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		const X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));

		if (crl == NULL || ASN1_TIME_to_tm(X509_CRL_get0_nextUpdate(crl), &tm) != 1)
			continue;
		next = (int64_t)timegm(&tm);
		if (first == 0 || next < first)
			first = next;
	}
	return first;
}
