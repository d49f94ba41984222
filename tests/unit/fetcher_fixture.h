/*
 * A worker with its fetcher: the test program itself, executed anew. Link with
 * $(WRAP_FETCHER): in that process servers on loopback may be dialled, but for
 * 127.0.0.66, and any port; the product has no such switch.
 */
#ifndef MPIC_TEST_FETCHER_FIXTURE_H
#define MPIC_TEST_FETCHER_FIXTURE_H

#include "httpcheck/fetcher.h"

struct fixture {
	struct event_base *base;
	struct fetcher *fetcher;
};

/* A fetch and a copy of its outcome. */
struct tried {
	struct fixture *fixture;
	struct fetch *fetch;
	unsigned ends;
	struct fetch_outcome o;
	char message[FETCH_MESSAGE_MAX];	/* in which its strings stand */
};

void fixture_start(struct fixture *f);
/* One that is reached at a socket, as a worker has it whose fetcher is not its child. */
void fixture_start_at(struct fixture *f, const char *socket);
void fixture_stop(struct fixture *f);

/* GET http://127.0.0.1:PORT/ with ten seconds; the caller changes what it likes. */
struct fetch_job fixture_job(enum fetch_kind kind, uint16_t port);
void try_start(struct fixture *f, struct tried *t, const struct fetch_job *job);
/* Turns the loop until `*ends` is at least so much. */
void fixture_until(struct fixture *f, const unsigned *ends, unsigned least);
void fixture_run_ms(struct fixture *f, int ms);
/* Starts it and waits for its outcome. */
void try_whole(struct fixture *f, struct tried *t, const struct fetch_job *job);

#endif
