/*
 * The module's six entry points, which Unbound's dynlib module calls.
 *
 * An ordinary query costs one comparison on its way in and one on its way
 * out. A query with our option, from a client that may use it, is taken out
 * of the stack: it never reaches the validator itself, its lookups do.
 */
#include "module_state.h"

#include "dynlibmod/dynlibmod.h"
#include "host.h"
#include "query.h"
#include "services/cache/dns.h"
#include "services/mesh.h"
#include "services/modstack.h"
#include "util/config_file.h"
#include "util/data/msgreply.h"
#include "util/net_help.h"
#include "util/netevent.h"
#include "util/regional.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int init(struct module_env *env, int id);
EXPORTED void deinit(struct module_env *env, int id);
EXPORTED void operate(struct module_qstate *qstate, enum module_ev event, int id,
    struct outbound_entry *outbound);
EXPORTED void inform_super(struct module_qstate *qstate, int id, struct module_qstate *super);
EXPORTED void clear(struct module_qstate *qstate, int id);
EXPORTED size_t get_mem(struct module_env *env, int id);

/* Puts the evidence into the reply, whatever its rcode. */
static int
reply_evidence(struct query_info *qinfo, struct module_qstate *qstate, struct reply_info *rep,
    int rcode, struct edns_data *edns, struct edns_option **out, struct comm_reply *reply,
    struct regional *region, struct timeval *start, int id, void *arg)
{
	struct query *q = qstate != NULL ? query_of(qstate, id) : NULL;

	if (q == NULL || q->evidence == NULL)
		return 1;
	return edns_opt_list_append(out, MPIC_OPTION_CODE, q->evidence_len,
	    (uint8_t *)q->evidence, region);
}

/* We read the states of both; and lookups are only worth what the validator says of them. */
static bool
stack_suits(struct module_env *env, int id, int *iterator)
{
	int validator = modstack_find(env->modstack, "validator");

	*iterator = modstack_find(env->modstack, "iterator");
	if (id == 0 && validator > 0 && *iterator > validator)
		return true;
	log_err("mpic: module-config must be \"dynlib validator iterator\"");
	return false;
}

/* Without one nothing is ever validated, and every check would blame the domain. */
static bool
anchor_given(struct config_file *cfg)
{
	if (cfg->auto_trust_anchor_file_list != NULL || cfg->trust_anchor_file_list != NULL ||
	    cfg->trust_anchor_list != NULL || cfg->trusted_keys_file_list != NULL)
		return true;
	log_err("mpic: no trust anchor: one of auto-trust-anchor-file, trust-anchor-file, "
	    "trust-anchor is needed");
	return false;
}

/* Unbound's own settings without which the evidence would lack its reasons or its room. */
static void
config_adjust(struct config_file *cfg)
{
	if (cfg->val_log_level < 2)
		cfg->val_log_level = 2;
	cfg->val_log_squelch = 1;
}

int
init(struct module_env *env, int id)
{
	struct dynlibmod_env *de = env->modinfo[id];
	struct config_strlist *file = env->cfg->dynlib_file;
	struct module_state *m = calloc(1, sizeof(*m));
	const char *path = file != NULL && file->next != NULL ? file->next->str : NULL;

	if (m == NULL)
		return 0;
	de->dyn_env = m;
	if (!host_matches() || !stack_suits(env, id, &m->iterator) || !anchor_given(env->cfg) ||
	    !settings_read(&m->settings, path))
		return 0;
	config_adjust(env->cfg);
	if (!edns_register_option(MPIC_OPTION_CODE, 1, 1, env) || !sub_register(env, id) ||
	    !de->inplace_cb_register_wrapped(reply_evidence, inplace_cb_reply, NULL, env, id) ||
	    !de->inplace_cb_register_wrapped(reply_evidence, inplace_cb_reply_servfail, NULL, env, id)) {
		log_err("mpic: cannot register the EDNS option or its callbacks");
		return 0;
	}
	log_info("mpic " PARALLAX_VERSION ": option %d for %zu client netblocks", MPIC_OPTION_CODE,
	    m->settings.client_count);
	return 1;
}

