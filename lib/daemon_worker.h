/* Inside the daemon: one worker's loop and signals, and the service manager. */
#ifndef MPIC_DAEMON_WORKER_H
#define MPIC_DAEMON_WORKER_H

#include <sys/time.h>

#include "daemon.h"

#define DAEMON_DRAIN_MS 30000

/* The service manager is told that all is well so many times within the time it sets. */
#define DAEMON_PINGS 4

/* What the workers share: -1 for what there is not. */
struct daemon_sockets {
	int listen_fd, also_fd;
};

/* What a worker tells its supervisor: it serves, it has read its files again, its loop turns. */
enum daemon_news { DAEMON_READY, DAEMON_RELOADED, DAEMON_BEAT };

/*
 * Runs cfg->run() with the signals of a worker, which the caller may have
 * blocked until now. `ready_fd` is the pipe to the supervisor, and `beat_ms` how
 * often the worker's loop says in it that it turns, 0: never; -1: there is no
 * supervisor, and the worker announces itself and answers for itself.
 */
int daemon_worker_run(const struct daemon_config *cfg, const struct daemon_sockets *sockets,
    int ready_fd, unsigned index, int64_t beat_ms);
/* The supervisor's end of the pipe, which does not block. False: there is no more. */
bool daemon_hear(int fd, enum daemon_news *what, unsigned *index);
/* Blocks the signals that stop or reload, or lets them through again. */
void daemon_signals_block(bool block);
/*
 * Refuses connections from now on, in all processes that share the socket: while
 * they drain, nobody takes up what the kernel would still let in, and a load
 * balancer has to see that.
 */
void daemon_stop_listening(const struct daemon_sockets *sockets);
/* Logs where it listens and tells the service manager that it is ready. */
void daemon_announce(const struct daemon_config *cfg, int listen_fd);
void daemon_time_ms(struct timeval *tv, int64_t ms);

#endif
