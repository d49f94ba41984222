#include "httpcheck/web_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "httpcheck/fetcher.h"
#include "httpcheck/host_lookup.h"
#include "httpcheck/http_check.h"
#include "httpcheck/redirect.h"
#include "httpcheck/tls_alpn_check.h"
#include "httpcheck/web_record.h"

#define SENTENCE_MAX	CHECK_MESSAGE_MAX
#define URL_SHOWN	200	/* characters of a URL in a sentence */
#define GRACE_MS	1000	/* beyond the deadline, for the fetcher to say what it waited for */
#define EVIDENCE_BYTES_MAX	(EVIDENCE_MAX + 1024)

struct web_check {
	struct run *run;
	struct web_record record;
	struct url url;			/* under way */
	bool first_https;		/* the method's own URL was */
	size_t followed;		/* redirects */
	struct host_lookup *lookup;	/* NULL: none under way */
	struct host_addresses addresses;	/* of the URL's host */
	size_t next;			/* address to try */
	struct fetch *fetch;		/* NULL: none under way */
	struct address dialled;		/* by it */
	size_t last_failure;		/* failed dial of this host, from 1; 0: none */
	struct event *watchdog;
};

static void url_begin(struct web_check *w);
static void address_next(struct web_check *w);

static const struct check_dcv_parameters *
parameters(const struct web_check *w)
{
	return &w->run->request.dcv;
}

static enum dcv_kind
kind(const struct web_check *w)
{
	return dcv_method_row((enum dcv_method)parameters(w)->method)->kind;
}

/* ---- the end ---- */

/* The run's `end`: whatever is under way is no more. */
static void
web_check_end(struct run *run)
{
	struct web_check *w = run->work;

	run->work = NULL;
	if (w->lookup != NULL)
		host_lookup_cancel(w->lookup);
	if (w->fetch != NULL)
		fetch_cancel(w->fetch);
	if (w->watchdog != NULL)
		event_free(w->watchdog);
	url_free(&w->url);
	web_record_free(&w->record);
	free(w);
}

/* Replies, which ends `w`: with all that was seen, whatever came of it. */
static void
finish(struct web_check *w, struct check_result *result)
{
	struct buf evidence = BUF_INIT(EVIDENCE_BYTES_MAX);

	if (w->record.failed) {
		result->dcv.matched = result->dcv.relied_on = NULL;
		check_result_fail(result, PROBLEM_INTERNAL, "out of memory");
	}
	web_record_details(&w->record, &result->dcv);
	web_record_evidence_encode(&w->record, &evidence);
	if (w->record.document_count > 0 && !evidence.failed) {
		result->evidence = evidence.data;
		result->evidence_len = evidence.len;
	}
	run_reply(w->run, result);
	buf_free(&evidence);
}

static void
finish_failed(struct web_check *w, enum problem problem, const char *message)
{
	struct check_result result;

	check_result_init(&result, CHECK_DCV);
	check_result_fail(&result, problem, "%s", message != NULL ? message : "");
	finish(w, &result);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	finish_failed(arg, PROBLEM_DEADLINE,
	    "the deadline passed, and the perspective's fetcher did not say what it waits for");
}

/* ---- what answered ---- */

/* BR 3.2.2.4.18: the content looked for must not appear in the request that has the page. */
static bool
is_given_away(const struct web_check *w, const struct url *next)
{
	return parameters(w)->method == DCV_WEBSITE_CHANGE &&
	    check_dcv_value_in(parameters(w), next->text);
}

static void
redirect_follow(struct web_check *w, const struct fetch_outcome *o)
{
	const struct redirect r = {
		.from = &w->url, .status = o->status, .location = o->location,
		.followed = w->followed,
	};
	struct buf why = BUF_INIT((size_t)2 * SENTENCE_MAX);
	struct url next;
	enum problem problem = redirect_judge(&r, &next, &why);

	if (problem == PROBLEM_NONE && is_given_away(w, &next)) {
		problem = PROBLEM_REDIRECT_REFUSED;
		buf_addf(&why, "%.*s leads with HTTP status %d to a URL that holds the value itself (BR 3.2.2.4.18)",
		    URL_SHOWN, w->url.text, o->status);
		url_free(&next);
	}
	if (problem == PROBLEM_NONE) {
		web_record_hop(&w->record, o->status, &w->url, o->location);
		w->followed++;
		url_free(&w->url);
		url_move(&w->url, &next);
		url_begin(w);
	} else {
		finish_failed(w, problem, why.data);
	}
	buf_free(&why);
}

