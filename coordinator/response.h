/*
 * The answer to POST /mpic. Pure.
 *
 * Open MPIC's MpicResponse, member by member, with our facts added. What the
 * perspectives said is spliced in as it came, so an auditor sees their words.
 */
#ifndef MPIC_RESPONSE_H
#define MPIC_RESPONSE_H

#include "buf.h"
#include "coordinator/quorum.h"
#include "coordinator/request.h"

/*
 * A perspective's part in an attempt: the facts of its result that the answer
 * needs. There are six and more of them for each request in flight.
 */
struct corroborator {
	const struct perspective *perspective;
	bool completed, passed;
	enum problem problem;
	char *sentence;			/* of the problem, owned; NULL without */
	enum check_dnssec dnssec_status;
	/*
	 * The check_response: a perspective's own bytes, or what
	 * check_result_encode() made of a failing of ours. Empty while pending.
	 */
	struct buf raw;
};

void corroborator_init(struct corroborator *c, const struct perspective *perspective);
/* Copies the facts; `raw` is the caller's to set. */
void corroborator_take(struct corroborator *c, const struct check_result *result);
void corroborator_free(struct corroborator *c);

struct attempt {
	size_t number;			/* from 1 */
	size_t count;
	struct corroborator *corroborators;	/* `count` of them, in the cohort's order */
	struct ballot ballot;
	enum quorum_outcome outcome;
};

struct mpic_response {
	const struct mpic_request *request;
	const struct attempt *attempts;	/* the last one decides */
	size_t attempt_count;		/* at least 1 */
	int64_t elapsed_ms;
};

bool mpic_response_valid(const struct mpic_response *response);
void mpic_response_encode(const struct mpic_response *response, struct buf *out);

/*
 * The body for a request in order that cannot be served all the same: `error`
 * is Open MPIC's sentence, and one issue says why at the field.
 */
void mpic_refusal_encode(const char *error, const char *path, const char *issue,
    const char *why, struct buf *out);

#endif
