#include "httpcheck/fetcher.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "httpcheck/fetcher_link.h"
#include "httpcheck/fetcher_process.h"
#include "log.h"
#include "monotonic.h"
#include "wire.h"

#define BACKOFF_FIRST_MS	100
#define BACKOFF_MAX_MS		10000
#define YOUNG_MS		10000	/* dying before this doubles the back-off */
#define GRACE_MS		1000	/* for an outcome beyond its job's time */
#define FETCHES_MAX		65536
#define HELLO_MAX		256

/* A job that has not ended. Its place in `fetches` is the low half of its id. */
struct fetch {
	TAILQ_ENTRY(fetch) entry;	/* of those that wait */
	struct fetcher *fetcher;
	uint64_t id;
	fetch_done *done;
	void *arg;
	struct event timer;
	int64_t total_ms;
	struct buf message;		/* while it waits for a fetcher */
	bool sent;
	uint64_t sent_ns;
};

TAILQ_HEAD(fetch_list, fetch);

struct fetcher {
	struct event_base *base;
	struct fetcher_process process;
	struct fetcher_link *link;	/* NULL: none runs, and `restart` is pending */
	pid_t pid;			/* 0: it is no child of ours */
	bool greeted;			/* it has said what confines it */
	void (*died)(void *arg);
	void (*ready)(void *arg, bool ready);
	void *arg;			/* of these */
	uint64_t started_ns, heard_ns;
	int64_t backoff_ms;
	struct event restart;
	struct fetch **fetches;
	size_t place_count, next_place;
	uint32_t generation;		/* the high half of the next id */
	struct fetch_list waiting;
	struct buf message;
	bool closing;
	char sorry[HELLO_MAX];		/* what it said before it ended by itself */
};

static void fetcher_died(struct fetcher *f);

/* --- a fetch ------------------------------------------------------------------ */

/* Takes it out of everything; its memory is all that is left. */
static void
fetch_unlink(struct fetch *fetch)
{
	struct fetcher *f = fetch->fetcher;

	f->fetches[fetch->id & UINT32_MAX] = NULL;
	evtimer_del(&fetch->timer);
	if (!fetch->sent)
		TAILQ_REMOVE(&f->waiting, fetch, entry);
	buf_free(&fetch->message);
}

static void
fetch_end(struct fetch *fetch, const struct fetch_outcome *o)
{
	fetch_done *done = fetch->done;
	void *arg = fetch->arg;

	fetch_unlink(fetch);
	free(fetch);
	done(arg, o);
}

static void
fetch_fail(struct fetch *fetch, const char *sentence)
{
	const struct fetch_outcome o = {
		.problem = PROBLEM_FETCHER_DIED,
		.sentence = sentence,
		.connect_us = -1, .tls_us = -1, .first_byte_us = -1, .total_us = -1,
	};

	fetch_end(fetch, &o);
}

static void
fetch_tell_cancelled(struct fetch *fetch)
{
	struct fetcher *f = fetch->fetcher;

	if (!fetch->sent || f->link == NULL)
		return;
	fetcher_link_begin(&f->message);
	fetcher_link_put_id(&f->message, fetch->id);
	fetcher_link_send(f->link, &f->message);
}

/*
 * The fetcher keeps the time itself. One that has said nothing at all since it
 * got the job hangs, and is ended; a busy one is let be.
 */
static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct fetch *fetch = arg;
	struct fetcher *f = fetch->fetcher;
	bool hangs = fetch->sent && f->heard_ns < fetch->sent_ns;

	fetch_tell_cancelled(fetch);
	fetch_fail(fetch, fetch->sent ? "the fetcher did not answer in time" :
	    "no fetcher could be started in time");
	if (!hangs || f->link == NULL)
		return;
	if (f->pid != 0) {
		kill(f->pid, SIGKILL);
		return;
	}
	/* not ours to kill: its keeper will */
	snprintf(f->sorry, sizeof(f->sorry), "it did not answer in time");
	fetcher_died(f);
}

/* Hands the job in `message` to the process; without one it waits. */
static bool
fetch_send(struct fetch *fetch, struct buf *message)
{
	struct fetcher *f = fetch->fetcher;

	if (f->link == NULL || !fetcher_link_send(f->link, message))
		return false;
	fetch->sent = true;
	fetch->sent_ns = monotonic_ns();
	return true;
}

static bool
grow(struct fetcher *f)
{
	size_t count = f->place_count > 0 ? 2 * f->place_count : 64;
	struct fetch **grown;

	if (count > FETCHES_MAX)
		return false;
	grown = realloc(f->fetches, count * sizeof(*grown));
	if (grown == NULL)
		return false;
	memset(grown + f->place_count, 0, (count - f->place_count) * sizeof(*grown));
	f->next_place = f->place_count;
	f->fetches = grown;
	f->place_count = count;
	return true;
}

