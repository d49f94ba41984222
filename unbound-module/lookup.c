#include "lookup.h"

#include "iterator/iter_delegpt.h"
#include "iterator/iterator.h"
#include "services/cache/dns.h"
#include "services/cache/infra.h"
#include "util/data/dname.h"
#include "util/data/msgreply.h"
#include "util/data/packed_rrset.h"
#include "util/net_help.h"
#include "util/regional.h"

#define REASON_OCTETS	512
#define FORGIVEN_RTT_MS	376	/* what Unbound takes for a server it knows nothing of */

/* The name a CNAME or DNAME points to, or NULL when its RDATA is no name. */
static uint8_t *
rrset_target(struct ub_packed_rrset_key *k)
{
	struct packed_rrset_data *d = k->entry.data;

	if (d->count == 0 || d->rr_len[0] < 3 ||
	    dname_valid(d->rr_data[0] + 2, d->rr_len[0] - 2) != d->rr_len[0] - 2U)
		return NULL;
	return d->rr_data[0] + 2;
}

static uint8_t *
dname_copy(uint8_t *dname, struct regional *region)
{
	size_t len;

	(void)dname_count_size_labels(dname, &len);
	return regional_alloc_init(region, dname, len);
}

/*
 * Notes one hop; returns where it leads, or NULL if it leads nowhere. One that
 * cannot be noted leads on all the same: what is behind it may forbid.
 */
static uint8_t *
lookup_hop(struct lookup *l, struct ub_packed_rrset_key *k, enum sec_status message,
    struct regional *region)
{
	struct packed_rrset_data *d = k->entry.data;
	uint8_t *target = rrset_target(k);
	struct hop *h = &l->hops[l->hop_count];

	if (target == NULL)
		return NULL;
	if (l->hop_count == LOOKUP_HOPS_MAX) {
		l->hops_cut = true;
		return target;
	}
	h->owner = dname_copy(k->rk.dname, region);
	h->target = dname_copy(target, region);
	if (h->owner == NULL || h->target == NULL) {
		l->hops_cut = true;
		return target;
	}
	h->type = ntohs(k->rk.type);
	/* An RRset Unbound did not come to check is no better than its message. */
	h->security = d->security == sec_status_unchecked ? message : d->security;
	h->ttl_s = d->ttl;
	l->hop_count++;
	return target;
}

/* Follows CNAMEs through the answer; returns the RRset of the type asked, or NULL. */
static struct ub_packed_rrset_key *
lookup_follow(struct lookup *l, struct reply_info *rep, struct regional *region)
{
	uint8_t *name = l->qname;

	l->hop_count = 0;
	for (size_t i = 0; i < rep->an_numrrsets && name != NULL; i++) {
		struct ub_packed_rrset_key *k = rep->rrsets[i];
		uint16_t type = ntohs(k->rk.type);

		if (type == LDNS_RR_TYPE_DNAME && dname_strict_subdomain_c(name, k->rk.dname))
			(void)lookup_hop(l, k, rep->security, region);
		if (query_dname_compare(name, k->rk.dname) != 0)
			continue;
		if (type == l->qtype && ntohs(k->rk.rrset_class) == LDNS_RR_CLASS_IN)
			return k;
		if (type == LDNS_RR_TYPE_CNAME)
			name = lookup_hop(l, k, rep->security, region);
	}
	return NULL;
}

/* A failure keeps no message: the hops come from what the iterator had gathered. */
static void
lookup_hops_of_failure(struct lookup *l, struct module_qstate *sub, int iterator,
    struct regional *region)
{
	struct iter_qstate *iq = sub->minfo[iterator];
	struct iter_prep_list *p = iq != NULL ? iq->an_prepend_list : NULL;

	l->hop_count = 0;
	for (; p != NULL; p = p->next) {
		uint16_t type = ntohs(p->rrset->rk.type);

		if (type == LDNS_RR_TYPE_CNAME || type == LDNS_RR_TYPE_DNAME)
			(void)lookup_hop(l, p->rrset, sec_status_unchecked, region);
	}
}

