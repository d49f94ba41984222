/*
 * Sends one HTTP server many requests, a fixed number in flight: over
 * HTTP/1.1 with a kept-alive connection for each, or with -2 over HTTP/2 and a
 * few connections.
 *
 *	load [-2] [-j IN_FLIGHT] [-f FIRST] [-m MODULUS] [-b BODY]... [-e EXPECTED]...
 *	    [-a CA -c CERTIFICATE -k KEY] [-p PID]... http[s]://ADDR:PORT/PATH COUNT
 *
 * With -b it is POST, else GET. "%d" in BODY is the request's number, FIRST and
 * up, modulo MODULUS. A reply must be 200 and hold EXPECTED. -b and -e given
 * twice are for every other request. Before anything counts, each client has
 * its connection and made one request. SIGTERM ends it when all that was sent
 * has been answered.
 */
#include "tests/bench/load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "monotonic.h"

#define REQUEST_MAX	((size_t)64 * 1024)

void
load_fail(const char *why)
{
	fprintf(stderr, "load: %s\n", why);
	exit(1);
}

struct bufferevent *
load_connect(struct load *l)
{
	struct bufferevent *bev = l->tls ? bufferevent_openssl_socket_new(l->base, -1,
	    SSL_new(l->context), BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE) :
	    bufferevent_socket_new(l->base, -1, BEV_OPT_CLOSE_ON_FREE);

	if (bev == NULL)
		load_fail("out of memory");
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	bufferevent_socket_connect(bev, (const struct sockaddr *)&l->to.addr, (int)l->to.len);
	return bev;
}

void
load_connected(struct bufferevent *bev, short what)
{
	int one = 1;

	if ((what & BEV_EVENT_CONNECTED) == 0)
		load_fail("the server is not there, refused the handshake or went away");
	setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
client_send(struct client *c)
{
	struct load *l = c->load;
	char body[REQUEST_MAX] = "";
	const char *form = l->body_count > 0 ? l->bodies[l->sent % l->body_count] : NULL;
	const char *at = form != NULL ? strstr(form, "%d") : NULL;

	if (at != NULL)
		snprintf(body, sizeof(body), "%.*s%zu%s", (int)(at - form), form,
		    (l->first + l->sent) % l->modulus, at + 2);
	else if (form != NULL)
		snprintf(body, sizeof(body), "%s", form);
	c->expected = l->expected_count > 0 ? l->expected[l->sent % l->expected_count] : NULL;
	c->began_ns = monotonic_ns();
	l->wire->send(c, form != NULL ? body : NULL);
}

void
load_ready(struct client *c)
{
	client_send(c);
}

/* All have answered once: the measured part begins, for every client at once. */
static void
load_begin(struct load *l)
{
	meter_begin(&l->meter);
	for (size_t i = 0; i < l->in_flight && l->sent < l->count; i++, l->sent++)
		client_send(&l->clients[i]);
}

void
load_reply(struct client *c, int status, const char *body)
{
	struct load *l = c->load;
	const char *error = NULL;

	if (status != 200 || (c->expected != NULL && strstr(body, c->expected) == NULL))
		error = body;
	if (l->warm < l->in_flight) {
		if (error != NULL)
			load_fail(error);
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

static void
on_term(evutil_socket_t sig, short what, void *arg)
{
	struct load *l = arg;

	l->count = l->sent;
	if (l->meter.done == l->count)
		event_base_loopbreak(l->base);
}

static void
load_run(struct load *l)
{
	struct event *term = evsignal_new(l->base, SIGTERM, on_term, l);

	l->clients = calloc(l->in_flight, sizeof(*l->clients));
	if (l->clients == NULL || term == NULL || event_add(term, NULL) != 0)
		load_fail("out of memory");
	for (size_t i = 0; i < l->in_flight; i++)
		l->clients[i].load = l;
	l->wire->open(l);
	event_base_dispatch(l->base);
	meter_print(&l->meter);
	l->wire->close(l);
	event_free(term);
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
		load_fail("https needs -a, -c and -k with files that can be read");
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
load_form(const char *forms[LOAD_BODIES], size_t *count, const char *form)
{
	if (*count == LOAD_BODIES)
		return false;
	forms[(*count)++] = form;
	return true;
}

static bool
load_option(struct load *l, int letter, const char *value)
{
	switch (letter) {
	case '2': l->wire = &load_h2; break;
	case 'j': l->in_flight = strtoul(value, NULL, 10); break;
	case 'f': l->first = strtoul(value, NULL, 10); break;
	case 'm': l->modulus = strtoul(value, NULL, 10); break;
	case 'b': return load_form(l->bodies, &l->body_count, value);
	case 'e': return load_form(l->expected, &l->expected_count, value);
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
	static struct load l = { .in_flight = 64, .modulus = SIZE_MAX,
		.wire = &load_h1 };
	bool good = true;
	int letter;

	while ((letter = getopt(argc, argv, "2j:f:m:b:e:a:c:k:p:")) != -1)
		good = load_option(&l, letter, optarg) && good;
	if (!good || argc - optind != 2 || !load_url(&l, argv[optind])) {
		fprintf(stderr, "usage: load [-2] [-j IN_FLIGHT] [-f FIRST] [-m MODULUS] [-b BODY]..."
		    " [-e EXPECTED]... [-a CA -c CERTIFICATE -k KEY] [-p PID]..."
		    " http[s]://ADDR:PORT/PATH COUNT\n");
		return 2;
	}
	l.count = strtoul(argv[optind + 1], NULL, 10);
	l.base = event_base_new();
	if (l.base == NULL || meter_init(&l.meter, l.count) != 0)
		return 1;
	if (l.tls)
		load_tls(&l);
	else if (l.wire == &load_h2)
		load_fail("HTTP/2 needs https");
	load_run(&l);
	SSL_CTX_free(l.context);
	meter_free(&l.meter);
	event_base_free(l.base);
	return 0;
}
