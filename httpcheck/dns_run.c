#include "httpcheck/dns_run.h"

#include <stdlib.h>
#include <time.h>

#include "httpcheck/dns_check.h"
#include "httpcheck/inquiry.h"

/* A run's work. */
struct dns_work {
	struct run *run;
	struct dns_check check;
	struct inquiry inquiry;
};

static void
dns_end(struct run *run)
{
	struct dns_work *work = run->work;

	inquiry_cancel(&work->inquiry);
	free(work);
}

static void
dns_answered(void *arg, const struct inquiry_answer *answer)
{
	struct dns_work *work = arg;
	struct dns_verdict_text text = { .chain = NULL };
	struct check_result result;

	if (answer->problem != PROBLEM_NONE) {
		run_fail(work->run, answer->problem, "%s", answer->message);
		return;
	}
	check_result_init(&result, CHECK_DCV);
	result.evidence = answer->text;
	result.evidence_len = answer->text_len;
	work->check.now_s = time(NULL);
	if (!dns_check_judge(&work->check, answer->evidence, &result, &text)) {
		check_result_init(&result, CHECK_DCV);
		check_result_fail(&result, PROBLEM_INTERNAL, "out of memory");
	}
	run_reply(work->run, &result);
	dns_verdict_free(&text);
}

void
dns_run_start(struct run *run)
{
	struct dns_work *work = calloc(1, sizeof(*work));
	struct dns_question question;

	if (work == NULL) {
		run_fail(run, PROBLEM_INTERNAL, "out of memory");
		return;
	}
	run->work = work;
	run->end = dns_end;
	work->run = run;
	if (!dns_check_init(&work->check, &run->request.dcv, &run->target)) {
		run_fail(run, PROBLEM_INTERNAL, "the name to look up could not be made");
		return;
	}
	question = dns_check_question(&work->check);
	if (!inquiry_start(&work->inquiry, run, &question, dns_answered, work))
		run_fail(run, PROBLEM_INTERNAL, "out of memory");
}
