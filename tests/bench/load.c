/*
 * Sends one HTTP server many requests over kept-alive connections, a fixed
 * number in flight.
 *
 *	load [-j IN_FLIGHT] [-f FIRST] [-m MODULUS] [-b BODY] [-e EXPECTED]
 *	    [-a CA -c CERTIFICATE -k KEY] [-p PID]... http[s]://ADDR:PORT/PATH COUNT
 *
 * With -b it is POST, else GET. "%d" in BODY is the request's number, FIRST and
 * up, modulo MODULUS. A reply must be 200 and hold EXPECTED. Before anything
 * counts, each connection has made its handshake and one request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>

#include "buf.h"
#include "endpoint.h"
#include "monotonic.h"
#include "tests/bench/meter.h"

#define REQUEST_MAX	((size_t)64 * 1024)
#define HANDSHAKES	16	/* at once, as clients come one by one */
#define REPLY_MAX	((size_t)4 * 1024 * 1024)

struct load {
	struct event_base *base;
	struct meter meter;
	struct endpoint to;
	char authority[ENDPOINT_TEXT_MAX];
	const char *path, *body, *expected;
	const char *ca, *certificate, *key;
	bool tls;
	SSL_CTX *context;
	size_t first, modulus, count, in_flight;
	size_t opened, sent, warm;
	struct client *clients;
};

struct client {
	struct load *load;
	struct bufferevent *bev;
	uint64_t began_ns;
	size_t head_len, body_len;	/* head_len 0: the head is not yet there */
	int status;
};

static void
fail(const char *why)
{
	fprintf(stderr, "load: %s\n", why);
	exit(1);
}

static void
client_send(struct client *c)
{
	struct load *l = c->load;
	char body[REQUEST_MAX] = "";
	struct evbuffer *out = bufferevent_get_output(c->bev);
	const char *at = l->body != NULL ? strstr(l->body, "%d") : NULL;

	if (at != NULL)
		snprintf(body, sizeof(body), "%.*s%zu%s", (int)(at - l->body), l->body,
		    (l->first + l->sent) % l->modulus, at + 2);
	else if (l->body != NULL)
		snprintf(body, sizeof(body), "%s", l->body);
	c->began_ns = monotonic_ns();
	if (l->body != NULL)
		evbuffer_add_printf(out, "POST %s HTTP/1.1\r\nHost: %s\r\n"
		    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		    l->path, l->authority, strlen(body), body);
	else
		evbuffer_add_printf(out, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", l->path,
		    l->authority);
}

/* All have answered once: the measured part begins, on every connection at once. */
static void
load_begin(struct load *l)
{
	meter_begin(&l->meter);
	for (size_t i = 0; i < l->in_flight && l->sent < l->count; i++, l->sent++)
		client_send(&l->clients[i]);
}

static void
client_done(struct client *c, const char *body)
{
	struct load *l = c->load;
	const char *error = NULL;

	if (c->status != 200 || (l->expected != NULL && strstr(body, l->expected) == NULL))
		error = body;
	if (l->warm < l->in_flight) {
		if (error != NULL)
			fail(error);
		if (++l->warm == l->in_flight)
			load_begin(l);
		return;
	}
	meter_add(&l->meter, c->began_ns, error);
	if (l->sent < l->count) {
		client_send(c);
		l->sent++;
	} else if (l->meter.done == l->count) {
		event_base_loopbreak(l->base);
	}
}

static bool
client_head(struct client *c, struct evbuffer *in)
{
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	const char *length;
	char *head;

	if (end.pos < 0)
		return false;
	c->head_len = (size_t)end.pos + 4;
	head = strndup((const char *)evbuffer_pullup(in, (ssize_t)c->head_len), c->head_len);
	length = head != NULL ? strcasestr(head, "\r\nContent-Length:") : NULL;
	if (length == NULL || sscanf(head, "HTTP/1.1 %d", &c->status) != 1)
		fail("a reply without status or Content-Length");
	else
		c->body_len = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
	if (c->body_len > REPLY_MAX)
		fail("a reply too large");
	free(head);
	return true;
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	static char body[REPLY_MAX + 1];

	if (c->head_len == 0 && !client_head(c, in))
		return;
	if (evbuffer_get_length(in) < c->head_len + c->body_len)
		return;
	evbuffer_drain(in, c->head_len);
	evbuffer_remove(in, body, c->body_len);
	body[c->body_len] = '\0';
	c->head_len = 0;
	client_done(c, body);
}

