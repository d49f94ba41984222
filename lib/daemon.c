#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <event2/event_struct.h>

#include "daemon_worker.h"
#include "log.h"
#include "monotonic.h"
#include "notify.h"

#define BACKLOG 1024
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 10000
#define YOUNG_MS 10000		/* dying before this doubles the back-off */

/* One worker process as its supervisor sees it. */
struct child {
	struct supervisor *supervisor;
	unsigned index;
	pid_t pid;		/* 0: none running */
	uint64_t started_ns;
	int64_t backoff_ms;
	struct event restart;
	bool ready;		/* has been, once */
	bool serving;
	bool reloading;		/* was asked to, and has not said that it did */
	bool hung;		/* its loop does not turn */
	uint64_t beat_ns;	/* when it last said that its loop turns */
};

struct supervisor {
	const struct daemon_config *cfg;
	struct event_base *base;
	const struct daemon_sockets *sockets;
	int ready_fd[2];	/* from the workers: see daemon_hear() */
	struct event on_news, on_child, on_term, on_int, on_hup, on_deadline, on_watch;
	int64_t watchdog_ms;	/* the service manager's patience; 0: it has no watchdog */
	struct child *children;
	unsigned running;
	bool stopping;
	bool announced;
	bool reloading;
	int status;
};

static void child_start(struct child *c);
static void supervisor_unwatch(struct supervisor *s);

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
	child_start(arg);
}

/*
 * In the new process: nothing of the supervisor's loop may be touched but freed,
 * and the worker must not outlive a supervisor that was killed meanwhile.
 */
static void
child_main(struct child *c, pid_t supervisor_pid)
{
	struct supervisor *s = c->supervisor;
	const struct daemon_config *cfg = s->cfg;
	const struct daemon_sockets *sockets = s->sockets;
	int ready_fd = s->ready_fd[1], status;
	/* Twice for each look at it. */
	int64_t beat_ms = s->watchdog_ms / DAEMON_PINGS / 2;

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != supervisor_pid)
		_exit(1);
	event_reinit(s->base);
	supervisor_unwatch(s);
	event_base_free(s->base);
	status = daemon_worker_run(cfg, sockets, ready_fd, c->index, beat_ms);
	_exit(status);
}

static void
child_start(struct child *c)
{
	struct supervisor *s = c->supervisor;
	pid_t self = getpid(), pid;
	struct timeval later;

	if (s->stopping)
		return;
	daemon_signals_block(true);
	pid = fork();
	if (pid == 0)
		child_main(c, self);
	daemon_signals_block(false);
	if (pid < 0) {
		log_error("cannot fork", "reason", strerror(errno));
		daemon_time_ms(&later, BACKOFF_MAX_MS);
		event_add(&c->restart, &later);
		return;
	}
	c->pid = pid;
	c->started_ns = c->beat_ns = monotonic_ns();
	c->hung = false;
	s->running++;
}

/* ---- what the service manager is told ---- */

static void
status_tell(const struct supervisor *s)
{
	unsigned serving = 0;

	for (unsigned i = 0; i < s->cfg->workers; i++)
		serving += s->children[i].serving;
	if (s->announced && !s->stopping)
		notify_status("%u of %u workers serve", serving, s->cfg->workers);
}

/* Once every worker that was asked has read its files again, or died and begun with them. */
static void
reload_check(struct supervisor *s)
{
	if (!s->reloading)
		return;
	for (unsigned i = 0; i < s->cfg->workers; i++)
		if (s->children[i].reloading)
			return;
	s->reloading = false;
	if (s->stopping)
		return;
	log_notice("every worker has read the files again");
	notify_ready("the files were read again");
}

/* A worker of which nothing was heard in half the time there is. One that is dead does not hang. */
static bool
child_hangs(const struct child *c)
{
	uint64_t patience_ns = (uint64_t)c->supervisor->watchdog_ms * 1000000U / 2;

	return c->pid > 0 && monotonic_ns() - c->beat_ns > patience_ns;
}

/*
 * The service manager hears of us while every worker's loop turns. When it
 * does not, it ends the service and starts it again.
 */
