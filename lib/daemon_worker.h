/* Inside the daemon: one worker's loop and signals, and the service manager. */
#ifndef MPIC_DAEMON_WORKER_H
#define MPIC_DAEMON_WORKER_H

#include <sys/time.h>

#include "daemon.h"

#define DAEMON_DRAIN_MS 30000

/*
 * Runs cfg->run() with the signals of a worker, which the caller may have
 * blocked until now. `ready_fd` takes the worker's index as two bytes once it
 * serves; -1: there is no supervisor, and the worker announces itself.
 */
int daemon_worker_run(const struct daemon_config *cfg, int listen_fd, int ready_fd,
    unsigned index);
/* Blocks the signals that stop or reload, or lets them through again. */
void daemon_signals_block(bool block);
/*
 * Refuses connections from now on, in all processes that share the socket: while
 * they drain, nobody takes up what the kernel would still let in, and a load
 * balancer has to see that.
 */
void daemon_stop_listening(int listen_fd);
/* Logs where it listens and sends READY=1. */
void daemon_announce(const struct daemon_config *cfg, int listen_fd);
/* sd_notify(3)'s protocol: one datagram to the socket named in NOTIFY_SOCKET. */
void daemon_notify(const char *state);
void daemon_time_ms(struct timeval *tv, int64_t ms);

#endif
