#include "coordinator/explain_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>
#include <openssl/evp.h>

#include "caa.h"
#include "coordinator/clean_text.h"
#include "problem_advice.h"

#define LINES_MAX	8	/* of a list */
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* What the lines are about. */
struct facts {
	struct buf *out;
	struct json_object *answer, *dcv, *caa;	/* and its echo of the parameters */
	const struct seen *seen;
	const char *target;
};

static void
add_line(struct buf *out, const char *label, const char *text)
{
	buf_addf(out, EXPLAIN_INDENT "%s: ", label);
	clean_text_add_short(out, text, EXPLAIN_SHOWN);
	buf_addc(out, '\n');
}

static void
add_text(struct buf *out, const char *text)
{
	clean_text_add_short(out, text != NULL ? text : "", EXPLAIN_SHOWN);
}

/* What goes into the zone, on a line of its own. */
static void
begin_record(struct buf *out, const char *name, const char *type)
{
	buf_adds(out, EXPLAIN_INDENT EXPLAIN_INDENT);
	add_text(out, name);
	buf_addf(out, ". IN %s ", type);
}

/* ---- CAA ---- */

static enum caa_reason
reason_of(const struct seen *seen)
{
	const char *code = seen->result.caa.reason;

	for (int r = 0; code != NULL && r < CAA_REASON_COUNT; r++)
		if (strcmp(caa_reason_code((enum caa_reason)r), code) == 0)
			return (enum caa_reason)r;
	return CAA_REASON_COUNT;
}

/* The property that has to permit: that of the record that decided, if it is one. */
static const char *
caa_tag(const struct facts *f)
{
	static const char *const tags[] = { "issuewild", "issuemail", "issue" };
	const char *record = f->seen->result.caa.deciding_record;
	const char *kind = seen_string(f->caa, "certificate_type");
	const char *tag = record != NULL ? strchr(record, ' ') : NULL;

	if (kind != NULL && strcmp(kind, "s-mime") == 0)
		return "issuemail";
	for (size_t i = 0; tag != NULL && i < COUNT(tags); i++)
		if (strncasecmp(tag + 1, tags[i], strlen(tags[i])) == 0)
			return tags[i];
	return "issue";
}

static const char *
first_item(struct json_object *object, const char *key)
{
	struct json_object *list = seen_list(object, key);

	return seen_count(list) > 0 ? json_object_get_string(json_object_array_get_idx(list, 0)) :
	    NULL;
}

static void
add_caa_record(const struct facts *f, const char *at, enum caa_reason reason)
{
	const char *issuer = first_item(f->caa, "caa_domains");
	const char *account = first_item(f->caa, "account_uris");
	const char *method = first_item(f->caa, "validation_methods");

	begin_record(f->out, at, "CAA");
	buf_addf(f->out, "0 %s \"", caa_tag(f));
	add_text(f->out, issuer != NULL ? issuer : "THE-CA'S-ISSUER-DOMAIN-NAME");
	if ((reason == CAA_WRONG_ACCOUNT || reason == CAA_UNSATISFIABLE) && account != NULL) {
		buf_adds(f->out, "; accounturi=");
		add_text(f->out, account);
	}
	if (reason == CAA_WRONG_METHOD && method != NULL) {
		buf_adds(f->out, "; validationmethods=");
		add_text(f->out, method);
	}
	buf_adds(f->out, "\"\n");
}

static void
add_caa_change(const struct facts *f, const char *at)
{
	enum caa_reason reason = reason_of(f->seen);
	const char *label;

	switch (reason) {
	case CAA_CRITICAL_UNKNOWN:
	case CAA_MALFORMED_RDATA:
		buf_adds(f->out, EXPLAIN_INDENT "Remove that record, or correct it; while it is "
		    "there no CA may issue.\n");
		return;
	case CAA_EMPTY_ISSUER:
		label = "It forbids every CA. Put in its place";
		break;
	case CAA_MALFORMED_VALUE:
		label = "Its value is not well-formed and permits nobody. Put in its place";
		break;
	case CAA_WRONG_ACCOUNT:
	case CAA_UNSATISFIABLE:
		label = "It permits another account only (accounturi, RFC 8657). Add";
		break;
	case CAA_WRONG_METHOD:
		label = "It permits other methods of validation only (validationmethods, RFC 8657). "
		    "Ask by one of them, or add";
		break;
	default:
		label = "If this CA is to issue, add";
	}
	buf_addf(f->out, EXPLAIN_INDENT "%s:\n", label);
	add_caa_record(f, at, reason);
}

