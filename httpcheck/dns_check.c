#include "httpcheck/dns_check.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "httpcheck/dns_expectation.h"
#include "httpcheck/persist.h"
#include "lookup_verdict.h"

#define SHOWN_MAX	100	/* octets of a record in a sentence */
#define CHAIN_MAX	((size_t)64 * 1024)
#define ACCOUNT_LABEL_LEN 17	/* an underscore and 10 octets in base32 */

/* ---- the question ---- */

/* "_" and the account's first 80 bits in base32 (RFC 4648 6, lower case, no padding). */
static bool
account_label(const char *uri, char label[ACCOUNT_LABEL_LEN + 1])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned bits = 0, have = 0;
	size_t len = 1;

	if (EVP_Digest(uri, strlen(uri), digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	label[0] = '_';
	for (size_t i = 0; i < 10; i++) {
		bits = bits << 8 | digest[i];
		for (have += 8; have >= 5; have -= 5)
			label[len++] = digits[bits >> (have - 5) & 31];
	}
	label[len] = '\0';
	return true;
}

bool
dns_check_init(struct dns_check *c, const struct check_dcv_parameters *p,
    const struct target *target)
{
	const struct dcv_method_row *row = dcv_method_row(p->method);
	const char *prefix = row->prefix;
	char label[ACCOUNT_LABEL_LEN + 1];

	*c = (struct dns_check){ .parameters = p, .wildcard = target->kind == TARGET_WILDCARD };
	if (target_reverse_name(target, &c->name))
		return name_prepend(row->ip_prefix, &c->name, &c->name);
	if ((row->takes & DCV_P_DNS_NAME_PREFIX) != 0 && p->dns_name_prefix != NULL)
		prefix = p->dns_name_prefix;
	if (!name_prepend(prefix, &target->name, &c->name))
		return false;
	return p->method != DCV_DNS_ACCOUNT_01 || (account_label(p->account_uri, label) &&
	    name_prepend(label, &c->name, &c->name));
}

struct dns_question
dns_check_question(const struct dns_check *c)
{
	const struct dcv_method_row *row = dcv_method_row(c->parameters->method);

	return (struct dns_question){
		.name = c->name,
		.type = dcv_record_type(c->parameters->dns_record_type),
		.option.operation = row->climb ? MPIC_CLIMB : MPIC_LOOKUP,
	};
}

/* ---- details ---- */

/* RCODE as the evidence names it; unset for one that has no place here. */
static struct json_int
rcode_number(const char *text)
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMPL", "REFUSED", "YXDOMAIN",
		"YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
	};

	for (size_t i = 0; text != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], text) == 0)
			return (struct json_int){ .set = true, .value = (int64_t)i };
	return (struct json_int){ .set = false };
}

/* The CNAMEs' targets in turn, each with the root's dot. */
static bool
chain_list(const struct evidence_lookup *l, struct check_result *result,
    struct dns_verdict_text *text)
{
	static const char *const none[1];
	size_t count = 0;

	result->dcv.cname_chain = (struct check_strings){ none, 0 };
	if (l->hop_count == 0)
		return true;
	text->chain = calloc(l->hop_count, sizeof(*text->chain));
	if (text->chain == NULL)
		return false;
	/* offsets first: the buffer may move */
	for (size_t i = 0; i < l->hop_count; i++) {
		const struct evidence_hop *hop = &l->hops[i];

		if (strcmp(hop->type, "CNAME") == 0)
			buf_addf(&text->names, "%s%s%c", hop->target,
			    strcmp(hop->target, ".") != 0 ? "." : "", '\0');
	}
	if (text->names.failed)
		return false;
	for (size_t at = 0; at < text->names.len; at += strlen(text->names.data + at) + 1)
		text->chain[count++] = text->names.data + at;
	result->dcv.cname_chain = (struct check_strings){ text->chain, count };
	return true;
}

/* ---- verdicts ---- */

/* A record's text within a sentence, cut between characters. */
static int
shown(const char *text)
{
	size_t len = strnlen(text, SHOWN_MAX + 1);

	if (len <= SHOWN_MAX)
		return (int)len;
	len = SHOWN_MAX;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return (int)len;
}

