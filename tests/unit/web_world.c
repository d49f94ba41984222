#include "web_world.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "httpcheck/web_check.h"
#include "monotonic.h"

#define PATIENCE_MS	5000

/* Nothing is allocated here, so that a test may let the memory of the check run out. */
struct resolver_query {
	bool busy;
	struct dns_question question;
	resolver_done *done;
	void *arg;
	struct event *event;
};

struct fetch {
	bool busy;
	const struct web_server *server;
	fetch_done *done;
	void *arg;
	struct event *event;
};

static struct web_world *world;
static struct resolver_query queries[2];
static struct fetch fetches[1];

static void
call_later(struct event **event, event_callback_fn callback, void *arg)
{
	static const struct timeval at_once = { 0 };

	*event = evtimer_new(world->base, callback, arg);
	assert_non_null(*event);
	assert_int_equal(evtimer_add(*event, &at_once), 0);
}

/* ---- the resolver ---- */

static char *
records_add(char *at, const char *end, const char *addresses, bool odd)
{
	char list[512], *next = list, *one;
	const char *comma = "";

	snprintf(list, sizeof(list), "%s", addresses);
	while ((one = strsep(&next, " ")) != NULL) {
		unsigned char base64[32];
		struct address a;

		assert_true(address_parse(&a, one));
		EVP_EncodeBlock(base64, a.bytes, odd ? 3 : a.family == AF_INET ? 4 : 16);
		at += snprintf(at, (size_t)(end - at), "%s\"%s\"", comma, base64);
		comma = ",";
	}
	return at;
}

static void
evidence_make(char *out, size_t size, const struct dns_question *q, const char *family)
{
	bool failed = strcmp(family, BOGUS) == 0 || strcmp(family, FAILS) == 0;
	bool large = strcmp(family, LARGE) == 0, odd = strcmp(family, ODD) == 0;
	bool answer = !failed && strcmp(family, NO_NAME) != 0 && strcmp(family, "") != 0;
	const char *dnssec = strcmp(family, BOGUS) == 0 ? "bogus" : strcmp(family, FAILS) == 0 ||
	    strcmp(family, INDETERMINATE) == 0 ? "indeterminate" : "insecure";
	const char *end = out + size;
	char *at = out;

	at += snprintf(at, size, "{\"v\":1,\"nonce\":\"%016llx\",\"op\":\"lookup\",\"resolver\":"
	    "\"unbound 1.22.0\",\"truncated\":false,\"padding\":\"%*s\",\"found\":%d,\"lookups\":"
	    "[{\"name\":\"%s\",\"outcome\":\"%s\",\"rcode\":\"%s\",\"dnssec\":\"%s\","
	    "\"reason\":\"as told\"", (unsigned long long)q->option.nonce, large ? 30000 : 1, "",
	    answer ? 0 : -1, q->name.text,
	    failed ? "failed" : answer ? "answer" : *family != '\0' ? "nxdomain" : "nodata",
	    failed ? "SERVFAIL" : "NOERROR", dnssec);
	if (answer) {
		at += snprintf(at, (size_t)(end - at), ",\"owner\":\"%s\",\"records\":[",
		    q->name.text);
		at = records_add(at, end, odd || large || strcmp(family, INDETERMINATE) == 0 ?
		    q->type == 1 ? "9.9.9.9" : "2600::9" : family, odd);
		at += snprintf(at, (size_t)(end - at), "]");
	}
	snprintf(at, (size_t)(end - at), "}]}");
}

static const char *
family_find(const struct dns_question *q)
{
	for (const struct web_host *h = world->hosts; h != NULL && h->name != NULL; h++)
		if (strcmp(h->name, q->name.text) == 0) {
			const char *family = q->type == 1 ? h->a : h->aaaa;

			return family != NULL ? family : "";
		}
	return NO_NAME;
}

static void
query_answer(evutil_socket_t fd, short what, void *arg)
{
	static char evidence[40000];
	struct resolver_query *q = arg;
	const char *family = family_find(&q->question);
	struct resolver_answer answer = { .evidence = evidence };

	event_free(q->event);
	q->busy = false;
	world->open--;
	if (strcmp(family, TIMES_OUT) == 0) {
		answer = (struct resolver_answer){ PROBLEM_DNS_TIMEOUT, "timed out", NULL, 0 };
	} else if (strcmp(family, UNREACHABLE) == 0) {
		answer = (struct resolver_answer){ PROBLEM_RESOLVER_UNREACHABLE, "not there", NULL, 0 };
	} else {
		evidence_make(evidence, sizeof(evidence), &q->question, family);
		answer.evidence_len = strlen(evidence);
	}
	q->done(q->arg, &answer);
}

struct resolver_query *
resolver_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_ms,
    resolver_done *done, void *arg)
{
	struct resolver_query *q = !queries[0].busy ? &queries[0] : &queries[1];

	assert_false(q->busy);
	assert_in_range(deadline_ms, 1, 20000);
	assert_int_equal(question->option.operation, MPIC_LOOKUP);
	*q = (struct resolver_query){ true, *question, done, arg, NULL };
	world->question_count++;
	world->open++;
	if (strcmp(family_find(question), HANGS) != 0)
		call_later(&q->event, query_answer, q);
	return q;
}

void
resolver_cancel(struct resolver_query *q)
{
	assert_true(q->busy);
	if (q->event != NULL)
		event_free(q->event);
	q->busy = false;
	world->open--;
}

/* ---- the fetcher ---- */

