#include "evidence_json.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "buf.h"
#include "query.h"
#include "sldns/parseutil.h"
#include "sldns/wire2str.h"
#include "util/data/dname.h"
#include "util/data/packed_rrset.h"
#include "util/net_help.h"
#include "util/regional.h"

#define NAME_TEXT	1024	/* 255 octets, each at most \DDD */
#define BASE64_OCTETS(n) (((n) + 2) / 3 * 4 + 1)

static const char *const outcome_names[] = {
	[OUTCOME_PENDING] = "pending",
	[OUTCOME_ANSWER] = "answer",
	[OUTCOME_NODATA] = "nodata",
	[OUTCOME_NXDOMAIN] = "nxdomain",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_TOO_LARGE] = "too-large",
	[OUTCOME_ABANDONED] = "abandoned",
};

/* As RFC 4035 4.3 has them. */
static const char *
security_name(enum sec_status security)
{
	switch (security) {
	case sec_status_secure:
		return "secure";
	case sec_status_insecure:
		return "insecure";
	case sec_status_bogus:
	case sec_status_secure_sentinel_fail:
		return "bogus";
	default:
		return "indeterminate";
	}
}

/* `,"key":` and a number. */
static void
add_number(struct buf *b, const char *lead, uint64_t value)
{
	buf_adds(b, lead);
	buf_add_uint(b, value);
}

/* `,"key":"` and a text that needs no escapes, with the closing quote. */
static void
add_plain(struct buf *b, const char *lead, const char *text)
{
	buf_adds(b, lead);
	buf_adds(b, text);
	buf_addc(b, '"');
}

/* Presentation form, no dot at the end but the root's own. */
static void
add_name(struct buf *b, uint8_t *dname)
{
	char text[NAME_TEXT];
	size_t len;

	(void)dname_count_size_labels(dname, &len);
	if (sldns_wire2str_dname_buf(dname, len, text, sizeof(text)) >= (int)sizeof(text)) {
		b->failed = true;
		return;
	}
	len = strlen(text);
	if (len > 1 && text[len - 1] == '.')
		len--;
	buf_add_json(b, text, len);
}

static void
add_type(struct buf *b, uint16_t type)
{
	char text[16];

	sldns_wire2str_type_buf(type, text, sizeof(text));
	buf_add_json(b, text, strlen(text));
}

static void
add_rcode(struct buf *b, int rcode)
{
	char text[16];

	sldns_wire2str_rcode_buf(rcode, text, sizeof(text));
	buf_add_json(b, text, strlen(text));
}

static void
add_server(struct buf *b, struct exchange *e)
{
	char ip[INET6_ADDRSTRLEN];

	addr_to_str(&e->server, e->server_len, ip, sizeof(ip));
	add_plain(b, "\"server\":\"", ip);
	if (e->end == EXCHANGE_TIMEOUT)
		return;
	add_plain(b, ",\"transport\":\"", e->tcp ? "tcp" : "udp");
	add_number(b, ",\"rtt_us\":", e->rtt_us);
}

