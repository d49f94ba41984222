#include "tls.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls_trust.h"

/* By ALPN, the better first; without the NUL. */
static const unsigned char protocols[] = "\x02h2\x08http/1.1";

struct tls_client {
	SSL_CTX *files;		/* holds certificate, key, chain and CA, never connects */
};

static void
explain(struct buf *why, const char *what, const char *file)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	buf_addf(why, "%s %s: %s", what, file, reason != NULL ? reason : "cannot be used");
	ERR_clear_error();
}

static bool
files_load(SSL_CTX *ctx, const struct tls_files *files, struct buf *why)
{
	ERR_clear_error();
	if (files->certificate == NULL || files->key == NULL || files->ca == NULL) {
		buf_adds(why, "TLS needs a certificate, its key and a CA file");
		return false;
	}
	if (SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1) {
		explain(why, "certificate", files->certificate);
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		explain(why, "key", files->key);
		return false;
	}
	if (SSL_CTX_load_verify_file(ctx, files->ca) != 1) {
		explain(why, "CA file", files->ca);
		return false;
	}
	return files->crl == NULL ||
	    tls_trust_load_crls(SSL_CTX_get_cert_store(ctx), files->crl, why);
}

bool
tls_usage_given(X509 *cert, uint32_t usage)
{
	uint32_t all = X509_get_extended_key_usage(cert);

	return all != UINT32_MAX && (all & usage) != 0;
}

/*
 * No tickets: a resumed session would be authenticated by a certificate that
 * may since have expired, and connections are kept alive anyway. Read-ahead
 * halves the reads a record takes; released buffers make an idle connection small.
 */
static void
context_tune(SSL_CTX *ctx)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