/* Where the records were, to be said in a sentence. */
struct place {
	const char *type, *name, *alias_of, *owner;
};

static struct place
place_of(const struct dns_check *c, const struct evidence_lookup *l)
{
	bool alias = l->owner != NULL && l->hop_count > 0;

	return (struct place){
		.type = dcv_record_names[c->parameters->dns_record_type], .name = l->name,
		.alias_of = alias ? ", an alias of " : "", .owner = alias ? l->owner : "",
	};
}

#define PLACE		"%.253s%s%.100s"
#define PLACE_OF(p)	(p).name, (p).alias_of, (p).owner

static void
judge_match(const struct dns_check *c, const struct evidence_lookup *l,
    const struct dns_records *records, struct check_result *result)
{
	struct place at = place_of(c, l);
	struct dns_expectation x;
	const char *value;
	size_t len;

	dns_expect(&x, c->parameters);
	for (size_t i = 0; i < records->count; i++) {
		value = dns_record_value(records, i, &len);
		if (value == NULL || !dns_expected(&x, value, len))
			continue;
		result->check_passed = true;
		result->dcv.matched = records->texts[i];
		result->dcv.relied_on = check_dcv_fixed(c->parameters);
		return;
	}
	if (records->count == 1)
		check_result_fail(result, PROBLEM_NO_MATCH,
		    "the %s record at " PLACE " %s the expected value: it is \"%.*s\"", at.type,
		    PLACE_OF(at), x.substring ? "does not hold" : "is not",
		    shown(records->texts[0]), records->texts[0]);
	else
		check_result_fail(result, PROBLEM_NO_MATCH,
		    "none of the %zu %s records at " PLACE " %s the expected value; the first is \"%.*s\"",
		    records->count, at.type, PLACE_OF(at), x.substring ? "holds" : "is",
		    shown(records->texts[0]), records->texts[0]);
}

static void
judge_persistent(const struct dns_check *c, const struct evidence_lookup *l,
    const struct dns_records *records, struct check_result *result)
{
	const struct persist_question question = {
		.issuers = &c->parameters->issuer_domain_names,
		.account_uri = c->parameters->expected_account_uri,
		.account_uris = &c->parameters->expected_account_uris,
		.wildcard = c->wildcard, .now_s = c->now_s,
	};
	enum persist_outcome nearest = PERSIST_MALFORMED, outcome;
	struct place at = place_of(c, l);
	size_t which = 0, len, account = 0, first = SIZE_MAX;

	/* Of usable ones that for the account the request names first: answers rotate. */
	for (size_t i = 0; i < records->count; i++) {
		const char *value = dns_record_value(records, i, &len);

		outcome = value != NULL ? persist_judge(&question, value, len, &account) :
		    PERSIST_MALFORMED;
		if (outcome < nearest || (outcome == nearest &&
		    (outcome != PERSIST_USABLE || account >= first)))
			continue;
		nearest = outcome;
		which = i;
		first = outcome == PERSIST_USABLE ? account : SIZE_MAX;
	}
	if (nearest == PERSIST_USABLE) {
		result->check_passed = true;
		result->dcv.matched = records->texts[which];
		result->dcv.relied_on = persist_account(&question, first);
	} else if (records->count == 1) {
		check_result_fail(result, PROBLEM_NO_MATCH,
		    "the %s record at " PLACE " is not usable: it %s: \"%.*s\"", at.type, PLACE_OF(at),
		    persist_text(nearest), shown(records->texts[0]), records->texts[0]);
	} else {
		check_result_fail(result, PROBLEM_NO_MATCH,
		    "none of the %zu %s records at " PLACE " is usable; the nearest %s: \"%.*s\"",
		    records->count, at.type, PLACE_OF(at), persist_text(nearest),
		    shown(records->texts[which]), records->texts[which]);
	}
}

/* The property that a contact method wants; NULL for what takes any record. */
static const char *
wanted_tag(enum dcv_method method)
{
	return method == DCV_CONTACT_EMAIL_CAA ? "contactemail" :
	    method == DCV_CONTACT_PHONE_CAA ? "contactphone" : NULL;
}

