#include "httpcheck/fetch_tls_alpn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event_struct.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "httpcheck/certificate.h"
#include "monotonic.h"

struct fetch_tls_alpn {
	struct event_base *base;
	SSL_CTX *ctx;
};

enum phase { DIALLING, SHAKING_HANDS, ENDED };

struct tls_alpn_try {
	struct fetch_tls_alpn *owner;
	char *server_name;	/* NULL: none */
	int64_t connect_ms, total_ms;	/* as the job has them */
	fetch_done *done;
	void *arg;
	enum phase phase;
	int fd;			/* -1: none */
	SSL *ssl;
	struct event io, timer;	/* the timer also ends what failed at once */
	uint64_t started_ns;
	int64_t connect_us, tls_us;
	enum problem problem;
	char sentence[FETCH_SENTENCE_MAX];
};

static int64_t
elapsed_us(const struct tls_alpn_try *t)
{
	return (int64_t)(monotonic_ns() - t->started_ns) / 1000;
}

static void
fault(struct tls_alpn_try *t, enum problem problem, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
fault(struct tls_alpn_try *t, enum problem problem, const char *fmt, ...)
{
	va_list ap;

	t->phase = ENDED;
	t->problem = problem;
	va_start(ap, fmt);
	vsnprintf(t->sentence, sizeof(t->sentence), fmt, ap);
	va_end(ap);
}

/* --- its end ------------------------------------------------------------------ */

static void
try_free(struct tls_alpn_try *t)
{
	event_del(&t->io);
	evtimer_del(&t->timer);
	SSL_free(t->ssl);
	if (t->fd >= 0)
		close(t->fd);
	ERR_clear_error();
	free(t->server_name);
	free(t);
}

static void
see_certificate(const struct tls_alpn_try *t, struct fetch_outcome *o,
    struct certificate_texts *texts)
{
	const unsigned char *protocol;
	unsigned char *der = NULL;
	unsigned protocol_len;
	X509 *leaf;
	int len;

	o->tls_version = SSL_get_version(t->ssl);
	SSL_get0_alpn_selected(t->ssl, &protocol, &protocol_len);
	o->alpn = protocol_len == 10 && memcmp(protocol, "acme-tls/1", 10) == 0;
	leaf = SSL_get0_peer_certificate(t->ssl);
	len = leaf != NULL ? i2d_X509(leaf, &der) : 0;
	if (len > 0)
		certificate_read(&o->certificate, texts, der, (size_t)len);
	OPENSSL_free(der);
}

static void
try_end(struct tls_alpn_try *t)
{
	struct fetch_outcome o = {
		.problem = t->problem,
		.sentence = t->problem != PROBLEM_NONE ? t->sentence : "answered",
		.connect_us = t->connect_us,
		.tls_us = t->tls_us,
		.first_byte_us = -1,
		.total_us = elapsed_us(t),
	};
	struct certificate_texts texts;

	if (t->problem == PROBLEM_NONE)
		see_certificate(t, &o, &texts);
	t->done(t->arg, &o);
	try_free(t);
}

/* --- its phases --------------------------------------------------------------- */

static void
arm(struct tls_alpn_try *t)
{
	int64_t left = t->total_ms - elapsed_us(t) / 1000;
	struct timeval tv;

	if (left > t->connect_ms)
		left = t->connect_ms;
	if (left < 0)
		left = 0;
	tv = (struct timeval){ left / 1000, left % 1000 * 1000 };
	evtimer_add(&t->timer, &tv);
}

/* An alert, a record that is none, or the end of the connection. */
static void
fault_handshake(struct tls_alpn_try *t, int error)
{
	unsigned long code = ERR_peek_error();
	int reason = ERR_GET_REASON(code), os_error = errno;

	if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL)
		fault(t, PROBLEM_ALPN_NOT_NEGOTIATED,
		    "refused the protocol acme-tls/1 by a TLS alert");
	else if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		fault(t, PROBLEM_TLS_FAILED, "closed the connection during the TLS handshake");
	else if (code != 0)
		fault(t, PROBLEM_TLS_FAILED, "no TLS handshake: %s",
		    ERR_reason_error_string(code) != NULL ? ERR_reason_error_string(code) :
		    "an unknown error");
	else if (error == SSL_ERROR_SYSCALL && os_error != 0)
		fault(t, PROBLEM_TLS_FAILED,
		    "broke the connection during the TLS handshake: %s", strerror(os_error));
	else
		fault(t, PROBLEM_TLS_FAILED, "closed the connection during the TLS handshake");
}

static void on_io(evutil_socket_t fd, short what, void *arg);

static bool
watch(struct tls_alpn_try *t, short what)
{
	if (event_pending(&t->io, what, NULL) == 0) {
		event_del(&t->io);
		event_assign(&t->io, t->owner->base, t->fd, what | EV_PERSIST, on_io, t);
	}
	if (event_add(&t->io, NULL) == 0)
		return true;
	fault(t, PROBLEM_OVERLOADED, "the fetcher cannot watch one more socket");
	return false;
}

