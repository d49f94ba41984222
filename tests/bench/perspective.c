/*
 * A perspective that does no work: every check gets the same result, after the
 * same time. What a coordinator costs by itself is measured with it.
 *
 *	perspective [-d DELAY_MS] -a CA -c CERTIFICATE -k KEY -r RESULT ADDR:PORT
 *
 * RESULT is a file with the body of a result; "@NONCE@" in it and, after it,
 * "@TARGET@" become the nonce and the target of the request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "check.h"
#include "endpoint.h"
#include "log.h"
#include "server.h"

#define NONCE_MARK	"@NONCE@"
#define TARGET_MARK	"@TARGET@"
#define IN_FLIGHT_MAX	100000

struct stand_in {
	struct event_base *base;
	struct timeval delay;
	char result[65536];
};

/* An exchange whose reply is due later. */
struct pending {
	struct exchange *exchange;
	const struct stand_in *stand_in;
	char nonce[CHECK_NONCE_MAX + 1], target[CHECK_TARGET_MAX + 1];
};

static void
answer(const struct stand_in *s, struct exchange *x, const struct pending *p)
{
	const char *mark = strstr(s->result, NONCE_MARK), *target = strstr(mark, TARGET_MARK);
	struct buf body = BUF_INIT(CHECK_RESULT_MAX);

	buf_add(&body, s->result, (size_t)(mark - s->result));
	buf_adds(&body, p->nonce);
	mark += strlen(NONCE_MARK);
	buf_add(&body, mark, (size_t)(target - mark));
	buf_adds(&body, p->target);
	buf_adds(&body, target + strlen(TARGET_MARK));
	exchange_reply(x, 200, NULL, body.data, body.len, NULL, 0);
	buf_free(&body);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct pending *p = arg;

	answer(p->stand_in, p->exchange, p);
	free(p);
}

static void
handle_caa(struct exchange *x, void *arg)
{
	struct stand_in *s = arg;
	struct pending *p = calloc(1, sizeof(*p));
	struct check_request request;
	struct json_faults faults;
	const char *body;
	size_t len;

	json_faults_init(&faults);
	body = exchange_body(x, &len);
	if (p == NULL || !check_request_decode(&request, CHECK_CAA, body, len, &faults)) {
		free(p);
		exchange_refuse(x, 400, "not a check");
		return;
	}
	*p = (struct pending){ .exchange = x, .stand_in = s };
	snprintf(p->nonce, sizeof(p->nonce), "%s", request.nonce != NULL ? request.nonce : "");
	snprintf(p->target, sizeof(p->target), "%s", request.domain_or_ip_target);
	check_request_free(&request);
	if (evutil_timerisset(&s->delay))
		event_base_once(s->base, -1, EV_TIMEOUT, on_due, p, &s->delay);
	else
		on_due(-1, 0, p);
}

static void
handle_ready(struct exchange *x, void *arg)
{
	exchange_reply(x, 200, NULL, "{}", 2, NULL, 0);
}

static bool
read_result(struct stand_in *s, const char *path)
{
	FILE *file = path != NULL ? fopen(path, "re") : NULL;

	if (file == NULL)
		return false;
	s->result[fread(s->result, 1, sizeof(s->result) - 1, file)] = '\0';
	fclose(file);
	return strstr(s->result, NONCE_MARK) != NULL &&
	    strstr(strstr(s->result, NONCE_MARK), TARGET_MARK) != NULL;
}

static int
serve(struct stand_in *s, const struct tls_files *tls, const char *where)
{
	static const struct route routes[] = {
		{ "POST", "/caa", ROUTE_COUNTED | ROUTE_IDENTIFIED, handle_caa },
		{ "GET", "/readyz", 0, handle_ready },
	};
	char coordinator[] = "urn:mpic:coordinator", *identities[] = { coordinator };
	struct server_config cfg = { .tls = *tls, .identities = identities,
		.identity_count = 1, .max_in_flight = IN_FLIGHT_MAX,
		.max_connections = IN_FLIGHT_MAX };
	struct buf why = BUF_INIT(1024);
	struct endpoint listen;
	int fd = endpoint_parse(&listen, where) ? endpoint_listen(&listen, 1024) : -1;

	s->base = event_base_new();
	if (fd < 0 || s->base == NULL ||
	    server_new(s->base, &cfg, fd, routes, 2, s, &why) == NULL) {
		fprintf(stderr, "perspective: cannot serve at %s: %s\n", where,
		    why.len > 0 ? why.data : "not an address, or in use");
		return 1;
	}
	event_base_dispatch(s->base);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct stand_in s;
	struct tls_files tls = { NULL, NULL, NULL };
	const char *result = NULL;
	int letter, delay_ms;

	while ((letter = getopt(argc, argv, "d:a:c:k:r:")) != -1) {
		switch (letter) {
		case 'd':
			delay_ms = atoi(optarg);
			s.delay = (struct timeval){ delay_ms / 1000, delay_ms % 1000 * 1000 };
			break;
		case 'a': tls.ca = optarg; break;
		case 'c': tls.certificate = optarg; break;
		case 'k': tls.key = optarg; break;
		case 'r': result = optarg; break;
		default: return 2;
		}
	}
	if (optind + 1 != argc || !read_result(&s, result)) {
		fprintf(stderr, "usage: perspective [-d DELAY_MS] -a CA -c CERTIFICATE -k KEY "
		    "-r RESULT ADDR:PORT\n");
		return 2;
	}
	log_init("perspective", LOG_LEVEL_WARNING, false);
	return serve(&s, &tls, argv[optind]);
}
