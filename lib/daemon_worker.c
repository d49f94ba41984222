#include "daemon_worker.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <event2/event_struct.h>

#include "log.h"
#include "notify.h"

void
daemon_time_ms(struct timeval *tv, int64_t ms)
{
	tv->tv_sec = ms / 1000;
	tv->tv_usec = ms % 1000 * 1000;
}

/* What goes through the pipe of the workers to their supervisor: written whole. */
struct news {
	uint16_t index;
	uint8_t what;
	uint8_t unused;
};

static void
tell(int fd, enum daemon_news what, unsigned index)
{
	const struct news news = { .index = (uint16_t)index, .what = (uint8_t)what };

	/* A beat that finds the pipe full tells nothing that those before it do not. */
	if (write(fd, &news, sizeof(news)) < 0 && what != DAEMON_BEAT)
		log_warning("cannot tell the supervisor", "reason", strerror(errno));
}

bool
daemon_hear(int fd, enum daemon_news *what, unsigned *index)
{
	struct news news;

	if (read(fd, &news, sizeof(news)) != sizeof(news))
		return false;
	*what = (enum daemon_news)news.what;
	*index = news.index;
	return true;
}

void
daemon_announce(const struct daemon_config *cfg, int listen_fd)
{
	struct endpoint bound = { .len = sizeof(bound.addr) };
	char text[ENDPOINT_TEXT_MAX], workers[16];

	if (getsockname(listen_fd, (struct sockaddr *)&bound.addr, &bound.len) != 0)
		bound = cfg->listen;
	endpoint_text(&bound, text);
	snprintf(workers, sizeof(workers), "%u", cfg->workers);
	log_notice("ready", "listening", text, "workers", workers);
	notify_ready("serving on %s", text);
}

void
daemon_signals_block(bool block)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* A worker's own side: its loop and the signals that end or reload it. */
struct life {
	struct worker worker;	/* first: worker_ready() goes from it to here */
	int ready_fd;
	const struct daemon_config *cfg;
	const struct daemon_sockets *sockets;
	struct event on_term, on_int, on_hup, on_deadline, on_beat;
	bool stopping;
	pid_t supervisor;		/* 0: there is none */
};

void
daemon_stop_listening(const struct daemon_sockets *sockets)
{
	shutdown(sockets->listen_fd, SHUT_RDWR);
	if (sockets->also_fd >= 0)
		shutdown(sockets->also_fd, SHUT_RDWR);
}

static void
life_stop(evutil_socket_t sig, short what, void *arg)
{
	struct life *l = arg;
	struct timeval drain;

	/* A terminal or a service manager signals all processes, the supervisor as well. */
	if (l->stopping)
		return;
	l->stopping = true;
	if (l->ready_fd < 0)
		notify_stopping("requests under way are finished");
	/* A worker that is stopped by itself leaves the socket to its successor. */
	if (l->supervisor == 0 || getppid() != l->supervisor)
		daemon_stop_listening(l->sockets);
	if (l->worker.stop == NULL) {
		event_base_loopbreak(l->worker.base);
		return;
	}
	daemon_time_ms(&drain, l->cfg->drain_ms > 0 ? l->cfg->drain_ms : DAEMON_DRAIN_MS);
	event_add(&l->on_deadline, &drain);
	l->worker.stop(l->worker.hook_arg);
}

static void
life_reload(evutil_socket_t sig, short what, void *arg)
{
	struct life *l = arg;

	if (l->ready_fd < 0)
		notify_reloading();
	if (l->worker.reload != NULL)
		l->worker.reload(l->worker.hook_arg);
	if (l->ready_fd < 0)
		notify_ready("the files were read again");
	else
		tell(l->ready_fd, DAEMON_RELOADED, l->worker.index);
}

/* The loop turns. */
static void
life_beat(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;

	if (l->ready_fd < 0)
		notify_watchdog();
	else
		tell(l->ready_fd, DAEMON_BEAT, l->worker.index);
}

static void
life_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;

	log_warning("the drain took too long: what is left is dropped");
	event_base_loopbreak(l->worker.base);
}

/* Without a supervisor it is this process that the service manager watches. */
static void
life_watch(struct life *l, int64_t beat_ms)
{
	struct timeval tv;

	event_assign(&l->on_beat, l->worker.base, -1, EV_PERSIST, life_beat, l);
	if (l->ready_fd < 0)
		beat_ms = notify_watchdog_ms() / DAEMON_PINGS;
	if (beat_ms <= 0)
		return;
	daemon_time_ms(&tv, beat_ms);
	event_add(&l->on_beat, &tv);
}

int
daemon_worker_run(const struct daemon_config *cfg, const struct daemon_sockets *sockets,
    int ready_fd, unsigned index, int64_t beat_ms)
{
	struct life l = { .worker = { .listen_fd = sockets->listen_fd,
	    .also_fd = sockets->also_fd, .index = index },
	    .ready_fd = ready_fd, .cfg = cfg, .sockets = sockets, .supervisor = ready_fd < 0 ? 0 : getppid() };
	int status;

	l.worker.base = event_base_new();
	if (l.worker.base == NULL) {
		log_error("no event loop");
		return 1;
	}
	evsignal_assign(&l.on_term, l.worker.base, SIGTERM, life_stop, &l);
	evsignal_assign(&l.on_int, l.worker.base, SIGINT, life_stop, &l);
	evsignal_assign(&l.on_hup, l.worker.base, SIGHUP, life_reload, &l);
	evtimer_assign(&l.on_deadline, l.worker.base, life_deadline, &l);
	event_add(&l.on_term, NULL);
	event_add(&l.on_int, NULL);
	event_add(&l.on_hup, NULL);
	life_watch(&l, beat_ms);
	daemon_signals_block(false);
	status = cfg->run(&l.worker, cfg->arg);
	/* a terminal's signal comes with the supervisor's, which must not kill what is ending */
	daemon_signals_block(true);
	event_del(&l.on_term);
	event_del(&l.on_int);
	event_del(&l.on_hup);
	event_del(&l.on_deadline);
	event_del(&l.on_beat);
	event_base_free(l.worker.base);
	return status;
}

void
worker_ready(struct worker *w)
{
	const struct life *l = (const struct life *)w;

	if (l->ready_fd < 0)
		daemon_announce(l->cfg, w->listen_fd);
	else
		tell(l->ready_fd, DAEMON_READY, w->index);
}