static void client_open(struct load *l);

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;
	int one = 1;

	if ((what & BEV_EVENT_CONNECTED) == 0)
		fail("the server is not there, refused the handshake or went away");
	setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	client_send(c);
	client_open(c->load);
}

/* Opens the next connection, if there is one left to open. */
static void
client_open(struct load *l)
{
	struct client *c;

	if (l->opened == l->in_flight)
		return;
	c = &l->clients[l->opened++];
	c->load = l;
	c->bev = l->tls ? bufferevent_openssl_socket_new(l->base, -1, SSL_new(l->context),
	    BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE) :
	    bufferevent_socket_new(l->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL)
		fail("out of memory");
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	bufferevent_socket_connect(c->bev, (const struct sockaddr *)&l->to.addr, (int)l->to.len);
}

static void
load_run(struct load *l)
{
	l->clients = calloc(l->in_flight, sizeof(*l->clients));
	if (l->clients == NULL)
		fail("out of memory");
	for (int i = 0; i < HANDSHAKES; i++)
		client_open(l);
	event_base_dispatch(l->base);
	meter_print(&l->meter);
	for (size_t i = 0; i < l->in_flight; i++)
		bufferevent_free(l->clients[i].bev);
	free(l->clients);
}

static void
load_tls(struct load *l)
{
	l->context = SSL_CTX_new(TLS_client_method());
	if (l->context == NULL || l->ca == NULL || l->certificate == NULL || l->key == NULL ||
	    SSL_CTX_load_verify_locations(l->context, l->ca, NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(l->context, l->certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(l->context, l->key, SSL_FILETYPE_PEM) != 1)
		fail("https needs -a, -c and -k with files that can be read");
	SSL_CTX_set_verify(l->context, SSL_VERIFY_PEER, NULL);
}

static bool
load_url(struct load *l, const char *url)
{
	size_t len;

	l->tls = strncmp(url, "https://", 8) == 0;
	if (!l->tls && strncmp(url, "http://", 7) != 0)
		return false;
	url += l->tls ? 8 : 7;
	len = strcspn(url, "/");
	l->path = url + len;
	snprintf(l->authority, sizeof(l->authority), "%.*s", (int)len, url);
	return *l->path == '/' && endpoint_parse(&l->to, l->authority);
}

static bool
load_option(struct load *l, int letter, const char *value)
{
	switch (letter) {
	case 'j': l->in_flight = strtoul(value, NULL, 10); break;
	case 'f': l->first = strtoul(value, NULL, 10); break;
	case 'm': l->modulus = strtoul(value, NULL, 10); break;
	case 'b': l->body = value; break;
	case 'e': l->expected = value; break;
	case 'a': l->ca = value; break;
	case 'c': l->certificate = value; break;
	case 'k': l->key = value; break;
	case 'p': meter_watch(&l->meter, atoi(value)); break;
	default: return false;
	}
	return l->in_flight > 0 && l->modulus > 0;
}

int
main(int argc, char **argv)
{
	static struct load l = { .in_flight = 64, .modulus = SIZE_MAX };
	bool good = true;
	int letter;

	while ((letter = getopt(argc, argv, "j:f:m:b:e:a:c:k:p:")) != -1)
		good = load_option(&l, letter, optarg) && good;
	if (!good || argc - optind != 2 || !load_url(&l, argv[optind])) {
		fprintf(stderr, "usage: load [-j IN_FLIGHT] [-f FIRST] [-m MODULUS] [-b BODY]"
		    " [-e EXPECTED] [-a CA -c CERTIFICATE -k KEY] [-p PID]..."
		    " http[s]://ADDR:PORT/PATH COUNT\n");
		return 2;
	}
	l.count = strtoul(argv[optind + 1], NULL, 10);
	l.base = event_base_new();
	if (l.base == NULL || meter_init(&l.meter, l.count) != 0)
		return 1;
	if (l.tls)
		load_tls(&l);
	load_run(&l);
	SSL_CTX_free(l.context);
	meter_free(&l.meter);
	event_base_free(l.base);
	return 0;
}
