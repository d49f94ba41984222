#include "server_connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "log.h"

void
connection_deadline_in(struct connection *c, int64_t ms)
{
	c->deadline_ns = monotonic_ns() + (uint64_t)ms * 1000000u;
}

void
connection_read_arm(struct connection *c, bool on)
{
	if (c->read_armed == on)
		return;
	if (on)
		event_add(&c->readable, NULL);
	else
		event_del(&c->readable);
	c->read_armed = on;
}

void
connection_read_again(struct connection *c)
{
	static const struct timeval now = { 0, 0 };

	event_add(&c->readable, &now);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	c->can_read = (what & (EV_READ | EV_TIMEOUT)) != 0;
	/* libevent takes an event out whose time is over. */
	if ((what & EV_TIMEOUT) != 0)
		c->read_armed = false;
	connection_run(c);
}

/* Without TLS there is nothing to choose by: HTTP/1.1. */
static bool
connection_begin(struct connection *c)
{
	if (c->ssl == NULL) {
		snprintf(c->identity, sizeof(c->identity), "plain");
		c->protocol = &protocol_h1;
	} else {
		c->protocol = &protocol_handshake;
	}
	return c->protocol->start(c);
}

void
connection_new(struct server *s, int fd, const struct sockaddr_storage *addr,
    socklen_t addr_len)
{
	struct connection *c = calloc(1, sizeof(*c));
	struct endpoint peer = { .addr = *addr, .len = addr_len };

	if (c == NULL)
		goto fail;
	if (s->tls != NULL && ((c->ssl = SSL_new(s->tls)) == NULL ||
	    SSL_set_fd(c->ssl, fd) != 1))
		goto fail;
	c->server = s;
	c->fd = fd;
	endpoint_text(&peer, c->peer);
	event_assign(&c->readable, s->base, fd, EV_READ | EV_PERSIST, on_event, c);
	event_assign(&c->writable, s->base, fd, EV_WRITE, on_event, c);
	if (!connection_begin(c))
		goto fail;
	TAILQ_INSERT_TAIL(&s->connections, c, entry);
	s->connection_count++;
	metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_CONNECTIONS, 0, 1);
	metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_CONNECTIONS_TOTAL, 0, 1);
	connection_read_arm(c, true);
	return;
fail:
	if (c != NULL)
		SSL_free(c->ssl);
	free(c);
	close(fd);
}

static void
connection_disconnect(struct connection *c)
{
	connection_read_arm(c, false);
	event_del(&c->writable);
	SSL_free(c->ssl);
	c->ssl = NULL;
	close(c->fd);
	c->fd = -1;
	c->deadline_ns = 0;
}

static void
connection_free(struct connection *c)
{
	struct server *s = c->server;

	if (s != NULL) {
		TAILQ_REMOVE(&s->connections, c, entry);
		s->connection_count--;
		metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_CONNECTIONS, 0, -1);
		server_connection_left(s);
	}
	c->protocol->free(c);
	free(c);
}

void
connection_run_soon(struct connection *c)
{
	if (!c->running)
		event_active(&c->writable, EV_WRITE, 0);
}

void
connection_end(struct connection *c)
{
	/* One that is without socket waits for its handlers. */
	if (c->fd < 0)
		return;
	c->running = true;
	connection_disconnect(c);
	c->protocol->lost(c);
	c->running = false;
	connection_settle(c);
}

void
connection_settle(struct connection *c)
{
	if (c->fd < 0 && c->exchanges == 0 && !c->running)
		connection_free(c);
}

