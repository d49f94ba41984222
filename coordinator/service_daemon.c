#include "coordinator/service.h"

#include <stdlib.h>
#include <time.h>

#include "coordinator/metrics.h"
#include "coordinator/standing.h"
#include "daemon.h"
#include "log.h"

struct daemon_state {
	const struct coordinator_config *cfg;
	struct metrics *metrics;
};

static void
on_stop(void *arg)
{
	service_stop(arg);
}

static void
on_reload(void *arg)
{
	service_reload(arg);
}

static int
worker_run(struct worker *w, void *arg)
{
	struct daemon_state *state = arg;
	struct buf why = BUF_INIT(1024);
	struct service *s;

	metrics_use(state->metrics, w->index);
	s = service_new(w->base, state->cfg, state->metrics, w->listen_fd, w->index,
	    &why);
	if (s == NULL) {
		log_error("cannot serve", "why", why.data != NULL ? why.data : "out of memory");
		buf_free(&why);
		return 1;
	}
	w->stop = on_stop;
	w->reload = on_reload;
	w->hook_arg = s;
	worker_ready(w);
	event_base_dispatch(w->base);
	service_free(s);
	buf_free(&why);
	return 0;
}

/* One line for now, one for the next day on which rules begin. */
static void
log_standing(const struct coordinator_config *cfg)
{
	const struct rules rules = policy_at(&cfg->policy, time(NULL));
	struct buf now = BUF_INIT(2048), next = BUF_INIT(2048);
	bool ok = standing_text(&cfg->fleet, &rules, &now),
	    ok_next = standing_next_text(&cfg->fleet, &rules, &next);

	log_write(ok ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, ok ? "the fleet satisfies its policy" :
	    "the fleet does not satisfy its policy: requests that need more are refused",
	    "standing", now.data != NULL ? now.data : "", NULL);
	log_write(ok_next ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, ok_next ?
	    "the fleet satisfies what its policy demands next" :
	    "the fleet will not satisfy its policy",
	    "standing", next.data != NULL ? next.data : "", NULL);
	buf_free(&now);
	buf_free(&next);
}

int
service_daemon(const struct coordinator_config *cfg)
{
	unsigned workers = (unsigned)cfg->daemon.workers;
	struct metric *table;
	struct daemon_state state = { .cfg = cfg };
	struct daemon_config daemon = { .listen = cfg->daemon.listen, .workers = workers,
		.drain_ms = cfg->max_deadline_ms + 1000, .run = worker_run, .arg = &state };
	int status = 1;

	if (cfg->audit_dir == NULL)
		log_warning("there is no audit log (audit_dir): attempts leave log lines only");
	state.metrics = coordinator_metrics_new(cfg, workers > 0 ? workers : 1, &table);
	log_standing(cfg);
	if (state.metrics != NULL)
		status = daemon_run(&daemon);
	else
		log_error("out of memory");
	metrics_free(state.metrics);
	free(table);
	return status;
}
