/*
 * A program that a container's init keeps running: started, started again with a
 * back-off when it dies, given up when it keeps dying young.
 */
#ifndef MPIC_APPLIANCE_CHILD_H
#define MPIC_APPLIANCE_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILD_YOUNG_S	60	/* who lived longer has shown that it can */
#define CHILD_DEATHS_MAX	5	/* in a row, each young: the last is for good */
#define CHILD_AGAIN_MS	100	/* doubles with each */

struct child {
	const char *name;		/* in the log; NULL: none is wanted */
	const char *const *argv;	/* ends with NULL */
	const char *folder;		/* where it runs */

	pid_t pid;		/* 0: it does not run */
	unsigned deaths;
	uint64_t started_ns;
	uint64_t due_ns;	/* to be started then; 0: not */
};

/*
 * Starts it, to die with this process. It has no signal blocked and nothing of this
 * process's environment. False, with errno.
 */
bool child_start(struct child *c, uint64_t now_ns);
/* It has died; says when it is due again. False: for good. Pure but for `c`. */
bool child_died(struct child *c, uint64_t now_ns);
/* Passes a signal on, if it runs. */
void child_signal(const struct child *c, int number);

#endif