void
deinit(struct module_env *env, int id)
{
	struct dynlibmod_env *de = env->modinfo[id];

	if (de->dyn_env == NULL)
		return;
	for (int type = inplace_cb_reply; type < inplace_cb_types_total; type++)
		de->inplace_cb_delete_wrapped(env, (enum inplace_cb_list_type)type, id);
	free(de->dyn_env);
	de->dyn_env = NULL;
}

/* Our option from a client that may use it, or NULL. */
static struct edns_option *
option_of(struct module_qstate *qstate, int id)
{
	struct mesh_reply *reply = qstate->mesh_info->reply_list;
	struct edns_option *o;

	if (qstate->edns_opts_front_in == NULL || reply == NULL)
		return NULL;
	o = edns_opt_list_find(qstate->edns_opts_front_in, MPIC_OPTION_CODE);
	if (o == NULL || !settings_allow(&module_state(qstate->env, id)->settings,
	    &reply->query_reply.client_addr, reply->query_reply.client_addrlen))
		return NULL;
	return o;
}

static struct query *
query_begin(struct module_qstate *qstate, int id, struct edns_option *o)
{
	struct mpic_option option;
	struct query *q;

	if (mpic_option_decode(&option, o->opt_data, o->opt_len))
		return query_new(qstate, id, &option);
	option = (struct mpic_option){ .operation = MPIC_STATS };
	q = query_new(qstate, id, &option);
	if (q == NULL)
		return NULL;
	if (q->error == NULL)
		COUNT(&module_state(qstate->env, id)->counters, refused);
	q->error = "the option is malformed or of another version";
	return q;
}

/* An answer without records: what was found stands in the evidence. */
static struct dns_msg *
empty_answer(struct module_qstate *qstate)
{
	struct dns_msg *msg = regional_alloc_zero(qstate->region, sizeof(*msg));

	if (msg == NULL)
		return NULL;
	msg->qinfo = qstate->qinfo;
	msg->rep = regional_alloc_zero(qstate->region, sizeof(*msg->rep));
	if (msg->rep == NULL)
		return NULL;
	msg->rep->flags = BIT_QR | BIT_RA | LDNS_RCODE_NOERROR;
	msg->rep->qdcount = 1;
	msg->rep->security = sec_status_insecure;
	msg->rep->reason_bogus = LDNS_EDE_NONE;
	return msg;
}

static void
query_run(struct query *q, struct module_qstate *qstate, int id)
{
	if (q != NULL && qstate->mesh_info->reply_list == NULL)
		sub_stop_all(qstate);	/* the client is gone */
	else if (q != NULL && !query_advance(q, qstate, id)) {
		qstate->ext_state[id] = module_wait_subquery;
		return;
	}
	qstate->return_rcode = LDNS_RCODE_NOERROR;
	qstate->return_msg = NULL;
	if (q == NULL || q->failed || q->evidence == NULL)
		qstate->return_rcode = LDNS_RCODE_SERVFAIL;
	else if (q->error != NULL)
		qstate->return_rcode = LDNS_RCODE_REFUSED;
	else if ((qstate->return_msg = empty_answer(qstate)) == NULL)
		qstate->return_rcode = LDNS_RCODE_SERVFAIL;
	qstate->no_cache_store = 1;
	qstate->ext_state[id] = module_finished;
}

void
operate(struct module_qstate *qstate, enum module_ev event, int id, struct outbound_entry *outbound)
{
	struct edns_option *o;

	if (event == module_event_moddone) {
		qstate->ext_state[id] = module_finished;
		return;
	}
	if (qstate->minfo[id] == NULL && (o = option_of(qstate, id)) != NULL) {
		qstate->minfo[id] = query_begin(qstate, id, o);
		query_run(qstate->minfo[id], qstate, id);
	} else if (query_of(qstate, id) != NULL) {
		query_run(qstate->minfo[id], qstate, id);
	} else {
		qstate->ext_state[id] = module_wait_module;
	}
}

void
inform_super(struct module_qstate *qstate, int id, struct module_qstate *super)
{
	struct query *q = query_of(super, id);

	if (q != NULL)
		query_inform(q, qstate, super, id);
}

void
clear(struct module_qstate *qstate, int id)
{
	sub_clear(qstate, id);
}

size_t
get_mem(struct module_env *env, int id)
{
	return sizeof(struct module_state);
}
