#include "coordinator/generation.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "monotonic.h"
#include "resolver.h"

/* A perspective that could not be reached counts as missing for this long. */
#define MISSING_NS	(UINT64_C(60) * 1000000000U)
#define RESOLVER_CONNECTIONS 2	/* few requests need it */

/* NULL: nothing is counted. */
static struct metrics *
metrics_of(const struct generation *g)
{
	return g->world->metrics != NULL ? g->world->metrics->all : NULL;
}

size_t
generation_cell(const struct generation *g, size_t member)
{
	return g->cells[member];
}

/* ---- what is counted ---- */

/* Somebody may be posing as a perspective: for a person to look at. */
static void
alarm_raise(struct generation *g, const struct heard *heard, size_t i)
{
	const struct corroborator *c = heard->corroborator;

	metric_add(metrics_of(g), METRIC_ALARMS, g->cells[i], 1);
	log_error("a result was discarded: it may be forged", "perspective", c->perspective->code,
	    "problem", problem_code(c->problem), "trace_id", heard->trace_id,
	    "why", c->sentence != NULL ? c->sentence : "");
}

static enum result
result_of(const struct heard *heard)
{
	switch (heard->hearing) {
	case NOT_HEARD:
		return RESULT_UNREACHABLE;
	case NOT_IN_TIME:
		return RESULT_TIMED_OUT;
	case NOT_AWAITED:
		return RESULT_CANCELLED;
	default:
		return heard->vote == VOTE_PASSED ? RESULT_PASSED :
		    heard->vote == VOTE_APART ? RESULT_APART : RESULT_FAILED;
	}
}

/*
 * Only what a perspective does itself makes it count as missing. How long it
 * takes to answer is up to the target: name servers that deny some perspectives
 * and keep others waiting must not make this coordinator seem unfit.
 */
static void
count_result(void *arg, const struct heard *heard)
{
	struct generation *g = arg;
	const struct corroborator *c = heard->corroborator;
	enum hearing hearing = heard->hearing;
	struct metrics *m = metrics_of(g);
	size_t i = (size_t)(c->perspective - g->cfg->fleet.members);
	size_t result = result_of(heard);

	metric_add(m, METRIC_RESULTS, metric_cell(m, METRIC_RESULTS, g->cells[i], result), 1);
	metric_add(m, METRIC_CHECKS, metric_cell(m, METRIC_CHECKS, c->type, result), 1);
	if (hearing == HEARD)
		metric_observe(m, METRIC_SECONDS, g->cells[i], (double)heard->took_ns / 1e9);
	if (corroborator_suspect(c))
		alarm_raise(g, heard, i);
	if (hearing == HEARD || hearing == NOT_HEARD)
		g->missed_ns[i] = hearing == HEARD ? 0 : monotonic_ns();
}

/* As above, though another endpoint may have an answer. */
static void
alarm_endpoint(struct generation *g, const struct fanout_news *news)
{
	metric_add(metrics_of(g), METRIC_ALARMS, g->cells[news->perspective], 1);
	log_error("an endpoint is not who it should be", "perspective",
	    g->cfg->fleet.members[news->perspective].code, "url", news->url, "why", news->why);
}

/* What becomes of the endpoints of a perspective. */
static void
on_news(void *arg, const struct fanout_news *news)
{
	struct generation *g = arg;
	const char *code = g->cfg->fleet.members[news->perspective].code;

	switch (news->event) {
	case FANOUT_RETRY:
		metric_add(metrics_of(g), METRIC_RETRIES, g->cells[news->perspective], 1);
		if (news->problem == PROBLEM_PERSPECTIVE_IDENTITY)
			alarm_endpoint(g, news);
		break;
	case FANOUT_EJECTED:
		metric_add(metrics_of(g), METRIC_EJECTIONS, g->cells[news->perspective], 1);
		log_warning("an endpoint is ejected: it fails", "perspective", code,
		    "url", news->url, "why", news->why);
		break;
	case FANOUT_RETURNED:
		log_notice("an endpoint is back", "perspective", code, "url", news->url);
		break;
	}
}

