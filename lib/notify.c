#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "log.h"
#include "monotonic.h"

/* The length of the address, 0: there is none. */
static socklen_t
notify_address(struct sockaddr_un *addr)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len < 2 || len >= sizeof(addr->sun_path) || (path[0] != '/' && path[0] != '@'))
		return 0;
	memcpy(addr->sun_path, path, len);
	if (path[0] == '@')
		addr->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static void
notify_send(const char *state)
{
	struct sockaddr_un addr;
	socklen_t len = notify_address(&addr);
	const struct timeval patience = { .tv_sec = 1 };
	int fd = len > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

	if (len == 0)
		return;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&addr, len) < 0)
		log_warning("cannot notify the service manager", "reason", strerror(errno));
	if (fd >= 0)
		close(fd);
}

int
notify_open(void)
{
	struct sockaddr_un addr;
	socklen_t len = notify_address(&addr);
	int fd = len > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;

	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, len) != 0) {
		log_warning("cannot notify the service manager", "reason", strerror(errno));
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What is lost is told again, or missed by a watchdog. */
void
notify_through(int fd, const char *state)
{
	if (fd >= 0)
		(void)send(fd, state, strlen(state), MSG_NOSIGNAL);
}

/* A line end in it would begin another message. */
static void
notify_text(const char *lead, const char *fmt, va_list ap)
{
	char text[NOTIFY_STATUS_MAX], state[NOTIFY_STATUS_MAX + 64];

	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	snprintf(state, sizeof(state), "%sSTATUS=%s", lead, text);
	notify_send(state);
}

void
notify_ready(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	notify_text("READY=1\n", fmt, ap);
	va_end(ap);
}

void
notify_stopping(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	notify_text("STOPPING=1\n", fmt, ap);
	va_end(ap);
}

void
notify_status(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	notify_text("", fmt, ap);
	va_end(ap);
}

/* The time tells systemd which SIGHUP this belongs to (Type=notify-reload). */
void
notify_reloading(void)
{
	char state[64];

	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    monotonic_ns() / 1000);
	notify_send(state);
}

void
notify_watchdog(void)
{
	notify_send("WATCHDOG=1");
}

/* A number of the environment's; 0: not there, or none. */
static int64_t
environment_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long long value;

	if (text == NULL || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	value = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' && value > 0 ? (int64_t)value : 0;
}

int64_t
notify_watchdog_ms(void)
{
	int64_t usec = environment_number("WATCHDOG_USEC");

	if (getenv("WATCHDOG_PID") != NULL && environment_number("WATCHDOG_PID") != getpid())
		return 0;
	return usec > 0 && usec < 1000 ? 1 : usec / 1000;
}
