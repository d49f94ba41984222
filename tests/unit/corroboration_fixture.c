#include "corroboration_fixture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monotonic.h"
#include "open_mpic.h"

struct delayed {
	struct world *world;
	struct exchange *exchange;
	struct buf body;
};

static void
reply_late(evutil_socket_t fd, short what, void *arg)
{
	struct delayed *d = arg;

	d->world->late--;
	exchange_reply(d->exchange, 200, NULL, d->body.data, d->body.len, NULL, 0);
	buf_free(&d->body);
	free(d);
}

static void
reply_result(struct stand_in_perspective *s, struct exchange *x, const struct check_request *q, int how)
{
	struct buf body = BUF_INIT(CHECK_RESULT_MAX);
	struct timeval later = { 0, 150000 };
	struct check_result r;
	struct delayed *d;

	check_result_init(&r, q->type);
	r.check_completed = r.check_passed = true;
	r.perspective_code = how == OTHER_CODE ? "p9" : how == OPEN_MPIC || how == NO_CODE ? NULL :
	    s->code;
	r.nonce = how == OTHER_NONCE ? "0000" : how == OPEN_MPIC || how == NO_NONCE ? NULL :
	    q->nonce;
	r.target = how == OTHER_TARGET ? "c2.com" : how == OPEN_MPIC || how == NO_TARGET ? NULL :
	    q->domain_or_ip_target;
	r.dcv.method = how == OTHER_METHOD ? DCV_DNS_CHANGE : q->dcv.method;
	/* Whether there are records, which all of theirs say. */
	r.caa.caa_record_present.set = how != OPEN_MPIC_BLIND;
	if (how == OTHER_CHECK) {
		r.type = q->type == CHECK_CAA ? CHECK_DCV : CHECK_CAA;
		r.dcv.method = DCV_DNS_CHANGE;
	}
	r.evidence = "{\"seen\":1}";
	r.evidence_len = strlen(r.evidence);
	if (how == FORBID && q->type == CHECK_CAA)
		check_result_fail(&r, PROBLEM_CAA_FORBIDS, "forbidden at c1.com");
	if (how == FORBID && q->type == CHECK_DCV)
		check_result_fail(&r, PROBLEM_NO_MATCH, "another token at c1.com");
	if (how == COMPLETE_500)
		check_result_fail(&r, PROBLEM_DNS_FAILED, "SERVFAIL from c1.com's servers");
	check_result_encode(&r, &body);
	if (how == NO_METHOD)
		memset(strstr(body.data, "validation_method"), 'x', 17);
	if (how == SLOW) {
		d = malloc(sizeof(*d));
		*d = (struct delayed){ s->world, x, body };
		s->world->late++;
		event_base_once(s->world->base, -1, EV_TIMEOUT, reply_late, d, &later);
		return;
	}
	exchange_reply(x, how == COMPLETE_500 || how == PASS_500 ? 500 : 200, NULL, body.data,
	    body.len, NULL, 0);
	buf_free(&body);
}

static void
reply_huge(struct exchange *x)
{
	size_t len = CHECK_RESULT_MAX + 1;
	char *body = malloc(len);

	memset(body, ' ', len);
	exchange_reply(x, 200, NULL, body, len, NULL, 0);
	free(body);
}

/* As Open MPIC's checker does: status 500, a check called completed, no member of ours. */
static void
reply_as_open_mpic(struct exchange *x, enum check_type type)
{
	char body[512];

	snprintf(body, sizeof(body), "{\"check_completed\":true,\"check_passed\":false,"
	    "\"errors\":[{\"error_type\":\"mpic_error:%s_checker:lookup\",\"error_message\":"
	    "\"There was an error looking up the record\"}],\"timestamp_ns\":1,\"check_type\":"
	    "\"%s\",\"details\":%s}", check_type_name(type), check_type_name(type),
	    type == CHECK_CAA ? "{\"caa_record_present\":null}" : "{\"validation_method\":"
	    "\"acme-http-01\",\"response_history\":null,\"response_url\":null}");
	exchange_reply(x, 500, NULL, body, strlen(body), NULL, 0);
}

