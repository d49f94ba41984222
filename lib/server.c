#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "log.h"
#include "server_connection.h"

#define METHODS_MAX 128		/* bytes of an Allow header */

const char *const server_status_classes[5] = { "1xx", "2xx", "3xx", "4xx", "5xx" };

static void
config_defaults(struct server_config *cfg)
{
	const struct { size_t *value, def; } sizes[] = {
		{ &cfg->max_in_flight, 1024 }, { &cfg->max_connections, 4096 },
		{ &cfg->max_body, 65536 }, { &cfg->max_head, 16384 },
		{ &cfg->max_large_body, 65536 },
		{ &cfg->max_streams, 1000 }, { &cfg->max_unsent, (size_t)32 * 1024 * 1024 },
	};
	const struct { int64_t *value, def; } times[] = {
		{ &cfg->handshake_timeout_ms, 10000 }, { &cfg->request_timeout_ms, 10000 },
		{ &cfg->idle_timeout_ms, 120000 }, { &cfg->write_timeout_ms, 30000 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (*sizes[i].value == 0)
			*sizes[i].value = sizes[i].def;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (*times[i].value == 0)
			*times[i].value = times[i].def;
}

/* An address outside loopback must not be served in the clear, whatever was asked for. */
static bool
listens_on_loopback(int listen_fd)
{
	struct endpoint e = { .len = sizeof(e.addr) };

	return getsockname(listen_fd, (struct sockaddr *)&e.addr, &e.len) == 0 &&
	    endpoint_loopback(&e);
}

static bool
routes_only_tell(const struct route *routes, size_t route_count)
{
	for (size_t i = 0; i < route_count; i++)
		if (strcmp(routes[i].method, "GET") != 0 || routes[i].flags != 0)
			return false;
	return true;
}

static bool
config_sane(const struct server_config *cfg, int listen_fd,
    const struct route *routes, size_t route_count, struct buf *why)
{
	if (cfg->plain && !listens_on_loopback(listen_fd) &&
	    !(cfg->plain_anywhere && routes_only_tell(routes, route_count))) {
		buf_adds(why, "plain HTTP is served on loopback addresses only");
		return false;
	}
	for (size_t i = 0; i < route_count; i++) {
		if (!cfg->plain && (routes[i].flags & ROUTE_IDENTIFIED) != 0 &&
		    cfg->identity_count == 0) {
			buf_adds(why, "no client identity is allowed, so nobody could use ");
			buf_adds(why, routes[i].path);
			return false;
		}
	}
	return true;
}

static void
strings_free(struct server_strings *own)
{
	for (size_t i = 0; own->identities != NULL && i < own->identity_count; i++)
		free(own->identities[i]);
	free(own->identities);
	free(own->certificate);
	free(own->key);
	free(own->ca);
	free(own->crl);
}

/* The configuration's strings, so that the caller may free its own. */
static bool
strings_copy(struct server_strings *own, const struct server_config *cfg)
{
	*own = (struct server_strings){ .identity_count = cfg->identity_count };
	own->identities = calloc(cfg->identity_count + 1, sizeof(*own->identities));
	if (own->identities == NULL)
		return false;
	for (size_t i = 0; i < cfg->identity_count; i++)
		if ((own->identities[i] = strdup(cfg->identities[i])) == NULL)
			return false;
	if (cfg->plain)
		return true;
	own->certificate = strdup(cfg->tls.certificate != NULL ? cfg->tls.certificate : "");
	own->key = strdup(cfg->tls.key != NULL ? cfg->tls.key : "");
	own->ca = strdup(cfg->tls.ca != NULL ? cfg->tls.ca : "");
	if (cfg->tls.crl != NULL && (own->crl = strdup(cfg->tls.crl)) == NULL)
		return false;
	return own->certificate != NULL && own->key != NULL && own->ca != NULL;
}

/*
 * Who is no longer trusted is nobody from now on: the connection ends, with what
 * is under way on it. Those in a handshake are looked at once it is over.
 */
static void
recheck(struct server *s)
{
	struct connection *c, *next;

	for (c = TAILQ_FIRST(&s->connections); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->fd < 0 || c->leaving || c->protocol == &protocol_handshake ||
		    connection_trusted(c))
			continue;
		c->leaving = true;
		c->protocol->drain(c);
	}
}

static bool
load_tls(struct server *s, const struct server_strings *own, bool optional, struct buf *why)
{
	const struct tls_files files = { own->certificate, own->key, own->ca, own->crl };
	SSL_CTX *ctx;

	if (s->cfg.plain)
		return true;
	ctx = tls_server_context(&files, why);
	if (ctx == NULL)
		return false;
	tls_server_optional(ctx, optional);
	SSL_CTX_free(s->tls);
	s->tls = ctx;
	metric_set(s->cfg.metrics, SERVER_METRIC_TLS_EXPIRES, 0, tls_expires_s(ctx));
	metric_set(s->cfg.metrics, SERVER_METRIC_TLS_CRL_NEXT, 0, tls_crl_next_s(ctx));
	recheck(s);
	return true;
}

bool
server_reload_tls(struct server *s, struct buf *why)
{
	return load_tls(s, &s->own, s->cfg.certificate_optional, why);
}

bool
server_reconfigure(struct server *s, const struct server_config *given, struct buf *why)
{
	struct server_config cfg = *given;
	struct server_strings own = { 0 };

	cfg.plain = s->cfg.plain;
	if (!config_sane(&cfg, s->listen_fd, s->routes, s->route_count, why))
		return false;
	if (!strings_copy(&own, &cfg))
		buf_adds(why, "out of memory");
	else if (load_tls(s, &own, cfg.certificate_optional, why)) {
		strings_free(&s->own);
		s->own = own;
		config_defaults(&cfg);
		s->cfg.certificate_optional = cfg.certificate_optional;
		s->cfg.max_in_flight = cfg.max_in_flight;
		metric_set(s->cfg.metrics, SERVER_METRIC_HTTP_IN_FLIGHT_MAX, 0,
		    (int64_t)cfg.max_in_flight);
		return true;
	}
	strings_free(&own);
	return false;
}

void
server_lifetime(const struct server *s, int64_t *begins_s, int64_t *ends_s)
{
	*begins_s = s->tls != NULL ? tls_begins_s(s->tls) : 0;
	*ends_s = s->tls != NULL ? tls_expires_s(s->tls) : 0;
}

static void
accept_arm(struct server *s, bool on)
{
	if (s->accept_armed == on)
		return;
	if (on)
		event_add(&s->accepting, NULL);
	else
		event_del(&s->accepting);
	s->accept_armed = on;
}

/*
 * One connection a wake-up: the workers share the listening socket, and one
 * that took all there is would keep them for as long as they are kept alive.
 */
static void
on_accept(evutil_socket_t listen_fd, short what, void *arg)
{
	struct server *s = arg;
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int fd = accept4(listen_fd, (struct sockaddr *)&addr, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		connection_new(s, fd, &addr, len);
		if (s->connection_count >= s->cfg.max_connections)
			accept_arm(s, false);
		return;
	}
	if (errno == EINVAL)	/* it listens no more: a drain is about to begin */
		accept_arm(s, false);
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	/* Trying again at once would only spin: the next sweep opens again. */
	log_warning("cannot accept a connection", "reason", strerror(errno));
	accept_arm(s, false);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	struct connection *c, *next;
	uint64_t now = monotonic_ns();

	for (c = TAILQ_FIRST(&s->connections); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->deadline_ns != 0 && c->deadline_ns <= now) {
			c->protocol->expire(c);
		} else if (!c->leaving && c->fd >= 0 && connection_expired(c)) {
			c->leaving = true;
			c->protocol->drain(c);
		}
	}
	if (!s->draining && s->connection_count < s->cfg.max_connections)
		accept_arm(s, true);
}

