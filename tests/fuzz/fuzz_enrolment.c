/*
 * What strangers send to enrol, and what a coordinator answers: both in base64.
 * Only a request that is good has a key, and what can be decoded can be encoded.
 */
#include "base64.h"
#include "certs_only.h"
#include "coordinator/pki/request.h"
#include "fuzz.h"

static void
check_request(const char *text, size_t len)
{
	struct buf why = BUF_INIT(1024);
	struct pki_request request;
	bool good = pki_request_read(&request, text, len, &why);

	REQUIRE(good ? request.key != NULL : why.len > 0);
	pki_request_free(&request);
	buf_free(&why);
}

static void
check_certificates(const char *text, size_t len)
{
	struct buf again = BUF_INIT(1024 * 1024);
	STACK_OF(X509) *certificates;
	STACK_OF(X509_CRL) *crls;

	if (certs_only_decode(text, len, &certificates, &crls))
		certs_only_encode(certificates, crls, &again);
	sk_X509_pop_free(certificates, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	buf_free(&again);
}

static void
check_base64(const char *text, size_t len)
{
	struct buf bytes = BUF_INIT(len + 1), once = BUF_INIT(2 * len + 8), twice = BUF_INIT(len + 1);

	if (base64_decode(text, len, &bytes)) {
		REQUIRE(base64_encode(bytes.data, bytes.len, &once));
		REQUIRE(base64_decode(once.data, once.len, &twice));
		REQUIRE(twice.len == bytes.len);
	}
	buf_free(&bytes);
	buf_free(&once);
	buf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	check_request((const char *)data, len);
	check_certificates((const char *)data, len);
	check_base64((const char *)data, len);
	return 0;
}