static void
handle_check(struct exchange *x, struct stand_in_perspective *s, enum check_type type)
{
	struct json_faults faults;
	struct check_request q;
	size_t len;
	const char *body = exchange_body(x, &len);
	int how = s->behaviours[type];

	json_faults_init(&faults);
	assert_true(check_request_decode(&q, type, body, len, &faults));
	/* One of Open MPIC's is sent no member of ours. */
	assert_int_equal(q.nonce == NULL, s->open_mpic);
	assert_int_equal(q.deadline_ms.set, !s->open_mpic);
	if (how == FORBID_FIRST)
		how = s->asked++ == 0 ? FORBID : PASS;
	if (how == HANG && s->world->held_count < HELD_MAX)
		s->world->held[s->world->held_count++] = x;
	else if (how == GARBAGE)
		exchange_reply(x, 200, NULL, "{\"check_passed\":true}", 21, NULL, 0);
	else if (how == BUSY)
		exchange_refuse(x, 503, "too much to do");
	else if (how == HUGE_REPLY)
		reply_huge(x);
	else if (how == OPEN_MPIC_500)
		reply_as_open_mpic(x, type);
	else
		reply_result(s, x, &q, how);
	check_request_free(&q);
}

static void
handle_caa(struct exchange *x, void *arg)
{
	handle_check(x, arg, CHECK_CAA);
}

static void
handle_dcv(struct exchange *x, void *arg)
{
	handle_check(x, arg, CHECK_DCV);
}

static const struct route perspective_routes[] = {
	{ "POST", "/caa", 0, handle_caa },
	{ "POST", "/dcv", 0, handle_dcv },	/* not there in one of an earlier version */
};

static int
listen_anywhere(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	struct endpoint e = { .len = sizeof(a) };
	int fd;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(&e.addr, &a, sizeof(a));
	fd = endpoint_listen(&e, 64);
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

void
world_perspective(struct world *w, size_t i, const char *code, int behaviour,
    const struct tls_files *tls)
{
	struct stand_in_perspective *s = &w->stand_ins[i];
	struct server_config cfg = { .plain = tls == NULL, .max_connections = 64 };
	struct buf why = BUF_INIT(1024);
	uint16_t port;

	if (tls != NULL)
		cfg.tls = *tls;
	s->world = w;
	s->behaviours[CHECK_CAA] = behaviour == CAA_ONLY ? PASS : behaviour;
	s->behaviours[CHECK_DCV] = behaviour;
	snprintf(s->code, sizeof(s->code), "%s", code);
	s->fd = listen_anywhere(&port);
	snprintf(s->url, sizeof(s->url), "%s://127.0.0.1:%u", tls != NULL ? "https" : "http", port);
	if (behaviour == DEAD) {
		close(s->fd);
		s->fd = -1;
		return;
	}
	s->server = server_new(w->base, &cfg, s->fd, perspective_routes, behaviour == CAA_ONLY ? 1 : 2,
	    s, &why);
	if (s->server == NULL)
		fail_msg("%s", why.data);
	buf_free(&why);
}

/* ---- the world ---- */

static void
on_client_done(struct transfer *t, CURLcode code)
{
	struct world *w = (struct world *)((char *)t - offsetof(struct world, transfer));

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &w->status);
	event_base_loopbreak(w->base);
}

static size_t
on_client_bytes(char *bytes, size_t size, size_t n, void *arg)
{
	buf_add(arg, bytes, size * n);
	return size * n;
}

static size_t
on_client_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct world *w = arg;

	if (n > 17 && strncasecmp(bytes, "X-MPIC-Is-Valid: ", 17) == 0)
		snprintf(w->header, sizeof(w->header), "%.*s", (int)strcspn(bytes + 17, "\r"),
		    bytes + 17);
	return size * n;
}

