#include "httpcheck/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#define FIRST_FD	3	/* SD_LISTEN_FDS_START */

/* Variables that are for another process, a parent's say, are not for this one. */
static bool
given_to_us(void)
{
	const char *pid = getenv("LISTEN_PID");
	char own[16];

	snprintf(own, sizeof(own), "%ld", (long)getpid());
	return pid != NULL && strcmp(pid, own) == 0;
}

static bool
option_is(int fd, int name, int expected)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 && value == expected;
}

int
activation_unix_socket(struct buf *why)
{
	const char *count = getenv("LISTEN_FDS");

	if (count == NULL || !given_to_us()) {
		buf_adds(why, "no service manager handed over a socket (LISTEN_FDS, LISTEN_PID)");
		return -1;
	}
	if (strcmp(count, "1") != 0) {
		buf_addf(why, "expected one socket of the service manager's, found LISTEN_FDS=%.16s",
		    count);
		return -1;
	}
	if (!option_is(FIRST_FD, SO_DOMAIN, AF_UNIX) || !option_is(FIRST_FD, SO_TYPE, SOCK_STREAM) ||
	    !option_is(FIRST_FD, SO_ACCEPTCONN, 1)) {
		buf_addf(why, "expected a listening stream socket of the Unix domain as descriptor "
		    "%d, found something else", FIRST_FD);
		return -1;
	}
	if (fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC) != 0) {
		buf_addf(why, "descriptor %d: %s", FIRST_FD, strerror(errno));
		return -1;
	}
	return FIRST_FD;
}