static void
count_admission(void *arg, size_t cell, enum admittance came)
{
	struct generation *g = arg;
	struct metrics *m = metrics_of(g);

	metric_add(m, METRIC_CALLER_REQUESTS, metric_cell(m, METRIC_CALLER_REQUESTS, cell, came), 1);
	if (came != ADMISSION_OK)
		metric_add(m, METRIC_REFUSED, came - 1, 1);
}

static void
count_disagreement(void *arg, const struct corroborator *c)
{
	struct generation *g = arg;

	metric_add(metrics_of(g), METRIC_DISAGREEMENTS, metric_cell(metrics_of(g),
	    METRIC_DISAGREEMENTS, g->cells[c->perspective - g->cfg->fleet.members], c->type), 1);
}

static void
count_answer(void *arg, enum answer answer, size_t attempts)
{
	struct generation *g = arg;

	g->world->on_answer(g->world->arg, answer, attempts);
	generation_release(g);
}

bool
generation_reachable(const struct generation *g, size_t member)
{
	return g->missed_ns[member] == 0 || monotonic_ns() - g->missed_ns[member] > MISSING_NS;
}

void
generation_measure(const struct generation *g)
{
	int64_t expires_s[METRIC_CODES_MAX] = { 0 };
	int64_t states[METRIC_CODES_MAX][STATE_COUNT] = { { 0 } };
	struct metrics *m = metrics_of(g);

	for (size_t i = 0; i < g->cfg->fleet.count; i++) {
		size_t cell = g->cells[i], ejected = fanout_ejected(g->fanout, i);

		if (cell >= METRIC_CODES_MAX)
			continue;
		expires_s[cell] = fanout_expires_s(g->fanout, i);
		states[cell][STATE_EJECTED] = (int64_t)ejected;
		states[cell][STATE_HEALTHY] =
		    (int64_t)(perspective_endpoints(&g->cfg->fleet.members[i]) - ejected);
	}
	for (size_t i = 0; i < METRIC_CODES_MAX; i++) {
		metric_set(m, METRIC_PERSPECTIVE_EXPIRES, i, expires_s[i]);
		for (size_t k = 0; k < STATE_COUNT; k++)
			metric_set(m, METRIC_ENDPOINTS, metric_cell(m, METRIC_ENDPOINTS, i, k),
			    states[i][k]);
	}
}

/* ---- requests ---- */

void
generation_hold(struct generation *g)
{
	g->holders++;
}

void
generation_release(struct generation *g)
{
	if (--g->holders == 0)
		g->world->on_unused(g->world->arg);
}

void
generation_corroborate(struct generation *g, const struct caller *caller, struct exchange *x)
{
	generation_hold(g);	/* until count_answer() */
	corroborate(&g->pool, caller, x);
}

/* ---- life ---- */

static struct corroborator_pool
pool_of(struct generation *g)
{
	const struct coordinator_config *cfg = g->cfg;
	const struct generation_world *world = g->world;

	return (struct corroborator_pool){
		.asker = {
			.base = world->base,
			.fleet = &cfg->fleet,
			.fanout = g->fanout,
			.linger_ms = cfg->linger_ms,
			.random = world->random,
			.verify_share = cfg->verify_share,
			.on_result = count_result,
			.on_disagreement = count_disagreement,
			.arg = g,
		},
		.primary_first = cfg->primary_first,
		.policy = &cfg->policy,
		.limits = {
			.perspectives = fleet_remotes(&cfg->fleet),
			.default_perspectives = (size_t)cfg->default_perspective_count,
			.max_attempts = (size_t)cfg->max_attempts,
			.default_deadline_ms = cfg->deadline_ms,
			.max_deadline_ms = cfg->max_deadline_ms,
			.refuse_retired = cfg->refuse_retired,
			.suffixes = &cfg->suffixes,
			.cname_lookups = g->resolver != NULL,
			.own_caa_domains = cfg->caa_domains.count > 0,
		},
		.secret = cfg->secret,
		.secret_len = cfg->secret_len,
		.caa_defaults = { cfg->caa_domains.items, cfg->caa_domains.count },
		.resolver = g->resolver,
		.callers = &cfg->callers,
		.caller_cells = g->caller_cells,
		.admission = world->admission,
		.audit = world->audit,
		.next_request = world->next_request,
		.on_answer = count_answer,
		.on_admission = count_admission,
		.arg = g,
	};
}