void
world_init(struct world *w)
{
	static char issuer[] = "ca1.com", *issuers[] = { issuer };

	*w = (struct world){ .reply = BUF_INIT(1024 * 1024), .fd = -1 };
	w->base = event_base_new();
	for (size_t i = 0; i < PERSPECTIVES; i++)
		w->stand_ins[i].fd = -1;
	w->cfg = (struct coordinator_config){
		.daemon = { .plain = true, .max_in_flight = 16 },
		.policy = *open_mpic(), .connections = 4, .linger_ms = 100,
		.max_attempts = 3, .deadline_ms = 2000, .max_deadline_ms = 5000, .secret = "0123456789abcdef", .secret_len = 16,
		.caa_domains = { issuers, 1 } };
}

void
world_coordinator(struct world *w, size_t n, const enum rir *rirs)
{
	struct buf why = BUF_INIT(1024);
	uint16_t port;
	char url[64];

	w->cfg.fleet.count = n;
	for (size_t i = 0; i < n; i++)
		w->cfg.fleet.members[i] = (struct perspective){ .code = w->stand_ins[i].code,
			.url = w->stand_ins[i].url, .rir = rirs[i],
			.protocol = w->stand_ins[i].open_mpic ? PROTOCOL_OPEN_MPIC :
			    PROTOCOL_PARALLAX };
	fleet_arrange(&w->cfg.fleet);
	w->cfg.default_perspective_count = (int64_t)n;
	w->cfg.daemon.max_in_flight = 64;
	assert_true(coordinator_metrics_init(&w->metrics, 1));
	coordinator_metrics_know(&w->metrics, &w->cfg);
	w->fd = listen_anywhere(&port);
	w->service = service_new(w->base, &w->cfg, &w->metrics, w->fd, 0, &why);
	if (w->service == NULL)
		fail_msg("%s", why.data);
	buf_free(&why);
	w->client = multi_new(w->base, 1);
	w->easy = curl_easy_init();
	w->transfer = (struct transfer){ .easy = w->easy, .ended = on_client_done };
	assert_true(multi_adopt(w->client, &w->transfer));
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/mpic?status=verdict", port);
	curl_easy_setopt(w->easy, CURLOPT_URL, url);
	curl_easy_setopt(w->easy, CURLOPT_WRITEFUNCTION, on_client_bytes);
	curl_easy_setopt(w->easy, CURLOPT_WRITEDATA, &w->reply);
	curl_easy_setopt(w->easy, CURLOPT_HEADERFUNCTION, on_client_header);
	curl_easy_setopt(w->easy, CURLOPT_HEADERDATA, w);
}

int
world_ask(struct world *w, const char *body)
{
	uint64_t start = monotonic_ns();

	buf_reset(&w->reply);
	w->header[0] = '\0';
	w->status = 0;
	curl_easy_setopt(w->easy, CURLOPT_POSTFIELDS, body);
	assert_true(multi_add(w->client, &w->transfer));
	event_base_dispatch(w->base);
	return (int)((monotonic_ns() - start) / 1000000);
}

void
world_free(struct world *w)
{
	while (w->late > 0)
		event_base_loop(w->base, EVLOOP_ONCE);
	for (size_t i = 0; i < w->held_count; i++)
		exchange_refuse(w->held[i], 503, "over");
	service_free(w->service);
	for (size_t i = 0; i < PERSPECTIVES; i++) {
		if (w->stand_ins[i].server != NULL)
			server_free(w->stand_ins[i].server);
		if (w->stand_ins[i].fd >= 0)
			close(w->stand_ins[i].fd);
	}
	curl_easy_cleanup(w->easy);
	multi_free(w->client);
	coordinator_metrics_free(&w->metrics);
	close(w->fd);
	event_base_free(w->base);
	buf_free(&w->reply);
}
