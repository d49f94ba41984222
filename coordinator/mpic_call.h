/* One request to a coordinator, for the command-line tool. */
#ifndef MPIC_CALL_H
#define MPIC_CALL_H

#include "buf.h"

struct mpic_call {
	const char *coordinator;	/* https://HOST:PORT, or http:// */
	const char *certificate, *key;	/* PEM files of the caller's; NULL: none */
	const char *ca;			/* PEM file; NULL: the system's */
	const char *token_file;		/* with the caller's bearer token; NULL: none */
	long timeout_ms;		/* 0: until nothing has come for long */
	/* NULL: `reply` has all. Else each line without its end, as it comes, when status is 200. */
	void (*line)(void *arg, const char *text, size_t len);
	void *line_arg;
	/* What came back. */
	long status;			/* of HTTP; 0: no answer */
	struct buf reply;		/* the caller frees it */
};

/*
 * With `ca` and `certificate` the coordinator must chain to the one and carry
 * the identity urn:mpic:coordinator, wherever it runs; else its certificate
 * must be for the URL's host, as a proxy's is. A token goes over https: or to this
 * machine only. False, with a sentence, without an answer.
 */
bool mpic_call_post(struct mpic_call *call, const char *path, const struct buf *body,
    struct buf *why);
/* The same, with nothing to send. */
bool mpic_call_get(struct mpic_call *call, const char *path, struct buf *why);

#endif
