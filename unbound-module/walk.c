#include "walk.h"

#include "services/cache/dns.h"
#include "sldns/sbuffer.h"
#include "util/data/dname.h"
#include "util/data/msgreply.h"
#include "util/data/packed_rrset.h"
#include "util/net_help.h"
#include "util/regional.h"
#include "validator/val_nsec.h"
#include "validator/val_nsec3.h"
#include "validator/val_utils.h"

#define NSEC3_HASH_MAX	64

const char *
walk_step_name(enum walk_step step)
{
	static const char *const names[] = {
		[WALK_SIGNED] = "signed",
		[WALK_NO_CUT] = "no-zone-cut",
		[WALK_INSECURE] = "insecure",
		[WALK_DELEGATION] = "insecure-delegation",
		[WALK_ALGORITHM] = "unsupported-algorithm",
		[WALK_BROKEN] = "not-proven",
	};

	return names[step];
}

static uint8_t *
walk_name(struct lookup *l)
{
	return l->walk->hop == 0 ? l->qname : l->hops[l->walk->hop - 1].target;
}

/* The last `labels` labels of a name, the root's counted. */
static uint8_t *
dname_suffix(uint8_t *name, int labels)
{
	size_t len;

	for (int n = dname_count_size_labels(name, &len); n > labels; n--)
		dname_remove_label(&name, &len);
	return name;
}

static bool
types_say_delegation(bool ns, bool soa, bool ds)
{
	return ns && !soa && !ds;
}

static bool
nsec_shows_delegation(struct ub_packed_rrset_key *k, struct query_info *qinfo)
{
	return query_dname_compare(k->rk.dname, qinfo->qname) == 0 &&
	    types_say_delegation(nsec_has_type(k, LDNS_RR_TYPE_NS),
	    nsec_has_type(k, LDNS_RR_TYPE_SOA), nsec_has_type(k, LDNS_RR_TYPE_DS));
}

/* Whether the NSEC3 RR's owner is the hash of the name asked. */
static bool
nsec3_matches(struct ub_packed_rrset_key *k, int rr, struct query_info *qinfo,
    struct sldns_buffer *scratch)
{
	uint8_t *salt, *zone = k->rk.dname, hash[NSEC3_HASH_MAX], owner[LDNS_MAX_DOMAINLEN + 1];
	size_t iterations, salt_len, hash_len, zone_len = k->rk.dname_len;
	int algorithm;

	if (!nsec3_get_params(k, rr, &algorithm, &iterations, &salt, &salt_len))
		return false;
	hash_len = nsec3_get_hashed(scratch, qinfo->qname, qinfo->qname_len, algorithm,
	    iterations, salt, salt_len, hash, sizeof(hash));
	if (hash_len == 0)
		return false;
	dname_remove_label(&zone, &zone_len);
	return nsec3_hash_to_b32(hash, hash_len, zone, zone_len, owner, sizeof(owner)) != 0 &&
	    query_dname_compare(owner, k->rk.dname) == 0;
}

static bool
nsec3_shows_delegation(struct ub_packed_rrset_key *k, struct query_info *qinfo,
    struct sldns_buffer *scratch)
{
	struct packed_rrset_data *d = k->entry.data;

	for (size_t i = 0; i < d->count; i++) {
		int rr = (int)i;

		if (nsec3_matches(k, rr, qinfo, scratch) &&
		    types_say_delegation(nsec3_has_type(k, rr, LDNS_RR_TYPE_NS),
		    nsec3_has_type(k, rr, LDNS_RR_TYPE_SOA), nsec3_has_type(k, rr, LDNS_RR_TYPE_DS)))
			return true;
	}
	return false;
}

