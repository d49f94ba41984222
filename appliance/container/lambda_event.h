/*
 * An event that AWS Lambda hands to its function, as the check it asks for, and the
 * check's reply as what Lambda wants back. Pure.
 *
 * Either the event is the body of POST /caa or /dcv itself (check.h), from a caller
 * of Lambda's Invoke, or an HTTP request in the payload format 2.0 or 1.0 of a
 * function URL or an API Gateway, whose path ends with /caa or /dcv; or with /readyz or
 * /identity, for GET. Bodies stay what they are, to the byte: their digest is signed.
 */
#ifndef MPIC_APPLIANCE_LAMBDA_EVENT_H
#define MPIC_APPLIANCE_LAMBDA_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define LAMBDA_EVENT_MAX	((size_t)512 * 1024)	/* bytes */

struct lambda_event {
	bool http;		/* of an HTTP request: so is the reply */
	const char *method, *path;	/* "POST" "/caa", ...; static */
	struct buf body;
};

/*
 * `event` is all zeroes before and to be freed either way. Otherwise the HTTP status
 * that says what is wrong with it, with a sentence in `why`; 0: nothing is. `key_sha256`,
 * unless NULL, is the SHA-256 of what an HTTP request must have in its field x-api-key.
 */
int lambda_event_read(struct lambda_event *event, const char *text, size_t len,
    const unsigned char *key_sha256, struct buf *why);
/* What goes back for a reply of that status. */
void lambda_event_reply(const struct lambda_event *event, int status, const char *body,
    size_t len, struct buf *out);
void lambda_event_free(struct lambda_event *event);

#endif
