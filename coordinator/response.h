/*
 * The answer to POST /mpic. Pure.
 *
 * Open MPIC's MpicResponse, member by member, with our facts added. What the
 * perspectives said is spliced in as it came, so an auditor sees their words.
 * A result that was not awaited is one of ours, with the problem "cancelled",
 * and its entry has "cancelled": true.
 *
 * With a primary its result is the member `primary`, an entry as those of
 * `perspectives`, which are its remotes; an entry whose check passed on
 * something else than the primary's says so in `not_corroborating`. Counts and
 * `quorum` are of remotes. Where they were not asked, because the primary did
 * not pass, `perspectives` is empty and `remotes` is "not-asked".
 *
 * `policy` says which rules decided, and `compliance` lists the rows that the
 * CA has to look at before it issues.
 *
 * Of dcv_with_caa each perspective has its domain control in check_response
 * and its CAA in caa_check_response, and `verdicts` says what each check came
 * to; members that tell of one check, such as `quorum`, then tell of the one
 * that came off worse.
 */
#ifndef MPIC_RESPONSE_H
#define MPIC_RESPONSE_H

#include "buf.h"
#include "coordinator/attempt.h"
#include "coordinator/request.h"

struct mpic_response {
	const char *echo;		/* of the request: see question_echo_encode() */
	const char *trace_id;		/* "": none */
	const char *adn;		/* as in struct question, of the names applied for; or NULL */
	const struct rules *rules;	/* it was under */
	const struct policy_row *retired;	/* as in struct mpic_request */
	const struct attempt *attempts;	/* all over; the last one decides */
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