static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	bool well = true;
	char index[16];

	for (unsigned i = 0; i < s->cfg->workers; i++) {
		struct child *c = &s->children[i];
		bool hangs = child_hangs(c);

		snprintf(index, sizeof(index), "%u", i);
		if (hangs && !c->hung)
			log_error("a worker hangs: the service manager is not told that all is well",
			    "worker", index);
		c->hung = hangs;
		well = well && !hangs;
	}
	if (well)
		notify_watchdog();
}

static void
watch_start(struct supervisor *s)
{
	struct timeval tv;

	if (s->watchdog_ms <= 0)
		return;
	daemon_time_ms(&tv, s->watchdog_ms / DAEMON_PINGS);
	event_add(&s->on_watch, &tv);
}

/* ---- the workers ---- */

static void
child_died(struct child *c, int status)
{
	struct supervisor *s = c->supervisor;
	char index[16], how[32];
	struct timeval later;

	c->pid = 0;
	c->serving = c->reloading = false;
	s->running--;
	reload_check(s);
	if (s->stopping) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			s->status = 1;
		return;
	}
	snprintf(index, sizeof(index), "%u", c->index);
	snprintf(how, sizeof(how), "%s %d", WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	log_error("a worker died and is started again", "worker", index, "by", how);
	status_tell(s);
	if (monotonic_ns() - c->started_ns > YOUNG_MS * 1000000ull || c->backoff_ms == 0)
		c->backoff_ms = BACKOFF_FIRST_MS;
	else if (c->backoff_ms * 2 <= BACKOFF_MAX_MS)
		c->backoff_ms *= 2;
	daemon_time_ms(&later, c->backoff_ms);
	event_add(&c->restart, &later);
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	struct supervisor *s = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < s->cfg->workers; i++)
			if (s->children[i].pid == pid)
				child_died(&s->children[i], status);
	if (s->stopping && s->running == 0)
		event_base_loopbreak(s->base);
}

static void
child_told(struct child *c, enum daemon_news what)
{
	struct supervisor *s = c->supervisor;
	bool served = c->serving;

	c->beat_ns = monotonic_ns();
	if (what == DAEMON_READY)
		c->ready = c->serving = true;
	if (what == DAEMON_RELOADED)
		c->reloading = false;
	if (c->serving != served)
		status_tell(s);
	reload_check(s);
}

static void
on_news(evutil_socket_t fd, short flags, void *arg)
{
	struct supervisor *s = arg;
	enum daemon_news what;
	unsigned ready = 0, index;

	while (daemon_hear(fd, &what, &index))
		if (index < s->cfg->workers)
			child_told(&s->children[index], what);
	for (unsigned i = 0; i < s->cfg->workers; i++)
		ready += s->children[i].ready;
	if (ready < s->cfg->workers || s->announced)
		return;
	s->announced = true;
	daemon_announce(s->cfg, s->sockets->listen_fd);
}

static void
children_signal(struct supervisor *s, int sig)
{
	for (unsigned i = 0; i < s->cfg->workers; i++)
		if (s->children[i].pid > 0)
			kill(s->children[i].pid, sig);
}

/* The workers bound their own drains; the margin is for one whose loop hangs. */
static void
on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct supervisor *s = arg;
	struct timeval drain;

	if (s->stopping)
		return;
	s->stopping = true;
	daemon_stop_listening(s->sockets);
	children_signal(s, SIGTERM);
	notify_stopping("requests under way are finished");
	for (unsigned i = 0; i < s->cfg->workers; i++)
		event_del(&s->children[i].restart);
	daemon_time_ms(&drain, (s->cfg->drain_ms > 0 ? s->cfg->drain_ms : DAEMON_DRAIN_MS) + 2000);
	event_add(&s->on_deadline, &drain);
	if (s->running == 0)
		event_base_loopbreak(s->base);
}

static void
reload_begin(struct supervisor *s)
{
	notify_reloading();
	s->reloading = true;
	for (unsigned i = 0; i < s->cfg->workers; i++)
		s->children[i].reloading = s->children[i].serving;
}

