/*
 * An applicant's server for tests: a thread that gives each connection, one
 * after another, to a function that reads and writes as it likes and closes nothing.
 */
#ifndef MPIC_TEST_WEB_SERVER_H
#define MPIC_TEST_WEB_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

typedef void web_serve(int fd, void *arg);

struct web_server {
	web_serve *serve;
	void *arg;
	int listen_fd;
	uint16_t port;
	bool stopping;
	pthread_t thread;
};

/* On 127.0.0.1, or on ::1. `serve` NULL: connections are left in the backlog. */
void web_start(struct web_server *s, bool six, web_serve *serve, void *arg);
/* The function must have returned, or do so once its client has gone. */
void web_stop(struct web_server *s);

/* Reads to the empty line behind a request's head; how many bytes. */
size_t web_read_head(int fd, char *head, size_t max);
void web_write(int fd, const char *bytes, size_t len);
/* Waits until the client closes. */
void web_wait(int fd);
/* Has close(2) send a reset. */
void web_reset(int fd);

/*
 * TLS with a self-signed certificate of subjectAltName `names` and extension
 * id-pe-acmeIdentifier `acme` (as openssl.cnf has them; NULL: none). It
 * selects `protocol` if offered; NULL: none. Refuses versions over `max` and
 * clients that offer something else than `protocol` if `strict`.
 */
struct web_tls {
	SSL_CTX *ctx;
	const char *protocol;
	bool strict;
	char server_name[256];		/* SNI of the last handshake */
	char offered[64];		/* ALPN, in its wire format */
};

void web_tls_make(struct web_tls *t, const char *names, const char *acme, const char *protocol,
    int max_version);
void web_tls_free(struct web_tls *t);
/* NULL if the handshake fails. The caller frees it. */
SSL *web_tls_accept(struct web_tls *t, int fd);

#endif
