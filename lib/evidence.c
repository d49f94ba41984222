#include "evidence.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "buf.h"
#include "mpic_option.h"

/* The document's members as they stand, before they are judged. */
struct evidence_top {
	struct json_int version;
	const char *nonce;
	const char *error;
	const char *resolver;
	struct json_bool truncated;
	struct json_int found;
	const struct json_token *lookups;
};

static const struct json_field top_fields[] = {
	JSON_ROW("v", INT, evidence_top, version, .required = true,
	    .min = MPIC_OPTION_VERSION, .max = MPIC_OPTION_VERSION),
	JSON_ROW("nonce", STRING, evidence_top, nonce, .required = true, .min = 16, .max = 16),
	JSON_ROW("error", STRING, evidence_top, error, .min = 1, .max = 1024),
	JSON_ROW("resolver", STRING, evidence_top, resolver, .required = true, .max = 64),
	JSON_ROW("truncated", BOOL, evidence_top, truncated, .required = true),
	JSON_ROW("found", INT, evidence_top, found, .min = -1, .max = EVIDENCE_LOOKUPS_MAX - 1),
	JSON_ROW("lookups", RAW, evidence_top, lookups),
	{ .key = NULL }
};

struct insecurity {
	bool set;
	struct json_bool proven;
};

static const struct json_field insecurity_fields[] = {
	JSON_ROW("proven", BOOL, insecurity, proven, .required = true),
	{ .key = NULL }
};

struct lookup_members {
	const char *name, *rcode, *reason, *owner;
	int outcome, dnssec;
	struct json_int ttl, tries_sent;
	const struct json_token *records, *chain;
	struct insecurity insecurity;
};

struct hop_members {
	const char *owner, *type, *target;
	int dnssec;
};

static const char *const outcome_names[] = {
	[EVIDENCE_ANSWER] = "answer", [EVIDENCE_NODATA] = "nodata",
	[EVIDENCE_NXDOMAIN] = "nxdomain", [EVIDENCE_FAILED] = "failed",
	[EVIDENCE_TOO_LARGE] = "too-large", [EVIDENCE_ABANDONED] = "abandoned", NULL
};

#define DNSSEC_UNSET	-1

static const char *const dnssec_names[] = {
	"bogus", "indeterminate", "insecure", "secure", NULL
};
static const enum check_dnssec dnssec_values[] = {
	CHECK_DNSSEC_BOGUS, CHECK_DNSSEC_INDETERMINATE, CHECK_DNSSEC_INSECURE, CHECK_DNSSEC_SECURE,
};

static const struct json_field lookup_fields[] = {
	JSON_ROW("name", STRING, lookup_members, name, .required = true, .min = 1, .max = 1024),
	JSON_ROW("outcome", ENUM, lookup_members, outcome, .required = true,
	    .names = outcome_names),
	JSON_ROW("rcode", STRING, lookup_members, rcode, .min = 1, .max = 16),
	JSON_ROW("dnssec", ENUM, lookup_members, dnssec, .names = dnssec_names),
	JSON_ROW("reason", STRING, lookup_members, reason, .max = 2048),
	JSON_ROW("owner", STRING, lookup_members, owner, .min = 1, .max = 1024),
	JSON_ROW("ttl", INT, lookup_members, ttl, .min = 0, .max = UINT32_MAX),
	JSON_ROW("tries_sent", INT, lookup_members, tries_sent, .min = 0, .max = UINT32_MAX),
	JSON_ROW("records", RAW, lookup_members, records),
	JSON_ROW("chain", RAW, lookup_members, chain),
	JSON_ROW("insecurity", OBJECT, lookup_members, insecurity, .fields = insecurity_fields),
	{ .key = NULL }
};