/* A free place, and an id that no earlier fetch had. */
static bool
fetch_place(struct fetch *fetch)
{
	struct fetcher *f = fetch->fetcher;
	size_t tried = 0;

	while (tried < f->place_count && f->fetches[f->next_place] != NULL) {
		f->next_place = (f->next_place + 1) % f->place_count;
		tried++;
	}
	if (tried == f->place_count && !grow(f))
		return false;
	/* neither HELLO nor SORRY */
	f->generation = f->generation < INT32_MAX ? f->generation + 1 : 1;
	fetch->id = (uint64_t)f->generation << 32 | f->next_place;
	f->fetches[f->next_place] = fetch;
	f->next_place = (f->next_place + 1) % f->place_count;
	return true;
}

struct fetch *
fetcher_start(struct fetcher *f, const struct fetch_job *job, fetch_done *done, void *arg)
{
	struct fetch *fetch = f != NULL && !f->closing ? calloc(1, sizeof(*fetch)) : NULL;
	int64_t limit_ms = job->total_ms + GRACE_MS;
	struct timeval limit = { limit_ms / 1000, limit_ms % 1000 * 1000 };

	if (fetch == NULL)
		return NULL;
	fetch->fetcher = f;
	fetch->done = done;
	fetch->arg = arg;
	fetch->total_ms = job->total_ms;
	fetch->message = BUF_INIT(f->message.max);
	evtimer_assign(&fetch->timer, f->base, on_late, fetch);
	if (!fetch_place(fetch)) {
		free(fetch);
		return NULL;
	}
	fetcher_link_begin(&f->message);
	fetch_job_encode(job, fetch->id, &f->message);
	if (f->message.failed || evtimer_add(&fetch->timer, &limit) != 0)
		goto out;
	if (!fetch_send(fetch, &f->message)) {
		if (f->link != NULL)
			goto out;
		buf_add(&fetch->message, f->message.data, f->message.len);
		if (fetch->message.failed)
			goto out;
		TAILQ_INSERT_TAIL(&f->waiting, fetch, entry);
	}
	return fetch;
out:
	fetch->sent = true;	/* it is on no list */
	fetch_unlink(fetch);
	free(fetch);
	return NULL;
}

void
fetch_cancel(struct fetch *fetch)
{
	fetch_tell_cancelled(fetch);
	fetch_unlink(fetch);
	free(fetch);
}

static void
tell_ready(const struct fetcher *f)
{
	if (f->ready != NULL)
		f->ready(f->arg, fetcher_ready(f));
}

/* --- what the process says ---------------------------------------------------- */

static void
hear_hello(struct fetcher *f, uint64_t id, const char *text, size_t len)
{
	char said[HELLO_MAX], pid[16];

	snprintf(said, sizeof(said), "%.*s", (int)(len < HELLO_MAX ? len : HELLO_MAX - 1), text);
	snprintf(pid, sizeof(pid), "%ld", (long)f->pid);
	if (id != FETCHER_HELLO) {
		memcpy(f->sorry, said, sizeof(f->sorry));
		return;
	}
	f->greeted = true;
	tell_ready(f);
	if (f->pid != 0)
		log_notice("a fetcher was started", "pid", pid, "confined", said);
	else
		log_notice("a fetcher was started", "socket", f->process.socket, "confined", said);
}

/* Whatever made of it what it is: false for what no fetcher sends. */
static bool
on_message(void *arg, const void *bytes, size_t len)
{
	struct fetcher *f = arg;
	struct wire_reader r;
	struct fetch_outcome o;
	struct fetch *fetch;
	uint64_t id;

	f->heard_ns = monotonic_ns();
	wire_reader_init(&r, bytes, len);
	id = wire_u64(&r);
	if (id == FETCHER_HELLO || id == FETCHER_SORRY) {
		hear_hello(f, id, (const char *)r.pos, wire_left(&r));
		return true;
	}
	if (!fetch_outcome_decode(&o, &id, bytes, len) || (id & UINT32_MAX) >= f->place_count) {
		snprintf(f->sorry, sizeof(f->sorry), "it sent what is no outcome");
		return false;
	}
	/* one that was cancelled meanwhile has no place any more, or another has it */
	fetch = f->fetches[id & UINT32_MAX];
	if (fetch != NULL && fetch->id == id && fetch->sent)
		fetch_end(fetch, &o);
	return true;
}

static void
on_end(void *arg)
{
	fetcher_died(arg);
}

/* --- the process --------------------------------------------------------------- */

/* Ends the process, if it is a child and has not ended, and says how it did. */
static void
reap(struct fetcher *f, char how[static FETCHER_END_TEXT])
{
	fetcher_process_end(f->pid, how);
	f->pid = 0;
	fetcher_link_free(f->link);
	f->link = NULL;
}

