/*
 * The socket between a worker and its fetcher: messages, each behind its
 * length in four bytes. Both ends use it. What the socket does not take at
 * once waits in memory, up to a cap.
 *
 * To the fetcher goes a job (fetch.h), or an id alone, which cancels the job.
 * From it comes first FETCHER_HELLO with what confines it, or FETCHER_SORRY
 * with why it cannot go on, then outcomes.
 */
#ifndef MPIC_FETCHER_LINK_H
#define MPIC_FETCHER_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>

#include "buf.h"

#define FETCHER_FD		3	/* a fetcher's end */
#define FETCHER_BEAT_FD		4	/* where it writes a byte now and then, if it is to beat */
/*
 * Then a fetcher's user and group, as numbers, and each how many ms it beats, 0: never.
 * Nothing for the keeper.
 */
#define FETCHER_ARGUMENT	"--fetcher"
#define FETCHER_HELLO		UINT64_MAX	/* no job has these ids */
#define FETCHER_SORRY		(UINT64_MAX - 1)
#define FETCHER_CANCEL_LEN	8

struct fetcher_link;

/*
 * `message` takes one message; false if it is none. `end` is called once, from
 * the loop: the other side has closed, or sent what is no message. It may
 * free the link. Neither is called from within a function of this header.
 */
struct fetcher_link_owner {
	bool (*message)(void *arg, const void *bytes, size_t len);
	void (*end)(void *arg);
	void *arg;
};

/* Takes the descriptor, but not when it fails: NULL without memory. */
struct fetcher_link *fetcher_link_new(struct event_base *base, int fd,
    const struct fetcher_link_owner *owner);
/* Closes the descriptor. */
void fetcher_link_free(struct fetcher_link *l);

/* A message is encoded between these two, into a buffer of the caller's. */
void fetcher_link_begin(struct buf *message);
/* False if the message failed, or too many wait: then it was not sent. */
bool fetcher_link_send(struct fetcher_link *l, struct buf *message);
void fetcher_link_put_id(struct buf *message, uint64_t id);

#endif