static void
answer_judge(struct web_check *w, const struct fetch_outcome *o)
{
	const struct http_page page = {
		.url = w->url.text, .status = o->status,
		.body = o->body, .len = o->body_len, .more = o->more,
	};
	struct check_result result;

	if (kind(w) == DCV_HTTP && redirect_status(o->status)) {
		redirect_follow(w, o);
		return;
	}
	check_result_init(&result, CHECK_DCV);
	if (kind(w) == DCV_HTTP)
		http_check_judge(parameters(w), &page, &result);
	else
		tls_alpn_check_judge(parameters(w), &w->run->target, o, &result);
	finish(w, &result);
}

static void
on_outcome(void *arg, const struct fetch_outcome *o)
{
	struct web_check *w = arg;

	w->fetch = NULL;
	web_record_dial(&w->record, &w->url, &w->dialled, o);
	if (o->problem == PROBLEM_NONE) {
		answer_judge(w, o);
	} else if (problem_fault(o->problem) != FAULT_TARGET) {
		/* Our own failing says nothing of the server, nor would the next address. */
		finish_failed(w, o->problem, o->sentence);
	} else {
		w->last_failure = w->record.dial_count;
		address_next(w);
	}
}

/* ---- the tries ---- */

/* RFC 9110 11.6.2, RFC 6265 4.2: they are for one host, and not for the clear. */
static bool
header_withheld(const struct web_check *w, const char *name)
{
	if (strcasecmp(name, "Authorization") != 0 && strcasecmp(name, "Cookie") != 0)
		return false;
	return strcmp(target_text(&w->url.host), target_text(&w->run->target)) != 0 ||
	    (w->first_https && !w->url.https);
}

static void
job_headers(const struct web_check *w, struct fetch_job *job)
{
	const struct check_dcv_parameters *p = parameters(w);

	for (size_t i = 0; kind(w) == DCV_HTTP && i < p->header_count; i++) {
		if (strcasecmp(p->headers[i].name, "User-Agent") == 0)
			job->user_agent = p->headers[i].value;
		else if (!header_withheld(w, p->headers[i].name))
			job->headers[job->header_count++] = p->headers[i];
	}
}

/* A fair share of what is left, so that an address that hangs leaves time for the next. */
static int64_t
try_ms(const struct web_check *w)
{
	int64_t left = run_left_ms(w->run), share;
	size_t rest = 1;

	for (size_t i = w->next; i < w->addresses.count; i++)
		rest += address_refused(&w->addresses.list[i]) == NULL;
	share = left / (int64_t)rest;
	if (share < WEB_TRY_MS)
		share = WEB_TRY_MS;
	return share < left ? share : left;
}

/* RFC 8738 section 6: of an address, its name in the reverse zone. */
static const char *
server_name(const struct web_check *w, struct name *reverse)
{
	if (!target_is_ip(&w->url.host))
		return target_text(&w->url.host);
	if (kind(w) == DCV_TLS_ALPN && target_reverse_name(&w->url.host, reverse))
		return reverse->text;
	return NULL;
}

static void
address_dial(struct web_check *w)
{
	char authority[URL_AUTHORITY_MAX];
	struct name reverse;
	int64_t ms = try_ms(w);
	struct fetch_job job = {
		.kind = kind(w) == DCV_TLS_ALPN ? FETCH_TLS_ALPN :
		    w->url.https ? FETCH_HTTPS : FETCH_HTTP,
		.address = w->dialled,
		.port = w->url.port,
		.authority = url_authority(&w->url, authority),
		.path = kind(w) == DCV_TLS_ALPN ? "" : url_path(&w->url),
		.server_name = server_name(w, &reverse),
		.user_agent = w->run->perspective->cfg->user_agent,
		.connect_ms = ms < WEB_CONNECT_MS ? ms : WEB_CONNECT_MS,
		.total_ms = ms,
	};

	job_headers(w, &job);
	w->fetch = fetcher_start(w->run->perspective->fetcher, &job, on_outcome, w);
	if (w->fetch == NULL)
		finish_failed(w, PROBLEM_FETCHER_DIED, "the perspective's fetcher cannot be asked");
}

/* No address is left, or no time: the last that failed is told, or that none may be dialled. */
static void
addresses_fail(struct web_check *w)
{
	const struct check_dial *dial = &w->record.dials[w->record.dial_count - 1];
	const char *host = target_text(&w->url.host);
	enum problem problem = PROBLEM_ADDRESS_REFUSED;
	size_t count = w->addresses.count;
	struct buf why = BUF_INIT(SENTENCE_MAX);

	if (w->last_failure > 0) {
		dial = &w->record.dials[w->last_failure - 1];
		problem = problem_from_code(dial->outcome);
		if (count > 1)
			buf_addf(&why, "no usable answer from any address of %s; the last tried, ", host);
		buf_addf(&why, "%s port %d", dial->address, dial->port);
		if (count == 1 && !target_is_ip(&w->url.host))
			buf_addf(&why, " (%s)", host);
		buf_addf(&why, ": %s", dial->detail);
	} else if (target_is_ip(&w->url.host)) {
		buf_addf(&why, "%s %s: only public addresses are dialled", dial->address,
		    dial->detail);
	} else {
		buf_addf(&why, "%s, %s of %s, %s: only public addresses are dialled", dial->address,
		    count > 1 ? "the last address" : "the address", host, dial->detail);
	}
	finish_failed(w, problem, why.data);
	buf_free(&why);
}