static void
add_caa_facts(const struct facts *f)
{
	const struct check_caa_details *d = &f->seen->result.caa;
	const char *name = strncmp(f->target, "*.", 2) == 0 ? f->target + 2 : f->target;
	struct json_object *records = seen_list(f->seen->details, "records_seen");

	if (d->found_at == NULL)
		return;
	add_line(f->out, "Found at", d->found_at);
	if (strcasecmp(d->found_at, name) != 0) {
		buf_adds(f->out, EXPLAIN_INDENT "(they hold for ");
		add_text(f->out, name);
		buf_adds(f->out, " because it has none of its own: RFC 8659 section 3)\n");
	}
	for (size_t i = 0; i < seen_count(records) && i < LINES_MAX; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(records, i));

		add_line(f->out, "Record", text != NULL ? text : "null");
	}
	if (seen_count(records) > LINES_MAX)
		buf_addf(f->out, EXPLAIN_INDENT "... and %zu more\n", seen_count(records) - LINES_MAX);
	if (d->deciding_record != NULL && seen_count(records) > 1)
		add_line(f->out, "The one that decides", d->deciding_record);
	if (f->seen->result.problem.problem == PROBLEM_CAA_FORBIDS)
		add_caa_change(f, d->found_at);
}

/* ---- lookups ---- */

