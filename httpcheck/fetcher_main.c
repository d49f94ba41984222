#include "httpcheck/fetcher.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <event2/event_struct.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sys/prctl.h>

#include "httpcheck/fetch_http.h"
#include "httpcheck/fetch_tls_alpn.h"
#include "httpcheck/fetcher_keeper.h"
#include "httpcheck/fetcher_link.h"
#include "httpcheck/sandbox.h"
#include "wire.h"

#define TASKS_MAX	((size_t)65536)

/* Authorized Ports for HTTP(S) and TLS-ALPN, enforced once more by the kernel. */
static const uint16_t ports[] = { 80, 443 };

/* A job under way. */
struct task {
	struct station *station;
	uint64_t id;
	struct http_try *http;		/* one of the two */
	struct tls_alpn_try *alpn;
};

/* The low half of an id is its task's place, which the worker sees to be free. */
struct station {
	struct event_base *base;
	struct fetcher_link *link;
	struct fetch_http *http;
	struct fetch_tls_alpn *alpn;
	struct task **tasks;
	size_t task_count;		/* places */
	struct buf message;
	struct event beat;
	bool broken;			/* the worker sent what it never sends, or does not read */
};

static void
station_break(struct station *s)
{
	s->broken = true;
	event_base_loopbreak(s->base);
}

static void
station_send(struct station *s, uint64_t id, const struct fetch_outcome *o)
{
	fetcher_link_begin(&s->message);
	fetch_outcome_encode(o, id, &s->message);
	if (!fetcher_link_send(s->link, &s->message))
		station_break(s);
}

