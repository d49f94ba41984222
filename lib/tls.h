/*
 * TLS between the parts: version 1.3 only, both sides with certificates of a
 * private CA, names instead of hosts.
 *
 * But for servers of another make that a client calls (struct tls_peer), a
 * certificate's *identity* is its one subjectAltName URI that starts with
 * "urn:mpic:", for example urn:mpic:coordinator or
 * urn:mpic:perspective:aws:eu-central-1. A certificate with none or with
 * several has no identity and is refused. Host names and common names are not
 * looked at. Servers need the extended key usage serverAuth, clients
 * clientAuth. What else makes a certificate trusted is in lib/tls_trust.h.
 */
#ifndef MPIC_TLS_H
#define MPIC_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "buf.h"
#include "tls_extension.h"

#define TLS_IDENTITY_PREFIX "urn:mpic:"
#define TLS_IDENTITY_MAX 256	/* bytes, the NUL counted */
#define TLS_REASON_MAX 512	/* bytes of a sentence that says why one is not trusted */

/* PEM files. `certificate` is the leaf first, then intermediates if any. */
struct tls_files {
	const char *certificate;
	const char *key;
	const char *ca;		/* the roots peers must chain to */
	const char *crl;	/* what those and the CAs below have revoked; NULL: not looked at */
};

/* Whether a server and a client could use the files; else a sentence in `why`. */
bool tls_files_usable(const struct tls_files *files, struct buf *why);
/*
 * For a server: requires and verifies a client certificate, and takes HTTP/2
 * where the client offers it by ALPN, else HTTP/1.1. NULL, with a
 * sentence in `why`, when a file cannot be used. The caller frees it.
 */
SSL_CTX *tls_server_context(const struct tls_files *files, struct buf *why);
/*
 * Whether a client may go without a certificate; one that shows a wrong one is
 * refused all the same. For handshakes that begin after this.
 */
void tls_server_optional(SSL_CTX *ctx, bool optional);
/* The identity in a certificate; false, and "", when it has none or several. */
bool tls_certificate_identity(const X509 *cert, char identity[static TLS_IDENTITY_MAX]);
/* notAfter in Unix seconds; 0 of NULL. */
int64_t tls_certificate_expires_s(const X509 *cert);
/*
 * Whether its extended key usages name one of these, such as XKU_SSL_SERVER. The purpose
 * checks of OpenSSL accept a certificate without the extension: here it must be there,
 * so that a perspective's server certificate cannot be used to call other perspectives.
 */
bool tls_usage_given(X509 *cert, uint32_t usage);
/* Identity of the peer of a finished handshake; false, and "", when it has none. */
bool tls_peer_identity(const SSL *ssl, char identity[static TLS_IDENTITY_MAX]);
/* notAfter of the certificate that the peer of a finished handshake has, as below. */
int64_t tls_peer_expires_s(const SSL *ssl);
/* The signing key in the certificate of the peer of a finished handshake; "" none. */
void tls_peer_signing_key(const SSL *ssl, char base64[static TLS_SIGNING_KEY_LEN + 1]);
/* Why the peer's certificate was refused in a handshake that failed; NULL: not for that. */
const char *tls_refusal(const SSL *ssl);
/*
 * Whether the certificate that the peer of a finished handshake showed would be
 * trusted by `ctx` now; true also if it showed none. False, with a sentence.
 */
bool tls_still_trusted(const SSL_CTX *ctx, SSL *ssl, char reason[static TLS_REASON_MAX]);
/* Whether a finished handshake chose HTTP/2; if not, it is HTTP/1.1. */
bool tls_chose_http2(const SSL *ssl);
/* notAfter of the context's own certificate in Unix seconds; 0 without one. */
int64_t tls_expires_s(const SSL_CTX *ctx);
/* notBefore of the same. */
int64_t tls_begins_s(const SSL_CTX *ctx);
/* When the first CRL of the context is overdue in Unix seconds; 0 without any. */
int64_t tls_crl_next_s(const SSL_CTX *ctx);

/* A client's certificate, key and CA, read once and lent to many contexts. */
struct tls_client;
struct tls_client *tls_client_new(const struct tls_files *files, struct buf *why);
/* One without a certificate of its own, for servers known by host name: the CA file alone. */
struct tls_client *tls_client_new_anonymous(const char *ca, struct buf *why);
void tls_client_free(struct tls_client *c);
/* notAfter of its own certificate in Unix seconds; 0 without one. */
int64_t tls_client_expires_s(const struct tls_client *c);
/* As tls_still_trusted(), of a server. */
bool tls_client_still_trusts(const struct tls_client *c, SSL *ssl,
    char reason[static TLS_REASON_MAX]);
/* From its next handshake on `c` trusts whom `other` does, with its own certificate as before. */
void tls_client_trust_as(struct tls_client *c, const struct tls_client *other);

enum tls_outcome {
	TLS_NOT_REACHED,	/* no certificate was looked at */
	TLS_ACCEPTED,
	TLS_UNTRUSTED,		/* chain, dates or key usage: `reason` says which */
	TLS_IDENTITY_MISMATCH,	/* trusted, but `presented` is not `expected` */
};

/*
 * One server a client talks to: who it must be and what its last handshake
 * showed. Written during handshakes only; must live as long as any context
 * made for it. The caller fills the first three members.
 */
struct tls_peer {
	const struct tls_client *client;
	const char *expected;
	/*
	 * `expected` is no identity but a host name or IP address that the certificate
	 * must be for (RFC 9525), as of a server of another make; then TLS 1.2 is allowed.
	 */
	bool by_host;
	enum tls_outcome outcome;
	char presented[TLS_IDENTITY_MAX];	/* "" when it had no identity */
	char reason[TLS_REASON_MAX];
	int64_t expires_s;			/* notAfter of its leaf; 0 unknown */
	char signing_key[TLS_SIGNING_KEY_LEN + 1];	/* in its leaf; "" none */
};

/*
 * Makes `ctx` a client's that accepts `peer` alone. For libcurl, call it in
 * CURLOPT_SSL_CTX_FUNCTION with CURLOPT_SSL_VERIFYPEER 1,
 * CURLOPT_SSL_VERIFYHOST 0, and CURLOPT_CAINFO and CURLOPT_CAPATH NULL: else
 * libcurl parses the system's whole CA bundle for each new connection.
 */
bool tls_client_apply(SSL_CTX *ctx, struct tls_peer *peer);
/* Has a client offer HTTP/2 and, after it, HTTP/1.1 (RFC 9113 3.2). */
bool tls_client_offer_http2(SSL_CTX *ctx);

#endif