/* RFC 8914, as far as it is about DNSSEC. */
static const char *
ede_text(int64_t code)
{
	static const struct {
		int64_t code;
		const char *text;
	} texts[] = {
		{ 1, "a key uses an algorithm that is not supported" },
		{ 2, "a DS record uses a digest that is not supported" },
		{ 5, "whether it is signed cannot be told" },
		{ 6, "the signatures do not verify" },
		{ 7, "the signatures have expired: the zone was not signed again in time" },
		{ 8, "the signatures are not valid yet: a clock is wrong where the zone is signed" },
		{ 9, "the key that the parent's DS record names is not in the zone: a key was "
		    "changed without changing the DS record" },
		{ 10, "signatures are missing: the zone is served unsigned, but its parent says "
		    "that it is signed" },
		{ 11, "the zone has no key that may sign it" },
		{ 12, "the proof that a record does not exist (NSEC, NSEC3) is missing" },
		{ 22, "no name server of the zone could be reached" },
		{ 23, "the network to the zone's name servers is broken" },
		{ 25, "the signatures run from a time after their end" },
		{ 27, "NSEC3 has more iterations than are supported" },
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		if (texts[i].code == code)
			return texts[i].text;
	return NULL;
}

static void
add_exchanges(struct buf *out, struct json_object *lookup)
{
	struct json_object *list = seen_list(lookup, "exchanges");
	char last[256] = "";

	for (size_t i = 0, shown = 0; i < seen_count(list) && shown < LINES_MAX; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		const char *server = seen_string(one, "server"), *zone = seen_string(one, "zone");
		const char *result = seen_string(one, "result");
		char text[256];

		if (server == NULL || result == NULL || strcmp(result, "NOERROR") == 0)
			continue;
		snprintf(text, sizeof(text), "%.80s of %.100s: %.40s", server,
		    zone != NULL ? zone : "?", result);
		if (strcmp(text, last) == 0)
			continue;
		add_line(out, "Name server", text);
		memcpy(last, text, sizeof(last));
		shown++;
	}
}

static void
add_lookup_facts(const struct facts *f)
{
	struct json_object *lookup = seen_lookup(f->seen);
	const char *name = seen_string(lookup, "name"), *type = seen_string(lookup, "type");
	const char *words = ede_text(seen_int(lookup, "ede"));

	if (name == NULL)
		return;
	buf_adds(f->out, EXPLAIN_INDENT "Asked for: ");
	add_text(f->out, type);
	buf_adds(f->out, " of ");
	add_text(f->out, name);
	buf_addc(f->out, '\n');
	if (f->seen->result.problem.problem == PROBLEM_DNS_BOGUS && words != NULL)
		add_line(f->out, "In words", words);
	if (f->seen->result.problem.problem != PROBLEM_DNS_BOGUS)
		add_exchanges(f->out, lookup);
}

/* ---- domain control by DNS ---- */

static void
add_expected_record(const struct facts *f, const char *name, const char *type)
{
	const char *value = seen_string(f->dcv, "key_authorization_hash");
	const char *issuer = first_item(f->dcv, "issuer_domain_names");
	const char *account = seen_string(f->dcv, "expected_account_uri");

	if (value == NULL)
		value = seen_string(f->dcv, "challenge_value");
	if (account == NULL)
		account = first_item(f->dcv, "expected_account_uris");
	if (name == NULL || type == NULL || (strcmp(type, "TXT") != 0 && strcmp(type, "CNAME") != 0) ||
	    (value == NULL && (issuer == NULL || account == NULL)))
		return;
	buf_adds(f->out, EXPLAIN_INDENT "What is expected:\n");
	begin_record(f->out, name, type);
	buf_adds(f->out, strcmp(type, "TXT") == 0 ? "\"" : "");
	if (value == NULL) {
		add_text(f->out, issuer);
		buf_adds(f->out, "; accounturi=");
		add_text(f->out, account);
		buf_adds(f->out, strncmp(f->target, "*.", 2) == 0 ? "; policy=wildcard" : "");
	} else {
		add_text(f->out, value);
	}
	buf_adds(f->out, strcmp(type, "TXT") == 0 ? "\"\n" : "\n");
}

static void
add_dns_facts(const struct facts *f)
{
	struct json_object *lookup = seen_lookup(f->seen);
	struct json_object *records = seen_list(f->seen->details, "records_seen");
	struct json_object *chain = seen_list(f->seen->details, "cname_chain");

	for (size_t i = 0; i < seen_count(chain) && i < LINES_MAX; i++)
		add_line(f->out, "By CNAME to", json_object_get_string(
		    json_object_array_get_idx(chain, i)) ?: "null");
	for (size_t i = 0; i < seen_count(records) && i < LINES_MAX; i++)
		add_line(f->out, "Record", json_object_get_string(
		    json_object_array_get_idx(records, i)) ?: "null");
	if (seen_count(records) > LINES_MAX)
		buf_addf(f->out, EXPLAIN_INDENT "... and %zu more\n", seen_count(records) - LINES_MAX);
	add_expected_record(f, seen_string(lookup, "name"), seen_string(lookup, "type"));
}

/* ---- domain control by HTTP and TLS ---- */

/* The first bytes of a page, of which a person shall see each. */
static void
add_page(struct buf *out, const char *base64)
{
	unsigned char page[4 * (CHECK_PAGE_MAX / 3 + 2)];
	size_t len = strlen(base64);
	int n;

	if (len == 0 || len % 4 != 0 || len >= sizeof(page) * 4 / 3)
		return;
	n = EVP_DecodeBlock(page, (const unsigned char *)base64, (int)len);
	for (size_t i = len; n > 0 && i > 0 && base64[i - 1] == '=' && len - i < 2; i--)
		n--;
	if (n <= 0)
		return;
	buf_adds(out, EXPLAIN_INDENT "First bytes of the page: \"");
	for (int i = 0; i < n; i++)
		if (page[i] < 0x20 || page[i] >= 0x7f || page[i] == '\\' || page[i] == '"')
			buf_addf(out, "\\x%02x", page[i]);
		else
			buf_addc(out, (char)page[i]);
	buf_adds(out, "\"\n");
}

static void
add_dials(const struct facts *f)
{
	struct json_object *list = seen_list(f->seen->details, "addresses_tried");

	for (size_t i = 0; i < seen_count(list) && i < LINES_MAX; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		const char *outcome = seen_string(one, "outcome"), *detail = seen_string(one, "detail");

		buf_adds(f->out, EXPLAIN_INDENT "Tried: ");
		add_text(f->out, seen_string(one, "host"));
		buf_adds(f->out, " at ");
		add_text(f->out, seen_string(one, "address"));
		buf_addf(f->out, " port %" PRId64 ": ", seen_int(one, "port"));
		add_text(f->out, outcome);
		if (detail != NULL) {
			buf_adds(f->out, ", ");
			add_text(f->out, detail);
		}
		buf_addc(f->out, '\n');
	}
}

static void
add_hops(const struct facts *f)
{
	struct json_object *list = seen_list(f->seen->details, "response_history");

	for (size_t i = 0; i < seen_count(list) && i < LINES_MAX; i++) {
		struct json_object *hop = json_object_array_get_idx(list, i);
		const char *url = seen_string(hop, "response_url");

		buf_adds(f->out, EXPLAIN_INDENT "Redirected: ");
		add_text(f->out, url != NULL ? url : "");
		buf_addf(f->out, " by %" PRId64 " to ", seen_int(hop, "status_code"));
		add_text(f->out, seen_string(hop, "url"));
		buf_addc(f->out, '\n');
	}
}

static void
add_http_facts(const struct facts *f)
{
	static const char *const expected[] = { "key_authorization", "challenge_value", "match_regex" };
	const char *url = seen_string(f->seen->details, "response_url");
	const char *page = seen_string(f->seen->details, "response_page"), *value;
	int64_t status = seen_int(f->seen->details, "response_status_code");

	add_dials(f);
	add_hops(f);
	if (url != NULL && status >= 0) {
		buf_adds(f->out, EXPLAIN_INDENT "Answered: ");
		add_text(f->out, url);
		buf_addf(f->out, " with status %" PRId64 "\n", status);
	}
	if (page != NULL)
		add_page(f->out, page);
	for (size_t i = 0; i < COUNT(expected); i++)
		if ((value = seen_string(f->dcv, expected[i])) != NULL)
			add_line(f->out, i < 2 ? "Expected" : "Expected to match", value);
}

static void
add_tls_alpn_facts(const struct facts *f)
{
	const char *name = seen_string(f->seen->details, "common_name");
	const char *digest = seen_string(f->dcv, "key_authorization_hash");

	add_dials(f);
	if (name != NULL)
		add_line(f->out, "The certificate's common name", name);
	if (digest != NULL)
		add_line(f->out, "Expected in its acmeIdentifier", digest);
}

/* ---- the result ---- */

static bool
is_about_lookup(enum problem problem)
{
	return problem == PROBLEM_DNS_BOGUS || problem == PROBLEM_DNS_FAILED ||
	    problem == PROBLEM_DNS_TIMEOUT || problem == PROBLEM_DNS_TOO_LARGE ||
	    problem == PROBLEM_DNS_INDETERMINATE || problem == PROBLEM_NO_ADDRESS;
}

static void
add_control_facts(const struct facts *f)
{
	int method = f->seen->result.dcv.method;

	if (method == DCV_METHOD_COUNT)
		return;
	switch (dcv_method_row((enum dcv_method)method)->kind) {
	case DCV_HTTP:
		add_http_facts(f);
		break;
	case DCV_TLS_ALPN:
		add_tls_alpn_facts(f);
		break;
	case DCV_DNS:
		add_dns_facts(f);
		break;
	}
}

void
explain_facts(struct buf *out, struct json_object *answer, const struct seen *seen)
{
	const struct check_result *r = &seen->result;
	const char *target = seen_string(answer, "domain_or_ip_target");
	const struct facts f = { .out = out, .answer = answer, .seen = seen,
		.dcv = seen_object(answer, "dcv_check_parameters"),
		.caa = seen_object(answer, "caa_check_parameters"),
		.target = target != NULL ? target : "" };

	if (r->problem.problem != PROBLEM_NONE && problem_fault(r->problem.problem) != FAULT_TARGET)
		return;
	if (is_about_lookup(r->problem.problem))
		add_lookup_facts(&f);
	else if (r->type == CHECK_CAA)
		add_caa_facts(&f);
	else
		add_control_facts(&f);
}
