/*
 * Where a program listens or connects: an address literal and a port, never a
 * name, so that reading a configuration asks no resolver.
 *
 * Text form: `192.0.2.1:8443` or `[2001:db8::1]:8443`.
 */
#ifndef MPIC_ENDPOINT_H
#define MPIC_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

#define ENDPOINT_TEXT_MAX 64

struct endpoint {
	struct sockaddr_storage addr;
	socklen_t len;	/* 0: none given */
};

/* False, leaving `e` untouched, when `text` is not of the form above. */
bool endpoint_parse(struct endpoint *e, const char *text);
/* Writes the text form; "" for none. */
void endpoint_text(const struct endpoint *e, char text[static ENDPOINT_TEXT_MAX]);
/* 127.0.0.0/8 or ::1. */
bool endpoint_loopback(const struct endpoint *e);
/*
 * A non-blocking listening TCP socket (SO_REUSEADDR, close-on-exec), or -1
 * with errno set.
 */
int endpoint_listen(const struct endpoint *e, int backlog);

#endif
