#include "web_server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

static void *
web_loop(void *arg)
{
	struct web_server *s = arg;
	int fd;

	while ((fd = accept(s->listen_fd, NULL, NULL)) >= 0) {
		if (!s->stopping)
			s->serve(fd, s->arg);
		close(fd);
	}
	return NULL;
}

void
web_start(struct web_server *s, bool six, web_serve *serve, void *arg)
{
	struct sockaddr_in6 at6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in at4 = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *at = six ? (struct sockaddr *)&at6 : (struct sockaddr *)&at4;
	socklen_t len = six ? sizeof(at6) : sizeof(at4);

	signal(SIGPIPE, SIG_IGN);	/* OpenSSL writes to clients that have gone */
	*s = (struct web_server){ .serve = serve, .arg = arg };
	s->listen_fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listen_fd >= 0);
	assert_int_equal(bind(s->listen_fd, at, len), 0);
	assert_int_equal(listen(s->listen_fd, 1024), 0);
	getsockname(s->listen_fd, at, &len);
	s->port = ntohs(six ? at6.sin6_port : at4.sin_port);
	if (serve != NULL)
		assert_int_equal(pthread_create(&s->thread, NULL, web_loop, s), 0);
}

void
web_stop(struct web_server *s)
{
	s->stopping = true;
	shutdown(s->listen_fd, SHUT_RDWR);	/* accept(2) returns */
	if (s->serve != NULL)
		pthread_join(s->thread, NULL);
	close(s->listen_fd);
}

size_t
web_read_head(int fd, char *head, size_t max)
{
	size_t len = 0;
	ssize_t n;

	head[0] = '\0';
	while (strstr(head, "\r\n\r\n") == NULL && len + 1 < max) {
		n = read(fd, head + len, max - len - 1);
		if (n <= 0)
			break;
		len += (size_t)n;
		head[len] = '\0';
	}
	return len;
}

void
web_write(int fd, const char *bytes, size_t len)
{
	ssize_t n = 1;

	for (; len > 0 && n > 0; len -= (size_t)n, bytes += n)
		n = send(fd, bytes, len, MSG_NOSIGNAL);
}

void
web_wait(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		;
}

void
web_reset(int fd)
{
	const struct linger linger = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* --- TLS ---------------------------------------------------------------------- */

static int
choose(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
    unsigned in_len, void *arg)
{
	struct web_tls *t = arg;
	unsigned len = in_len < sizeof(t->offered) ? in_len : sizeof(t->offered) - 1;
	size_t wanted = t->protocol != NULL ? strlen(t->protocol) : 0;

	memcpy(t->offered, in, len);
	t->offered[len] = '\0';
	for (unsigned i = 0; wanted > 0 && i < in_len; i += in[i] + 1u)
		if (in[i] == wanted && memcmp(in + i + 1, t->protocol, wanted) == 0) {
			*out = in + i + 1;
			*out_len = (unsigned char)wanted;
			return SSL_TLSEXT_ERR_OK;
		}
	return t->strict ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

static void
extend(X509 *x, const char *oid, const char *value)
{
	X509_EXTENSION *ext = value != NULL ? X509V3_EXT_conf(NULL, NULL, oid, value) : NULL;

	assert_true(value == NULL || (ext != NULL && X509_add_ext(x, ext, -1) == 1));
	X509_EXTENSION_free(ext);
}

void
web_tls_make(struct web_tls *t, const char *names, const char *acme, const char *protocol,
    int max_version)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	*t = (struct web_tls){ .protocol = protocol };
	X509_set_version(x, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)"tests", -1, -1, 0);
	X509_set_pubkey(x, key);
	extend(x, "subjectAltName", names);
	extend(x, "1.3.6.1.5.5.7.1.31", acme);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	t->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(t->ctx, 0);
	assert_int_equal(SSL_CTX_use_certificate(t->ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(t->ctx, key), 1);
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(t->ctx, max_version);
	SSL_CTX_set_alpn_select_cb(t->ctx, choose, t);
	X509_free(x);
	EVP_PKEY_free(key);
}

void
web_tls_free(struct web_tls *t)
{
	SSL_CTX_free(t->ctx);
}

SSL *
web_tls_accept(struct web_tls *t, int fd)
{
	SSL *ssl = SSL_new(t->ctx);
	const char *name;
	bool ok;

	SSL_set_fd(ssl, fd);
	ok = SSL_accept(ssl) == 1;
	name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	snprintf(t->server_name, sizeof(t->server_name), "%s", name != NULL ? name : "");
	if (!ok) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}
