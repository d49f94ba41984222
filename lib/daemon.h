/*
 * The life of a daemon: listen, fork workers, restart those that die, pass
 * signals on, say when all are ready.
 *
 * With `workers` 0 everything runs in the calling process (for debuggers and
 * tests); else the caller becomes a supervisor that does nothing but this. The
 * listening socket is made once and inherited. Workers die with the
 * supervisor. A worker that dies is started again after a back-off of 0.1 s
 * that doubles to 10 s while it keeps dying young.
 *
 * The limit on open files is raised to the hard one.
 *
 * SIGTERM and SIGINT drain every worker, SIGHUP asks each to reload, the
 * supervisor first; SIGPIPE is ignored. When all workers are ready the
 * supervisor logs it and tells the service manager (lib/notify.h), as it does of a reload from its beginning until
 * every worker is through with it. A service manager with a watchdog is told that
 * all is well while the event loop of every worker turns, and by half the time
 * it waits after one no longer does, no more.
 */
#ifndef MPIC_DAEMON_H
#define MPIC_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include "endpoint.h"

/* What a worker's run() is given. It sets the hooks it wants before dispatching. */
struct worker {
	struct event_base *base;	/* freed by the daemon after run() */
	int listen_fd;			/* closed by the daemon */
	int also_fd;			/* likewise; -1: there is no second address */
	unsigned index;			/* less than the number of workers; 0 alone */
	/* Drain, then let the loop end. NULL: the loop is left at once. */
	void (*stop)(void *arg);
	/* Read files again. NULL: SIGHUP is ignored. */
	void (*reload)(void *arg);
	void *hook_arg;
};

struct daemon_config {
	struct endpoint listen;
	struct endpoint also_listen;	/* a second address; none: len 0 */
	unsigned workers;
	int64_t drain_ms;	/* a draining worker still alive after this is ended; 0: 30000 */
	/*
	 * In the supervisor, before it passes SIGHUP on: what this does, a worker
	 * started later finds done, and the others if it is shared. NULL: nothing.
	 */
	void (*reload)(void *arg);
	/*
	 * Builds what the worker serves with, calls worker_ready(), runs the
	 * loop, takes everything down again and returns its exit status.
	 */
	int (*run)(struct worker *w, void *arg);
	void *arg;
};

/* The exit status of the program: 0 after a stop that was asked for. */
int daemon_run(const struct daemon_config *cfg);
/* Tells the supervisor that this worker serves requests. */
void worker_ready(struct worker *w);

#endif
