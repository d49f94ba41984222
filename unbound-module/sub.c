#include "sub.h"

#include "dynlibmod/dynlibmod.h"
#include "iterator/iter_delegpt.h"
#include "iterator/iterator.h"
#include "services/cache/dns.h"
#include "services/mesh.h"
#include "util/data/dname.h"
#include "util/data/msgreply.h"
#include "util/netevent.h"
#include "util/net_help.h"
#include "util/rbtree.h"
#include "util/regional.h"

uint32_t
elapsed_us(const struct timespec *start)
{
	struct timespec now;
	int64_t us;

	clock_gettime(CLOCK_MONOTONIC, &now);
	us = (now.tv_sec - start->tv_sec) * 1000000LL + (now.tv_nsec - start->tv_nsec) / 1000;
	return us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

struct sub *
sub_of(struct module_qstate *qstate, int id)
{
	struct sub *s = qstate->minfo[id];

	return s != NULL && s->mark == MARK_SUB ? s : NULL;
}

void
sub_clear(struct module_qstate *qstate, int id)
{
	if (sub_of(qstate, id) != NULL)
		UNCOUNT(&module_state(qstate->env, id)->counters, in_flight);
	qstate->minfo[id] = NULL;
}

/* A mesh state of its own, with its sub, that runs once the super waits; NULL without memory. */
static struct mesh_state *
sub_create(struct module_qstate *super, int id, struct query_info *qinfo)
{
	struct mesh_area *mesh = super->env->mesh;
	struct mesh_state *m = mesh_state_create(super->env, qinfo, NULL, BIT_RD, 0, 0);
	struct sub *s;

	if (m == NULL)
		return NULL;
	mesh_state_make_unique(m);
	s = regional_alloc_zero(m->s.region, sizeof(*s));
	if (s == NULL || !mesh_state_attachment(super->mesh_info, m)) {
		mesh_state_cleanup(m);
		return NULL;
	}
	s->mark = MARK_SUB;
	m->s.minfo[id] = s;
	rbtree_insert(&mesh->all, &m->node);
	rbtree_insert(&mesh->run, &m->run_node);
	return m;
}

bool
sub_start(struct module_qstate *super, int id, uint8_t *qname, size_t qname_len,
    uint16_t qtype, size_t slot, unsigned int flags)
{
	struct module_state *module = module_state(super->env, id);
	struct query_info qinfo = {
		.qname = qname, .qname_len = qname_len,
		.qtype = qtype, .qclass = LDNS_RR_CLASS_IN,
	};
	struct mesh_state *m;
	struct sub *s;

	if (atomic_load_explicit(&module->counters.in_flight, memory_order_relaxed) >=
	    module->settings.max_subs)
		return false;
	m = sub_create(super, id, &qinfo);
	if (m == NULL)
		return false;
	s = m->s.minfo[id];
	s->slot = slot;
	s->flags = flags;
	if (flags & SUB_FRESH) {
		m->s.no_cache_lookup = 1;
		m->s.no_cache_store = 1;
	}
	COUNT(&module->counters, subs);
	COUNT(&module->counters, in_flight);
	return true;
}

void
sub_stop_all(struct module_qstate *super)
{
	struct mesh_state *m = super->mesh_info;

	/* deleting one takes it out of the set */
	while (m->sub_set.count > 0) {
		struct mesh_state_ref *ref =
		    (struct mesh_state_ref *)rbtree_first(&m->sub_set);

		mesh_state_delete(&ref->s->s);
	}
}

/*
 * The query being sent is the first in plain case after an answer in the wrong
 * one. Out of the fallback, its answer counts by itself.
 */
static void
sub_settle_case(struct module_qstate *qstate, int iterator)
{
	struct iter_qstate *iq = qstate->minfo[iterator];

	if (iq != NULL)
		iq->caps_fallback = 0;
}

static int
sub_on_query(struct query_info *qinfo, uint16_t flags, struct module_qstate *qstate,
    struct sockaddr_storage *addr, socklen_t addrlen, uint8_t *zone, size_t zonelen,
    struct regional *region, int id, void *arg)
{
	struct sub *s = sub_of(qstate, id);
	struct exchange *e;

	if (s == NULL)
		return 1;
	s->traffic.sent++;
	if (s->traffic.kept < EXCHANGES_MAX)
		s->traffic.kept++;
	e = &s->traffic.exchanges[s->traffic.kept - 1];
	*e = (struct exchange){ .end = EXCHANGE_TIMEOUT, .server_len = addrlen };
	memcpy(&e->server, addr, addrlen);
	e->zone = regional_alloc_init(qstate->region, zone, zonelen);
	COUNT(&module_state(qstate->env, id)->counters, sent);
	if (s->flags & SUB_PLAIN_CASE)
		sub_settle_case(qstate, module_state(qstate->env, id)->iterator);
	clock_gettime(CLOCK_MONOTONIC, &s->sent_at);
	return 1;
}

/* Whether a response only points to servers of a zone below the one asked. */
static bool
sub_is_referral(struct module_qstate *qstate, struct dns_msg *response, int iterator)
{
	struct iter_qstate *iq = qstate->minfo[iterator];
	struct reply_info *rep = response->rep;
	bool below = false;

	if (iq == NULL || iq->dp == NULL || FLAGS_GET_RCODE(rep->flags) != LDNS_RCODE_NOERROR ||
	    rep->an_numrrsets != 0)
		return false;
	for (size_t i = 0; i < rep->ns_numrrsets; i++) {
		struct ub_packed_rrset_key *k = rep->rrsets[i];

		if (ntohs(k->rk.type) == LDNS_RR_TYPE_SOA)
			return false;
		if (ntohs(k->rk.type) == LDNS_RR_TYPE_NS)
			below = dname_strict_subdomain_c(k->rk.dname, iq->dp->name);
	}
	return below;
}

/* Called before Unbound stores the response, so that it can be told not to. */
static int
sub_on_response(struct module_qstate *qstate, struct dns_msg *response, int id, void *arg)
{
	struct sub *s = sub_of(qstate, id);

	if (s == NULL)
		return 1;
	if (qstate->reply != NULL && s->traffic.kept > 0) {
		struct exchange *e = &s->traffic.exchanges[s->traffic.kept - 1];

		e->end = response != NULL ? EXCHANGE_ANSWER : EXCHANGE_UNUSABLE;
		if (response != NULL)
			e->rcode = FLAGS_GET_RCODE(response->rep->flags);
		e->tcp = qstate->reply->c != NULL && qstate->reply->c->type != comm_udp;
		e->rtt_us = elapsed_us(&s->sent_at);
	}
	if (s->flags & SUB_FRESH)
		qstate->no_cache_store = response == NULL ||
		    !sub_is_referral(qstate, response, module_state(qstate->env, id)->iterator);
	return 1;
}

bool
sub_register(struct module_env *env, int id)
{
	struct dynlibmod_env *de = env->modinfo[id];

	return de->inplace_cb_register_wrapped(sub_on_query, inplace_cb_query, NULL, env, id) &&
	    de->inplace_cb_register_wrapped(sub_on_response, inplace_cb_query_response, NULL, env, id);
}
