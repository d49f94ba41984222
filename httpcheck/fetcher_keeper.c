#include "httpcheck/fetcher_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event_struct.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "httpcheck/activation.h"
#include "httpcheck/fetcher_link.h"
#include "httpcheck/fetcher_process.h"
#include "log.h"
#include "monotonic.h"
#include "notify.h"

#define PATIENCE_MS	30000	/* with a fetcher's silence, where no watchdog says how long */
#define LOOKS		4	/* at all of them within that time; as often does each beat */

struct kept {
	LIST_ENTRY(kept) entry;
	struct keeper *keeper;
	pid_t pid;
	int beats;		/* the reading end of its pipe, which ends with it */
	struct event on_beat;
	uint64_t heard_ns;
};

struct keeper {
	struct event_base *base;
	struct fetcher_process process;
	int listener;
	int manager;		/* a socket to the service manager; -1: none */
	int64_t patience_ms;
	struct event on_connection, on_look, on_term, on_int;
	uint64_t looked_ns;
	LIST_HEAD(, kept) fetchers;
	unsigned count;
};

/* --- a fetcher ------------------------------------------------------------------- */

static void
kept_free(struct kept *f, char how[static FETCHER_END_TEXT])
{
	struct keeper *k = f->keeper;

	event_del(&f->on_beat);
	close(f->beats);
	fetcher_process_end(f->pid, how);
	LIST_REMOVE(f, entry);
	k->count--;
	free(f);
}

/* One whose worker has gone ends in good order, which is nothing to be told. */
static void
kept_ended(struct kept *f)
{
	char how[FETCHER_END_TEXT], pid[16];

	snprintf(pid, sizeof(pid), "%ld", (long)f->pid);
	kept_free(f, how);
	if (strcmp(how, "status 0") != 0)
		log_warning("a fetcher ended", "pid", pid, "by", how);
}

/* Its pipe ends when it does. What it writes has no meaning but that it lives. */
static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct kept *f = arg;
	char beats[64];
	ssize_t n = read(fd, beats, sizeof(beats));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		kept_ended(f);
		return;
	}
	f->heard_ns = monotonic_ns();
}

static int
kept_spawn(struct kept *f, int connection)
{
	struct keeper *k = f->keeper;
	struct fetcher_beat beat = { .ms = k->patience_ms / LOOKS };
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return errno;
	beat.fd = ends[1];
	rc = fetcher_process_start(&k->process, connection, &beat, &f->pid);
	close(ends[1]);
	if (rc != 0)
		close(ends[0]);
	else
		f->beats = ends[0];
	return rc;
}

/* An errno value; 0: it runs. */
static int
keeper_start(struct keeper *k, int connection)
{
	struct kept *f = calloc(1, sizeof(*f));
	char how[FETCHER_END_TEXT];
	int rc;

	if (f == NULL)
		return ENOMEM;
	f->keeper = k;
	rc = kept_spawn(f, connection);
	if (rc != 0) {
		free(f);
		return rc;
	}
	f->heard_ns = monotonic_ns();
	LIST_INSERT_HEAD(&k->fetchers, f, entry);
	k->count++;
	event_assign(&f->on_beat, k->base, f->beats, EV_READ | EV_PERSIST, on_beat, f);
	if (event_add(&f->on_beat, NULL) != 0) {
		kept_free(f, how);
		return ENOMEM;
	}
	return 0;
}

/* --- the keeper ------------------------------------------------------------------ */

static void
on_connection(evutil_socket_t listener, short what, void *arg)
{
	struct keeper *k = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), rc;

	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* want of something, which passes or not: not at once again */
		log_error("cannot accept a worker's connection", "reason", strerror(errno));
		event_del(&k->on_connection);
		return;
	}
	if (k->count >= FETCHER_KEEPER_MAX) {
		log_warning("a connection was closed: there are as many fetchers as may be");
	} else {
		rc = keeper_start(k, fd);
		if (rc != 0)
			log_error("cannot start a fetcher", "reason", strerror(rc));
	}
	close(fd);	/* it is the fetcher's alone, whose end its worker is to see */
}

