#include "coordinator/admission.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event_struct.h>
#include <sys/mman.h>

#include "coordinator/rate.h"
#include "monotonic.h"

#define LATE_TICK_MS	10	/* how exactly those that wait are told that it is too late */
#define RETRY_MAX_S	60
#define ANSWER_NS	300000	/* what a request costs from the first result to its answer, by make bench */
#define RESERVE_SHARE	4	/* the most of the time left, as its inverse */
#define MEAN_SHARE	32	/* a request's part in the mean, as its inverse */
#define MEAN_FIRST_NS	UINT64_C(1000000000)

const char *const admission_names[ADMISSION_COUNT] = {
	[ADMISSION_OK] = "admitted",
	[ADMISSION_FORBIDDEN] = "forbidden",
	[ADMISSION_RATE] = "rate",
	[ADMISSION_CONCURRENCY] = "concurrency",
	[ADMISSION_FULL] = "queue-full",
	[ADMISSION_LATE] = "no-turn",
	[ADMISSION_UNKNOWN] = "unknown",
};

/* ---- what workers share ---- */

struct admission_shared {
	unsigned workers;
	struct cells {
		_Atomic uint64_t next_ns[ADMISSION_CELLS];	/* see rate_take() */
		_Atomic uint32_t held[];	/* a cell's, worker by worker */
	} *cells;
};

static size_t
shared_size(const struct admission_shared *shared)
{
	return sizeof(*shared->cells) +
	    sizeof(shared->cells->held[0]) * ADMISSION_CELLS * shared->workers;
}

struct admission_shared *
admission_shared_new(unsigned workers)
{
	struct admission_shared *shared = malloc(sizeof(*shared));

	if (shared == NULL)
		return NULL;
	shared->workers = workers;
	shared->cells = mmap(NULL, shared_size(shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared->cells == MAP_FAILED) {
		free(shared);
		return NULL;
	}
	return shared;
}

void
admission_shared_free(struct admission_shared *shared)
{
	if (shared == NULL)
		return;
	munmap(shared->cells, shared_size(shared));
	free(shared);
}

static _Atomic uint32_t *
held_at(const struct admission_shared *shared, size_t cell, unsigned worker)
{
	return &shared->cells->held[cell * shared->workers + worker];
}

static size_t
held_by_all(const struct admission_shared *shared, size_t cell)
{
	size_t sum = 0;

	for (unsigned w = 0; w < shared->workers; w++)
		sum += atomic_load(held_at(shared, cell, w));
	return sum;
}

/* ---- a worker's part ---- */

struct admission {
	struct admission_shared *shared;
	unsigned worker;
	struct admission_limits limits;
	size_t in;
	struct turns *turns;
	uint64_t mean_ns;	/* how long a request takes, lately */
	struct event next, late;
};

/* Those whose turn it is; not from within another's end. */
static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct admission *a = arg;
	struct turn *turn;
	struct ticket *t;

	while (a->in < a->limits.at_once && (turn = turns_next(a->turns)) != NULL) {
		t = (struct ticket *)turn;
		t->state = TICKET_IN;
		t->since_ns = monotonic_ns();
		a->in++;
		t->calls->turn(t);
	}
	if (turns_count(a->turns) == 0)
		event_del(&a->late);
}

static void
hold(struct admission *a, size_t cell, int change)
{
	atomic_fetch_add(held_at(a->shared, cell, a->worker), (uint32_t)change);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct admission *a = arg;
	uint64_t now = monotonic_ns();
	struct turn *turn;
	struct ticket *t;

	while ((turn = turns_late(a->turns, now)) != NULL) {
		t = (struct ticket *)turn;
		t->state = TICKET_NONE;
		hold(a, t->cell, -1);
		t->calls->late(t);
	}
	if (turns_count(a->turns) == 0)
		event_del(&a->late);
}

struct admission *
admission_new(struct event_base *base, struct admission_shared *shared, unsigned worker,
    const struct admission_limits *limits)
{
	struct admission *a = calloc(1, sizeof(*a));

	if (a == NULL || (a->turns = turns_new(ADMISSION_CELLS)) == NULL) {
		free(a);
		return NULL;
	}
	a->shared = shared;
	a->worker = worker < shared->workers ? worker : 0;
	a->mean_ns = MEAN_FIRST_NS;
	for (size_t cell = 0; cell < ADMISSION_CELLS; cell++)
		atomic_store(held_at(shared, cell, a->worker), 0);
	event_assign(&a->next, base, -1, 0, on_next, a);
	event_assign(&a->late, base, -1, EV_PERSIST, on_late, a);
	admission_limit(a, limits);
	return a;
}

void
admission_free(struct admission *a)
{
	if (a == NULL)
		return;
	event_del(&a->next);
	event_del(&a->late);
	turns_free(a->turns);
	free(a);
}

void
admission_limit(struct admission *a, const struct admission_limits *limits)
{
	a->limits = *limits;
	turns_limit(a->turns, limits->waiting, limits->waiting_each);
	event_active(&a->next, EV_TIMEOUT, 0);
}

size_t
admission_waiting(const struct admission *a)
{
	return turns_count(a->turns);
}

