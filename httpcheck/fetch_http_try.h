/*
 * Inside fetch_http: one try, what was seen of its reply, and what that
 * amounts to. A try has a libcurl handle of its own.
 */
#ifndef MPIC_FETCH_HTTP_TRY_H
#define MPIC_FETCH_HTTP_TRY_H

#include <stdint.h>

#include <curl/curl.h>
#include <event2/event_struct.h>

#include "httpcheck/certificate.h"
#include "httpcheck/fetch_http.h"
#include "multi.h"

#define TLS_VERSION_TEXT	16

struct http_certificate {
	struct fetch_certificate facts;
	struct certificate_texts texts;
};

struct http_try {
	struct transfer transfer;	/* first */
	struct fetch_http *http;
	struct curl_slist *fields, *connect_to;
	enum fetch_kind kind;
	int64_t connect_ms, total_ms;	/* as the job has them */
	fetch_done *done;
	void *arg;
	struct event timer;
	uint64_t started_ns;
	char curl_says[CURL_ERROR_SIZE];

	/* its connection */
	curl_socket_t fd;		/* CURL_SOCKET_BAD: none */
	int socket_error;		/* errno of a socket that could not be made */
	const char *refused;		/* why its address is not dialled; NULL: it is */
	void *ctx;			/* its SSL_CTX, libcurl's; NULL: none was made */
	int64_t connect_us;		/* with TLS; -1: not reached, libcurl tells too late */
	char tls_version[TLS_VERSION_TEXT];	/* "": no handshake was finished */
	struct http_certificate *certificate;	/* of its handshake; NULL: none was seen */

	/* its reply: set as it comes in, the first fault ends it */
	enum problem problem;
	char sentence[FETCH_SENTENCE_MAX];
	size_t head_len;		/* whole lines, trailers too */
	unsigned heads;			/* interim ones and the last */
	bool in_head;			/* after a status line, before the empty line */
	bool head_done;
	bool in_location;		/* the last line was a Location */
	bool located;
	char length[24];		/* Content-Length of this head as sent; "": none so far */
	struct buf location, body;
	bool more;
};

/* The first problem stands; always false. */
bool http_try_fault(struct http_try *t, enum problem problem, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A line of the head, as it came. False, with the problem set, if it will not do. */
bool http_try_line(struct http_try *t, const char *line, size_t len);
/* False ends the transfer: for a problem, or as there is more than is read. */
bool http_try_body(struct http_try *t, const char *bytes, size_t len);
/* Time is up, in whichever phase it is. */
void http_try_late(struct http_try *t, bool connected, int64_t after_ms);
/* Makes of libcurl's result what was seen. */
void http_try_judge(struct http_try *t, CURLcode code);

#endif
