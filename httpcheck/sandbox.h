/*
 * The confinement of the fetcher: what a process that has loaded all it needs
 * gives up before it reads the first byte of a stranger (docs/privilege.md).
 *
 * Landlock takes the file system and all TCP ports but those given; seccomp
 * leaves an allow-list of system calls. Either is skipped where the kernel
 * lacks it, and `in_force` says what holds. A build with sanitizers is not
 * confined, for their reports need files and threads.
 */
#ifndef MPIC_SANDBOX_H
#define MPIC_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

struct sandbox {
	bool with_parent;	/* to be killed when the parent ends */
	uid_t uid;		/* to become, with `gid`, when the process is root's; 0: stay */
	gid_t gid;
	const uint16_t *ports;	/* that may be connected to; NULL: any */
	unsigned port_count;
};

/*
 * There is no way back. Adds "landlock ABI 3 without ports, seccomp" or the
 * like to `in_force`. False, with a sentence there, if what the kernel does
 * have could not be used: then the process must end.
 */
bool sandbox_enter(const struct sandbox *s, struct buf *in_force);

#endif
