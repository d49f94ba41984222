/*
 * The part of systemd that mpic-fetcher.service sees, and workers that connect to
 * its socket: a keeper (fetcher_keeper.h) is executed as the unit has it, by the
 * test's own program, whose main() hands fetcher_main() what fetcher_asked() for.
 * All of it fails the test when it takes half a minute.
 */
#ifndef TEST_KEEPER_FIXTURE_H
#define TEST_KEEPER_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#include "fetcher_fixture.h"

#define LONG_MS		30000	/* a watchdog as in the unit, for a busy machine */
#define WATCHDOG_MS	2000	/* one that a test waits for */

/* A unit with a socket, Type=notify and WatchdogSec=. */
struct manager {
	char folder[40], socket[64], notify[64];
	int listener, told;
	int watchdog_ms;
	pid_t keeper;			/* 0: it was not started */
};

/* With its sockets' folder; then what is at the socket, then who. manager_start() is all three. */
void manager_init(struct manager *m);
void manager_listen(struct manager *m);
void manager_run(struct manager *m);
void manager_start(struct manager *m, int watchdog_ms);
/* The keeper ends in good order, whatever was done to its fetchers. */
void manager_stop(struct manager *m);

/* In a process to be executed: a variable, and the socket as descriptor 3. */
void environment_number(const char *name, long value);
void hand_over_socket(int fd);

/* The fetchers, zombies among them: at most `most` are told. */
unsigned fetchers_of(const struct manager *m, pid_t *pids, unsigned most);
pid_t only_fetcher(const struct manager *m);
void until_fetchers(const struct manager *m, unsigned count);
void until_gone(pid_t pid);

/* A worker of the manager's; fixture_stop() ends it. */
void fixture_connect(struct fixture *f, const struct manager *m);
void until_ready(struct fixture *f, bool ready);

/* A web server's: 200 and "hi". */
void answer_hi(int fd, void *arg);

#endif