static const char *
reason_copy(const char *text, struct regional *region)
{
	size_t len;
	char *copy;

	if (text == NULL)
		return NULL;
	len = strnlen(text, REASON_OCTETS);
	copy = regional_alloc(region, len + 1);
	if (copy == NULL)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

/* The exchanges outlive the sub: what they point to must too. */
static void
lookup_keep_traffic(struct lookup *l, struct sub *s, struct regional *region)
{
	uint32_t sent = l->traffic.sent + s->traffic.sent;

	l->traffic = s->traffic;
	l->traffic.sent = sent;
	for (size_t i = 0; i < l->traffic.kept; i++)
		if (l->traffic.exchanges[i].zone != NULL)
			l->traffic.exchanges[i].zone =
			    dname_copy(l->traffic.exchanges[i].zone, region);
}

/*
 * Whether the servers of the zone that failed were sent anything: the
 * resolver's back-off may give up on them without, and a parent's referral
 * is no try of theirs.
 */
static bool
lookup_asked(struct lookup *l, struct module_qstate *sub, int iterator)
{
	struct iter_qstate *iq = sub->minfo[iterator];

	if (iq == NULL || iq->dp == NULL)
		return l->traffic.kept > 0;
	for (size_t i = 0; i < l->traffic.kept; i++)
		if (l->traffic.exchanges[i].zone != NULL &&
		    query_dname_compare(l->traffic.exchanges[i].zone, iq->dp->name) == 0)
			return true;
	return false;
}

/* Silence starts Unbound's fallback too, but then there is no answer to compare with. */
static bool
lookup_case_lost(struct module_qstate *sub, int iterator)
{
	struct iter_qstate *iq = sub->minfo[iterator];

	return iq != NULL && iq->caps_fallback && iq->caps_reply != NULL;
}

static void
lookup_fail(struct lookup *l, struct module_qstate *sub, struct module_qstate *super, int id)
{
	struct module_state *module = module_state(super->env, id);
	struct dns_msg *msg = sub->return_msg;
	bool bogus = msg != NULL && (msg->rep->security == sec_status_bogus ||
	    msg->rep->security == sec_status_secure_sentinel_fail);

	l->outcome = OUTCOME_FAILED;
	l->security = bogus ? sec_status_bogus : sec_status_indeterminate;
	if (bogus) {
		l->ede = (int)errinf_to_reason_bogus(sub);
		if (l->ede == LDNS_EDE_NONE)
			l->ede = (int)msg->rep->reason_bogus;
		l->reason = reason_copy(errinf_to_str_bogus(sub, sub->region), super->region);
		(void)lookup_follow(l, msg->rep, super->region);
	} else {
		if (l->rcode == LDNS_RCODE_NOERROR)
			l->rcode = LDNS_RCODE_SERVFAIL;
		l->case_lost = lookup_case_lost(sub, module->iterator);
		l->reason = reason_copy(errinf_to_str_servfail(sub), super->region);
		lookup_hops_of_failure(l, sub, module->iterator, super->region);
	}
}

static size_t
rrset_octets(struct ub_packed_rrset_key *k)
{
	struct packed_rrset_data *d = k->entry.data;
	size_t octets = 0;

	for (size_t i = 0; i < d->count; i++)
		octets += d->rr_len[i] - 2;
	return octets;
}

static void
lookup_answer(struct lookup *l, struct reply_info *rep, struct module_qstate *super, int id)
{
	struct ub_packed_rrset_key *k = lookup_follow(l, rep, super->region);

	l->security = rep->security;
	if (k == NULL) {
		l->outcome = l->rcode == LDNS_RCODE_NXDOMAIN ? OUTCOME_NXDOMAIN : OUTCOME_NODATA;
	} else if (rrset_octets(k) > module_state(super->env, id)->settings.max_rrset) {
		l->outcome = OUTCOME_TOO_LARGE;
	} else {
		l->outcome = OUTCOME_ANSWER;
		l->rrset = packed_rrset_copy_region(k, super->region, 0);
		if (l->rrset == NULL) {
			l->outcome = OUTCOME_FAILED;
			l->reason = "out of memory";
		}
	}
}

void
lookup_finish(struct lookup *l, struct module_qstate *sub, struct module_qstate *super, int id)
{
	struct sub *s = sub_of(sub, id);
	struct dns_msg *msg = sub->return_msg;

	lookup_keep_traffic(l, s, super->region);
	if (lookup_asked(l, sub, module_state(super->env, id)->iterator))
		l->tries_sent++;
	l->elapsed_us = elapsed_us(&l->started);
	l->ede = -1;
	l->reason = NULL;
	l->rcode = msg != NULL ? FLAGS_GET_RCODE(msg->rep->flags) : sub->return_rcode;
	if (sub->return_rcode != LDNS_RCODE_NOERROR)
		l->rcode = sub->return_rcode;
	if (msg != NULL && sub->return_rcode == LDNS_RCODE_NOERROR &&
	    (msg->rep->security == sec_status_secure || msg->rep->security == sec_status_insecure) &&
	    (l->rcode == LDNS_RCODE_NOERROR || l->rcode == LDNS_RCODE_NXDOMAIN))
		lookup_answer(l, msg->rep, super, id);
	else
		lookup_fail(l, sub, super, id);
}

/* As one that answered in the time of an unknown one, and was never seen not to know its zone. */
static void
server_forgive(struct module_qstate *sub, struct delegpt *dp, struct delegpt_addr *a)
{
	struct infra_cache *infra = sub->env->infra_cache;
	struct infra_data *d;
	struct lruhash_entry *e;

	(void)infra_rtt_update(infra, &a->addr, a->addrlen, dp->name, dp->namelen,
	    sub->qinfo.qtype, FORGIVEN_RTT_MS, FORGIVEN_RTT_MS, *sub->env->now);
	e = infra_lookup_nottl(infra, &a->addr, a->addrlen, dp->name, dp->namelen, 1);
	if (e == NULL)
		return;
	d = e->data;
	d->lame_type_A = d->lame_other = d->rec_lame = 0;
	lock_rw_unlock(&e->lock);
}

void
lookup_forgive(struct module_qstate *sub, int id)
{
	struct iter_qstate *iq = sub->minfo[module_state(sub->env, id)->iterator];
	struct delegpt_addr *a;

	if (iq == NULL || iq->dp == NULL)
		return;
	for (a = iq->dp->target_list; a != NULL; a = a->next_target)
		server_forgive(sub, iq->dp, a);
}
