/*
 * Asks one resolver many questions over TCP, a fixed number in flight.
 *
 *	ask [-j IN_FLIGHT] [-f FIRST] [-m MODULUS] [-o lookup|climb] [-t TYPE]
 *	    [-p PID]... ADDR:PORT NAME COUNT
 *
 * "%d" in NAME is the question's number, FIRST and up, modulo MODULUS. With -o
 * questions carry the module's EDNS option and answers must bring evidence;
 * without, they are the same in all else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "dns_message.h"
#include "endpoint.h"
#include "monotonic.h"
#include "tests/bench/meter.h"

#define PER_CONNECTION	64
#define IN_FLIGHT_MAX	4096

struct asker {
	struct event_base *base;
	struct meter meter;
	struct dns_question question;
	bool plain;
	const char *pattern;
	size_t first, modulus, count, in_flight;
	size_t sent;
	uint64_t began_ns[IN_FLIGHT_MAX];	/* by DNS ID; 0: no question */
};

static size_t
asker_encode(struct asker *a, uint16_t id, uint8_t out[DNS_QUESTION_MAX])
{
	char text[NAME_TEXT_MAX + 1];
	size_t len, number = (a->first + a->sent) % a->modulus;
	const char *at = strstr(a->pattern, "%d");

	if (at == NULL)
		snprintf(text, sizeof(text), "%s", a->pattern);
	else
		snprintf(text, sizeof(text), "%.*s%zu%s", (int)(at - a->pattern), a->pattern,
		    number, at + 2);
	if (!name_from_utf8(&a->question.name, text, strlen(text), NULL)) {
		fprintf(stderr, "ask: %s is no name\n", text);
		exit(2);
	}
	a->question.option.nonce = a->sent;
	len = dns_question_encode(&a->question, id, out);
	if (a->plain) {
		/* The option is the last thing in the message: cut it off the OPT record. */
		len -= 4 + MPIC_OPTION_QUERY_LEN;
		out[len - 2] = out[len - 1] = 0;
	}
	return len;
}

static void
asker_send(struct asker *a, struct bufferevent *bev, uint16_t id)
{
	uint8_t frame[2 + DNS_QUESTION_MAX];
	size_t len = asker_encode(a, id, frame + 2);

	frame[0] = (uint8_t)(len >> 8);
	frame[1] = (uint8_t)len;
	a->began_ns[id] = monotonic_ns();
	a->sent++;
	bufferevent_write(bev, frame, 2 + len);
}

static const char *
asker_judge(const struct asker *a, const struct dns_reply *reply)
{
	if (!a->plain)
		return reply->evidence != NULL ? NULL : "a reply without evidence";
	return reply->rcode == DNS_RCODE_NOERROR || reply->rcode == 3 ? NULL : "a reply with an error";
}

static bool
asker_reply(struct asker *a, struct bufferevent *bev, const uint8_t *message, size_t len)
{
	struct dns_reply reply;

	if (!dns_reply_decode(&reply, message, len) || reply.id >= a->in_flight ||
	    a->began_ns[reply.id] == 0)
		return false;
	meter_add(&a->meter, a->began_ns[reply.id], asker_judge(a, &reply));
	a->began_ns[reply.id] = 0;
	if (a->sent < a->count)
		asker_send(a, bev, reply.id);
	else if (a->meter.done == a->count)
		event_base_loopbreak(a->base);
	return true;
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	uint8_t head[2];
	size_t len;

	while (evbuffer_copyout(in, head, 2) == 2) {
		len = (size_t)(head[0] << 8 | head[1]);
		if (evbuffer_get_length(in) < 2 + len)
			return;
		if (!asker_reply(arg, bev, evbuffer_pullup(in, (ssize_t)(2 + len)) + 2, len)) {
			fprintf(stderr, "ask: a reply to no question\n");
			exit(1);
		}
		evbuffer_drain(in, 2 + len);
	}
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	int one = 1;

	if ((what & BEV_EVENT_CONNECTED) != 0) {
		setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		return;
	}
	fprintf(stderr, "ask: the resolver is not there or went away\n");
	exit(1);
}

static void
asker_run(struct asker *a, const struct endpoint *to)
{
	size_t connections = (a->in_flight + PER_CONNECTION - 1) / PER_CONNECTION;
	struct bufferevent **all = calloc(connections, sizeof(*all));

	if (all == NULL)
		exit(1);
	for (size_t i = 0; i < connections; i++) {
		all[i] = bufferevent_socket_new(a->base, -1, BEV_OPT_CLOSE_ON_FREE);
		bufferevent_setcb(all[i], on_read, NULL, on_event, a);
		bufferevent_enable(all[i], EV_READ | EV_WRITE);
		bufferevent_socket_connect(all[i], (const struct sockaddr *)&to->addr, (int)to->len);
	}
	meter_begin(&a->meter);
	for (size_t i = 0; i < a->in_flight && a->sent < a->count; i++)
		asker_send(a, all[i % connections], (uint16_t)i);
	event_base_dispatch(a->base);
	meter_print(&a->meter);
	for (size_t i = 0; i < connections; i++)
		bufferevent_free(all[i]);
	free(all);
}

static bool
asker_option(struct asker *a, int letter, const char *value)
{
	switch (letter) {
	case 'j': a->in_flight = strtoul(value, NULL, 10); break;
	case 'f': a->first = strtoul(value, NULL, 10); break;
	case 'm': a->modulus = strtoul(value, NULL, 10); break;
	case 't': a->question.type = (uint16_t)strtoul(value, NULL, 10); break;
	case 'o':
		a->plain = false;
		a->question.option.operation = strcmp(value, "climb") == 0 ? MPIC_CLIMB : MPIC_LOOKUP;
		break;
	case 'p': meter_watch(&a->meter, atoi(value)); break;
	default: return false;
	}
	return a->in_flight > 0 && a->in_flight <= IN_FLIGHT_MAX && a->modulus > 0;
}

int
main(int argc, char **argv)
{
	static struct asker a = { .plain = true, .in_flight = 64, .modulus = SIZE_MAX,
		.question = { .type = DNS_TYPE_CAA, .option.operation = MPIC_LOOKUP } };
	struct endpoint to;
	bool good = true;
	int letter;

	while ((letter = getopt(argc, argv, "j:f:m:o:t:p:")) != -1)
		good = asker_option(&a, letter, optarg) && good;
	if (!good || argc - optind != 3 || !endpoint_parse(&to, argv[optind])) {
		fprintf(stderr, "usage: ask [-j IN_FLIGHT] [-f FIRST] [-m MODULUS] [-o lookup|climb]"
		    " [-t TYPE] [-p PID]... ADDR:PORT NAME COUNT\n");
		return 2;
	}
	a.pattern = argv[optind + 1];
	a.count = strtoul(argv[optind + 2], NULL, 10);
	a.base = event_base_new();
	if (a.base == NULL || meter_init(&a.meter, a.count) != 0)
		return 1;
	asker_run(&a, &to);
	meter_free(&a.meter);
	event_base_free(a.base);
	return 0;
}
