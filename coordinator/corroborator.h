/*
 * One perspective's part in an attempt: what it answered to one check, judged.
 *
 * Pending at first, it becomes a result once: the perspective's own, if what
 * came back is that perspective's answer to this attempt, else one of ours
 * that says why there is none. There are six and more of these for each
 * request in flight, so only the facts that a verdict and its record need are
 * kept beside the perspective's bytes.
 */
#ifndef MPIC_CORROBORATOR_H
#define MPIC_CORROBORATOR_H

#include "buf.h"
#include "coordinator/fleet.h"
#include "coordinator/quorum.h"
#include "signature.h"

struct corroborator {
	const struct perspective *perspective;
	enum check_type type;
	bool completed, passed;
	uint8_t method;			/* enum dcv_method; CHECK_DCV */
	uint8_t dnssec_status;		/* enum check_dnssec */
	enum problem problem;
	uint32_t raw_len;
	char *sentence;			/* of the problem, owned; NULL without */
	char *relied_on;		/* owned; NULL: not kept, or not said; see check_dcv.h */
	int64_t timestamp_ns;		/* wall clock, UNIX epoch */
	char *raw;			/* the perspective's bytes, owned; NULL: it gave none */
};

/* `method` is what a CHECK_DCV asks for. */
void corroborator_init(struct corroborator *c, const struct perspective *perspective,
    enum check_type type, enum dcv_method method);
void corroborator_free(struct corroborator *c);
/*
 * Makes `result` its own. `raw` are the bytes it was read from, taken over and
 * empty after; NULL for a result of our own making.
 */
void corroborator_take(struct corroborator *c, const struct check_result *result,
    struct buf *raw);
/* A failing of ours, or of the perspective, in place of a result. */
void corroborator_fail(struct corroborator *c, enum problem problem, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * A result that passed, and stays what it is, does not corroborate the primary:
 * PROBLEM_NOT_CORROBORATING with this sentence.
 */
void corroborator_set_apart(struct corroborator *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Takes `reply` over if it is this perspective's result of this check of this
 * target, with this nonce and by this method; fails if not, and the problem
 * tells what may be forged from what is broken (corroborator_suspect()). Open
 * MPIC's checkers name neither themselves nor a nonce nor the target, and answer a
 * failed lookup with status 500: see coordinator/open_mpic.h.
 *
 * A perspective with a verify_key, or a key that its certificate has to name, must
 * have signed it. `verify`: that is made
 * sure of, over what was asked; else a signature has to be there (signature_glance()),
 * which is not enough behind a gateway: corroborator_must_verify().
 */
struct corroborator_asked {
	const char *nonce, *target;
	const struct buf *body;		/* of the request, as our own perspectives are sent it */
	const char *request_sha256;	/* of the body as sent; needed to verify */
	bool verify;
	const struct jws_key *enrolled_key;	/* that its certificate names; NULL: none */
	bool compared;			/* with others: keep what it relied on */
};
void corroborator_judge(struct corroborator *c, const struct corroborator_asked *asked,
    long status, struct buf *reply);
/* What its results have to be signed with, `enrolled` being what its certificate names; NULL: nothing. */
const struct jws_key *corroborator_key(const struct perspective *p,
    const struct jws_key *enrolled);
/* Whether each of its results is to be verified: nothing else speaks for them. */
static inline bool
corroborator_must_verify(const struct corroborator *c)
{
	return c->perspective->gateway;
}
/* Somebody may be posing as the perspective: its result was discarded. */
bool corroborator_suspect(const struct corroborator *c);
enum vote corroborator_vote(const struct corroborator *c);
/* The check_response of the answer: the perspective's own bytes where there are any. */
void corroborator_encode(const struct corroborator *c, struct buf *out);

#endif
