/*
 * Test helper: a client of the fixture's that blocks and speaks HTTP/1.1 as
 * the test writes it, octet for octet.
 */
#ifndef MPIC_TEST_H1_CLIENT_H
#define MPIC_TEST_H1_CLIENT_H

#include <stdbool.h>

#include "server_fixture.h"

/* One client's connection. */
struct h1_client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	char in[1 << 21];
	size_t len, used;	/* bytes of the reply before, to be dropped */
	int status;
	char *body;
};

/* `peer` NULL: without TLS. `status` is -1 when the handshake failed. */
struct h1_client *h1_open(const struct fixture *f, struct tls_peer *peer);
/* Over TLS, with no certificate to show, and content with any. */
struct h1_client *h1_open_anonymous(const struct fixture *f);
void h1_close(struct h1_client *c);
void h1_send(struct h1_client *c, const char *text);
/* As recv(2); what came is added to `in`. */
int h1_read(struct h1_client *c);
/* The next reply's status, 0 when the server closed instead; `head_only` has no body. */
int h1_reply_of(struct h1_client *c, bool head_only);
int h1_reply(struct h1_client *c);
/* Sends and waits for the reply. */
int h1_ask(struct h1_client *c, const char *request);
/* Waits until the server closes, having sent nothing more. */
bool h1_closed(struct h1_client *c);

#endif