static void
on_hangup(evutil_socket_t sig, short what, void *arg)
{
	struct supervisor *s = arg;

	if (s->stopping)
		return;
	reload_begin(s);
	if (s->cfg->reload != NULL)
		s->cfg->reload(s->cfg->arg);
	children_signal(s, SIGHUP);
	reload_check(s);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	log_error("workers that did not stop are killed");
	s->status = 1;
	children_signal(s, SIGKILL);
}

static void
supervisor_watch(struct supervisor *s)
{
	event_assign(&s->on_news, s->base, s->ready_fd[0], EV_READ | EV_PERSIST, on_news, s);
	evsignal_assign(&s->on_child, s->base, SIGCHLD, on_child, s);
	evsignal_assign(&s->on_term, s->base, SIGTERM, on_stop, s);
	evsignal_assign(&s->on_int, s->base, SIGINT, on_stop, s);
	evsignal_assign(&s->on_hup, s->base, SIGHUP, on_hangup, s);
	evtimer_assign(&s->on_deadline, s->base, on_deadline, s);
	event_assign(&s->on_watch, s->base, -1, EV_PERSIST, on_watch, s);
	event_add(&s->on_news, NULL);
	event_add(&s->on_child, NULL);
	event_add(&s->on_term, NULL);
	event_add(&s->on_int, NULL);
	event_add(&s->on_hup, NULL);
	for (unsigned i = 0; i < s->cfg->workers; i++) {
		s->children[i].supervisor = s;
		s->children[i].index = i;
		evtimer_assign(&s->children[i].restart, s->base, on_restart, &s->children[i]);
	}
}

static void
supervisor_unwatch(struct supervisor *s)
{
	event_del(&s->on_news);
	event_del(&s->on_watch);
	event_del(&s->on_child);
	event_del(&s->on_term);
	event_del(&s->on_int);
	event_del(&s->on_hup);
	event_del(&s->on_deadline);
	for (unsigned i = 0; i < s->cfg->workers; i++)
		event_del(&s->children[i].restart);
}

static int
supervise(const struct daemon_config *cfg, const struct daemon_sockets *sockets)
{
	struct supervisor s = { .cfg = cfg, .sockets = sockets, .ready_fd = { -1, -1 },
		.watchdog_ms = notify_watchdog_ms() };
	int status = 1;

	s.base = event_base_new();
	s.children = calloc(cfg->workers, sizeof(*s.children));
	if (s.base == NULL || s.children == NULL ||
	    pipe2(s.ready_fd, O_CLOEXEC | O_NONBLOCK) != 0) {
		log_error("cannot start workers", "reason", strerror(errno));
		goto out;
	}
	supervisor_watch(&s);
	watch_start(&s);
	for (unsigned i = 0; i < cfg->workers; i++)
		child_start(&s.children[i]);
	event_base_dispatch(s.base);
	daemon_signals_block(true);	/* a second one must not change the exit status */
	supervisor_unwatch(&s);
	status = s.status;
out:
	if (s.ready_fd[0] >= 0) {
		close(s.ready_fd[0]);
		close(s.ready_fd[1]);
	}
	free(s.children);
	if (s.base != NULL)
		event_base_free(s.base);
	return status;
}

/* The usual soft limit, 1024, is for programs with select(2): each client holds a descriptor. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warning("cannot raise the limit on open files", "reason", strerror(errno));
}

static bool
listen_at(const struct endpoint *where, int *fd)
{
	char text[ENDPOINT_TEXT_MAX];

	*fd = endpoint_listen(where, BACKLOG);
	if (*fd >= 0)
		return true;
	endpoint_text(where, text);
	log_error("cannot listen", "address", text, "reason", strerror(errno));
	return false;
}

int
daemon_run(const struct daemon_config *cfg)
{
	struct daemon_sockets sockets = { -1, -1 };
	int status = 1;

	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	if (listen_at(&cfg->listen, &sockets.listen_fd) &&
	    (cfg->also_listen.len == 0 || listen_at(&cfg->also_listen, &sockets.also_fd)))
		status = cfg->workers > 0 ? supervise(cfg, &sockets) :
		    daemon_worker_run(cfg, &sockets, -1, 0, 0);
	if (sockets.listen_fd >= 0)
		close(sockets.listen_fd);
	if (sockets.also_fd >= 0)
		close(sockets.also_fd);
	return status;
}