/* What is remembered of a perspective, which is known by its code. */
static uint64_t
missed_before_ns(const struct generation *before, const char *code)
{
	const struct fleet *fleet = before != NULL ? &before->cfg->fleet : NULL;

	for (size_t i = 0; fleet != NULL && i < fleet->count; i++)
		if (strcmp(fleet->members[i].code, code) == 0)
			return before->missed_ns[i];
	return 0;
}

static void
know_members(struct generation *g, const struct generation *before)
{
	const struct coordinator_metrics *m = g->world->metrics;

	for (size_t i = 0; i < g->cfg->fleet.count; i++) {
		const char *code = g->cfg->fleet.members[i].code;

		g->cells[i] = m != NULL ? metric_names_find(m->codes, code) : SIZE_MAX;
		g->missed_ns[i] = missed_before_ns(before, code);
	}
}

/* Without a cell a caller's limits would not hold. */
static bool
know_callers(struct generation *g, struct buf *why)
{
	const struct coordinator_metrics *m = g->world->metrics;

	for (size_t i = 0; m != NULL && i <= g->cfg->callers.count; i++) {
		g->caller_cells[i] = coordinator_metrics_caller(m, &g->cfg->callers, i);
		if (g->caller_cells[i] != SIZE_MAX)
			continue;
		buf_addf(why, "there have been callers of %d names since the start: a new one needs "
		    "a restart", ADMISSION_CELLS);
		return false;
	}
	return true;
}

/* True without a resolver, too. */
static bool
start_resolver(struct generation *g)
{
	const struct resolver_config resolver = { .address = g->cfg->resolver,
		.called = "the coordinator's resolver", .connections = RESOLVER_CONNECTIONS };

	if (resolver.address.len == 0)
		return true;
	g->resolver = resolver_new(g->world->base, &resolver);
	return g->resolver != NULL;
}

struct generation *
generation_new(const struct generation_world *world, const struct coordinator_config *cfg,
    const struct generation *before, struct buf *why)
{
	const struct tls_files tls = daemon_options_tls(&cfg->daemon);
	struct fanout_config fanout = { .fleet = &cfg->fleet,
		.tls = tls.certificate != NULL ? &tls : NULL,
		.connections = (size_t)cfg->connections,
		.eject_after = (unsigned)cfg->eject_after, .probe_ms = cfg->probe_ms,
		.on_news = on_news };
	struct generation *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		buf_adds(why, "out of memory");
		return NULL;
	}
	g->world = world;
	g->cfg = cfg;
	g->holders = 1;
	fanout.arg = g;
	if (!know_callers(g, why))
		;
	else if (start_resolver(g))
		g->fanout = fanout_new(world->base, &fanout, why);
	else
		buf_adds(why, "out of memory");
	if (g->fanout == NULL) {
		resolver_free(g->resolver);
		free(g);
		return NULL;
	}
	know_members(g, before);
	g->pool = pool_of(g);
	metric_add(metrics_of(g), METRIC_CONFIGS, 0, 1);
	return g;
}

void
generation_free(struct generation *g)
{
	if (g == NULL)
		return;
	metric_add(metrics_of(g), METRIC_CONFIGS, 0, -1);
	fanout_free(g->fanout);
	resolver_free(g->resolver);
	if (g->own != NULL)
		coordinator_config_free(g->own);
	free(g->own);
	free(g);
}
