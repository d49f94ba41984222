#include "httpcheck/inquiry.h"

#include <stdio.h>
#include <string.h>

void
inquiry_heard(struct perspective *p, const struct evidence *evidence)
{
	if (strcmp(p->resolver_version, evidence->resolver) != 0)
		snprintf(p->resolver_version, sizeof(p->resolver_version), "%s",
		    evidence->resolver);
}

static void
inquiry_answered(void *arg, const struct resolver_answer *answer)
{
	struct inquiry *q = arg;
	struct inquiry_answer a = {
		.problem = answer->problem, .message = answer->message,
		.text = answer->evidence, .text_len = answer->evidence_len,
	};
	struct evidence evidence = { 0 };
	struct buf why = BUF_INIT(512);

	q->query = NULL;
	if (a.problem == PROBLEM_NONE && !evidence_decode(&evidence, a.text, a.text_len, q->nonce,
	    &why)) {
		a.problem = PROBLEM_RESOLVER_NO_EVIDENCE;
		a.message = why.failed || why.data == NULL ? "the evidence is malformed" : why.data;
		a.text = NULL;
	}
	if (a.problem == PROBLEM_NONE)
		inquiry_heard(q->perspective, &evidence);
	a.evidence = &evidence;
	q->done(q->arg, &a);	/* may free `q` */
	evidence_free(&evidence);
	buf_free(&why);
}

bool
inquiry_start(struct inquiry *q, struct run *run, const struct dns_question *question,
    inquiry_done *done, void *arg)
{
	struct dns_question asked = *question;

	asked.option.nonce = run_nonce(run);
	*q = (struct inquiry){ .perspective = run->perspective, .nonce = asked.option.nonce,
		.done = done, .arg = arg };
	q->query = resolver_ask(run->perspective->resolver, &asked, run_left_ms(run),
	    inquiry_answered, q);
	return q->query != NULL;
}

void
inquiry_cancel(struct inquiry *q)
{
	if (q->query != NULL)
		resolver_cancel(q->query);
	q->query = NULL;
}
