#include "coordinator/question.h"

#include <stdlib.h>

#include "buf.h"
#include "coordinator/response.h"

/* Every text comes from a request or the configuration, which have caps of their own. */
#define QUESTION_MAX	(4 * MPIC_REQUEST_MAX)

static void
encode_body(const struct mpic_request *request, const struct policy *policy,
    const struct caa_defaults *defaults, struct buf *out)
{
	struct check_request r = {
		.type = request->check_type,
		.domain_or_ip_target = target_text(&request->target),
		.trace_identifier = request->trace_identifier,
		.caa = request->caa,
		.ignore_rfc8657 = { true, policy_ignores_rfc8657(policy, &request->caa) },
	};

	if (r.caa.caa_domains.count == 0 && defaults->count > 0) {
		r.caa.set = r.caa.caa_domains.set = true;
		r.caa.caa_domains.count = defaults->count;
		for (size_t i = 0; i < defaults->count; i++)
			r.caa.caa_domains.items[i] = defaults->domains[i];
	}
	check_request_encode(&r, out);
}

/* Ends a text; where the next begins. */
static size_t
end_text(struct buf *out)
{
	buf_addc(out, '\0');
	return out->len;
}

bool
question_init(struct question *q, const struct mpic_request *request,
    const struct policy *policy, const struct caa_defaults *defaults)
{
	struct buf out = BUF_INIT(QUESTION_MAX);
	size_t trace, echo, body, len;
	char *text, *fitting;

	buf_adds(&out, target_text(&request->target));
	trace = end_text(&out);
	buf_adds(&out, request->trace_identifier != NULL ? request->trace_identifier : "");
	echo = end_text(&out);
	mpic_echo_encode(request, &out);
	body = end_text(&out);
	encode_body(request, policy, defaults, &out);
	len = out.len;
	text = buf_take(&out);
	if (text == NULL)
		return false;
	fitting = realloc(text, len + 1);
	if (fitting != NULL)
		text = fitting;
	*q = (struct question){ .type = request->check_type, .text = text, .target = text,
		.trace = text + trace, .echo = text + echo, .body = text + body,
		.body_len = len - body };
	return true;
}

void
question_free(struct question *q)
{
	free(q->text);
	*q = (struct question){ .text = NULL };
}

void
question_encode(const struct question *q, const char *nonce, int64_t deadline_ms,
    struct buf *out)
{
	check_request_encode_attempt(q->body, q->body_len, nonce, deadline_ms, out);
}