static const struct json_field hop_fields[] = {
	JSON_ROW("owner", STRING, hop_members, owner, .required = true, .min = 1, .max = 1024),
	JSON_ROW("type", STRING, hop_members, type, .required = true, .min = 1, .max = 16),
	JSON_ROW("target", STRING, hop_members, target, .required = true, .min = 1, .max = 1024),
	JSON_ROW("dnssec", ENUM, hop_members, dnssec, .required = true, .names = dnssec_names),
	{ .key = NULL }
};

/* Base64 of one RDATA into `out`; its length, or -1. EVP alone forgives spaces and stray padding. */
static int
base64_decode(uint8_t *out, const char *text, size_t len)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t digits = strspn(text, alphabet);
	size_t padding = strspn(text + digits, "=");
	int n;

	if (len % 4 != 0 || digits + padding != len || padding > 2)
		return -1;
	if (len == 0)
		return 0;
	n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	/* it counts the padding as zero octets */
	return n < 0 ? -1 : n - (int)padding;
}

/* Evidence being read. */
struct decoding {
	struct evidence *e;
	uint8_t *room;		/* where the next RDATA goes; as large as the whole text at first */
	struct json_faults faults;
};

static bool
lookup_records(struct decoding *d, struct evidence_lookup *l, const struct json_token *records)
{
	const struct json_tokens *document = d->e->document;
	const struct json_token *item = NULL;
	size_t count = json_tokens_items(document, records);

	if (count == 0 || count > EVIDENCE_RECORDS_MAX)
		return false;
	l->records = calloc(count, sizeof(*l->records));
	if (l->records == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *text;
		int len;

		item = json_tokens_item(document, records, item);
		text = json_tokens_string(document, item);
		len = text != NULL ? base64_decode(d->room, text, item->len) : -1;
		if (len < 0)
			return false;
		l->records[i] = (struct evidence_record){ d->room, (size_t)len };
		d->room += len;
	}
	l->record_count = count;
	return true;
}

static bool
lookup_hops(struct decoding *d, struct evidence_lookup *l, const struct json_token *chain)
{
	const struct json_tokens *document = d->e->document;
	const struct json_token *item = NULL;
	size_t count = json_tokens_items(document, chain);

	if (count == 0 || count > EVIDENCE_HOPS_MAX)
		return false;
	l->hops = calloc(count, sizeof(*l->hops));
	if (l->hops == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct hop_members m;

		item = json_tokens_item(document, chain, item);
		if (!json_tokens_read(document, item, hop_fields, &m, "chain", &d->faults))
			return false;
		l->hops[i] = (struct evidence_hop){
			.owner = m.owner, .type = m.type, .target = m.target,
			.dnssec = dnssec_values[m.dnssec],
		};
	}
	l->hop_count = count;
	return true;
}

static bool
lookup_decode(struct decoding *d, struct evidence_lookup *l, const struct json_token *object)
{
	struct lookup_members m = { .dnssec = DNSSEC_UNSET };

	if (!json_tokens_read(d->e->document, object, lookup_fields, &m, "lookups", &d->faults))
		return false;
	*l = (struct evidence_lookup){
		.name = m.name, .outcome = m.outcome, .rcode = m.rcode, .reason = m.reason,
		.owner = m.owner, .ttl_s = m.ttl.value, .tries_sent = m.tries_sent.value,
		.insecure = m.insecurity.set && m.insecurity.proven.value,
	};
	if (l->outcome == EVIDENCE_ABANDONED)
		return true;
	if (m.dnssec == DNSSEC_UNSET || m.rcode == NULL)
		return false;
	l->dnssec = dnssec_values[m.dnssec];
	if (m.chain != NULL && !lookup_hops(d, l, m.chain))
		return false;
	if (l->outcome != EVIDENCE_ANSWER || d->e->truncated)
		return true;
	return l->owner != NULL && lookup_records(d, l, m.records);
}

