/*
 * What a daemon tells the service manager that started it: the protocol of
 * sd_notify(3), datagrams to the socket that NOTIFY_SOCKET names, by path or in
 * the abstract namespace ("@..."). Without that variable all of this does
 * nothing.
 *
 * libsystemd would do the same, and bring compressors and a cryptographic
 * library into processes that read what strangers send: this is the whole of
 * what is needed of it.
 */
#ifndef MPIC_NOTIFY_H
#define MPIC_NOTIFY_H

#include <stdint.h>

#define NOTIFY_STATUS_MAX	256

/* "STATUS=" and the text, "READY=1" or "STOPPING=1" with it; cut to NOTIFY_STATUS_MAX. */
void notify_ready(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_stopping(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Files are read again; notify_ready() says when it is done. */
void notify_reloading(void);
/* All is well. */
void notify_watchdog(void);
/*
 * For a process that must not wait, or soon cannot open a socket: it, connected, to be
 * closed by the caller; -1: there is none, and nothing is sent through it.
 */
int notify_open(void);
void notify_through(int fd, const char *state);
/*
 * Within how long notify_watchdog() has to come again, every time; 0: nobody
 * waits for it. Of this process alone: a child is not asked.
 */
int64_t notify_watchdog_ms(void);

#endif