static void
job_note(const struct fetch_job *job)
{
	struct web_job *note = &world->jobs[world->job_count++];
	size_t at = 0;

	assert_true(world->job_count <= WEB_FETCHES_MAX);
	assert_null(address_refused(&job->address));
	note->kind = job->kind;
	address_text(&job->address, note->address);
	snprintf(note->url, sizeof(note->url), "%s://%s%s",
	    job->kind == FETCH_HTTP ? "http" : "https", job->authority, job->path);
	snprintf(note->server_name, sizeof(note->server_name), "%s",
	    job->server_name != NULL ? job->server_name : "");
	snprintf(note->user_agent, sizeof(note->user_agent), "%s", job->user_agent);
	for (size_t i = 0; i < job->header_count; i++)
		at += (size_t)snprintf(note->headers + at, sizeof(note->headers) - at, "%s: %s;",
		    job->headers[i].name, job->headers[i].value);
	note->connect_ms = job->connect_ms;
	note->total_ms = job->total_ms;
}

static const struct web_server *
server_find(const struct web_job *job)
{
	const struct web_server *s = world->servers;

	for (; s->status != 0 || s->problem != PROBLEM_NONE || s->hangs || s->outcome != NULL; s++)
		if ((s->address == NULL || strcmp(s->address, job->address) == 0) &&
		    (s->url == NULL || strcmp(s->url, job->url) == 0))
			return s;
	fail_msg("nobody answers %s at %s", job->url, job->address);
	return NULL;
}

static void
fetch_answer(evutil_socket_t fd, short what, void *arg)
{
	struct fetch *f = arg;
	const struct web_server *s = f->server;
	const struct fetch_outcome told = {
		.problem = s->problem, .sentence = s->sentence != NULL ? s->sentence : "failed",
		.status = s->status, .location = s->location, .body = (const uint8_t *)s->body,
		.body_len = s->body != NULL ? strlen(s->body) : 0,
		.connect_us = 5, .tls_us = -1, .first_byte_us = 6, .total_us = 7,
	};

	event_free(f->event);
	f->busy = false;
	world->open--;
	f->done(f->arg, s->outcome != NULL ? s->outcome : &told);
}

struct fetch *
fetcher_start(struct fetcher *fetcher, const struct fetch_job *job, fetch_done *done, void *arg)
{
	struct fetch *f = &fetches[0];

	assert_false(f->busy);
	job_note(job);
	*f = (struct fetch){ true, server_find(&world->jobs[world->job_count - 1]), done, arg, NULL };
	world->open++;
	if (!f->server->hangs)
		call_later(&f->event, fetch_answer, f);
	return f;
}

void
fetch_cancel(struct fetch *f)
{
	assert_true(f->busy);
	if (f->event != NULL)
		event_free(f->event);
	f->busy = false;
	world->open--;
}

/* ---- the run ---- */

int64_t
run_left_ms(const struct run *run)
{
	uint64_t now = monotonic_ns();
	int64_t left = now < run->deadline_ns ? (int64_t)((run->deadline_ns - now) / 1000000) : 0;

	return left > 0 ? left : 1;
}

uint64_t
run_nonce(struct run *run)
{
	return ++run->nonce;
}

void
run_reply(struct run *run, struct check_result *result)
{
	result->dcv.method = run->request.dcv.method;
	world->ends++;
	world->passed = result->check_passed;
	world->problem = result->problem.problem;
	snprintf(world->message, sizeof(world->message), "%s", result->problem.message);
	buf_reset(&world->json);
	check_result_encode(result, &world->json);
	if (run->end != NULL)
		run->end(run);
	run->end = NULL;
}

void
run_fail(struct run *run, enum problem problem, const char *fmt, ...)
{
	struct check_result result;

	check_result_init(&result, CHECK_DCV);
	check_result_fail(&result, problem, "%s", fmt);
	run_reply(run, &result);
}

/* ---- the world ---- */

void
web_world_start(struct web_world *w, const char *target,
    const struct check_dcv_parameters *parameters)
{
	static struct httpcheck_config cfg = { .user_agent = (char *)"agent" };
	static struct perspective perspective = { .cfg = &cfg };

	world = w;
	memset(queries, 0, sizeof(queries));
	memset(fetches, 0, sizeof(fetches));
	if (w->base == NULL)
		w->base = event_base_new();
	perspective.base = w->base;
	w->json.max = 2 * CHECK_RESULT_MAX;
	w->run = (struct run){ .perspective = &perspective, .request.dcv = *parameters,
		.request.type = CHECK_DCV };
	w->run.deadline_ns = monotonic_ns() + UINT64_C(1000000) *
	    (uint64_t)(w->deadline_ms > 0 ? w->deadline_ms : 20000);
	w->ends = 0;
	w->job_count = w->question_count = 0;
	assert_true(target_parse(&w->run.target, target, strlen(target), NULL));
	web_check_start(&w->run);
}

void
web_world_turn(struct web_world *w, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(w->base, &tv);
	event_base_dispatch(w->base);
}

void
web_world_check(struct web_world *w, const char *target,
    const struct check_dcv_parameters *parameters)
{
	uint64_t start = monotonic_ns();

	web_world_start(w, target, parameters);
	while (w->ends == 0 && monotonic_ns() - start < PATIENCE_MS * UINT64_C(1000000))
		if (event_base_loop(w->base, EVLOOP_ONCE) != 0)
			break;
	assert_int_equal(w->ends, 1);
	assert_int_equal(w->open, 0);
}

void
web_world_free(struct web_world *w)
{
	assert_int_equal(w->open, 0);
	buf_free(&w->json);
	event_base_free(w->base);
}