static void
address_next(struct web_check *w)
{
	while (w->next < w->addresses.count && !w->record.failed) {
		const char *refused;

		if (w->last_failure > 0 && run_left_ms(w->run) <= 1)
			break;
		if (w->record.dial_count == CHECK_DIALS_MAX) {
			finish_failed(w, PROBLEM_CONNECT_FAILED,
			    "this check has tried as many addresses as a check may");
			return;
		}
		w->dialled = w->addresses.list[w->next++];
		refused = address_refused(&w->dialled);
		if (refused == NULL) {
			address_dial(w);
			return;
		}
		web_record_refused(&w->record, &w->url, &w->dialled, refused);
	}
	if (w->record.failed)
		finish_failed(w, PROBLEM_INTERNAL, "out of memory");
	else
		addresses_fail(w);
}

/* ---- the URL ---- */

static void
on_addresses(void *arg, enum problem problem, const char *message,
    const struct host_addresses *addresses)
{
	struct web_check *w = arg;

	w->lookup = NULL;
	if (problem != PROBLEM_NONE) {
		finish_failed(w, problem, message);
		return;
	}
	w->addresses = *addresses;
	address_next(w);
}

static void
url_begin(struct web_check *w)
{
	const struct target *host = &w->url.host;

	w->next = 0;
	w->last_failure = 0;
	if (!target_is_ip(host)) {
		w->lookup = host_lookup_start(w->run, &host->name, &w->record, on_addresses, w);
		if (w->lookup == NULL)
			finish_failed(w, PROBLEM_INTERNAL, "out of memory");
		return;
	}
	w->addresses.count = 1;
	w->addresses.list[0].family = host->kind == TARGET_IPV4 ? AF_INET : AF_INET6;
	memcpy(w->addresses.list[0].bytes, host->address, sizeof(host->address));
	address_next(w);
}

/* The URL that the method says; of TLS-ALPN, the host and port it stands for. */
static bool
first_url(struct web_check *w, struct buf *why)
{
	const struct check_dcv_parameters *p = parameters(w);
	const struct target *t = &w->run->target;
	bool literal = t->kind == TARGET_IPV6;
	bool https = kind(w) == DCV_TLS_ALPN ||
	    (p->method == DCV_WEBSITE_CHANGE && p->url_scheme == CHECK_HTTPS);
	struct buf text = BUF_INIT(URL_MAX);
	struct url_fault fault = { .code = URL_NO_MEMORY };
	bool ok;

	buf_adds(&text, https ? "https://" : "http://");
	buf_adds(&text, literal ? "[" : "");
	buf_adds(&text, target_text(t));
	buf_adds(&text, literal ? "]/" : "/");
	if (p->method == DCV_ACME_HTTP_01) {
		buf_adds(&text, ".well-known/acme-challenge/");
		buf_adds(&text, p->token);
	} else if (p->method == DCV_WEBSITE_CHANGE) {
		buf_adds(&text, ".well-known/pki-validation/");
		buf_adds(&text, p->http_token_path);
	}
	ok = !text.failed && url_resolve(&w->url, NULL, text.data, &fault);
	w->first_https = w->url.https;
	if (!ok) {
		buf_adds(why, "the URL to check ");
		url_fault_text(&fault, why);
	}
	buf_free(&text);
	return ok;
}

static bool
watchdog_start(struct web_check *w)
{
	int64_t ms = run_left_ms(w->run) + GRACE_MS;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	w->watchdog = evtimer_new(w->run->perspective->base, on_watchdog, w);
	return w->watchdog != NULL && evtimer_add(w->watchdog, &tv) == 0;
}

void
web_check_start(struct run *run)
{
	struct web_check *w = calloc(1, sizeof(*w));
	struct buf why = BUF_INIT(SENTENCE_MAX);

	if (w == NULL) {
		run_fail(run, PROBLEM_INTERNAL, "out of memory");
		return;
	}
	w->run = run;
	run->work = w;
	run->end = web_check_end;
	if (!watchdog_start(w))
		finish_failed(w, PROBLEM_INTERNAL, "out of memory");
	else if (!first_url(w, &why))
		finish_failed(w, PROBLEM_INTERNAL, why.data);
	else
		url_begin(w);
	buf_free(&why);
}