static bool
judge_answer(const struct dns_check *c, const struct evidence_lookup *l,
    struct check_result *result, struct dns_verdict_text *text)
{
	const struct check_dcv_parameters *p = c->parameters;
	const char *tag = wanted_tag(p->method);

	if (!dns_records_read(&text->records, l, p->dns_record_type, tag, dns_expectation_folds(p)))
		return false;
	result->check_completed = true;
	result->dcv.found_at = l->name;
	result->dcv.records_seen = (struct check_strings){ text->records.texts,
	    text->records.count };
	if (text->records.count == 0)
		check_result_fail(result, PROBLEM_NO_MATCH,
		    "the CAA records at %.253s have no %s property", l->name, tag);
	else if (p->method == DCV_DNS_PERSISTENT)
		judge_persistent(c, l, &text->records, result);
	else
		judge_match(c, l, &text->records, result);
	return true;
}

/* The name, or a climb's every name, has no such record. */
static void
judge_nothing(const struct dns_check *c, const struct evidence *e, struct check_result *result)
{
	static const char *const none[1];
	const struct evidence_lookup *l = &e->lookups[0];
	struct place at = place_of(c, l);

	result->dcv.records_seen = (struct check_strings){ none, 0 };
	if (e->lookup_count > 1)
		check_result_fail(result, PROBLEM_NO_RECORD,
		    "there is no %s record at %.253s or any of its parents", at.type, l->name);
	else if (l->hop_count > 0)
		check_result_fail(result, PROBLEM_NO_RECORD,
		    "there is no %s record at %.253s, an alias of %.100s, which %s", at.type, l->name,
		    l->hops[l->hop_count - 1].target, l->outcome == EVIDENCE_NXDOMAIN ?
		    "does not exist" : "has none");
	else
		check_result_fail(result, PROBLEM_NO_RECORD, "there is no %s record at %.253s: %s",
		    at.type, l->name, l->outcome == EVIDENCE_NXDOMAIN ? "the name does not exist" :
		    "the name has none of that type");
}

/* Nearest name first; the first answer decides, and a failure before it. */
static bool
judge_lookups(const struct dns_check *c, const struct evidence *e, struct check_result *result,
    struct dns_verdict_text *text)
{
	const char *type = dcv_record_names[c->parameters->dns_record_type];
	const struct evidence_lookup *decides = NULL;
	enum check_dnssec weakest = CHECK_DNSSEC_SECURE;
	enum problem problem = PROBLEM_NONE;

	for (size_t i = 0; i < e->lookup_count && decides == NULL; i++) {
		const struct evidence_lookup *l = &e->lookups[i];
		enum check_dnssec status = evidence_lookup_weakest(l);

		weakest = status < weakest ? status : weakest;
		problem = lookup_problem(l);
		if (problem != PROBLEM_NONE || l->outcome == EVIDENCE_ANSWER)
			decides = l;
	}
	result->dcv.dnssec_status = (int)weakest;
	result->dcv.response_code = rcode_number((decides != NULL ? decides : e->lookups)->rcode);
	if (!chain_list(decides != NULL ? decides : e->lookups, result, text))
		return false;
	if (problem != PROBLEM_NONE) {
		lookup_fail(decides, type, problem, "", result);
		return true;
	}
	result->dcv.ad_flag = (struct json_bool){ true, weakest == CHECK_DNSSEC_SECURE };
	if (decides != NULL)
		return judge_answer(c, decides, result, text);
	judge_nothing(c, e, result);
	return true;
}

bool
dns_check_judge(const struct dns_check *c, const struct evidence *e, struct check_result *result,
    struct dns_verdict_text *text)
{
	const struct check_dcv_parameters *p = c->parameters;

	*text = (struct dns_verdict_text){ .names = BUF_INIT(CHAIN_MAX) };
	result->dcv.method = p->method;
	return !evidence_usable(e, dcv_record_names[p->dns_record_type], &c->name,
	    dcv_method_row(p->method)->climb, result) || judge_lookups(c, e, result, text);
}

void
dns_verdict_free(struct dns_verdict_text *text)
{
	dns_records_free(&text->records);
	buf_free(&text->names);
	free(text->chain);
	*text = (struct dns_verdict_text){ .chain = NULL };
}
