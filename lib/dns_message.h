/*
 * The DNS messages between a daemon of ours and its Unbound: a question with
 * our EDNS option, and the evidence in the reply. Pure.
 *
 * Records in the other sections are stepped over: the answer is the evidence.
 */
#ifndef MPIC_DNS_MESSAGE_H
#define MPIC_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mpic_option.h"
#include "name.h"

#define DNS_TYPE_CAA	257	/* RFC 8659 4 */

#define DNS_RCODE_NOERROR	0

/* Header, question and OPT record with our option. */
#define DNS_QUESTION_MAX	(12 + NAME_WIRE_MAX + 4 + 11 + 4 + MPIC_OPTION_QUERY_LEN)

struct dns_question {
	struct name name;
	uint16_t type;
	struct mpic_option option;
};

/* What a reply holds; `evidence` points into the message, NULL if there is none. */
struct dns_reply {
	uint16_t id;
	uint8_t rcode;
	const char *evidence;
	size_t evidence_len;
};

/* Writes the question; returns its length, at most DNS_QUESTION_MAX. */
size_t dns_question_encode(const struct dns_question *q, uint16_t id,
    uint8_t out[DNS_QUESTION_MAX]);
/* False unless the bytes are one whole, well-formed reply. */
bool dns_reply_decode(struct dns_reply *r, const void *message, size_t len);

#endif
