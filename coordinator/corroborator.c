#include "coordinator/corroborator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coordinator/open_mpic.h"

/* Wall clock, UNIX epoch. */
static int64_t
wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
corroborator_init(struct corroborator *c, const struct perspective *perspective,
    enum check_type type, enum dcv_method method)
{
	*c = (struct corroborator){ .perspective = perspective, .type = type,
		.method = (uint8_t)method };
}

void
corroborator_free(struct corroborator *c)
{
	free(c->sentence);
	free(c->raw);
	free(c->relied_on);
	c->sentence = c->raw = c->relied_on = NULL;
}

/* What only a coordinator says. */
static bool
is_ours(enum problem problem)
{
	return problem == PROBLEM_CANCELLED || problem == PROBLEM_NOT_CORROBORATING ||
	    problem == PROBLEM_REMOTES_NOT_ASKED;
}

/* The bytes in as little memory as they need: they wait for the slowest perspective. */
static void
keep_raw(struct corroborator *c, struct buf *raw)
{
	char *fitting;

	c->raw_len = (uint32_t)raw->len;	/* CHECK_RESULT_MAX at most */
	c->raw = buf_take(raw);
	fitting = c->raw != NULL ? realloc(c->raw, (size_t)c->raw_len + 1) : NULL;
	if (fitting != NULL)
		c->raw = fitting;
}

void
corroborator_take(struct corroborator *c, const struct check_result *result, struct buf *raw)
{
	corroborator_free(c);
	c->completed = result->check_completed;
	c->passed = result->check_passed;
	c->problem = result->problem.problem;
	/* A perspective cannot pass itself off as one that was not awaited. */
	if (raw != NULL && is_ours(c->problem))
		c->problem = PROBLEM_INTERNAL;
	c->dnssec_status = (uint8_t)(c->type == CHECK_CAA ? result->caa.dnssec_status :
	    result->dcv.dnssec_status);
	c->timestamp_ns = result->timestamp_ns;
	if (c->problem != PROBLEM_NONE)
		c->sentence = strdup(result->problem.message);
	if (raw != NULL)
		keep_raw(c, raw);
}

/* A result of ours, in the shape of the perspective's. */
static void
result_init(struct check_result *r, const struct corroborator *c, enum problem problem,
    const char *sentence)
{
	check_result_init(r, c->type);
	r->dcv.method = c->method;
	check_result_fail(r, problem, "%s", sentence);
}

void
corroborator_fail(struct corroborator *c, enum problem problem, const char *fmt, ...)
{
	char sentence[CHECK_MESSAGE_MAX];
	struct check_result r;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	result_init(&r, c, problem, sentence);
	r.timestamp_ns = wall_ns();
	corroborator_take(c, &r, NULL);
}

