/*
 * A blocking HTTP/2 client for tests, by libnghttp2: many streams on one
 * connection, and what no ordinary client does.
 */
#ifndef MPIC_TEST_H2_CLIENT_H
#define MPIC_TEST_H2_CLIENT_H

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "tls.h"

#define H2_STREAMS_MAX 4096

struct h2_reply {
	int status;		/* 0: none came */
	bool closed;
	uint32_t error;		/* of the stream's end */
	unsigned order;		/* the how manieth to be closed, from 1 */
	char *head, *body;	/* "name: value\n" lines; NULL while empty */
	size_t head_len, body_len;
};

struct h2_client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;		/* NULL: the handshake failed or h2 was not chosen */
	nghttp2_session *session;
	struct h2_reply replies[H2_STREAMS_MAX];	/* by stream id / 2 */
	unsigned closed;
	int goaways;
	uint32_t goaway_error;
	int32_t goaway_last;
	bool gone;		/* the server closed */
};

/* What to ask for. Zero is: no body, no header, the whole request. */
struct h2_ask {
	const char *method, *path;
	const char *body;
	size_t body_len;	/* 0: of the string */
	const char *name, *value;	/* a header */
	bool unfinished;	/* the body's end never comes */
};

struct h2_client *h2_open(const struct sockaddr_storage *addr, socklen_t len,
    struct tls_peer *peer);
void h2_close(struct h2_client *c);
/* Lets the server send no more than a window of 65535 bytes. To be called first. */
void h2_give_no_room(struct h2_client *c);
/* Queues a request; its stream, or -1. h2_flush() or a wait sends it. */
int32_t h2_send(struct h2_client *c, const struct h2_ask *ask);
struct h2_reply *h2_reply(struct h2_client *c, int32_t id);
bool h2_flush(struct h2_client *c);
/* Reads once. False when the server closed. */
bool h2_turn(struct h2_client *c);
/* Until the stream is closed, or the server has closed. Its status. */
int h2_wait(struct h2_client *c, int32_t id);
/* Sends and waits. */
int h2_get(struct h2_client *c, const char *path);
/* Until the server closes. */
void h2_wait_gone(struct h2_client *c);

#endif
