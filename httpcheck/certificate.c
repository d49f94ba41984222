#include "httpcheck/certificate.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

/* id-pe-acmeIdentifier, 1.3.6.1.5.5.7.1.31 (RFC 8737 3) */
static const uint8_t acme_oid[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f };

static void
read_acme(struct fetch_certificate *c, X509 *x)
{
	for (int i = 0; i < X509_get_ext_count(x); i++) {
		X509_EXTENSION *ext = X509_get_ext(x, i);
		const ASN1_OBJECT *oid = X509_EXTENSION_get_object(ext);
		const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);

		if (OBJ_length(oid) != sizeof(acme_oid) ||
		    memcmp(OBJ_get0_data(oid), acme_oid, sizeof(acme_oid)) != 0)
			continue;
		if (c->acme_count++ > 0)
			continue;
		c->acme_critical = X509_EXTENSION_get_critical(ext) != 0;
		c->acme_len = (size_t)ASN1_STRING_length(value);
		/* what is cut is longer than any digest, and stays so */
		if (c->acme_len > FETCH_ACME_MAX)
			c->acme_len = FETCH_ACME_MAX;
		if (c->acme_len > 0)
			memcpy(c->acme, ASN1_STRING_get0_data(value), c->acme_len);
	}
}

static bool
dns_name(const ASN1_STRING *s, char text[static CERTIFICATE_NAME_MAX + 1])
{
	const unsigned char *bytes = ASN1_STRING_get0_data(s);
	size_t len = (size_t)ASN1_STRING_length(s);

	if (len == 0 || len > CERTIFICATE_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] <= ' ' || bytes[i] >= 0x7f)
			return false;
	memcpy(text, bytes, len);
	text[len] = '\0';
	return true;
}

static bool
ip_name(const ASN1_STRING *s, char text[static CERTIFICATE_NAME_MAX + 1])
{
	size_t len = (size_t)ASN1_STRING_length(s);
	struct address a = { .family = len == 4 ? AF_INET : AF_INET6 };

	if (len != 4 && len != 16)
		return false;
	memcpy(a.bytes, ASN1_STRING_get0_data(s), len);
	address_text(&a, text);
	return true;
}

static enum fetch_name_kind
read_name(const GENERAL_NAME *name, char text[static CERTIFICATE_NAME_MAX + 1])
{
	int type;
	const void *value = GENERAL_NAME_get0_value(name, &type);

	if (type == GEN_DNS && dns_name(value, text))
		return FETCH_DNS_NAME;
	if (type == GEN_IPADD && ip_name(value, text))
		return FETCH_IP_ADDRESS;
	return FETCH_OTHER_NAME;
}

/* NULL with `malformed` set, or as there is none. The caller frees it. */
static GENERAL_NAMES *
subject_alt_name(X509 *x, bool *malformed)
{
	int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	const ASN1_OCTET_STRING *value;
	const unsigned char *pos, *end;
	GENERAL_NAMES *names;

	if (at < 0)
		return NULL;
	value = X509_EXTENSION_get_data(X509_get_ext(x, at));
	pos = ASN1_STRING_get0_data(value);
	end = pos + ASN1_STRING_length(value);
	names = d2i_GENERAL_NAMES(NULL, &pos, end - pos);
	*malformed = names == NULL || pos != end ||
	    X509_get_ext_by_NID(x, NID_subject_alt_name, at) >= 0;
	return names;
}

static bool
read_names(struct fetch_certificate *c, struct certificate_texts *texts, X509 *x)
{
	bool malformed = false;
	GENERAL_NAMES *names = subject_alt_name(x, &malformed);

	c->name_count = names != NULL ? (size_t)sk_GENERAL_NAME_num(names) : 0;
	for (size_t i = 0; i < c->name_count && i < FETCH_NAMES_MAX; i++) {
		c->names[i].kind = read_name(sk_GENERAL_NAME_value(names, (int)i),
		    texts->names[i]);
		if (c->names[i].kind != FETCH_OTHER_NAME)
			c->names[i].text = texts->names[i];
	}
	GENERAL_NAMES_free(names);
	return !malformed;
}

/* For records only; one that is too long or holds a NUL is left out. */
static void
read_common_name(struct fetch_certificate *c, struct certificate_texts *texts, const X509 *x)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1), len;
	unsigned char *utf8 = NULL;

	if (at < 0)
		return;
	len = ASN1_STRING_to_UTF8(&utf8,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len >= 0 && len <= CERTIFICATE_NAME_MAX && memchr(utf8, '\0', (size_t)len) == NULL) {
		memcpy(texts->common_name, utf8, (size_t)len);
		texts->common_name[len] = '\0';
		c->common_name = texts->common_name;
	}
	if (len >= 0)
		OPENSSL_free(utf8);
}

void
certificate_read(struct fetch_certificate *c, struct certificate_texts *texts,
    const uint8_t *der, size_t len)
{
	const unsigned char *pos = der;
	X509 *x = len <= LONG_MAX ? d2i_X509(NULL, &pos, (long)len) : NULL;

	*c = (struct fetch_certificate){ .present = true };
	SHA256(der, len, c->sha256);
	if (x != NULL && pos == der + len) {
		read_common_name(c, texts, x);
		read_acme(c, x);
		c->parsed = read_names(c, texts, x);
	}
	X509_free(x);
	ERR_clear_error();	/* what the bytes lack is told by `parsed` */
}
