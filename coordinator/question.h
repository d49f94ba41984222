/*
 * What is left of a request once it is read: what every attempt asks its
 * perspectives, and what the record and the answer say was asked.
 *
 * It lives as long as the request is in flight, in one allocation of the texts
 * as they will be sent; the request's document and its lists do not.
 */
#ifndef MPIC_QUESTION_H
#define MPIC_QUESTION_H

#include "coordinator/request.h"
#include "trace.h"

struct question {
	const struct mpic_check_type *type;
	enum dcv_method method;		/* CHECK_DCV */
	bool fixed;			/* it alone says what results rely on: check_dcv_fixed() */
	const char *section;		/* of the TLS BR, for this method and target; else "" */
	struct rules rules;		/* as in struct mpic_request */
	const struct policy_row *retired;
	char *text;			/* owned: the strings below, one after another */
	const char *target;		/* canonical, see target_text() */
	const char *trace;		/* trace_identifier, "" without one */
	struct trace trace_context;	/* of the request: set by its owner; calls are its children */
	char trace_id[TRACE_ID_TEXT];	/* the same for records */
	char *tracestate;		/* owned; NULL: there is none to pass on */
	const char *echo;		/* members of the answer, see question_echo_encode() */
	/* Of the names applied for; NULL where the request has none. See question_set_names(). */
	char *names;			/* owned: the strings below, one after another */
	const char *applied_for;	/* for a log line: names with spaces between */
	const char *adn;		/* NULL where it is the name applied for, every time */
	const char *adn_answer;		/* the answer's authorization_domain_name */
	const char *adn_record;		/* members of a line of the audit log, a comma before each */
	/* Of the check requests, in the order of type->checks, without nonce and deadline. */
	struct {
		const char *text;
		size_t len;
	} bodies[MPIC_CHECKS_MAX];
};

/* The members of an answer that repeat what was asked, a comma before each. */
void question_echo_encode(const struct mpic_request *request, struct buf *out);

/* Issuer domain names for a request that names none. */
struct caa_defaults {
	char *const *domains;
	size_t count;
};

/* False without memory; there is nothing to free then. */
bool question_init(struct question *q, const struct mpic_request *request,
    const struct caa_defaults *defaults);
/* Takes from the names, each ADN_PERMITTED, what answer and records say. False without memory. */
bool question_set_names(struct question *q, const struct applied_for *names,
    const struct adn_question *asked);
void question_free(struct question *q);
/* The body of this of the type's checks, for one attempt's perspectives. */
void question_encode(const struct question *q, size_t check, const char *nonce,
    int64_t deadline_ms, struct buf *out);

#endif