/*
 * One timer for all connections costs a request nothing; it fires often enough
 * for the shortest timeout and at most twice a second.
 */
static void
sweep_start(struct server *s)
{
	const int64_t times[] = { s->cfg.handshake_timeout_ms, s->cfg.request_timeout_ms,
		s->cfg.idle_timeout_ms, s->cfg.write_timeout_ms };
	int64_t every_ms = 500;
	struct timeval tv;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] / 4 < every_ms)
			every_ms = times[i] / 4;
	if (every_ms < 5)
		every_ms = 5;
	tv = (struct timeval){ .tv_sec = every_ms / 1000, .tv_usec = every_ms % 1000 * 1000 };
	event_assign(&s->sweep, s->base, -1, EV_PERSIST, on_sweep, s);
	event_add(&s->sweep, &tv);
}

static void
on_drained(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	void (*done)(void *) = s->drain_done;

	s->drain_done = NULL;
	if (done != NULL)
		done(s->drain_arg);
}

struct server *
server_new(struct event_base *base, const struct server_config *cfg, int listen_fd,
    const struct route *routes, size_t route_count, void *arg, struct buf *why)
{
	static const int on = 1;
	struct server *s;

	if (!config_sane(cfg, listen_fd, routes, route_count, why))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		buf_adds(why, "out of memory");
		return NULL;
	}
	s->base = base;
	s->cfg = *cfg;
	s->routes = routes;
	s->route_count = route_count;
	s->arg = arg;
	s->listen_fd = listen_fd;
	TAILQ_INIT(&s->connections);
	config_defaults(&s->cfg);
	event_assign(&s->accepting, base, listen_fd, EV_READ | EV_PERSIST, on_accept, s);
	event_assign(&s->drained, base, -1, 0, on_drained, s);
	sweep_start(s);
	if (!strings_copy(&s->own, &s->cfg)) {
		buf_adds(why, "out of memory");
		goto fail;
	}
	if (!server_reload_tls(s, why))
		goto fail;
	metric_set(s->cfg.metrics, SERVER_METRIC_HTTP_IN_FLIGHT_MAX, 0,
	    (int64_t)s->cfg.max_in_flight);
	/* Inherited by accepted sockets on Linux, so a connection costs no call of its own. */
	setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	accept_arm(s, true);
	return s;
