#include "httpcheck/tls_alpn_check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#define DIGEST_LEN	32
#define DER_OCTET_STRING 0x04	/* X.690 8.7, primitive, short form of the length */
#define NAME_SHOWN	200	/* characters of a certificate's name in a sentence */

static bool
version_allowed(const char *version)
{
	return version != NULL && (strcmp(version, "TLSv1.2") == 0 || strcmp(version, "TLSv1.3") == 0);
}

static bool
judge_handshake(const struct fetch_outcome *o, struct check_result *result)
{
	if (!o->alpn)
		check_result_fail(result, PROBLEM_ALPN_NOT_NEGOTIATED,
		    "the server did not negotiate the protocol acme-tls/1");
	else if (!version_allowed(o->tls_version))
		check_result_fail(result, PROBLEM_TLS_FAILED,
		    "the server negotiated %.20s: TLS 1.2 is the least (RFC 8737 section 4)",
		    o->tls_version != NULL ? o->tls_version : "no version of TLS");
	else if (!o->certificate.present)
		check_result_fail(result, PROBLEM_CERTIFICATE_MALFORMED,
		    "the server sent no certificate");
	else if (!o->certificate.parsed)
		check_result_fail(result, PROBLEM_CERTIFICATE_MALFORMED,
		    "what the server sent as its certificate is none");
	else
		return true;
	return false;
}

/* One entry, of the target's kind, equal to it. A name of a certificate is never shortened here. */
static bool
judge_name(const struct target *target, const struct fetch_certificate *c,
    struct check_result *result)
{
	bool ip = target_is_ip(target);
	struct target named;

	if (c->name_count != 1) {
		check_result_fail(result, PROBLEM_NOT_ONE_SAN,
		    "the certificate's subjectAltName has %zu entries, and not one", c->name_count);
		return false;
	}
	if (c->names[0].kind != (ip ? FETCH_IP_ADDRESS : FETCH_DNS_NAME)) {
		check_result_fail(result, ip ? PROBLEM_SAN_NOT_IP_ADDRESS : PROBLEM_SAN_NOT_DNS_NAME,
		    "the certificate's subjectAltName is no %s", ip ? "iPAddress" : "dNSName");
		return false;
	}
	if (c->names[0].text != NULL && (ip ?
	    target_parse(&named, c->names[0].text, strlen(c->names[0].text), NULL) &&
	    strcmp(target_text(&named), target_text(target)) == 0 :
	    strcasecmp(c->names[0].text, target_text(target)) == 0))
		return true;
	check_result_fail(result, PROBLEM_SAN_NOT_TARGET,
	    "the certificate's subjectAltName is \"%.*s\", and not %s", NAME_SHOWN,
	    c->names[0].text != NULL ? c->names[0].text : "", target_text(target));
	return false;
}

/* Whether the extension's value is DER of this digest, in a time that does not tell how much of it. */
static bool
identifier_is(const struct fetch_certificate *c, const uint8_t digest[DIGEST_LEN])
{
	uint8_t expected[2 + DIGEST_LEN] = { DER_OCTET_STRING, DIGEST_LEN };

	memcpy(expected + 2, digest, DIGEST_LEN);
	return c->acme_len == sizeof(expected) &&
	    CRYPTO_memcmp(c->acme, expected, sizeof(expected)) == 0;
}

static void
identifier_fail(const struct fetch_certificate *c, struct check_result *result)
{
	char hex[2 * FETCH_ACME_MAX + 1] = "empty";

	for (size_t i = 0; i < c->acme_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", c->acme[i]);
	check_result_fail(result, PROBLEM_NO_MATCH,
	    "the certificate's acmeIdentifier is %s, and not the digest of the key authorization", hex);
}

static bool
judge_identifier(const struct check_dcv_parameters *p, const struct fetch_certificate *c,
    struct check_result *result)
{
	uint8_t digest[DIGEST_LEN];

	if (c->acme_count == 0)
		check_result_fail(result, PROBLEM_NO_ACME_IDENTIFIER,
		    "the certificate has no acmeIdentifier");
	else if (c->acme_count > 1)
		check_result_fail(result, PROBLEM_CERTIFICATE_MALFORMED,
		    "the certificate has %zu acmeIdentifiers", c->acme_count);
	else if (!c->acme_critical)
		check_result_fail(result, PROBLEM_ACME_IDENTIFIER_NOT_CRITICAL,
		    "the certificate's acmeIdentifier is not critical");
	else if (!check_dcv_digest(p->key_authorization_hash, digest))
		check_result_fail(result, PROBLEM_INTERNAL, "key_authorization_hash is no digest");
	else if (!identifier_is(c, digest))
		identifier_fail(c, result);
	else
		return true;
	return false;
}

void
tls_alpn_check_judge(const struct check_dcv_parameters *p, const struct target *target,
    const struct fetch_outcome *o, struct check_result *result)
{
	const struct fetch_certificate *c = &o->certificate;

	if (!judge_handshake(o, result) || !judge_name(target, c, result) ||
	    !judge_identifier(p, c, result))
		return;
	result->check_completed = true;
	result->check_passed = true;
	result->dcv.matched = result->dcv.relied_on = p->key_authorization_hash;
}