static bool
lookups_decode(struct decoding *d, const struct evidence_top *top, size_t len)
{
	const struct json_token *object = NULL;
	struct evidence *e = d->e;

	e->lookup_count = top->found.set ? json_tokens_items(e->document, top->lookups) : 0;
	if (e->lookup_count == 0 || e->lookup_count > EVIDENCE_LOOKUPS_MAX ||
	    top->found.value >= (int64_t)e->lookup_count) {
		e->lookup_count = 0;
		return false;
	}
	e->lookups = calloc(e->lookup_count, sizeof(*e->lookups));
	d->room = e->rdata = malloc(len);
	if (e->lookups == NULL)
		e->lookup_count = 0;
	if (e->lookups == NULL || e->rdata == NULL)
		return false;
	for (size_t i = 0; i < e->lookup_count; i++) {
		struct evidence_lookup *l = &e->lookups[i];

		object = json_tokens_item(e->document, top->lookups, object);
		if (!lookup_decode(d, l, object))
			return false;
		/* only what a nearer record made needless may be missing */
		if (l->outcome == EVIDENCE_ABANDONED && !e->truncated &&
		    (top->found.value < 0 || (int64_t)i < top->found.value))
			return false;
	}
	if (top->found.value >= 0)
		e->found = &e->lookups[top->found.value];
	return e->found == NULL || e->found->outcome == EVIDENCE_ANSWER;
}

/* Whether the text is the nonce in lower-case hexadecimal, 16 digits. */
static bool
nonce_equal(const char *text, uint64_t nonce)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		if (*text++ != "0123456789abcdef"[nonce >> shift & 15])
			return false;
	return *text == '\0';
}

bool
evidence_decode(struct evidence *e, const char *json, size_t len, uint64_t nonce, struct buf *why)
{
	struct evidence_top top = { 0 };
	struct decoding d;

	*e = (struct evidence){ 0 };
	d.e = e;
	json_faults_init(&d.faults);
	e->document = json_tokens_parse(json, len, &d.faults);
	if (e->document == NULL || !json_tokens_read(e->document, json_tokens_top(e->document),
	    top_fields, &top, "", &d.faults))
		goto malformed;
	if (!nonce_equal(top.nonce, nonce)) {
		buf_adds(why, "the evidence answers another question's nonce");
		return false;
	}
	e->error = top.error;
	e->truncated = top.truncated.value;
	e->resolver = top.resolver;
	if (e->error != NULL || (!top.found.set && top.lookups == NULL) ||
	    lookups_decode(&d, &top, len))
		return true;
malformed:
	buf_adds(why, "the evidence is malformed");
	if (d.faults.count > 0)
		buf_addf(why, ": %s: %s", d.faults.list[0].path, d.faults.list[0].message);
	return false;
}

void
evidence_free(struct evidence *e)
{
	for (size_t i = 0; i < e->lookup_count; i++) {
		free(e->lookups[i].records);
		free(e->lookups[i].hops);
	}
	free(e->lookups);
	free(e->rdata);
	json_tokens_free(e->document);
	*e = (struct evidence){ 0 };
}

enum check_dnssec
evidence_weakest(const struct evidence *e, size_t count)
{
	enum check_dnssec weakest = CHECK_DNSSEC_UNKNOWN;

	for (size_t i = 0; i < count && i < e->lookup_count; i++) {
		const struct evidence_lookup *l = &e->lookups[i];
		enum check_dnssec status = evidence_lookup_weakest(l);

		if (l->outcome == EVIDENCE_ABANDONED)
			continue;
		if (l->outcome == EVIDENCE_FAILED && l->dnssec == CHECK_DNSSEC_INDETERMINATE &&
		    l->insecure)
			status = CHECK_DNSSEC_INSECURE;
		if (weakest == CHECK_DNSSEC_UNKNOWN || status < weakest)
			weakest = status;
	}
	return weakest;
}

enum check_dnssec
evidence_lookup_weakest(const struct evidence_lookup *l)
{
	enum check_dnssec weakest = l->dnssec;

	for (size_t i = 0; i < l->hop_count; i++)
		if (l->hops[i].dnssec < weakest)
			weakest = l->hops[i].dnssec;
	return weakest;
}
