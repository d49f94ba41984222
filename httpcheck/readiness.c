#include "httpcheck/readiness.h"

#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "httpcheck/inquiry.h"
#include "httpcheck/perspective.h"
#include "httpcheck/status_file.h"

#define READY_DEADLINE_MS	2000
#define READY_BODY_MAX		((size_t)1024 * 1024)

/* A question of readiness under way. */
struct probe {
	struct perspective *perspective;
	struct exchange *exchange;
	struct resolver_query *query;
};

static void
probe_reply(struct probe *probe, const char *resolver, const char *why)
{
	struct buf body = BUF_INIT(READY_BODY_MAX), notices = BUF_INIT(READY_BODY_MAX / 2);

	buf_addf(&body, "{\"status\":\"%s\",\"resolver\":", resolver != NULL ? "ready" : "not-ready");
	if (resolver != NULL)
		buf_add_json(&body, resolver, strlen(resolver));
	else
		buf_adds(&body, "null");
	if (why != NULL) {
		buf_adds(&body, ",\"detail\":");
		buf_add_json(&body, why, strlen(why));
	}
	status_notices(&probe->perspective->cfg->status_files, &notices);
	if (notices.len > 0 && !notices.failed)
		buf_addf(&body, ",\"notices\":[%s]", notices.data);
	buf_free(&notices);
	buf_addc(&body, '}');
	exchange_on_gone(probe->exchange, NULL, NULL);
	if (body.failed)
		exchange_refuse(probe->exchange, 503, "out of memory");
	else
		exchange_reply(probe->exchange, resolver != NULL ? 200 : 503, NULL, body.data,
		    body.len, NULL, 0);
	buf_free(&body);
	free(probe);
}

static void
probe_answered(void *arg, const struct resolver_answer *answer)
{
	const struct probe *probe = arg;
	struct buf why = BUF_INIT(512);
	struct evidence evidence;

	if (answer->problem != PROBLEM_NONE) {
		/* this question needs no name server: silence is the resolver's own */
		probe_reply(arg, NULL, answer->problem != PROBLEM_DNS_TIMEOUT ? answer->message :
		    "the resolver of this perspective does not answer");
		return;
	}
	if (!evidence_decode(&evidence, answer->evidence, answer->evidence_len, 0, &why))
		probe_reply(arg, NULL, why.data);
	else if (!perspective_has_fetchers(probe->perspective))
		probe_reply(arg, NULL, "the process that talks to applicants' servers is not there");
	else {
		inquiry_heard(probe->perspective, &evidence);
		probe_reply(arg, evidence.error == NULL ? evidence.resolver : NULL, evidence.error);
	}
	evidence_free(&evidence);
	buf_free(&why);
}

static void
probe_gone(struct exchange *x, void *arg)
{
	struct probe *probe = arg;

	resolver_cancel(probe->query);
	probe_reply(probe, NULL, NULL);
}

/* The root's name does; the module ignores a stats question's name. */
void
readyz_route(struct exchange *x, void *arg)
{
	static const struct dns_question question = {
		.name = { .text = "readyz", .len = 6 },
		.type = DNS_TYPE_CAA,
		.option = { .operation = MPIC_STATS },
	};
	struct perspective *p = arg;
	struct probe *probe = calloc(1, sizeof(*probe));

	if (probe != NULL) {
		probe->perspective = p;
		probe->exchange = x;
		probe->query = resolver_ask(p->resolver, &question, READY_DEADLINE_MS,
		    probe_answered, probe);
	}
	if (probe == NULL || probe->query == NULL) {
		free(probe);
		exchange_refuse(x, 503, "out of memory");
		return;
	}
	exchange_on_gone(x, probe_gone, probe);
}