/* A usable answer has one source; of a failure, everything that was tried is worth keeping. */
static void
add_traffic(struct buf *b, struct lookup *l)
{
	struct traffic *t = &l->traffic;

	if (l->outcome != OUTCOME_FAILED && t->kept > 0) {
		buf_addc(b, ',');
		add_server(b, &t->exchanges[t->kept - 1]);
		return;
	}
	buf_adds(b, ",\"exchanges\":[");
	for (size_t i = 0; i < t->kept; i++) {
		struct exchange *e = &t->exchanges[i];

		buf_adds(b, i > 0 ? ",{" : "{");
		if (e->zone != NULL) {
			buf_adds(b, "\"zone\":");
			add_name(b, e->zone);
			buf_addc(b, ',');
		}
		add_server(b, e);
		buf_adds(b, ",\"result\":");
		if (e->end == EXCHANGE_ANSWER)
			add_rcode(b, e->rcode);
		else
			buf_adds(b, e->end == EXCHANGE_TIMEOUT ? "\"timeout\"" : "\"unusable\"");
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

static void
add_hops(struct buf *b, struct lookup *l)
{
	buf_adds(b, ",\"chain\":[");
	for (size_t i = 0; i < l->hop_count; i++) {
		struct hop *h = &l->hops[i];

		buf_adds(b, i > 0 ? ",{\"owner\":" : "{\"owner\":");
		add_name(b, h->owner);
		buf_adds(b, ",\"type\":");
		add_type(b, h->type);
		buf_adds(b, ",\"target\":");
		add_name(b, h->target);
		add_number(b, ",\"ttl\":", (uint64_t)h->ttl_s);
		add_plain(b, ",\"dnssec\":\"", security_name(h->security));
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
	if (l->hops_cut)
		buf_adds(b, ",\"chain_cut\":true");
}

/* The RRset's records in base64; `room` false leaves them out and says so. */
static void
add_rrset(struct buf *b, struct ub_packed_rrset_key *k, bool room)
{
	struct packed_rrset_data *d = k->entry.data;
	char text[BASE64_OCTETS(UINT16_MAX)];

	buf_adds(b, ",\"owner\":");
	add_name(b, k->rk.dname);
	add_number(b, ",\"ttl\":", (uint64_t)d->ttl);
	if (!room) {
		buf_adds(b, ",\"records\":null");
		return;
	}
	buf_adds(b, ",\"records\":[");
	for (size_t i = 0; i < d->count; i++) {
		if (sldns_b64_ntop(d->rr_data[i] + 2, d->rr_len[i] - 2, text, sizeof(text)) < 0)
			b->failed = true;
		add_plain(b, i > 0 ? ",\"" : "\"", text);
	}
	buf_addc(b, ']');
}

static void
add_walk(struct buf *b, struct walk *w)
{
	buf_addf(b, ",\"insecurity\":{\"proven\":%s,\"steps\":[", w->proven ? "true" : "false");
	for (size_t i = 0; i < w->step_count; i++) {
		buf_adds(b, i > 0 ? ",{\"name\":" : "{\"name\":");
		add_name(b, w->steps[i].name);
		add_plain(b, ",\"ds\":\"", walk_step_name(w->steps[i].step));
		buf_addc(b, '}');
	}
	buf_adds(b, "]}");
}

static void
add_lookup(struct buf *b, struct lookup *l, bool room)
{
	buf_adds(b, "{\"name\":");
	add_name(b, l->qname);
	buf_adds(b, ",\"type\":");
	add_type(b, l->qtype);
	add_plain(b, ",\"outcome\":\"", outcome_names[l->outcome]);
	if (l->outcome == OUTCOME_ABANDONED) {
		buf_addc(b, '}');
		return;
	}
	buf_adds(b, ",\"rcode\":");
	add_rcode(b, l->rcode);
	add_plain(b, ",\"dnssec\":\"", security_name(l->security));
	if (l->ede >= 0)
		add_number(b, ",\"ede\":", (uint64_t)l->ede);
	if (l->reason != NULL) {
		buf_adds(b, ",\"reason\":");
		buf_add_json(b, l->reason, strlen(l->reason));
	}
	add_traffic(b, l);
	if (l->plain_case)
		buf_adds(b, ",\"case_kept\":false");
	add_number(b, ",\"tries\":", l->tries);
	add_number(b, ",\"tries_sent\":", l->tries_sent);
	add_number(b, ",\"queries_sent\":", l->traffic.sent);
	add_number(b, ",\"elapsed_us\":", l->elapsed_us);
	if (l->hop_count > 0)
		add_hops(b, l);
	if (l->outcome == OUTCOME_ANSWER)
		add_rrset(b, l->rrset, room);
	if (l->walk != NULL)
		add_walk(b, l->walk);
	buf_addc(b, '}');
}

static void
add_query(struct buf *b, struct query *q, struct module_state *module, bool room)
{
	static const char *const operations[] = {
		[MPIC_LOOKUP] = "lookup", [MPIC_CLIMB] = "climb", [MPIC_STATS] = "stats",
	};

	buf_addf(b, "{\"v\":%d,\"nonce\":\"%016" PRIx64 "\",\"op\":\"%s\",\"resolver\":\""
	    PACKAGE_STRING "\",\"module\":\"" PARALLAX_VERSION "\",\"elapsed_us\":%" PRIu32
	    ",\"truncated\":%s", MPIC_OPTION_VERSION, q->option.nonce,
	    operations[q->option.operation], elapsed_us(&q->started), room ? "false" : "true");
	if (q->error != NULL) {
		buf_adds(b, ",\"error\":");
		buf_add_json(b, q->error, strlen(q->error));
	} else if (q->option.operation == MPIC_STATS) {
		buf_adds(b, ",\"stats\":{");
		counters_json(&module->counters, b);
		buf_addc(b, '}');
	} else {
		buf_addf(b, ",\"found\":%zd,\"lookups\":[", q->found);
		for (size_t i = 0; i < q->slot_count; i++) {
			if (i > 0)
				buf_addc(b, ',');
			/* only the relevant RRset's records are worth their room */
			add_lookup(b, &q->slots[i].lookup, room);
		}
		buf_addc(b, ']');
	}
	buf_addc(b, '}');
}

void
evidence_make(struct query *q, struct module_qstate *qstate, int id)
{
	struct module_state *module = module_state(qstate->env, id);
	struct buf b = BUF_INIT(module->settings.max_evidence);

	add_query(&b, q, module, true);
	if (b.failed) {
		COUNT(&module->counters, truncated);
		buf_reset(&b);
		q->failed = true;
		q->found = -1;
		add_query(&b, q, module, false);
	}
	if (b.failed) {
		buf_reset(&b);
		q->error = "the evidence does not fit into a reply";
		add_query(&b, q, module, false);
	}
	if (!b.failed)
		q->evidence = regional_alloc_init(qstate->region, b.data, b.len);
	q->evidence_len = b.len;
	buf_free(&b);
}
