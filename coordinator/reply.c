#include "coordinator/reply.h"

#include <stdarg.h>
#include <stdio.h>

#include <json-c/json.h>

#include "coordinator/fanout_line.h"

#define QUOTED_MAX	200	/* bytes of a peer's words in a sentence */

static void __attribute__((format(printf, 3, 4)))
fail(struct call *call, enum problem problem, const char *fmt, ...)
{
	struct fanout *f = call->line->fanout;
	va_list ap;

	call->problem = problem;
	call->message = f->message;
	va_start(ap, fmt);
	vsnprintf(f->message, sizeof(f->message), fmt, ap);
	va_end(ap);
}

/* The "detail" of a refusal, or the first bytes of whatever it was. */
static void
quote(const struct buf *reply, char text[QUOTED_MAX + 1])
{
	struct json_object *o = reply->data != NULL ? json_tokener_parse(reply->data) : NULL;
	struct json_object *detail;
	const char *s = reply->data != NULL ? reply->data : "";

	if (json_object_is_type(o, json_type_object) &&
	    json_object_object_get_ex(o, "detail", &detail) &&
	    json_object_is_type(detail, json_type_string))
		s = json_object_get_string(detail);
	snprintf(text, QUOTED_MAX + 1, "%s", s);
	json_object_put(o);
}

/* An Open MPIC checker answers a failed lookup with 500 and a complete body. */
void
reply_judge(struct call *call)
{
	const char *code = call->line->perspective->code;
	char said[QUOTED_MAX + 1];

	if (call->status == 200 || (call->status == 500 && call->reply.len > 0))
		return;
	quote(&call->reply, said);
	if (call->status == 503)
		fail(call, PROBLEM_OVERLOADED, "%s has no room for another check: "
		    "it answered 503, \"%s\"", code, said);
	else if (call->status == 401 || call->status == 403)
		fail(call, PROBLEM_NOT_ADMITTED, "%s does not take checks from "
		    "this coordinator: it answered %ld, \"%s\"", code, call->status, said);
	else
		fail(call, PROBLEM_PERSPECTIVE_REPLY, "%s answered with HTTP status %ld "
		    "instead of 200, \"%s\"", code, call->status, said);
}

void
reply_too_long(struct call *call)
{
	fail(call, PROBLEM_PERSPECTIVE_REPLY, "%s answered with more than %zu bytes",
	    call->line->perspective->code, call->reply.max);
}

void
reply_missing(struct call *call, const char *why)
{
	const struct perspective *p = call->line->perspective;
	const char *url = call->line->url;

	fail(call, PROBLEM_PERSPECTIVE_UNREACHABLE, "no answer from %s at %s: %s", p->code,
	    url, why);
}

void
reply_unreachable(struct call *call, CURLcode code, const char *error)
{
	const struct perspective *p = call->line->perspective;
	const char *url = call->line->url;
	const struct tls_peer *peer = &call->line->peer;

	if (error[0] == '\0')
		error = curl_easy_strerror(code);
	if (code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CONNECT_ERROR)
		reply_missing(call, error);
	else if (peer->outcome == TLS_IDENTITY_MISMATCH)
		fail(call, PROBLEM_PERSPECTIVE_IDENTITY, "the server at %s is not %s: "
		    "its certificate says \"%s\"", url, p->code, peer->presented);
	else
		fail(call, peer->outcome == TLS_NOT_REACHED ? PROBLEM_PERSPECTIVE_UNREACHABLE :
		    PROBLEM_PERSPECTIVE_IDENTITY, "no trusted connection to %s for %s: %s", url,
		    p->code, peer->outcome == TLS_UNTRUSTED ? peer->reason : error);
}

void
reply_unasked(struct call *call, const char *why)
{
	fail(call, PROBLEM_INTERNAL, "could not call %s: %s", call->line->perspective->code,
	    why);
}
