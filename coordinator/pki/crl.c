#include "coordinator/pki/crl.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* Index and number of RFC 5280 5.3.1. */
const char *const crl_reasons[] = { "unspecified", "keyCompromise", "affiliationChanged",
	"superseded", "cessationOfOperation", "privilegeWithdrawn", NULL };
static const long reason_codes[] = { 0, 1, 3, 4, 5, 9 };

static long
reason_code(const char *reason)
{
	for (size_t i = 0; crl_reasons[i] != NULL; i++)
		if (strcasecmp(crl_reasons[i], reason != NULL ? reason : crl_reasons[0]) == 0)
			return reason_codes[i];
	return -1;
}

bool
crl_reason_known(const char *reason)
{
	return reason_code(reason) >= 0;
}

static bool
set_serial(X509_REVOKED *revoked, const char *hex)
{
	BIGNUM *number = NULL;
	ASN1_INTEGER *serial = NULL;
	bool ok = BN_hex2bn(&number, hex) == (int)strlen(hex) &&
	    (serial = BN_to_ASN1_INTEGER(number, NULL)) != NULL &&
	    X509_REVOKED_set_serialNumber(revoked, serial) == 1;

	ASN1_INTEGER_free(serial);
	BN_free(number);
	return ok;
}

/* RFC 5280 5.3.1: unspecified is said by saying nothing. */
static bool
set_reason(X509_REVOKED *revoked, const char *reason)
{
	ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
	long code = reason_code(reason);
	bool ok = value != NULL && code >= 0 && (code == 0 ||
	    (ASN1_ENUMERATED_set(value, code) == 1 &&
	    X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, value, 0, 0) == 1));

	ASN1_ENUMERATED_free(value);
	return ok;
}

static bool
add_row(X509_CRL *crl, const struct crl_row *row)
{
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)row->revoked_s);
	bool ok = revoked != NULL && at != NULL && set_serial(revoked, row->serial) &&
	    X509_REVOKED_set_revocationDate(revoked, at) == 1 &&
	    set_reason(revoked, row->reason) && X509_CRL_add0_revoked(crl, revoked) == 1;

	if (!ok)
		X509_REVOKED_free(revoked);
	ASN1_TIME_free(at);
	return ok;
}

static bool
set_times(X509_CRL *crl, int64_t days)
{
	time_t now = time(NULL);
	ASN1_TIME *last = ASN1_TIME_adj(NULL, now, 0, 0), *next = ASN1_TIME_adj(NULL, now, (int)days, 0);
	bool ok = last != NULL && next != NULL && X509_CRL_set1_lastUpdate(crl, last) == 1 &&
	    X509_CRL_set1_nextUpdate(crl, next) == 1;

	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	return ok;
}

/* 0 when there is none. */
static uint64_t
number_before(const char *pem)
{
	BIO *bio = pem != NULL ? BIO_new_mem_buf(pem, -1) : NULL;
	X509_CRL *crl = bio != NULL ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
	ASN1_INTEGER *value = crl != NULL ? X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL) :
	    NULL;
	uint64_t number = 0;

	if (value != NULL && ASN1_INTEGER_get_uint64(&number, value) != 1)
		number = 0;
	ASN1_INTEGER_free(value);
	X509_CRL_free(crl);
	BIO_free(bio);
	return number;
}

static bool
set_extensions(X509_CRL *crl, const struct pki_ca *ca, const char *before)
{
	uint64_t number = (uint64_t)time(NULL), last = number_before(before);
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	X509_EXTENSION *issuer;
	X509V3_CTX context;
	bool ok;

	if (number <= last)
		number = last + 1;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, ca->certificate, NULL, NULL, crl, 0);
	issuer = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
	ok = value != NULL && ASN1_INTEGER_set_uint64(value, number) == 1 &&
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1 &&
	    issuer != NULL && X509_CRL_add_ext(crl, issuer, -1) == 1;
	X509_EXTENSION_free(issuer);
	ASN1_INTEGER_free(value);
	return ok;
}

static bool
crl_text(X509_CRL *crl, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = bio != NULL && PEM_write_bio_X509_CRL(bio, crl) == 1 ?
	    BIO_get_mem_data(bio, &text) : 0;

	if (len > 0)
		buf_add(out, text, (size_t)len);
	BIO_free(bio);
	return len > 0 && !out->failed;
}

bool
crl_make(const struct pki_ca *ca, const struct crl_row *rows, size_t count, int64_t days,
    const char *before, struct buf *out, struct buf *why)
{
	X509_CRL *crl = X509_CRL_new();
	bool ok = crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->certificate)) == 1 &&
	    set_times(crl, days) && set_extensions(crl, ca, before);

	for (size_t i = 0; ok && i < count; i++)
		ok = add_row(crl, &rows[i]);
	ok = ok && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0 &&
	    crl_text(crl, out);
	X509_CRL_free(crl);
	return ok || pki_fail(why, "no CRL can be made");
}
