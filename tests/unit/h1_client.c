#include "h1_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/time.h>

#include <cmocka.h>

static struct h1_client *
connected(const struct fixture *f)
{
	struct h1_client *c = calloc(1, sizeof(*c));
	struct timeval tv = { .tv_sec = 5 };

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	assert_int_equal(connect(c->fd, (const struct sockaddr *)&f->at.addr, f->at.len), 0);
	return c;
}

static struct h1_client *
shake_hands(struct h1_client *c)
{
	c->ssl = SSL_new(c->ctx);
	SSL_set_fd(c->ssl, c->fd);
	if (SSL_connect(c->ssl) != 1)
		c->status = -1;
	return c;
}

struct h1_client *
h1_open(const struct fixture *f, struct tls_peer *peer)
{
	struct h1_client *c = connected(f);

	if (peer == NULL)
		return c;
	c->ctx = SSL_CTX_new(TLS_client_method());
	assert_true(tls_client_apply(c->ctx, peer));
	return shake_hands(c);
}

struct h1_client *
h1_open_anonymous(const struct fixture *f)
{
	struct h1_client *c = connected(f);

	c->ctx = SSL_CTX_new(TLS_client_method());
	return shake_hands(c);
}

void
h1_close(struct h1_client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
	free(c);
}

void
h1_send(struct h1_client *c, const char *text)
{
	if (c->ssl != NULL)
		assert_true(SSL_write(c->ssl, text, (int)strlen(text)) > 0);
	else
		assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

int
h1_read(struct h1_client *c)
{
	size_t room = sizeof(c->in) - 1 - c->len;
	int n;

	n = c->ssl != NULL ? SSL_read(c->ssl, c->in + c->len, (int)room) :
	    (int)recv(c->fd, c->in + c->len, room, 0);
	if (n > 0)
		c->len += (size_t)n;
	c->in[c->len] = '\0';
	return n;
}

int
h1_reply_of(struct h1_client *c, bool head_only)
{
	size_t need = 0;
	char *end, *length;

	c->len -= c->used;
	memmove(c->in, c->in + c->used, c->len + 1);
	c->used = 0;
	for (;;) {
		end = strstr(c->in, "\r\n\r\n");
		length = end != NULL ? strstr(c->in, "Content-Length: ") : NULL;
		if (end != NULL)
			need = (size_t)(end + 4 - c->in) +
			    (length != NULL && length < end && !head_only ?
			    strtoul(length + 16, NULL, 10) : 0);
		if (end != NULL && c->len >= need)
			break;
		if (h1_read(c) <= 0)
			return 0;
	}
	c->body = end + 4;
	c->used = need;
	return atoi(c->in + 9);
}

int
h1_reply(struct h1_client *c)
{
	return h1_reply_of(c, false);
}

int
h1_ask(struct h1_client *c, const char *request)
{
	h1_send(c, request);
	return h1_reply(c);
}

bool
h1_closed(struct h1_client *c)
{
	return c->len == c->used && h1_read(c) == 0;
}
