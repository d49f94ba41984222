/*
 * One answer to one HTTP/1.1 request (RFC 9112), read as its bytes come, for
 * services that a stranger may stand in for. Everything is capped; what is not
 * plainly an answer is none. Of its fields only those that say how long it is
 * and how it is coded are looked at, and one that the caller wants to be there.
 */
#ifndef MPIC_APPLIANCE_HTTP_ANSWER_H
#define MPIC_APPLIANCE_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "server_chunk.h"

#define HTTP_ANSWER_HEAD_MAX	8192
#define HTTP_ANSWER_BODY_MAX	((size_t)128 * 1024)	/* 64 KiB in base64, and some */

enum http_progress { HTTP_MORE, HTTP_DONE, HTTP_BAD };

struct http_answer {
	int status;			/* 100..999 once the head is read */
	bool marked;			/* it has the field `mark` */
	const char *mark;		/* "name: value" without blanks around, or NULL; given */
	const char *why;		/* the end of a sentence when HTTP_BAD; static */
	const char *body;		/* when HTTP_DONE; NUL-terminated, within `raw` */
	size_t body_len;

	/* inside */
	size_t body_max;
	enum { ANSWER_HEAD, ANSWER_LENGTH, ANSWER_CHUNKS, ANSWER_TO_END } state;
	struct buf raw;
	size_t body_at, length;
	bool has_length, has_chunks;
	struct chunk_decoder chunks;
};

void http_answer_init(struct http_answer *a, const char *mark);
/* The same for a body of other than HTTP_ANSWER_BODY_MAX bytes. */
void http_answer_init_max(struct http_answer *a, const char *mark, size_t body_max);
/* The next bytes. Not to be called any more once it was not HTTP_MORE. */
enum http_progress http_answer_feed(struct http_answer *a, const void *bytes, size_t len);
/* The connection ended: HTTP_DONE or HTTP_BAD. */
enum http_progress http_answer_end(struct http_answer *a);
/*
 * The value of the first field of this name, blanks around it left out, and its length; it
 * ends with the line, not with NUL. NULL without one. Only when HTTP_DONE.
 */
const char *http_answer_field(const struct http_answer *a, const char *name, size_t *len);
void http_answer_free(struct http_answer *a);

#endif