void
corroborator_set_apart(struct corroborator *c, const char *fmt, ...)
{
	char sentence[CHECK_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	free(c->sentence);
	c->sentence = strdup(sentence);
	c->problem = PROBLEM_NOT_CORROBORATING;
}

/* ---- whether it is this perspective's, and of this check ---- */

/*
 * One of ours names all of what it answers; of Open MPIC's, what it names must
 * agree. False: it failed.
 */
static bool
names_what(struct corroborator *c, const char *what, const char *found, const char *asked)
{
	const char *code = c->perspective->code;

	if (found != NULL && strcmp(found, asked) == 0)
		return true;
	if (found == NULL && c->perspective->protocol == PROTOCOL_OPEN_MPIC)
		return true;
	if (found == NULL)
		corroborator_fail(c, PROBLEM_RESULT_MISMATCH, "%s answered with a result that "
		    "does not name its %s", code, what);
	else
		corroborator_fail(c, PROBLEM_RESULT_MISMATCH, "%s answered with another %s: asked "
		    "%s, answered \"%s\"", code, what, asked, found);
	return false;
}

/* What passed by another method is no answer to what was asked. */
static bool
names_method(struct corroborator *c, const struct check_result *r)
{
	const char *found = r->dcv.method != DCV_METHOD_COUNT ? dcv_method_names[r->dcv.method] :
	    NULL;

	return c->type != CHECK_DCV ||
	    names_what(c, "validation_method", found, dcv_method_names[c->method]);
}

static bool
is_named(struct corroborator *c, const struct check_result *r,
    const struct corroborator_asked *asked)
{
	const char *code = c->perspective->code;

	if (r->perspective_code != NULL && strcmp(r->perspective_code, code) != 0) {
		corroborator_fail(c, PROBLEM_PERSPECTIVE_IDENTITY, "the server called as %s "
		    "calls itself %s", code, r->perspective_code);
		return false;
	}
	return names_what(c, "perspective_code", r->perspective_code, code) &&
	    names_what(c, "nonce", r->nonce, asked->nonce) &&
	    names_what(c, "domain_or_ip_target", r->target, asked->target) &&
	    names_method(c, r);
}

bool
corroborator_suspect(const struct corroborator *c)
{
	return c->problem == PROBLEM_SIGNATURE_INVALID ||
	    c->problem == PROBLEM_PERSPECTIVE_IDENTITY || c->problem == PROBLEM_RESULT_MISMATCH;
}

const struct jws_key *
corroborator_key(const struct perspective *p, const struct jws_key *enrolled)
{
	return p->verify_enrolled ? enrolled : p->verify_key;
}

static enum signature_fault
signature_fault(const struct corroborator *c, const struct corroborator_asked *asked,
    const struct buf *reply)
{
	const struct signature_claims expected = {
		.perspective_code = c->perspective->code,
		.check_type = check_type_name(c->type),
		.target = asked->target,
		.nonce = asked->nonce,
		.request_sha256 = asked->request_sha256,
	};
	const struct jws_key *key = corroborator_key(c->perspective, asked->enrolled_key);
	struct signature_claims claims;
	enum signature_fault fault;

	if (key == NULL)
		return SIGNATURE_OK;
	if (!asked->verify && !corroborator_must_verify(c))
		return signature_glance(key, reply->data, reply->len);
	fault = signature_verify(key, reply->data, reply->len, &claims);
	if (fault == SIGNATURE_OK) {
		fault = signature_compare(&claims, &expected);
		signature_claims_free(&claims);
	}
	return fault;
}

/* Signed as it has to be. False: it failed. */
static bool
is_signed(struct corroborator *c, const struct corroborator_asked *asked,
    const struct buf *reply)
{
	const char *code = c->perspective->code;
	enum signature_fault fault;

	if (c->perspective->verify_enrolled && asked->enrolled_key == NULL) {
		corroborator_fail(c, PROBLEM_SIGNATURE_INVALID, "a result of %s was discarded: its "
		    "certificate names no key to verify it with", code);
		return false;
	}
	fault = signature_fault(c, asked, reply);
	if (fault != SIGNATURE_OK)
		corroborator_fail(c, PROBLEM_SIGNATURE_INVALID, "a result of %s was discarded: its "
		    "signature %s", code, signature_fault_text(fault));
	return fault == SIGNATURE_OK;
}

/* What a gateway passes on is nobody's word before its signature is right. */
static bool
is_answer(struct corroborator *c, const struct check_result *r,
    const struct corroborator_asked *asked, const struct buf *reply)
{
	if (corroborator_must_verify(c))
		return is_signed(c, asked, reply) && is_named(c, r, asked);
	return is_named(c, r, asked) && is_signed(c, asked, reply);
}

static void
unreadable(struct corroborator *c, const struct json_faults *faults, long status)
{
	const struct json_fault *f = &faults->list[0];
	bool other = strcmp(f->path, "check_type") == 0;

	corroborator_fail(c, other ? PROBLEM_RESULT_MISMATCH : PROBLEM_PERSPECTIVE_REPLY,
	    "%s answered with HTTP status %ld and no check result: %s%s%s", c->perspective->code,
	    status, f->path, f->path[0] != '\0' ? ": " : "", f->message);
}

void
corroborator_judge(struct corroborator *c, const struct corroborator_asked *asked, long status,
    struct buf *reply)
{
	const char *code = c->perspective->code;
	enum problem problem = PROBLEM_NONE;
	struct buf why = BUF_INIT(CHECK_MESSAGE_MAX);
	struct check_result r;
	struct json_faults faults;

	json_faults_init(&faults);
	if (!check_result_decode(&r, c->type, reply->data != NULL ? reply->data : "",
	    reply->len, &faults))
		unreadable(c, &faults, status);
	else if (r.check_passed && status != 200)
		corroborator_fail(c, PROBLEM_PERSPECTIVE_REPLY, "%s answered with HTTP status "
		    "%ld a result that passed", code, status);
	else if (!is_answer(c, &r, asked, reply))
		;	/* it failed */
	else if (r.private_root && !c->perspective->private_root)
		corroborator_fail(c, PROBLEM_PRIVATE_ROOT, "a result of %s was discarded: its DNS has "
		    "another root than IANA's", code);
	else if (c->perspective->protocol == PROTOCOL_PARALLAX ||
	    open_mpic_suffices(c->type, asked->body, &r, &problem, &why))
		corroborator_take(c, &r, reply);
	else
		corroborator_fail(c, problem, "%s passed it, which is not enough: %s", code,
		    why.data != NULL ? why.data : "out of memory");
	buf_free(&why);
	if (asked->compared && c->passed && c->type == CHECK_DCV && r.dcv.relied_on != NULL)
		c->relied_on = strdup(r.dcv.relied_on);
	check_result_free(&r);
}

enum vote
corroborator_vote(const struct corroborator *c)
{
	return vote_of(c->completed, c->passed);
}

void
corroborator_encode(const struct corroborator *c, struct buf *out)
{
	struct check_result r;

	if (c->raw != NULL) {
		buf_add(out, c->raw, c->raw_len);
		return;
	}
	result_init(&r, c, c->problem, c->sentence != NULL ? c->sentence : "");
	r.timestamp_ns = c->timestamp_ns;
	r.perspective_code = c->perspective->code;
	check_result_encode(&r, out);
}
