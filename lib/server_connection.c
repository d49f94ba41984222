#include "server_connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "log.h"

#define READ_SIZE 2048		/* first room for a request */
#define LINGER_MS 2000

enum step { STEP_AGAIN, STEP_WAIT, STEP_CLOSE, STEP_GONE };

static void
deadline_in(struct connection *c, int64_t ms)
{
	c->deadline_ns = monotonic_ns() + (uint64_t)ms * 1000000u;
}

/* From the first byte that did not bring the whole request. */
static void
request_clock(struct connection *c)
{
	if (c->timed)
		return;
	c->timed = true;
	deadline_in(c, c->server->cfg.request_timeout_ms);
}

static void
read_arm(struct connection *c, bool on)
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
		deadline_in(c, s->cfg.handshake_timeout_ms);
	} else {
		snprintf(c->identity, sizeof(c->identity), "plain");
		c->state = CONNECTION_HEAD;
		deadline_in(c, s->cfg.idle_timeout_ms);
	}
	TAILQ_INSERT_TAIL(&s->connections, c, entry);
	s->connection_count++;
	metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_CONNECTIONS, 0, 1);
	metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_CONNECTIONS_TOTAL, 0, 1);
	read_arm(c, true);
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
	read_arm(c, false);
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

/* What an SSL call that returned <= 0 asks for. */
static enum step
ssl_step(struct connection *c, int result)
{
	switch (SSL_get_error(c->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		read_arm(c, true);
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
		step = ssl_step(c, result);
		if (step == STEP_CLOSE)
			handshake_failed(c);
		return step;
	}
	tls_peer_identity(c->ssl, c->identity);
	c->state = CONNECTION_HEAD;
	deadline_in(c, c->server->cfg.idle_timeout_ms);
	return STEP_AGAIN;
}

/* Room for `want` bytes and a NUL. */
static bool
text_room(struct connection *c, size_t want)
{
	char *text;

	if (want + 1 <= c->size)
		return true;
	text = realloc(c->text, want + 1);
	if (text == NULL)
		return false;
	c->text = text;
	c->size = want + 1;
	return true;
}

/* An idle connection holds no buffer. */
static void
text_drop(struct connection *c)
{
	free(c->text);
	c->text = NULL;
	c->size = 0;
}

/* Reads what fits; STEP_AGAIN when something came. */
static enum step
text_read(struct connection *c)
{
	size_t room = c->size - 1 - c->len, got = 0;
	ssize_t n;

	if (c->ssl != NULL) {
		ERR_clear_error();
		if (SSL_read_ex(c->ssl, c->text + c->len, room, &got) != 1)
			return ssl_step(c, 0);
	} else {
		n = read(c->fd, c->text + c->len, room);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return STEP_WAIT;
		if (n <= 0)
			return STEP_CLOSE;
		got = (size_t)n;
	}
	c->len += got;
	c->text[c->len] = '\0';
	return STEP_AGAIN;
}

static enum step
head_complete(struct connection *c, size_t end)
{
	const struct server_config *cfg = &c->server->cfg;
	const char *why;
	int status = head_parse(&c->head, c->text, end, &why);

	c->head_len = end;
	c->body_len = 0;
	c->chunks = (struct chunk_decoder){ CHUNK_SIZE, 0, 0, 0 };
	if (status == 0 && c->head.content_length > cfg->max_body) {
		status = 413;
		why = "the body is too large";
	}
	if (status != 0) {
		connection_refuse(c, status, why);
		return STEP_AGAIN;
	}
	c->state = CONNECTION_BODY;
	if (!c->head.expect_continue || c->len > end)
		return STEP_AGAIN;
	c->out = strdup("HTTP/1.1 100 Continue\r\n\r\n");
	if (c->out == NULL)
		return STEP_CLOSE;
	c->out_len = strlen(c->out);
	c->out_sent = 0;
	c->state = CONNECTION_WRITE;
	c->after_write = CONNECTION_BODY;
	return STEP_AGAIN;
}

/* RFC 9112 2.2: an empty line before a request is skipped. */
static void
skip_empty_line(struct connection *c)
{
	if (c->len < 2 || memcmp(c->text, "\r\n", 2) != 0)
		return;
	c->len -= 2;
	memmove(c->text, c->text + 2, c->len);
	c->searched = 0;
}

static enum step
step_head(struct connection *c)
{
	const struct server_config *cfg = &c->server->cfg;
	size_t end, want;
	enum step step;

	read_arm(c, true);
	skip_empty_line(c);
	end = c->len > 0 ? head_end(c->text, c->len, c->searched) : 0;
	if (end > cfg->max_head || (end == 0 && c->len >= cfg->max_head)) {
		connection_refuse(c, 431, "the head of the request is too large");
		return STEP_AGAIN;
	}
	if (end > 0)
		return head_complete(c, end);
	if (c->len > 0)
		request_clock(c);
	c->searched = c->len;
	want = c->len < READ_SIZE / 2 ? READ_SIZE : c->len * 2;
	if (!text_room(c, want < cfg->max_head ? want : cfg->max_head))
		return STEP_CLOSE;
	step = text_read(c);
	if (step == STEP_WAIT && c->len == 0)
		text_drop(c);
	return step;
}

static enum step
body_complete(struct connection *c, size_t len)
{
	char *end = c->text + c->head_len + len;

	c->body_len = len;
	c->after_body = *end;
	*end = '\0';
	c->state = CONNECTION_EXCHANGE;
	c->deadline_ns = 0;
	server_dispatch(c->server, c);
	return c->state == CONNECTION_EXCHANGE ? STEP_WAIT : STEP_AGAIN;
}

static enum step
step_chunked(struct connection *c)
{
	const struct server_config *cfg = &c->server->cfg;
	size_t len = c->len - c->head_len, want;
	enum chunk_result result;

	result = chunk_decode(&c->chunks, c->text + c->head_len, &len, cfg->max_body);
	c->len = c->head_len + len;
	if (result == CHUNK_COMPLETE)
		return body_complete(c, c->chunks.decoded);
	if (result == CHUNK_TOO_LARGE || result == CHUNK_MALFORMED) {
		if (result == CHUNK_TOO_LARGE)
			connection_refuse(c, 413, "the body is too large");
		else
			connection_refuse(c, 400, "malformed chunk");
		return STEP_AGAIN;
	}
	/* Raw bytes that wait are at most a line; twice the need keeps this linear. */
	want = c->len + READ_SIZE;
	if (want > c->size - 1)
		want = c->len * 2 + READ_SIZE;
	if (!text_room(c, want))
		return STEP_CLOSE;
	request_clock(c);
	return text_read(c);
}

static enum step
step_body(struct connection *c)
{
	read_arm(c, true);
	if (c->head.chunked)
		return step_chunked(c);
	if (c->len - c->head_len >= c->head.content_length)
		return body_complete(c, (size_t)c->head.content_length);
	if (!text_room(c, c->head_len + (size_t)c->head.content_length))
		return STEP_CLOSE;
	request_clock(c);
	return text_read(c);
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
			return ssl_step(c, n) == STEP_CLOSE ? STEP_GONE : STEP_WAIT;
	} else {
		n = (int)recv(c->fd, &byte, 1, MSG_PEEK);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return STEP_WAIT;
		if (n <= 0)
			return STEP_GONE;
	}
	read_arm(c, false);
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
	text_drop(c);
	if (c->server->draining)
		return STEP_CLOSE;
	deadline_in(c, c->server->cfg.idle_timeout_ms);
	read_arm(c, true);
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
	deadline_in(c, LINGER_MS);
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
				read_arm(c, false);
				return ssl_step(c, 0);
			}
			c->out_sent += sent;
			continue;
		}
		n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return STEP_CLOSE;
		if (n < 0) {
			read_arm(c, false);
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
	char waste[READ_SIZE];
	ssize_t n = recv(c->fd, waste, sizeof(waste), 0);

	read_arm(c, true);
	if (n > 0)
		return STEP_WAIT;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? STEP_WAIT : STEP_CLOSE;
}

void
connection_run(struct connection *c)
{
	static enum step (*const steps[CONNECTION_STATES])(struct connection *) = {
		[CONNECTION_HANDSHAKE] = step_handshake,
		[CONNECTION_HEAD] = step_head,
		[CONNECTION_BODY] = step_body,
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
