#include "certs_only.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/pkcs7.h>

#include "base64.h"

#define DER_MAX	((size_t)4 * 1024 * 1024)

/* NULL without memory; the stacks stay the caller's. */
static PKCS7 *
envelope(STACK_OF(X509) *certificates, STACK_OF(X509_CRL) *crls)
{
	PKCS7 *p7 = PKCS7_new();
	bool ok = p7 != NULL && PKCS7_set_type(p7, NID_pkcs7_signed) == 1 &&
	    PKCS7_content_new(p7, NID_pkcs7_data) == 1 && PKCS7_set_detached(p7, 1) == 1;

	for (int i = 0; ok && i < sk_X509_num(certificates); i++)
		ok = PKCS7_add_certificate(p7, sk_X509_value(certificates, i)) == 1;
	for (int i = 0; ok && i < sk_X509_CRL_num(crls); i++)
		ok = PKCS7_add_crl(p7, sk_X509_CRL_value(crls, i)) == 1;
	if (ok)
		return p7;
	PKCS7_free(p7);
	return NULL;
}

bool
certs_only_encode(STACK_OF(X509) *certificates, STACK_OF(X509_CRL) *crls, struct buf *base64)
{
	PKCS7 *p7 = envelope(certificates, crls);
	unsigned char *der = NULL;
	int len = p7 != NULL ? i2d_PKCS7(p7, &der) : -1;
	bool ok = len > 0 && base64_encode(der, (size_t)len, base64);

	OPENSSL_free(der);
	PKCS7_free(p7);
	ERR_clear_error();
	return ok;
}

/* The whole of the bytes must be one. */
static PKCS7 *
envelope_read(const struct buf *der)
{
	const unsigned char *at = (const unsigned char *)der->data;
	PKCS7 *p7 = der->len > 0 && der->len <= INT_MAX ? d2i_PKCS7(NULL, &at, (long)der->len) : NULL;

	if (p7 != NULL && at == (const unsigned char *)der->data + der->len && PKCS7_type_is_signed(p7) && p7->d.sign != NULL)
		return p7;
	PKCS7_free(p7);
	return NULL;
}

bool
certs_only_decode(const char *base64, size_t len, STACK_OF(X509) **certificates,
    STACK_OF(X509_CRL) **crls)
{
	struct buf der = BUF_INIT(DER_MAX);
	PKCS7 *p7 = base64_decode(base64, len, &der) ? envelope_read(&der) : NULL;

	*certificates = NULL;
	*crls = NULL;
	if (p7 != NULL) {
		*certificates = p7->d.sign->cert;
		*crls = p7->d.sign->crl;
		p7->d.sign->cert = NULL;
		p7->d.sign->crl = NULL;
	}
	buf_free(&der);
	PKCS7_free(p7);
	ERR_clear_error();
	return *certificates != NULL || *crls != NULL;
}