/* A machine that stood still, or a keeper that did, is no fault of theirs. */
static void
keeper_forgive(struct keeper *k, uint64_t now_ns)
{
	struct kept *f;

	if (now_ns - k->looked_ns > (uint64_t)k->patience_ms * 1000000 / 2)
		LIST_FOREACH(f, &k->fetchers, entry)
			f->heard_ns = now_ns;
	k->looked_ns = now_ns;
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	uint64_t now_ns = monotonic_ns();
	struct kept *f, *next;
	char pid[16], how[FETCHER_END_TEXT];

	notify_through(k->manager, "WATCHDOG=1");
	event_add(&k->on_connection, NULL);
	keeper_forgive(k, now_ns);
	for (f = LIST_FIRST(&k->fetchers); f != NULL; f = next) {
		next = LIST_NEXT(f, entry);
		if (now_ns - f->heard_ns <= (uint64_t)k->patience_ms * 1000000)
			continue;
		snprintf(pid, sizeof(pid), "%ld", (long)f->pid);
		kept_free(f, how);
		log_error("a fetcher hung and was killed", "pid", pid);
	}
}

static void
on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct keeper *k = arg;

	notify_stopping("fetchers are ended");
	event_base_loopbreak(k->base);
}

static bool
keeper_init(struct keeper *k, struct buf *why)
{
	const struct fetcher_config cfg = { 0 };	/* this program, as this user */
	int64_t watchdog_ms = notify_watchdog_ms();

	k->patience_ms = watchdog_ms > 0 ? watchdog_ms : PATIENCE_MS;
	k->looked_ns = monotonic_ns();
	LIST_INIT(&k->fetchers);
	k->listener = activation_unix_socket(why);
	if (k->listener < 0 || !fetcher_process_init(&k->process, &cfg, why))
		return false;
	k->base = event_base_new();
	if (k->base == NULL || evutil_make_socket_nonblocking(k->listener) != 0) {
		buf_adds(why, "no event loop");
		return false;
	}
	return true;
}

static int
keeper_run(struct keeper *k)
{
	int64_t look_ms = k->patience_ms / LOOKS > 0 ? k->patience_ms / LOOKS : 1;
	const struct timeval look = { look_ms / 1000, look_ms % 1000 * 1000 };
	char how[FETCHER_END_TEXT];
	int status = 1;

	event_assign(&k->on_connection, k->base, k->listener, EV_READ | EV_PERSIST, on_connection, k);
	event_assign(&k->on_look, k->base, -1, EV_PERSIST, on_look, k);
	evsignal_assign(&k->on_term, k->base, SIGTERM, on_stop, k);
	evsignal_assign(&k->on_int, k->base, SIGINT, on_stop, k);
	k->manager = notify_open();
	if (event_add(&k->on_connection, NULL) == 0 && event_add(&k->on_look, &look) == 0 &&
	    event_add(&k->on_term, NULL) == 0 && event_add(&k->on_int, NULL) == 0) {
		notify_ready("starts a fetcher for each connection");
		status = event_base_dispatch(k->base) == 0 ? 0 : 1;
	}
	while (!LIST_EMPTY(&k->fetchers))
		kept_free(LIST_FIRST(&k->fetchers), how);
	event_del(&k->on_connection);
	event_del(&k->on_look);
	event_del(&k->on_term);
	event_del(&k->on_int);
	if (k->manager >= 0)
		close(k->manager);
	return status;
}

int
fetcher_keeper_main(void)
{
	struct keeper k = { .listener = -1 };
	struct buf why = BUF_INIT(256);
	int status = 2;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "fetcher-keeper");
	log_init("fetcher-keeper", LOG_LEVEL_NOTICE, false);
	if (keeper_init(&k, &why))
		status = keeper_run(&k);
	else
		fprintf(stderr, "mpic-httpcheck " FETCHER_ARGUMENT ": %s\n",
		    why.data != NULL ? why.data : "out of memory");
	if (k.base != NULL)
		event_base_free(k.base);
	fetcher_process_free(&k.process);
	buf_free(&why);
	return status;
}
