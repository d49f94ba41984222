/*
 * The worker's side of its fetcher: the process that talks to applicants'
 * servers and can do nothing else (docs/privilege.md).
 *
 * The fetcher is this program executed anew, so that its memory never held a
 * key: a child of the worker's, or one of a service that starts a fetcher for
 * whoever connects to its socket (fetcher_keeper.h). Jobs go to it and outcomes come
 * back over a stream, each job ending in exactly one call of its `done`, from
 * the loop, or in fetch_cancel(). When the fetcher dies it is started again,
 * after a back-off while it keeps dying young, and what it was doing ends with
 * PROBLEM_FETCHER_DIED, each logged by whoever asked.
 */
#ifndef MPIC_FETCHER_H
#define MPIC_FETCHER_H

#include <stdbool.h>
#include <sys/types.h>

#include <event2/event.h>

#include "httpcheck/fetch.h"

#define FETCHER_SOCKET_MAX	107	/* bytes of a path, unix(7) */

struct fetcher;
struct fetch;

struct fetcher_config {
	const char *program;		/* to execute; NULL: this one, /proc/self/exe */
	const char *user;		/* to run as when started by root; NULL: as now */
	const char *socket;		/* to connect to instead; NULL: a child of this process */
	void (*died)(void *arg);	/* the process did, and will be started again; or NULL */
	void (*ready)(void *arg, bool ready);	/* fetcher_ready() says so from now on; or NULL */
	void *arg;
};

/*
 * NULL, with a sentence in `why`, if it cannot be started at all. A socket that nobody
 * serves yet is tried again.
 */
struct fetcher *fetcher_new(struct event_base *base, const struct fetcher_config *cfg,
    struct buf *why);
/* Of the child that runs now; 0: none does. */
pid_t fetcher_pid(const struct fetcher *f);
/* False while none is there: no child runs, or nobody at the socket has said what confines it. */
bool fetcher_ready(const struct fetcher *f);
/* Ends the process, and whatever fetch is left with PROBLEM_FETCHER_DIED. */
void fetcher_free(struct fetcher *f);

/* The outcome is valid during the call. */
typedef void fetch_done(void *arg, const struct fetch_outcome *o);
/*
 * NULL without memory, without a fetcher, and while one is freed; then `done`
 * is not called. It is never called from within.
 */
struct fetch *fetcher_start(struct fetcher *f, const struct fetch_job *job, fetch_done *done,
    void *arg);
/* `done` will not be called, and the fetcher stops working on it. */
void fetch_cancel(struct fetch *fetch);

/*
 * What main() calls when it was executed as a fetcher, by a worker or a keeper, or as a
 * keeper, by the service manager. A fetcher confines itself before it reads the first job.
 * Returns the exit status.
 */
int fetcher_main(int argc, char **argv);
/* Whether argv says so. */
bool fetcher_asked(int argc, char **argv);

#endif
