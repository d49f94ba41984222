#include "coordinator/service.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <sys/mman.h>

#include "coordinator/standing.h"
#include "daemon.h"
#include "log.h"

#define FAULTS_MAX	65536

/* Of the supervisor and, copied by fork(), of each worker. */
struct daemon_state {
	const struct coordinator_config *cfg;	/* in force here */
	struct coordinator_config *own;		/* the same, in the supervisor, if SIGHUP brought it */
	int argc;
	char **argv;
	struct coordinator_metrics metrics;
	struct daemon_config daemon;
	_Atomic unsigned *accepted;	/* shared: times that the supervisor found another good */
	unsigned taken;			/* of them, here */
	struct service *service;	/* in a worker */
};

/* ---- what the fleet is worth ---- */

/* One line for now, one for the next day on which rules begin. */
static void
log_standing(const struct coordinator_config *cfg)
{
	const struct rules rules = policy_at(&cfg->policy, time(NULL));
	struct buf now = BUF_INIT(2048), next = BUF_INIT(2048), unbound = BUF_INIT(8192);
	bool ok = standing_text(&cfg->fleet, &rules, &now),
	    ok_next = standing_next_text(&cfg->fleet, &rules, &next);

	log_write(ok ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, ok ? "the fleet satisfies its policy" :
	    "the fleet does not satisfy its policy: requests that need more are refused",
	    "standing", now.data != NULL ? now.data : "", NULL);
	log_write(ok_next ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, ok_next ?
	    "the fleet satisfies what its policy demands next" :
	    "the fleet will not satisfy its policy",
	    "standing", next.data != NULL ? next.data : "", NULL);
	if (standing_unbound_text(&cfg->fleet, &unbound))
		log_warning("the evidence of some perspectives is weaker", "standing",
		    unbound.data != NULL ? unbound.data : "");
	buf_free(&now);
	buf_free(&next);
	buf_free(&unbound);
}

/* ---- another configuration ---- */

static void
config_drop(struct coordinator_config *cfg)
{
	if (cfg != NULL)
		coordinator_config_free(cfg);
	free(cfg);
}

/* One line for all that is wrong with it. */
static void
log_refusal(struct buf *faults)
{
	while (faults->len > 0 && faults->data[faults->len - 1] == '\n')
		faults->data[--faults->len] = '\0';
	for (size_t i = 0; i < faults->len; i++)
		if (faults->data[i] == '\n')
			faults->data[i] = ';';
	log_error("the configuration cannot be used, the one before stays in force", "faults",
	    faults->len > 0 ? faults->data : "out of memory");
}

/* NULL: it is faulty, as was logged. */
static struct coordinator_config *
config_read(struct daemon_state *state)
{
	struct coordinator_config *cfg = calloc(1, sizeof(*cfg));
	struct buf faults = BUF_INIT(FAULTS_MAX), kept = BUF_INIT(1024);

	if (cfg == NULL || !option_read_again(&coordinator_options, state->argc, state->argv,
	    state->cfg, cfg, &faults, &kept)) {
		log_refusal(&faults);
		config_drop(cfg);
		cfg = NULL;
	} else if (kept.len > 0 && (state->service == NULL || state->daemon.workers == 0)) {
		log_warning("options that are taken at start only are not changed", "options",
		    kept.data);
	}
	buf_free(&faults);
	buf_free(&kept);
	return cfg;
}

static void
config_adopt(struct daemon_state *state, const struct coordinator_config *cfg)
{
	state->cfg = cfg;
	state->daemon.drain_ms = cfg->max_deadline_ms + 1000;
	log_init(coordinator_options.program, cfg->daemon.level, cfg->daemon.log_json);
}

/* Without a place among what is counted a caller's limits would not hold. */
static bool
callers_counted(const struct daemon_state *state, const struct coordinator_config *cfg)
{
	struct buf faults = BUF_INIT(1024);

	for (size_t i = 0; i < cfg->callers.count; i++) {
		if (coordinator_metrics_caller(&state->metrics, &cfg->callers, i) != SIZE_MAX)
			continue;
		buf_addf(&faults, "callers: %s: there have been callers of %d names since the start: "
		    "a new one needs a restart", cfg->callers.list[i].name, ADMISSION_CELLS);
		log_refusal(&faults);
		buf_free(&faults);
		return false;
	}
	return true;
}

/* ---- signals ---- */

/*
 * In the supervisor: finds out whether it is good before any worker looks at it,
 * and keeps it for workers that will be started later.
 */