/* RFC 9113 3.2. A client that offers neither goes on as one that offered none. */
static int
choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
    const unsigned char *offered, unsigned int offered_len, void *arg)
{
	unsigned char *out;

	if (SSL_select_next_proto(&out, chosen_len, protocols, sizeof(protocols) - 1, offered,
	    offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*chosen = out;
	return SSL_TLSEXT_ERR_OK;
}

void
tls_server_optional(SSL_CTX *ctx, bool optional)
{
	SSL_CTX_set_verify(ctx, optional ? SSL_VERIFY_PEER :
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tls_trust_verify_client);
}

SSL_CTX *
tls_server_context(const struct tls_files *files, struct buf *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL) {
		explain(why, "TLS", "context");
		return NULL;
	}
	context_tune(ctx);
	SSL_CTX_set_read_ahead(ctx, 1);
	tls_server_optional(ctx, false);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	if (files_load(ctx, files, why))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

bool
tls_files_usable(const struct tls_files *files, struct buf *why)
{
	SSL_CTX *ctx = tls_server_context(files, why);

	SSL_CTX_free(ctx);
	return ctx != NULL;
}

/* Printable ASCII without blanks: what may stand in a URN, a log and a header. */
static bool
identity_copy(const unsigned char *bytes, size_t len, char identity[static TLS_IDENTITY_MAX])
{
	if (len >= TLS_IDENTITY_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] <= ' ' || bytes[i] >= 0x7f)
			return false;
	memcpy(identity, bytes, len);
	identity[len] = '\0';
	return true;
}

bool
tls_certificate_identity(const X509 *cert, char identity[static TLS_IDENTITY_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const size_t prefix = strlen(TLS_IDENTITY_PREFIX);
	size_t found = 0;
	bool ok = true;

	identity[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
		const unsigned char *bytes;
		size_t len;

		if (name->type != GEN_URI)
			continue;
		bytes = ASN1_STRING_get0_data(uri);
		len = (size_t)ASN1_STRING_length(uri);
		if (len <= prefix || strncasecmp((const char *)bytes, TLS_IDENTITY_PREFIX, prefix) != 0)
			continue;
		found++;
		ok = ok && identity_copy(bytes, len, identity);
	}
	GENERAL_NAMES_free(names);
	if (found == 1 && ok)
		return true;
	identity[0] = '\0';
	return false;
}

bool
tls_peer_identity(const SSL *ssl, char identity[static TLS_IDENTITY_MAX])
{
	const X509 *cert = SSL_get0_peer_certificate(ssl);

	identity[0] = '\0';
	return cert != NULL && tls_certificate_identity(cert, identity);
}

int64_t
tls_certificate_expires_s(const X509 *cert)
{
	struct tm tm;

	if (cert == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

/* The checks of a handshake, by OpenSSL's names for the two sides' certificates. */
static bool
trusted_again(X509_STORE_CTX *store, const SSL_CTX *ctx, SSL *ssl, X509 *leaf, char *reason)
{
	bool server = SSL_is_server(ssl) == 1;

	if (X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(ctx), leaf,
	    SSL_get_peer_cert_chain(ssl)) != 1 ||
	    X509_STORE_CTX_set_default(store, server ? "ssl_client" : "ssl_server") != 1)
		return false;
	tls_trust_listen(store, reason);
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(store),
	    SSL_CTX_get_security_level(ctx));
	X509_STORE_CTX_set_verify_cb(store, server ? tls_trust_verify_client :
	    tls_trust_verify_server);
	return X509_verify_cert(store) == 1;
}

bool
tls_still_trusted(const SSL_CTX *ctx, SSL *ssl, char reason[static TLS_REASON_MAX])
{
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	bool ok = leaf == NULL;

	snprintf(reason, TLS_REASON_MAX, "out of memory");
	if (store != NULL && leaf != NULL)
		ok = trusted_again(store, ctx, ssl, leaf, reason);
	X509_STORE_CTX_free(store);
	ERR_clear_error();
	return ok;
}

void
tls_peer_signing_key(const SSL *ssl, char base64[static TLS_SIGNING_KEY_LEN + 1])
{
	const X509 *leaf = SSL_get0_peer_certificate(ssl);

	base64[0] = '\0';
	if (leaf != NULL)
		tls_signing_key(X509_get0_extensions(leaf), base64);
}

int64_t
tls_peer_expires_s(const SSL *ssl)
{
	return tls_certificate_expires_s(SSL_get0_peer_certificate(ssl));
}

bool
tls_chose_http2(const SSL *ssl)
{
	const unsigned char *name;
	unsigned int len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	return len == 2 && memcmp(name, "h2", 2) == 0;
}

int64_t
tls_expires_s(const SSL_CTX *ctx)
{
	return tls_certificate_expires_s(SSL_CTX_get0_certificate(ctx));
}

int64_t
tls_begins_s(const SSL_CTX *ctx)
{
	const X509 *own = SSL_CTX_get0_certificate(ctx);
	struct tm tm;

	return own != NULL && ASN1_TIME_to_tm(X509_get0_notBefore(own), &tm) == 1 ?
	    (int64_t)timegm(&tm) : 0;
}

int64_t
tls_crl_next_s(const SSL_CTX *ctx)
{
	return tls_trust_crl_next_s(SSL_CTX_get_cert_store(ctx));
}

struct tls_client *
tls_client_new(const struct tls_files *files, struct buf *why)
{
	struct tls_client *c = OPENSSL_zalloc(sizeof(*c));

	if (c == NULL || (c->files = SSL_CTX_new(TLS_client_method())) == NULL) {
		explain(why, "TLS", "context");
		goto fail;
	}
	if (files_load(c->files, files, why))
		return c;
fail:
	tls_client_free(c);
	return NULL;
}

void
tls_client_free(struct tls_client *c)
{
	if (c != NULL)
		SSL_CTX_free(c->files);
	OPENSSL_free(c);
}

struct tls_client *
tls_client_new_anonymous(const char *ca, struct buf *why)
{
	struct tls_client *c = OPENSSL_zalloc(sizeof(*c));

	if (c == NULL || (c->files = SSL_CTX_new(TLS_client_method())) == NULL) {
		explain(why, "TLS", "context");
		goto fail;
	}
	if (SSL_CTX_load_verify_file(c->files, ca) == 1)
		return c;
	explain(why, "CA file", ca);
fail:
	tls_client_free(c);
	return NULL;
}

int64_t
tls_client_expires_s(const struct tls_client *c)
{
	return tls_expires_s(c->files);
}

bool
tls_client_still_trusts(const struct tls_client *c, SSL *ssl, char reason[static TLS_REASON_MAX])
{
	return tls_still_trusted(c->files, ssl, reason);
}

void
tls_client_trust_as(struct tls_client *c, const struct tls_client *other)
{
	SSL_CTX_set1_cert_store(c->files, SSL_CTX_get_cert_store(other->files));
}

static int
peer_refuse(struct tls_peer *peer, X509_STORE_CTX *store, enum tls_outcome outcome,
    int error, const char *reason)
{
	peer->outcome = outcome;
	snprintf(peer->reason, sizeof(peer->reason), "%s", reason);
	X509_STORE_CTX_set_error(store, error);
	return 0;
}

/* The first DNS name or nothing: for a sentence. */
static void
certificate_host(const X509 *cert, char host[static TLS_IDENTITY_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	host[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && host[0] == '\0'; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS && !identity_copy(ASN1_STRING_get0_data(name->d.dNSName),
		    (size_t)ASN1_STRING_length(name->d.dNSName), host))
			host[0] = '\0';
	}
	GENERAL_NAMES_free(names);
}

/* RFC 9525 6: by subjectAltName alone, and no wildcard but a whole label. */
static bool
is_for_host(X509 *cert, const char *host)
{
	const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;

	return X509_check_ip_asc(cert, host, 0) == 1 ||
	    X509_check_host(cert, host, 0, flags, NULL) == 1;
}

static int
verify_host(X509_STORE_CTX *store, struct tls_peer *peer, X509 *leaf)
{
	certificate_host(leaf, peer->presented);
	if (!is_for_host(leaf, peer->expected))
		return peer_refuse(peer, store, TLS_IDENTITY_MISMATCH, X509_V_ERR_HOSTNAME_MISMATCH,
		    "the certificate is another host's");
	peer->outcome = TLS_ACCEPTED;
	return 1;
}

/* Trust first, so that an identity is never reported from a certificate anyone can make. */
static int
verify_server(X509_STORE_CTX *store, void *arg)
{
	struct tls_peer *peer = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	char reason[TLS_REASON_MAX];
	int error;

	peer->presented[0] = '\0';
	peer->reason[0] = '\0';
	peer->expires_s = 0;
	peer->signing_key[0] = '\0';
	tls_trust_listen(store, reason);
	X509_STORE_CTX_set_verify_cb(store, tls_trust_verify_server);
	if (X509_verify_cert(store) != 1) {
		error = X509_STORE_CTX_get_error(store);
		return peer_refuse(peer, store, TLS_UNTRUSTED, error, reason[0] != '\0' ? reason :
		    X509_verify_cert_error_string(error));
	}
	peer->expires_s = tls_certificate_expires_s(leaf);
	tls_signing_key(X509_get0_extensions(leaf), peer->signing_key);
	if (peer->by_host)
		return verify_host(store, peer, leaf);
	tls_certificate_identity(leaf, peer->presented);
	if (strcmp(peer->presented, peer->expected) != 0)
		return peer_refuse(peer, store, TLS_IDENTITY_MISMATCH,
		    X509_V_ERR_APPLICATION_VERIFICATION,
		    peer->presented[0] == '\0' ?
		    "the certificate holds not exactly one urn:mpic: URI" :
		    "the certificate is another one's");
	peer->outcome = TLS_ACCEPTED;
	return 1;
}

bool
tls_client_apply(SSL_CTX *ctx, struct tls_peer *peer)
{
	SSL_CTX *files = peer->client->files;
	STACK_OF(X509) *chain = NULL;

	context_tune(ctx);
	if (peer->by_host)
		SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_server, peer);
	SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(files));
	SSL_CTX_get0_chain_certs(files, &chain);
	peer->outcome = TLS_NOT_REACHED;
	if (SSL_CTX_get0_certificate(files) == NULL)
		return true;
	return SSL_CTX_use_cert_and_key(ctx, SSL_CTX_get0_certificate(files),
	    SSL_CTX_get0_privatekey(files), chain, 1) == 1;
}

bool
tls_client_offer_http2(SSL_CTX *ctx)
{
	/* 0 is success here. */
	return SSL_CTX_set_alpn_protos(ctx, protocols, sizeof(protocols) - 1) == 0;
}