static void
shake_hands(struct tls_alpn_try *t)
{
	int rc, error;

	ERR_clear_error();
	errno = 0;
	rc = SSL_connect(t->ssl);
	if (rc == 1) {
		t->tls_us = elapsed_us(t);
		t->phase = ENDED;
		return;
	}
	error = SSL_get_error(t->ssl, rc);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		watch(t, error == SSL_ERROR_WANT_READ ? EV_READ : EV_WRITE);
	else
		fault_handshake(t, error);
}

static void
fault_connect(struct tls_alpn_try *t, int error)
{
	if (error == ECONNREFUSED)
		fault(t, PROBLEM_CONNECT_REFUSED, "refused the connection");
	else if (error == ETIMEDOUT)
		fault(t, PROBLEM_CONNECT_TIMEOUT, "no TCP connection: timed out");
	else if (error == ECONNRESET)
		fault(t, PROBLEM_CONNECTION_RESET, "reset the connection at once");
	else if (error == EADDRNOTAVAIL)
		fault(t, PROBLEM_OVERLOADED, "the fetcher has no socket left: %s", strerror(error));
	else
		fault(t, PROBLEM_CONNECT_FAILED, "no TCP connection: %s", strerror(error));
}

static void
begin_handshake(struct tls_alpn_try *t)
{
	static const unsigned char protocols[] = "\x0a" "acme-tls/1";

	t->connect_us = elapsed_us(t);
	t->phase = SHAKING_HANDS;
	arm(t);
	t->ssl = SSL_new(t->owner->ctx);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, t->fd) != 1 ||
	    SSL_set_alpn_protos(t->ssl, protocols, sizeof(protocols) - 1) != 0 ||
	    (t->server_name != NULL && SSL_set_tlsext_host_name(t->ssl, t->server_name) != 1)) {
		fault(t, PROBLEM_OVERLOADED, "the fetcher is out of memory");
		return;
	}
	shake_hands(t);
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct tls_alpn_try *t = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	if (t->phase == DIALLING) {
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
			fault_connect(t, error);
		else
			begin_handshake(t);
	} else if (t->phase == SHAKING_HANDS) {
		shake_hands(t);
	}
	if (t->phase == ENDED)
		try_end(t);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct tls_alpn_try *t = arg;
	long long ms = t->connect_ms < t->total_ms ? t->connect_ms :
	    t->total_ms;

	if (t->phase == DIALLING)
		fault(t, PROBLEM_CONNECT_TIMEOUT, "no TCP connection within %lld ms", ms);
	else if (t->phase == SHAKING_HANDS)
		fault(t, PROBLEM_TLS_TIMEOUT,
		    "connected, but no TLS handshake was finished within %lld ms", ms);
	try_end(t);
}

/* The last look at what is dialled, at the very address connect(2) is given. */
static void
dial(struct tls_alpn_try *t, const struct fetch_job *job)
{
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(&job->address, job->port, &sa);
	const char *refused = address_sockaddr_refused((struct sockaddr *)&sa);

	if (refused != NULL) {
		fault(t, PROBLEM_ADDRESS_REFUSED, "its address %s", refused);
		return;
	}
	t->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0) {
		fault(t, PROBLEM_OVERLOADED, "the fetcher has no socket left: %s", strerror(errno));
		return;
	}
	event_assign(&t->io, t->owner->base, t->fd, EV_WRITE | EV_PERSIST, on_io, t);
	if (connect(t->fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
		fault_connect(t, errno);
	else
		watch(t, EV_WRITE);
}

struct tls_alpn_try *
tls_alpn_try_start(struct fetch_tls_alpn *f, const struct fetch_job *job, fetch_done *done,
    void *arg)
{
	struct tls_alpn_try *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->server_name = job->server_name != NULL ? strdup(job->server_name) : NULL;
	if (t->server_name == NULL && job->server_name != NULL) {
		free(t);
		return NULL;
	}
	t->owner = f;
	t->connect_ms = job->connect_ms;
	t->total_ms = job->total_ms;
	t->done = done;
	t->arg = arg;
	t->fd = -1;
	t->connect_us = t->tls_us = -1;
	t->started_ns = monotonic_ns();
	event_assign(&t->io, f->base, -1, EV_WRITE, on_io, t);
	evtimer_assign(&t->timer, f->base, on_timer, t);
	dial(t, job);
	if (t->phase != ENDED)
		arm(t);
	else
		event_active(&t->timer, EV_TIMEOUT, 0);
	return t;
}

void
tls_alpn_try_cancel(struct tls_alpn_try *t)
{
	try_free(t);
}

/*
 * The certificate is self-signed (RFC 8737 3): nothing is verified, and no key
 * is too small for it.
 */
struct fetch_tls_alpn *
fetch_tls_alpn_new(struct event_base *base)
{
	struct fetch_tls_alpn *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->base = base;
	f->ctx = SSL_CTX_new(TLS_client_method());
	if (f->ctx == NULL || SSL_CTX_set_min_proto_version(f->ctx, TLS1_2_VERSION) != 1) {
		fetch_tls_alpn_free(f);
		return NULL;
	}
	SSL_CTX_set_verify(f->ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_security_level(f->ctx, 0);
	SSL_CTX_set_session_cache_mode(f->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(f->ctx, SSL_MODE_RELEASE_BUFFERS);
	return f;
}

void
fetch_tls_alpn_free(struct fetch_tls_alpn *f)
{
	if (f == NULL)
		return;
	SSL_CTX_free(f->ctx);
	free(f);
}