/* What an SSL call that returned `result` <= 0 asks for. */
static enum step
ssl_step(struct connection *c, int result)
{
	switch (SSL_get_error(c->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		connection_read_arm(c, true);
		return STEP_WAIT;
	case SSL_ERROR_WANT_WRITE:
		event_add(&c->writable, NULL);
		return STEP_WAIT;
	default:
		return STEP_CLOSE;
	}
}

/* What read(2) or recv(2) brought. */
static enum step
read_step(struct connection *c, ssize_t n)
{
	if (n > 0)
		return STEP_AGAIN;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		return STEP_CLOSE;
	connection_read_arm(c, true);
	return STEP_WAIT;
}

enum step
connection_read(struct connection *c, void *bytes, size_t room, size_t *got)
{
	ssize_t n;

	if (c->ssl != NULL) {
		ERR_clear_error();
		return SSL_read_ex(c->ssl, bytes, room, got) == 1 ? STEP_AGAIN : ssl_step(c, 0);
	}
	n = read(c->fd, bytes, room);
	*got = n > 0 ? (size_t)n : 0;
	return read_step(c, n);
}

enum step
connection_peek(struct connection *c, char *byte)
{
	int n;

	if (c->ssl == NULL)
		return read_step(c, recv(c->fd, byte, 1, MSG_PEEK));
	ERR_clear_error();
	n = SSL_peek(c->ssl, byte, 1);
	return n > 0 ? STEP_AGAIN : ssl_step(c, n);
}

enum step
connection_write(struct connection *c, const void *bytes, size_t len, size_t *sent)
{
	ssize_t n;

	if (c->ssl != NULL) {
		ERR_clear_error();
		return SSL_write_ex(c->ssl, bytes, len, sent) == 1 ? STEP_AGAIN : ssl_step(c, 0);
	}
	n = send(c->fd, bytes, len, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return STEP_CLOSE;
	if (n < 0) {
		event_add(&c->writable, NULL);
		return STEP_WAIT;
	}
	*sent = (size_t)n;
	return STEP_AGAIN;
}

bool
connection_expired(const struct connection *c)
{
	return c->disowned || (c->expires_s != 0 && time(NULL) > c->expires_s);
}

bool
connection_trusted(struct connection *c)
{
	char reason[TLS_REASON_MAX];

	if (c->disowned)
		return false;
	if (c->ssl == NULL || tls_still_trusted(c->server->tls, c->ssl, reason))
		return true;
	log_notice("a connection ends: its certificate is no longer trusted", "peer", c->peer,
	    "identity", c->identity, "reason", reason);
	c->disowned = true;
	return false;
}

bool
connection_leaves(const struct connection *c)
{
	return c->server->draining || c->leaving;
}

void
connection_goodbye(struct connection *c)
{
	if (c->ssl == NULL)
		return;
	ERR_clear_error();
	SSL_shutdown(c->ssl);
}

bool
connection_has_pending(const struct connection *c)
{
	return c->ssl != NULL && SSL_has_pending(c->ssl);
}

/* ---- the handshake ---- */

static bool
handshake_start(struct connection *c)
{
	SSL_set_accept_state(c->ssl);
	connection_deadline_in(c, c->server->cfg.handshake_timeout_ms);
	return true;
}

/* Once a second at notice, for an operator with a wrong certificate; the rest is debug. */
static void
handshake_failed(struct connection *c)
{
	struct server *s = c->server;
	long verify = SSL_get_verify_result(c->ssl);
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	time_t now = time(NULL);
	enum log_level level = now != s->complained_s ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG;

	metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_HANDSHAKES_FAILED, 0, 1);
	if (tls_refusal(c->ssl) != NULL)
		reason = tls_refusal(c->ssl);
	else if (verify != X509_V_OK)
		reason = X509_verify_cert_error_string(verify);
	s->complained_s = now;
	log_write(level, "TLS handshake failed", "peer", c->peer, "reason",
	    reason != NULL ? reason : "connection closed", NULL);
}

static enum step
handshake_step(struct connection *c)
{
	enum step step;
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(c->ssl);
	if (result != 1) {
		step = ssl_step(c, result);
		if (step == STEP_CLOSE)
			handshake_failed(c);
		return step;
	}
	tls_peer_identity(c->ssl, c->identity);
	c->expires_s = tls_peer_expires_s(c->ssl);
	/* The files were read again while it went on. */
	if (SSL_get_SSL_CTX(c->ssl) != c->server->tls && !connection_trusted(c))
		return STEP_CLOSE;
	c->protocol = tls_chose_http2(c->ssl) ? &protocol_h2 : &protocol_h1;
	/* On failure there is nothing of the protocol's to free. */
	if (c->protocol->start(c))
		return STEP_AGAIN;
	c->protocol = &protocol_handshake;
	return STEP_CLOSE;
}

static void
handshake_leave(struct connection *c)
{
}

/* No exchange exists before the handshake is over. */
const struct protocol protocol_handshake = {
	.start = handshake_start,
	.step = handshake_step,
	.expire = connection_end,
	.drain = connection_end,
	.lost = handshake_leave,
	.free = handshake_leave,
};

/* ---- the driver ---- */

void
connection_run(struct connection *c)
{
	enum step step;

	c->running = true;
	do
		step = c->protocol->step(c);
	while (step == STEP_AGAIN);
	c->running = false;
	if (step == STEP_CLOSE)
		connection_end(c);
}