/* An errno value; 0: it runs. */
static int
fetcher_spawn(struct fetcher *f)
{
	const struct fetcher_link_owner owner = { on_message, on_end, f };
	char how[FETCHER_END_TEXT];
	int fd, rc;

	f->started_ns = monotonic_ns();
	rc = fetcher_process_open(&f->process, &fd, &f->pid);
	if (rc != 0) {
		f->pid = 0;
		return rc;
	}
	f->link = fetcher_link_new(f->base, fd, &owner);
	if (f->link == NULL) {
		close(fd);
		reap(f, how);
		return ENOMEM;
	}
	f->greeted = false;
	f->sorry[0] = '\0';
	tell_ready(f);
	return 0;
}

static void
restart_later(struct fetcher *f)
{
	struct timeval later;

	if (f->backoff_ms == 0 || monotonic_ns() - f->started_ns > YOUNG_MS * 1000000ull)
		f->backoff_ms = BACKOFF_FIRST_MS;
	else if (f->backoff_ms * 2 <= BACKOFF_MAX_MS)
		f->backoff_ms *= 2;
	later = (struct timeval){ f->backoff_ms / 1000, f->backoff_ms % 1000 * 1000 };
	evtimer_add(&f->restart, &later);
}

static void
cannot_start(struct fetcher *f, int rc)
{
	if (f->process.socket == NULL)
		log_error("cannot start a fetcher", "reason", strerror(rc));
	else
		log_error("cannot reach a fetcher", "socket", f->process.socket,
		    "reason", strerror(rc));
	restart_later(f);
}

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct fetcher *f = arg;
	struct fetch *fetch;
	int rc = fetcher_spawn(f);

	if (rc != 0) {
		cannot_start(f, rc);
		return;
	}
	while ((fetch = TAILQ_FIRST(&f->waiting)) != NULL) {
		if (!fetch_send(fetch, &fetch->message))
			return;		/* its time will end it */
		TAILQ_REMOVE(&f->waiting, fetch, entry);
		buf_free(&fetch->message);
	}
}

/* What its end is to those who wait may start new fetches: these wait for the next one. */
static void
fetcher_died(struct fetcher *f)
{
	char how[FETCHER_END_TEXT], sentence[96], lost_text[16];
	size_t lost = 0;

	reap(f, how);
	tell_ready(f);
	for (size_t i = 0; i < f->place_count; i++)
		lost += f->fetches[i] != NULL && f->fetches[i]->sent;
	snprintf(lost_text, sizeof(lost_text), "%zu", lost);
	log_warning("the fetcher died and is started again", "by", how, "fetches", lost_text,
	    "reason", f->sorry);
	restart_later(f);
	if (f->died != NULL)
		f->died(f->arg);
	snprintf(sentence, sizeof(sentence), "the fetcher died (%s) while it was at work", how);
	for (size_t i = 0; i < f->place_count; i++)
		if (f->fetches[i] != NULL && f->fetches[i]->sent)
			fetch_fail(f->fetches[i], sentence);
}

struct fetcher *
fetcher_new(struct event_base *base, const struct fetcher_config *cfg, struct buf *why)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL) {
		buf_adds(why, "out of memory");
		return NULL;
	}
	f->base = base;
	f->died = cfg->died;
	f->ready = cfg->ready;
	f->arg = cfg->arg;
	TAILQ_INIT(&f->waiting);
	f->message = BUF_INIT(FETCH_MESSAGE_MAX + 64);
	evtimer_assign(&f->restart, base, on_restart, f);
	if (!fetcher_process_init(&f->process, cfg, why)) {
		fetcher_free(f);
		return NULL;
	}
	rc = fetcher_spawn(f);
	if (rc != 0 && cfg->socket != NULL) {
		cannot_start(f, rc);
	} else if (rc != 0) {
		buf_adds(why, strerror(rc));
		fetcher_free(f);
		return NULL;
	}
	return f;
}

pid_t
fetcher_pid(const struct fetcher *f)
{
	return f->pid;
}

bool
fetcher_ready(const struct fetcher *f)
{
	return f->link != NULL && (f->pid != 0 || f->greeted);
}

void
fetcher_free(struct fetcher *f)
{
	char how[FETCHER_END_TEXT];

	if (f == NULL)
		return;
	f->closing = true;
	if (f->link != NULL)
		reap(f, how);
	for (size_t i = 0; i < f->place_count; i++)
		if (f->fetches[i] != NULL)
			fetch_fail(f->fetches[i], "the perspective is stopping");
	evtimer_del(&f->restart);
	buf_free(&f->message);
	free(f->fetches);
	fetcher_process_free(&f->process);
	free(f);
}
