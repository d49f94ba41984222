#include "server_connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "log.h"

#define WASTE_SIZE 4096
#define LINGER_MS 2000

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

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	connection_run(arg);
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
	c->exchange.connection = c;
	endpoint_text(&peer, c->peer);
	event_assign(&c->readable, s->base, fd, EV_READ | EV_PERSIST, on_event, c);
	event_assign(&c->writable, s->base, fd, EV_WRITE, on_event, c);
	if (s->tls != NULL) {
		SSL_set_accept_state(c->ssl);
		connection_deadline_in(c, s->cfg.handshake_timeout_ms);
	} else {
		snprintf(c->identity, sizeof(c->identity), "plain");
		c->state = CONNECTION_HEAD;
		connection_deadline_in(c, s->cfg.idle_timeout_ms);
	}
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

/* Socket and TLS go, the request's text stays: an exchange may still need it. */
static void
connection_disconnect(struct connection *c)
{
	if (c->fd < 0)
		return;
	connection_read_arm(c, false);
	event_del(&c->writable);
	SSL_free(c->ssl);
	c->ssl = NULL;
	close(c->fd);
	c->fd = -1;
	c->deadline_ns = 0;
	free(c->out);
	c->out = NULL;
}

static void
connection_free(struct connection *c)
{
	struct server *s = c->server;

	connection_disconnect(c);
	if (s != NULL) {
		TAILQ_REMOVE(&s->connections, c, entry);
		s->connection_count--;
		metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_CONNECTIONS, 0, -1);
		server_connection_left(s);
	}
	free(c->text);
	free(c);
}

void
connection_end(struct connection *c)
{
	struct exchange *x = &c->exchange;
	void (*gone)(struct exchange *, void *) = x->gone;

	if (c->state != CONNECTION_EXCHANGE) {
		connection_free(c);
		return;
	}
	if (c->fd < 0)
		return;
	connection_disconnect(c);
	if (c->server != NULL)
		metric_add(c->server->cfg.metrics, SERVER_METRIC_HTTP_GONE, 0, 1);
	x->gone = NULL;
	if (gone != NULL)
		gone(x, x->gone_arg);
}

enum step
connection_ssl_step(struct connection *c, int result)
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
	if (verify != X509_V_OK)
		reason = X509_verify_cert_error_string(verify);
	s->complained_s = now;
	log_write(level, "TLS handshake failed", "peer", c->peer, "reason",
	    reason != NULL ? reason : "connection closed", NULL);
}

static enum step
step_handshake(struct connection *c)
{
	enum step step;
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(c->ssl);
	if (result != 1) {
		step = connection_ssl_step(c, result);
		if (step == STEP_CLOSE)
			handshake_failed(c);
		return step;
	}
	tls_peer_identity(c->ssl, c->identity);
	c->state = CONNECTION_HEAD;
	connection_deadline_in(c, c->server->cfg.idle_timeout_ms);
	return STEP_AGAIN;
}

/*
 * Readable during an exchange: the client left, or pipelines. The byte is only
 * looked at. A pipelining client is not watched further: it is found gone when
 * the reply is written.
 */
static enum step
step_exchange(struct connection *c)
{
	char byte;
	int n;

	if (c->ssl != NULL) {
		ERR_clear_error();
		n = SSL_peek(c->ssl, &byte, 1);
		if (n <= 0)
			return connection_ssl_step(c, n) == STEP_CLOSE ? STEP_GONE : STEP_WAIT;
	} else {
		n = (int)recv(c->fd, &byte, 1, MSG_PEEK);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return STEP_WAIT;
		if (n <= 0)
			return STEP_GONE;
	}
	connection_read_arm(c, false);
	return STEP_WAIT;
}

/* Takes the request that was answered out of `text` and readies for the next. */
static enum step
next_request(struct connection *c)
{
	size_t used = c->head_len + c->body_len;

	c->text[used] = c->after_body;
	c->len -= used;
	c->searched = 0;
	c->timed = false;
	c->state = CONNECTION_HEAD;
	if (c->len > 0) {
		memmove(c->text, c->text + used, c->len + 1);
		return STEP_AGAIN;
	}
	connection_text_drop(c);
	if (c->server->draining)
		return STEP_CLOSE;
	connection_deadline_in(c, c->server->cfg.idle_timeout_ms);
	connection_read_arm(c, true);
	return c->ssl != NULL && SSL_has_pending(c->ssl) ? STEP_AGAIN : STEP_WAIT;
}

static enum step
written(struct connection *c)
{
	free(c->out);
	c->out = NULL;
	if (c->after_write != CONNECTION_HEAD) {
		c->state = c->after_write;
		return STEP_AGAIN;
	}
	if (!c->close)
		return next_request(c);
	if (c->ssl != NULL) {
		ERR_clear_error();
		SSL_shutdown(c->ssl);
	}
	if (!c->linger)
		return STEP_CLOSE;
	shutdown(c->fd, SHUT_WR);
	connection_deadline_in(c, LINGER_MS);
	c->state = CONNECTION_LINGER;
	return STEP_AGAIN;
}

static enum step
step_write(struct connection *c)
{
	size_t sent;
	ssize_t n;

	while (c->out_sent < c->out_len) {
		if (c->ssl != NULL) {
			ERR_clear_error();
			if (SSL_write_ex(c->ssl, c->out + c->out_sent,
			    c->out_len - c->out_sent, &sent) != 1) {
				/* Pipelined bytes must not wake us while we cannot write. */
				connection_read_arm(c, false);
				return connection_ssl_step(c, 0);
			}
			c->out_sent += sent;
			continue;
		}
		n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return STEP_CLOSE;
		if (n < 0) {
			connection_read_arm(c, false);
			event_add(&c->writable, NULL);
			return STEP_WAIT;
		}
		c->out_sent += (size_t)n;
	}
	return written(c);
}

/* Bytes unread at close() would turn into a reset that destroys the refusal on its way. */
static enum step
step_linger(struct connection *c)
{
	char waste[WASTE_SIZE];
	ssize_t n = recv(c->fd, waste, sizeof(waste), 0);

	connection_read_arm(c, true);
	if (n > 0)
		return STEP_WAIT;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? STEP_WAIT : STEP_CLOSE;
}

void
connection_run(struct connection *c)
{
	static enum step (*const steps[CONNECTION_STATES])(struct connection *) = {
		[CONNECTION_HANDSHAKE] = step_handshake,
		[CONNECTION_HEAD] = connection_step_head,
		[CONNECTION_BODY] = connection_step_body,
		[CONNECTION_EXCHANGE] = step_exchange,
		[CONNECTION_WRITE] = step_write,
		[CONNECTION_LINGER] = step_linger,
	};
	enum step step;

	c->running = true;
	do
		step = steps[c->state](c);
	while (step == STEP_AGAIN);
	c->running = false;
	if (step == STEP_CLOSE || step == STEP_GONE)
		connection_end(c);
}

void
connection_expire(struct connection *c)
{
	bool partial = c->state == CONNECTION_BODY ||
	    (c->state == CONNECTION_HEAD && c->len > 0);

	if (!partial) {
		connection_end(c);
		return;
	}
	connection_refuse(c, 408, "the request did not arrive in time");
	connection_run(c);
}
