#include "caa.h"

#include <string.h>

#include "buf.h"
#include "caa_value.h"
#include "name.h"

/* Bits, so that a set of them can be told in one word. */
enum property {
	PROPERTY_UNKNOWN = 0,
	PROPERTY_ISSUE = 1,
	PROPERTY_ISSUEWILD = 2,
	PROPERTY_ISSUEMAIL = 4,
	PROPERTY_OTHER = 8,	/* known, and says nothing about issuance here */
};

static enum property
record_property(const struct caa_record *rec)
{
	static const struct {
		const char *tag;
		enum property property;
	} rows[] = {
		{ "issue", PROPERTY_ISSUE },
		{ "issuewild", PROPERTY_ISSUEWILD },
		{ "issuemail", PROPERTY_ISSUEMAIL },	/* RFC 9495 */
		{ "iodef", PROPERTY_OTHER },
		{ "issuevmc", PROPERTY_OTHER },		/* mark certificates */
		{ "contactemail", PROPERTY_OTHER },	/* TLS BR A.1 */
		{ "contactphone", PROPERTY_OTHER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (caa_tag_is(rec->tag, rec->tag_len, rows[i].tag))
			return rows[i].property;
	return PROPERTY_UNKNOWN;
}

bool
caa_record_parse(struct caa_record *rec, const void *rdata, size_t len)
{
	struct wire_reader r;

	memset(rec, 0, sizeof(*rec));
	rec->rdata = rdata;
	rec->rdata_len = len;
	wire_reader_init(&r, rdata, len);
	rec->flags = wire_u8(&r);
	rec->tag_len = wire_u8(&r);
	rec->tag = (const char *)wire_bytes(&r, rec->tag_len);
	rec->value_len = wire_left(&r);
	rec->value = (const char *)wire_bytes(&r, rec->value_len);
	rec->malformed = !wire_done(&r) || rec->tag_len == 0;
	for (size_t i = 0; !rec->malformed && i < rec->tag_len; i++) {
		char c = rec->tag[i];

		rec->malformed = !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9'));
	}
	return !rec->malformed;
}

void
caa_record_text(const struct caa_record *rec, struct buf *out)
{
	if (rec->malformed) {
		buf_addf(out, "\\# %zu%s", rec->rdata_len, rec->rdata_len > 0 ? " " : "");
		for (size_t i = 0; i < rec->rdata_len; i++)
			buf_addf(out, "%02x", rec->rdata[i]);
		return;
	}
	buf_addf(out, "%u ", rec->flags);
	buf_add(out, rec->tag, rec->tag_len);
	buf_adds(out, " \"");
	for (size_t i = 0; i < rec->value_len; i++) {
		unsigned char c = (unsigned char)rec->value[i];

		if (c == '"' || c == '\\')
			buf_addc(out, '\\');
		if (c < 0x20 || c >= 0x7f)
			buf_addf(out, "\\%03u", c);
		else
			buf_addc(out, (char)c);
	}
	buf_addc(out, '"');
}

static bool
issuer_matches(const struct caa_value *v, const struct caa_question *q)
{
	for (size_t i = 0; i < q->issuer_count; i++)
		if (name_equal_n(v->issuer, v->issuer_len, q->issuers[i], strlen(q->issuers[i])))
			return true;
	return false;
}

/* Whether the list holds exactly these bytes. Nothing equals the empty text. */
static bool
list_holds(const char *const *list, size_t count, const char *bytes, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (len > 0 && strlen(list[i]) == len && memcmp(list[i], bytes, len) == 0)
			return true;
	return false;
}

/*
 * RFC 8657 section 4: labels of letters, digits and hyphens between commas.
 * They are registered in lower case and the RFC says nothing of folding, so
 * they are compared as they are: the stricter reading.
 */
static enum caa_reason
judge_methods(const struct caa_parameter *p, const struct caa_question *q)
{
	enum caa_reason reason = CAA_WRONG_METHOD;
	size_t start = 0;

	for (size_t i = 0; i <= p->value_len; i++) {
		char c = i < p->value_len ? p->value[i] : ',';

		if (c != ',') {
			if (c != '-' && !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9')))
				return CAA_UNSATISFIABLE;
			continue;
		}
		if (i == start)
			return CAA_UNSATISFIABLE;
		if (list_holds(q->validation_methods, q->validation_method_count,
		    p->value + start, i - start))
			reason = CAA_AUTHORISED;
		start = i + 1;
	}
	return reason;
}

/* RFC 8657 over a value that names our issuer; a second of either parameter satisfies nobody. */
static enum caa_reason
judge_parameters(struct caa_value v, const struct caa_question *q)
{
	enum caa_reason account = CAA_AUTHORISED, method = CAA_AUTHORISED;
	bool account_seen = false, method_seen = false;
	struct caa_parameter p;

	while (caa_value_next(&v, &p)) {
		if (caa_tag_is(p.tag, p.tag_len, "accounturi")) {
			if (account_seen)
				return CAA_UNSATISFIABLE;
			account_seen = true;
			if (!list_holds(q->account_uris, q->account_uri_count, p.value, p.value_len))
				account = CAA_WRONG_ACCOUNT;
		} else if (caa_tag_is(p.tag, p.tag_len, "validationmethods")) {
			if (method_seen)
				return CAA_UNSATISFIABLE;
			method_seen = true;
			method = judge_methods(&p, q);
		}
	}
	if (method == CAA_UNSATISFIABLE)
		return method;
	return account != CAA_AUTHORISED ? account : method;
}

/* What one record of the relevant property says. */
static enum caa_reason
judge_record(const struct caa_record *rec, const struct caa_question *q)
{
	struct caa_value v;

	if (!caa_value_parse(&v, rec->value, rec->value_len))
		return CAA_MALFORMED_VALUE;
	if (v.issuer_len == 0)
		return CAA_EMPTY_ISSUER;
	if (!issuer_matches(&v, q))
		return CAA_OTHER_ISSUER;
	return q->ignore_parameters ? CAA_AUTHORISED : judge_parameters(v, q);
}

/* The property that restricts this certificate (RFC 8659 4.3, RFC 9495), given those present. */
static enum property
relevant_property(unsigned int present, const struct caa_question *q)
{
	if (q->certificate == CAA_S_MIME)
		return PROPERTY_ISSUEMAIL;
	if (q->wildcard && (present & PROPERTY_ISSUEWILD) != 0)
		return PROPERTY_ISSUEWILD;
	return PROPERTY_ISSUE;
}

static struct caa_verdict
verdict(enum caa_reason reason, size_t record)
{
	static const bool permits[CAA_REASON_COUNT] = {
#define X(symbol, code, permitted, sentence) [CAA_##symbol] = permitted,
		CAA_REASONS(X)
#undef X
	};

	return (struct caa_verdict){ permits[reason], reason, record };
}

struct caa_verdict
caa_evaluate(const struct caa_record *records, size_t count, const struct caa_question *q)
{
	struct caa_verdict nearest = verdict(CAA_NO_PROPERTY, CAA_NO_RECORD);
	enum property relevant, property;
	enum caa_reason reason;
	unsigned int present = 0;

	if (count == 0)
		return verdict(CAA_NO_RECORDS, CAA_NO_RECORD);
	for (size_t i = 0; i < count; i++) {
		if (records[i].malformed)
			return verdict(CAA_MALFORMED_RDATA, i);
		property = record_property(&records[i]);
		if (property == PROPERTY_UNKNOWN && (records[i].flags & CAA_FLAG_CRITICAL) != 0)
			return verdict(CAA_CRITICAL_UNKNOWN, i);
		present |= property;
	}
	relevant = relevant_property(present, q);
	for (size_t i = 0; i < count; i++) {
		if (record_property(&records[i]) != relevant)
			continue;
		reason = judge_record(&records[i], q);
		if (reason == CAA_AUTHORISED)
			return verdict(reason, i);
		if (nearest.permitted || reason > nearest.reason)
			nearest = verdict(reason, i);
	}
	return nearest;
}

static const struct {
	const char *code;
	const char *text;
} reasons[CAA_REASON_COUNT] = {
#define X(symbol, code, permitted, sentence) [CAA_##symbol] = { code, sentence },
	CAA_REASONS(X)
#undef X
};

const char *
caa_reason_code(enum caa_reason reason)
{
	return reasons[reason].code;
}

const char *
caa_reason_text(enum caa_reason reason)
{
	return reasons[reason].text;
}