/* The place of an id; NULL if there is none and none can be made. */
static struct task **
station_place(struct station *s, uint64_t id)
{
	size_t at = id & UINT32_MAX, count = s->task_count > 0 ? s->task_count : 64;
	struct task **grown;

	if (at >= TASKS_MAX)
		return NULL;
	while (count <= at)
		count *= 2;
	if (count > s->task_count) {
		grown = realloc(s->tasks, count * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		memset(grown + s->task_count, 0, (count - s->task_count) * sizeof(*grown));
		s->tasks = grown;
		s->task_count = count;
	}
	return &s->tasks[at];
}

static void
task_free(struct task *task)
{
	task->station->tasks[task->id & UINT32_MAX] = NULL;
	free(task);
}

static void
task_cancel(struct task *task)
{
	if (task->http != NULL)
		http_try_cancel(task->http);
	if (task->alpn != NULL)
		tls_alpn_try_cancel(task->alpn);
	task_free(task);
}

static void
task_done(void *arg, const struct fetch_outcome *o)
{
	struct task *task = arg;

	station_send(task->station, task->id, o);
	task_free(task);
}

static void
task_begin(struct task *task, const struct fetch_job *job)
{
	static const struct fetch_outcome no_memory = {
		.problem = PROBLEM_OVERLOADED,
		.sentence = "the fetcher is out of memory",
		.connect_us = -1, .tls_us = -1, .first_byte_us = -1, .total_us = -1,
	};
	struct station *s = task->station;

	if (job->kind == FETCH_TLS_ALPN)
		task->alpn = tls_alpn_try_start(s->alpn, job, task_done, task);
	else
		task->http = http_try_start(s->http, job, task_done, task);
	if (task->alpn == NULL && task->http == NULL)
		task_done(task, &no_memory);
}

static bool
on_cancel(struct station *s, const void *bytes)
{
	struct wire_reader r;
	struct task *task;
	uint64_t id;

	wire_reader_init(&r, bytes, FETCHER_CANCEL_LEN);
	id = wire_u64(&r);
	/* its outcome may be on the way already */
	task = (id & UINT32_MAX) < s->task_count ? s->tasks[id & UINT32_MAX] : NULL;
	if (task != NULL && task->id == id)
		task_cancel(task);
	return true;
}

static bool
on_message(void *arg, const void *bytes, size_t len)
{
	struct station *s = arg;
	struct task *task, **place;
	struct fetch_job job;
	uint64_t id;

	if (len == FETCHER_CANCEL_LEN)
		return on_cancel(s, bytes);
	place = fetch_job_decode(&job, &id, bytes, len) ? station_place(s, id) : NULL;
	if (place == NULL || *place != NULL)
		return false;
	task = malloc(sizeof(*task));
	if (task == NULL)
		return false;
	*task = (struct task){ .station = s, .id = id };
	*place = task;
	task_begin(task, &job);
	return true;
}

static void
on_end(void *arg)
{
	struct station *s = arg;

	event_base_loopbreak(s->base);
}

/* --- the process --------------------------------------------------------------- */

/* Fewer system calls for sockets that are watched only briefly. */
static struct event_base *
make_base(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (cfg != NULL && event_config_set_flag(cfg, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST |
	    EVENT_BASE_FLAG_IGNORE_ENV) == 0)
		base = event_base_new_with_config(cfg);
	if (cfg != NULL)
		event_config_free(cfg);
	return base;
}

/* Everything that reads a file or loads a library, before none can be. */
static bool
station_load(struct station *s, int fd)
{
	static const struct fetcher_link_owner owner = { on_message, on_end, NULL };
	struct fetcher_link_owner mine = owner;
	unsigned char seed;

	mine.arg = s;
	s->message = BUF_INIT(FETCH_MESSAGE_MAX + 64);
	if (OPENSSL_init_ssl(0, NULL) != 1 || RAND_bytes(&seed, 1) != 1 ||
	    curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	s->base = make_base();
	if (s->base == NULL)
		return false;
	s->http = fetch_http_new(s->base);
	s->alpn = fetch_tls_alpn_new(s->base);
	s->link = fetcher_link_new(s->base, fd, &mine);
	return s->http != NULL && s->alpn != NULL && s->link != NULL;
}

static void
station_unload(struct station *s)
{
	for (size_t i = 0; i < s->task_count; i++)
		if (s->tasks[i] != NULL)
			task_cancel(s->tasks[i]);
	free(s->tasks);
	fetcher_link_free(s->link);
	fetch_http_free(s->http);
	fetch_tls_alpn_free(s->alpn);
	buf_free(&s->message);
	if (s->base != NULL)
		event_base_free(s->base);
	curl_global_cleanup();
}

static bool
station_confine(struct station *s, const struct sandbox *sandbox)
{
	struct buf in_force = BUF_INIT(256);
	bool confined = sandbox_enter(sandbox, &in_force);

	fetcher_link_begin(&s->message);
	fetcher_link_put_id(&s->message, confined ? FETCHER_HELLO : FETCHER_SORRY);
	buf_add(&s->message, in_force.data, in_force.len);
	confined = fetcher_link_send(s->link, &s->message) && confined;
	buf_free(&in_force);
	return confined;
}

/* A pipe that is full tells as much. */
static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	ssize_t n = write(FETCHER_BEAT_FD, "", 1);

	(void)n;
}

/* One that a keeper started shows it that its loop turns. */
static void
station_beat(struct station *s, int64_t ms)
{
	const struct timeval turn = { ms / 1000, ms % 1000 * 1000 };

	event_assign(&s->beat, s->base, -1, EV_PERSIST, on_beat, s);
	if (ms > 0)
		evtimer_add(&s->beat, &turn);
}

static int
station_run(struct station *s, const struct sandbox *sandbox, int64_t beat_ms)
{
	int status = 1;

	if (station_load(s, FETCHER_FD) && station_confine(s, sandbox)) {
		station_beat(s, beat_ms);
		if (event_base_dispatch(s->base) >= 0)
			status = s->broken;
		event_del(&s->beat);
	}
	station_unload(s);
	return status;
}

bool
fetcher_asked(int argc, char **argv)
{
	return (argc == 2 || argc == 5) && strcmp(argv[1], FETCHER_ARGUMENT) == 0;
}

/*
 * Signals for a service reach all its processes: a fetcher ends with its connection, or with
 * the worker or keeper whose child it is.
 */
int
fetcher_main(int argc, char **argv)
{
	struct sandbox sandbox = {
		.with_parent = true,
		.ports = ports,
		.port_count = sizeof(ports) / sizeof(ports[0]),
	};
	struct station s = { 0 };

	if (argc == 2)
		return fetcher_keeper_main();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_NAME, "mpic-fetcher");
	sandbox.uid = (uid_t)strtoul(argv[2], NULL, 10);
	sandbox.gid = (gid_t)strtoul(argv[3], NULL, 10);
	return station_run(&s, &sandbox, strtoll(argv[4], NULL, 10));
}