uint64_t
admission_reserve_ns(const struct admission *a, uint64_t left_ns)
{
	uint64_t all_ns = (uint64_t)a->in * ANSWER_NS;

	return all_ns < left_ns / RESERVE_SHARE ? all_ns : left_ns / RESERVE_SHARE;
}

/* ---- when to come again ---- */

static int64_t
seconds(uint64_t ns)
{
	uint64_t s = ns / 1000000000U + (ns % 1000000000U != 0);

	return s < 1 ? 1 : s > RETRY_MAX_S ? RETRY_MAX_S : (int64_t)s;
}

/* Until those before it have had their turn, as long as requests take lately. */
int64_t
admission_retry_s(const struct admission *a)
{
	return seconds(a->mean_ns / a->limits.at_once * (turns_count(a->turns) + 1));
}

/* ---- at the door ---- */

static bool
must_wait(const struct admission *a)
{
	return a->in >= a->limits.at_once || turns_count(a->turns) > 0;
}

static bool
take_rate(struct admission *a, const struct caller *caller, size_t cell, int64_t *retry_s)
{
	_Atomic uint64_t *at = &a->shared->cells->next_ns[cell];
	const struct rate rate = rate_of(caller->rate, caller->burst);
	uint64_t now = monotonic_ns(), seen = atomic_load(at), next, wait;

	do {
		next = seen;
		if (!rate_take(&rate, now, &next, &wait)) {
			/* Not cut to RETRY_MAX_S: this one is known. */
			*retry_s = (int64_t)((wait + 999999999U) / 1000000000U);
			return false;
		}
	} while (!atomic_compare_exchange_weak(at, &seen, next));
	return true;
}

enum admittance
admission_knock(struct admission *a, const struct caller *caller, size_t cell, int64_t *retry_s)
{
	if (cell >= ADMISSION_CELLS || (must_wait(a) && turns_full(a->turns, cell))) {
		*retry_s = admission_retry_s(a);
		return ADMISSION_FULL;
	}
	if (caller->concurrency > 0 && held_by_all(a->shared, cell) >= caller->concurrency) {
		*retry_s = seconds(a->mean_ns / caller->concurrency);
		return ADMISSION_CONCURRENCY;
	}
	if (caller->rate > 0 && !take_rate(a, caller, cell, retry_s))
		return ADMISSION_RATE;
	return ADMISSION_OK;
}

enum admittance
admission_enter(struct admission *a, const struct caller *caller, size_t cell, struct ticket *t,
    const struct ticket_calls *calls, uint64_t until_ns, int64_t *retry_s)
{
	static const struct timeval tick = { 0, LATE_TICK_MS * 1000 };

	*t = (struct ticket){ .calls = calls, .turn.until_ns = until_ns, .cell = (uint16_t)cell,
		.since_ns = monotonic_ns() };
	/* Counted first: of two workers at once, neither lets one too many in. */
	hold(a, cell, 1);
	if (caller->concurrency > 0 && held_by_all(a->shared, cell) > caller->concurrency) {
		hold(a, cell, -1);
		*retry_s = seconds(a->mean_ns / caller->concurrency);
		return ADMISSION_CONCURRENCY;
	}
	if (!must_wait(a)) {
		t->state = TICKET_IN;
		a->in++;
	} else if (turns_add(a->turns, cell, &t->turn)) {
		t->state = TICKET_WAITS;
		if (!event_pending(&a->late, EV_TIMEOUT, NULL))
			event_add(&a->late, &tick);
	} else {
		hold(a, cell, -1);
		*retry_s = admission_retry_s(a);
		return ADMISSION_FULL;
	}
	return ADMISSION_OK;
}

void
admission_leave(struct admission *a, struct ticket *t)
{
	if (t->state == TICKET_WAITS) {
		turns_remove(a->turns, &t->turn);
	} else if (t->state == TICKET_IN) {
		a->in--;
		a->mean_ns += (monotonic_ns() - t->since_ns) / MEAN_SHARE - a->mean_ns / MEAN_SHARE;
	}
	if (t->state != TICKET_NONE)
		hold(a, t->cell, -1);
	t->state = TICKET_NONE;
	if (turns_count(a->turns) > 0)
		event_active(&a->next, EV_TIMEOUT, 0);
}

/* ---- what is said ---- */

void
admission_text(enum admittance came, const struct caller *caller, struct buf *out)
{
	switch (came) {
	case ADMISSION_RATE:
		buf_addf(out, "the caller %s may ask %g times a second, %zu at once", caller->name,
		    caller->rate, caller->burst);
		break;
	case ADMISSION_CONCURRENCY:
		buf_addf(out, "the caller %s may have %zu requests under way", caller->name,
		    caller->concurrency);
		break;
	case ADMISSION_FULL:
		buf_adds(out, "too many requests are under way, and too many wait for their turn");
		break;
	case ADMISSION_LATE:
		buf_adds(out, "too many requests are under way: this one waited for its turn until "
		    "its deadline left no time for an attempt");
		break;
	default:
		buf_adds(out, admission_names[came]);
		break;
	}
}

int
admission_status(enum admittance came)
{
	if (came == ADMISSION_RATE || came == ADMISSION_CONCURRENCY)
		return 429;
	return came == ADMISSION_FORBIDDEN ? 403 : 503;
}
