/*
 * A coordinator, stand-in perspectives and a client, all in one process; each
 * perspective does with every check what its letter says.
 */
#ifndef MPIC_TEST_CORROBORATION_FIXTURE_H
#define MPIC_TEST_CORROBORATION_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/service.h"
#include "multi.h"
#include "server.h"

#define PERSPECTIVES	6
#define HELD_MAX	64

/* How a stand-in behaves, one letter each in the scenarios. */
enum {
	PASS = 'p', FORBID = 'f', HANG = 'h', OTHER_CODE = 'c', OTHER_NONCE = 'n', GARBAGE = 'g',
	BUSY = 'b', HUGE_REPLY = 'l', DEAD = 'd', OPEN_MPIC = 'o', COMPLETE_500 = '5', PASS_500 = 'P',
	FORBID_FIRST = '1', SLOW = 's', OTHER_METHOD = 'm', CAA_ONLY = '4', OPEN_MPIC_500 = 'O',
	NO_CODE = 'C', NO_NONCE = 'N', NO_TARGET = 'T', OTHER_TARGET = 't', OTHER_CHECK = 'k',
	NO_METHOD = 'M', OPEN_MPIC_BLIND = 'B',
};

struct stand_in_perspective {
	struct world *world;
	char code[8], url[64];
	int behaviours[CHECK_TYPE_COUNT], fd;
	unsigned asked;
	bool open_mpic;
	struct server *server;
};

/* One coordinator, its perspectives and one client. */
struct world {
	struct event_base *base;
	struct stand_in_perspective stand_ins[PERSPECTIVES];
	struct coordinator_config cfg;
	struct service *service;
	struct coordinator_metrics metrics;
	int fd;
	struct multi *client;
	CURL *easy;
	struct transfer transfer;	/* of `easy` */
	struct buf reply;
	char header[32];	/* X-MPIC-Is-Valid */
	long status;
	struct exchange *held[HELD_MAX];	/* of those that hang */
	size_t held_count;
	unsigned late;		/* replies of slow ones still to come */
};

void world_init(struct world *w);
/* Perspective number i; `tls` NULL: plain. */
void world_perspective(struct world *w, size_t i, const char *code, int behaviour,
    const struct tls_files *tls);
/* Of the first n perspectives; after these. */
void world_coordinator(struct world *w, size_t n, const enum rir *rirs);
/* Posts and waits; the answer is in w->reply. Returns how long it took, in ms. */
int world_ask(struct world *w, const char *body);
void world_free(struct world *w);

#endif