static void
on_supervisor_reload(void *arg)
{
	struct daemon_state *state = arg;
	struct coordinator_config *cfg = config_read(state);

	if (cfg != NULL) {
		coordinator_metrics_know(&state->metrics, cfg);
		if (!callers_counted(state, cfg)) {
			config_drop(cfg);
			cfg = NULL;
		}
	}
	metric_set(state->metrics.all, METRIC_CONFIG_REFUSED, 0, cfg == NULL);
	if (cfg == NULL)
		return;
	config_adopt(state, cfg);
	config_drop(state->own);
	state->own = cfg;
	state->taken = atomic_fetch_add(state->accepted, 1) + 1;
	log_notice("the configuration was read again");
	log_standing(cfg);
}

/* In a worker. */
static bool
worker_renew(struct daemon_state *state)
{
	struct coordinator_config *cfg = config_read(state);
	struct buf why = BUF_INIT(1024);
	bool ok = false;

	if (cfg == NULL)
		return false;
	if (state->daemon.workers == 0)
		coordinator_metrics_know(&state->metrics, cfg);
	else if (!coordinator_metrics_knows(&state->metrics, cfg))
		buf_adds(&why, "its perspectives or callers changed while it was read: send SIGHUP again");
	if (why.len == 0)
		ok = service_renew(state->service, cfg, &why);
	if (ok) {
		config_adopt(state, cfg);
	} else {
		log_error("the configuration cannot be used, the one before stays in force",
		    "why", why.data != NULL ? why.data : "out of memory");
		config_drop(cfg);
	}
	buf_free(&why);
	return ok;
}

static void
on_reload(void *arg)
{
	struct daemon_state *state = arg;
	bool alone = state->daemon.workers == 0;
	unsigned accepted = atomic_load(state->accepted);
	bool ok;

	service_reopen(state->service);
	/* What the supervisor has not found good is not looked at. */
	if (!alone && accepted == state->taken)
		return;
	ok = worker_renew(state);
	if (ok)
		state->taken = accepted;
	if (!alone)
		return;
	metric_set(state->metrics.all, METRIC_CONFIG_REFUSED, 0, !ok);
	if (ok) {
		log_notice("the configuration was read again");
		log_standing(state->cfg);
	}
}

static void
on_stop(void *arg)
{
	struct daemon_state *state = arg;

	service_stop(state->service);
}

/* ---- life ---- */

static int
worker_run(struct worker *w, void *arg)
{
	struct daemon_state *state = arg;
	struct buf why = BUF_INIT(1024);

	metrics_use(state->metrics.all, w->index);
	state->service = service_new(w->base, state->cfg, &state->metrics, w->listen_fd, w->index,
	    &why);
	if (state->service == NULL) {
		log_error("cannot serve", "why", why.data != NULL ? why.data : "out of memory");
		buf_free(&why);
		return 1;
	}
	w->stop = on_stop;
	w->reload = on_reload;
	w->hook_arg = state;
	worker_ready(w);
	event_base_dispatch(w->base);
	service_free(state->service);
	buf_free(&why);
	return 0;
}

int
service_daemon(const struct coordinator_config *cfg, int argc, char **argv)
{
	unsigned workers = (unsigned)cfg->daemon.workers;
	struct daemon_state state = { .cfg = cfg, .argc = argc, .argv = argv,
		.daemon = { .listen = cfg->daemon.listen, .workers = workers,
			.drain_ms = cfg->max_deadline_ms + 1000, .run = worker_run,
			.reload = on_supervisor_reload, .arg = &state } };
	void *shared = mmap(NULL, sizeof(*state.accepted), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 1;

	if (cfg->audit_dir == NULL)
		log_warning("there is no audit log (audit_dir): attempts leave log lines only");
	if (shared == MAP_FAILED ||
	    !coordinator_metrics_init(&state.metrics, workers > 0 ? workers : 1)) {
		log_error("out of memory");
		return status;
	}
	state.accepted = shared;
	/* The supervisor's own slot: the one after the workers'. */
	metrics_use(state.metrics.all, workers > 0 ? workers : 1);
	coordinator_metrics_know(&state.metrics, cfg);
	log_standing(cfg);
	log_notice("public suffixes", "list", cfg->suffixes.builtin ? "libpsl's own" :
	    cfg->public_suffix_file);
	status = daemon_run(&state.daemon);
	coordinator_metrics_free(&state.metrics);
	munmap(shared, sizeof(*state.accepted));
	config_drop(state.own);
	return status;
}