fail:
	server_free(s);
	return NULL;
}

void
server_free(struct server *s)
{
	struct connection *c;

	if (s == NULL)
		return;
	s->drain_done = NULL;
	accept_arm(s, false);
	event_del(&s->sweep);
	while ((c = TAILQ_FIRST(&s->connections)) != NULL) {
		TAILQ_REMOVE(&s->connections, c, entry);
		metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_CONNECTIONS, 0, -1);
		c->server = NULL;
		connection_end(c);
	}
	metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_IN_FLIGHT, 0, -(int64_t)s->in_flight);
	event_del(&s->drained);
	strings_free(&s->own);
	SSL_CTX_free(s->tls);
	free(s);
}

void
server_drain(struct server *s, void (*done)(void *arg), void *arg)
{
	struct connection *c, *next;

	s->draining = true;
	s->drain_done = done;
	s->drain_arg = arg;
	accept_arm(s, false);
	for (c = TAILQ_FIRST(&s->connections); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->fd >= 0 && !c->leaving)
			c->protocol->drain(c);
	}
	if (s->connection_count == 0)
		event_active(&s->drained, EV_TIMEOUT, 0);
}

void
server_connection_left(struct server *s)
{
	if (s->draining && s->connection_count == 0)
		event_active(&s->drained, EV_TIMEOUT, 0);
	else if (!s->draining)
		accept_arm(s, true);
}

static bool
method_serves(const struct route *r, const char *method)
{
	return strcmp(r->method, method) == 0 ||
	    (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

/* The route of path and method; else `allow` names the methods the path has, if any. */
static const struct route *
route_find(const struct server *s, const char *path, const char *method,
    char allow[static METHODS_MAX])
{
	size_t used = 0;

	allow[0] = '\0';
	for (size_t i = 0; i < s->route_count; i++) {
		const struct route *r = &s->routes[i];

		if (strcmp(r->path, path) != 0)
			continue;
		if (method_serves(r, method))
			return r;
		if (used < METHODS_MAX)
			used += (size_t)snprintf(allow + used, METHODS_MAX - used, "%s%s%s",
			    used > 0 ? ", " : "", r->method,
			    strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
	}
	return NULL;
}

size_t
server_max_body(const struct server *s, const char *path)
{
	for (size_t i = 0; i < s->route_count; i++)
		if ((s->routes[i].flags & ROUTE_LARGE) != 0 && strcmp(s->routes[i].path, path) == 0)
			return s->cfg.max_large_body;
	return s->cfg.max_body;
}

static void
refuse_with(struct exchange *x, int status, const char *body, const char *name,
    const char *value)
{
	const struct header extra = { name, value };

	exchange_reply(x, status, NULL, body, strlen(body), &extra, 1);
}

static bool
server_permits(const struct server *s, const char *identity)
{
	if (s->cfg.plain)
		return true;
	for (size_t i = 0; i < s->own.identity_count; i++)
		if (strcmp(s->own.identities[i], identity) == 0)
			return true;
	return false;
}

static void
refuse_identity(struct exchange *x, const char *identity)
{
	struct buf detail = BUF_INIT(TLS_IDENTITY_MAX + 128);

	if (identity[0] != '\0')
		buf_addf(&detail, "the identity %s may not use this service", identity);
	else
		buf_adds(&detail, "the certificate presented has no identity: it needs "
		    "exactly one urn:mpic: URI as subjectAltName");
	log_notice("request refused", "peer", exchange_peer(x), "identity", identity);
	exchange_refuse(x, 403, detail.data != NULL ? detail.data : "forbidden");
	buf_free(&detail);
}

static void
overloaded(struct server *s, struct exchange *x)
{
	metric_add(s->cfg.metrics, SERVER_METRIC_HTTP_OVERLOADED, 0, 1);
	refuse_with(x, 503, "{\"detail\":\"too many requests in flight\"}",
	    "Retry-After", "1");
}

void
server_dispatch(struct server *s, struct exchange *x)
{
	const char *method = x->text + x->head.method;
	char allow[METHODS_MAX];

	x->route = route_find(s, x->text + x->head.path, method, allow);
	if (x->route == NULL && allow[0] == '\0') {
		exchange_refuse(x, 404, "Not Found");
	} else if (x->route == NULL) {
		refuse_with(x, 405, "{\"detail\":\"Method Not Allowed\"}", "Allow", allow);
	} else if ((x->route->flags & ROUTE_IDENTIFIED) != 0 &&
	    !server_permits(s, exchange_identity(x))) {
		refuse_identity(x, exchange_identity(x));
	} else if ((x->route->flags & ROUTE_COUNTED) != 0 &&
	    s->in_flight >= s->cfg.max_in_flight) {
		overloaded(s, x);
	} else {
		if ((x->route->flags & ROUTE_COUNTED) != 0)
			exchange_count(x);
		x->route->handle(x, s->arg);
	}
}
