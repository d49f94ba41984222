#include "coordinator/draft_route.h"

#include "buf.h"
#include "coordinator/draft.h"

#define REQUEST_MAX	((size_t)64 * 1024)
#define RESPONSE_MAX	((size_t)1024 * 1024)

static void
on_answer(void *arg, const struct inner_answer *answer)
{
	struct exchange *x = arg;
	struct buf out = BUF_INIT(RESPONSE_MAX);

	exchange_on_gone(x, NULL, NULL);
	if (draft_response_translate(answer->body, answer->len, &out))
		exchange_reply(x, answer->status, NULL, out.data, out.len, answer->extra,
		    answer->extra_count);
	else
		exchange_refuse(x, 503, "the answer cannot be written");
	buf_free(&out);
}

static void
on_gone(struct exchange *x, void *arg)
{
	exchange_within_gone(arg);
}

static void
refuse(struct exchange *x, const struct json_faults *faults)
{
	struct buf out = BUF_INIT(RESPONSE_MAX);

	draft_faults_encode(faults, &out);
	if (out.failed)
		exchange_refuse(x, 503, "out of memory");
	else
		exchange_reply(x, 400, NULL, out.data, out.len, NULL, 0);
	buf_free(&out);
}

void
draft_route(struct exchange *x, const struct draft_config *cfg)
{
	struct buf request = BUF_INIT(REQUEST_MAX);
	struct exchange *inner = NULL;
	struct json_faults faults;
	const char *text;
	size_t len;
	bool ok;

	json_faults_init(&faults);
	text = exchange_body(x, &len);
	ok = draft_request_translate(text, len, &request, &faults);
	if (ok)
		inner = exchange_within(x, request.data, request.len, on_answer, x);
	buf_free(&request);
	if (!ok)
		refuse(x, &faults);
	else if (inner == NULL)
		exchange_refuse(x, 503, "out of memory");
	if (inner == NULL)
		return;
	exchange_on_gone(x, on_gone, inner);
	cfg->handle(inner, cfg->arg);
}