/* A securely denied DS: does the denial show a delegation at this very name? */
static bool
denial_shows_delegation(struct module_qstate *sub)
{
	struct reply_info *rep = sub->return_msg->rep;

	for (size_t i = rep->an_numrrsets; i < rep->an_numrrsets + rep->ns_numrrsets; i++) {
		struct ub_packed_rrset_key *k = rep->rrsets[i];
		struct packed_rrset_data *d = k->entry.data;

		if (d->security != sec_status_secure)
			continue;
		if (ntohs(k->rk.type) == LDNS_RR_TYPE_NSEC && nsec_shows_delegation(k, &sub->qinfo))
			return true;
		if (ntohs(k->rk.type) == LDNS_RR_TYPE_NSEC3 &&
		    nsec3_shows_delegation(k, &sub->qinfo, sub->env->scratch_buffer))
			return true;
	}
	return false;
}

/* The table of unbound's possible answers to a DS question. */
static enum walk_step
walk_judge(struct module_qstate *sub)
{
	struct dns_msg *msg = sub->return_msg;
	struct ub_packed_rrset_key *ds;
	struct reply_info *rep;
	int rcode;

	if (msg == NULL || sub->return_rcode != LDNS_RCODE_NOERROR)
		return WALK_BROKEN;
	rep = msg->rep;
	rcode = FLAGS_GET_RCODE(rep->flags);
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
		return WALK_BROKEN;
	if (rep->security != sec_status_secure && rep->security != sec_status_insecure)
		return WALK_BROKEN;
	/* A name with a CNAME is no zone cut; where the CNAME leads is walked by itself. */
	if (rep->an_numrrsets > 0 && ntohs(rep->rrsets[0]->rk.type) != LDNS_RR_TYPE_DS)
		return WALK_NO_CUT;
	if (rep->security == sec_status_insecure)
		return WALK_INSECURE;
	ds = reply_find_answer_rrset(&sub->qinfo, rep);
	if (ds != NULL)
		return val_dsset_isusable(ds) ? WALK_SIGNED : WALK_ALGORITHM;
	if (rcode == LDNS_RCODE_NOERROR && denial_shows_delegation(sub))
		return WALK_DELEGATION;
	return WALK_NO_CUT;
}

static void
walk_end(struct walk *w, bool proven)
{
	w->done = true;
	w->proven = proven;
}

/* The name walked is Insecure: on to where it points, or proven for all of them. */
static void
walk_next_name(struct lookup *l)
{
	struct walk *w = l->walk;

	w->labels = 1;
	do {
		w->hop++;
		/* a DNAME hop's target is no name that was asked: its CNAME is the next hop */
	} while (w->hop <= l->hop_count && l->hops[w->hop - 1].type == LDNS_RR_TYPE_DNAME);
	if (w->hop > l->hop_count)
		walk_end(w, !l->hops_cut);
}

void
walk_take(struct lookup *l, struct module_qstate *sub)
{
	struct walk *w = l->walk;
	struct walk_record *r = &w->steps[w->step_count++];

	r->name = dname_suffix(walk_name(l), w->labels);
	r->step = walk_judge(sub);
	switch (r->step) {
	case WALK_BROKEN:
		walk_end(w, false);
		break;
	case WALK_INSECURE:
	case WALK_DELEGATION:
	case WALK_ALGORITHM:
		walk_next_name(l);
		break;
	case WALK_SIGNED:
	case WALK_NO_CUT:
		break;
	}
}

bool
walk_advance(struct lookup *l, struct module_qstate *super, int id, size_t slot)
{
	struct walk *w = l->walk;
	uint8_t *name;
	size_t len;

	if (w == NULL) {
		w = l->walk = regional_alloc_zero(super->region, sizeof(*w));
		if (w == NULL)
			return true;
		w->labels = 1;
		COUNT(&module_state(super->env, id)->counters, walks);
	}
	if (w->done)
		return true;
	name = walk_name(l);
	if (w->labels >= dname_count_labels(name) || w->step_count == WALK_STEPS_MAX) {
		walk_end(w, false);	/* signed down to the name itself */
		return true;
	}
	w->labels++;
	name = dname_suffix(name, w->labels);
	(void)dname_count_size_labels(name, &len);
	if (!sub_start(super, id, name, len, LDNS_RR_TYPE_DS, slot, 0)) {
		walk_end(w, false);
		return true;
	}
	return false;
}
