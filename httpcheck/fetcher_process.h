/*
 * The fetcher as a process: how it is had, and how it ended.
 */
#ifndef MPIC_FETCHER_PROCESS_H
#define MPIC_FETCHER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "httpcheck/fetcher.h"

#define FETCHER_END_TEXT 32

struct fetcher_process {
	char *program;
	char uid[16], gid[16];	/* "0": as now */
	char *socket;		/* where a keeper starts it; NULL: a child */
};

/* False with a sentence: no such user, or no memory. */
bool fetcher_process_init(struct fetcher_process *p, const struct fetcher_config *cfg,
    struct buf *why);
void fetcher_process_free(struct fetcher_process *p);
/*
 * One more: `fd` is this side's end of the link, `pid` that of the child, 0 if it is
 * a keeper's. An errno value; 0: it is had.
 */
int fetcher_process_open(const struct fetcher_process *p, int *fd, pid_t *pid);
/* For whoever wants to see that a fetcher's loop turns: the writing end of a pipe. */
struct fetcher_beat {
	int fd;			/* not FETCHER_FD */
	int64_t ms;		/* between two bytes in it, at least 1 */
};

/*
 * Executes it with `fd` as its end of the link, `beat` if that is not NULL, standard error,
 * no other descriptor and an empty environment. An errno value; 0: it runs.
 */
int fetcher_process_start(const struct fetcher_process *p, int fd, const struct fetcher_beat *beat,
    pid_t *pid);
/* Ends a child, if it has not ended, and says how it did: "signal 9". */
void fetcher_process_end(pid_t pid, char how[static FETCHER_END_TEXT]);

#endif
