#include "appliance/resolver/resolver_watch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/time.h>

#include "dns_message.h"
#include "notify.h"

#define START_MS	100	/* between questions until the first answer */
#define IDLE_MS		10000	/* and afterwards, at the longest */
#define PATIENCE_S	3

/* Exactly so many bytes. */
static bool
receive(int fd, void *out, size_t len)
{
	return recv(fd, out, len, MSG_WAITALL) == (ssize_t)len;
}

static bool
exchange(int fd, uint16_t id)
{
	static const struct dns_question question = {
		.name = { .text = "watch", .len = 5 },
		.type = DNS_TYPE_CAA,
		.option = { .operation = MPIC_STATS },
	};
	static uint8_t reply[UINT16_MAX];
	uint8_t message[2 + DNS_QUESTION_MAX], head[2];
	size_t len = dns_question_encode(&question, id, message + 2);
	struct dns_reply r;

	message[0] = (uint8_t)(len >> 8);
	message[1] = (uint8_t)len;
	if (send(fd, message, 2 + len, MSG_NOSIGNAL) != (ssize_t)(2 + len) ||
	    !receive(fd, head, sizeof(head)))
		return false;
	len = (size_t)head[0] << 8 | head[1];
	return receive(fd, reply, len) && dns_reply_decode(&r, reply, len) && r.id == id &&
	    r.rcode == DNS_RCODE_NOERROR && r.evidence != NULL;
}

bool
resolver_watch_ask(const struct endpoint *address, unsigned patience_s)
{
	static uint16_t id;
	const struct timeval patience = { .tv_sec = patience_s };
	int fd = socket(address->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers;

	/* what is sent and what is received waits so long, and connect() too */
	answers = fd != -1 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    connect(fd, (const struct sockaddr *)&address->addr, address->len) == 0 &&
	    exchange(fd, ++id);
	if (fd != -1)
		close(fd);
	return answers;
}

static void
wait_ms(int64_t ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

void
resolver_watch(const struct endpoint *address, int64_t watchdog_ms)
{
	int64_t turn_ms = watchdog_ms > 0 && watchdog_ms / 3 < IDLE_MS ? watchdog_ms / 3 : IDLE_MS;
	bool answered = true;

	while (!resolver_watch_ask(address, PATIENCE_S))
		wait_ms(START_MS);
	notify_ready("answers");
	for (;;) {
		bool answers;

		wait_ms(answered ? turn_ms : START_MS);
		answers = resolver_watch_ask(address, PATIENCE_S);
		if (answers)
			notify_watchdog();
		if (answers != answered)
			fprintf(stderr, "mpic-appliance resolver: Unbound %s\n", answers ?
			    "answers again" : "does not answer");
		answered = answers;
	}
}
