#include "check_dcv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "buf.h"
#include "pattern.h"
#include "syntax.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define ALNUM		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define RECORD_UNSET	DCV_RECORD_COUNT

/* The members as they stand, before the method's row is asked. */
struct wire_parameters {
	struct check_dcv_parameters p;
	struct json_object *headers;
};

#define P_ROW(key, type, member, ...) \
	JSON_ROW(key, type, wire_parameters, p.member, __VA_ARGS__)

static const struct json_field parameter_fields[] = {
	P_ROW("validation_method", ENUM, method, .required = true, .names = dcv_method_names),
	P_ROW("token", STRING, token, .min = 1, .max = CHECK_PATH_MAX),
	P_ROW("key_authorization", STRING, key_authorization, .min = 1, .max = CHECK_VALUE_MAX),
	P_ROW("key_authorization_hash", STRING, key_authorization_hash, .min = 1,
	    .max = CHECK_VALUE_MAX),
	P_ROW("challenge_value", STRING, challenge_value, .min = 1, .max = CHECK_VALUE_MAX),
	P_ROW("http_token_path", STRING, http_token_path, .min = 1, .max = CHECK_PATH_MAX),
	P_ROW("url_scheme", ENUM, url_scheme, .names = check_url_scheme_names),
	P_ROW("match_regex", STRING, match_regex, .max = CHECK_REGEX_MAX),
	P_ROW("dns_record_type", ENUM, dns_record_type, .names = dcv_record_names),
	P_ROW("dns_name_prefix", STRING, dns_name_prefix, .max = NAME_TEXT_MAX),
	P_ROW("require_exact_match", BOOL, require_exact_match, .required = false),
	P_ROW("require_exact_case", BOOL, require_exact_case, .required = false),
	P_ROW("account_uri", STRING, account_uri, .min = 1, .max = CHECK_VALUE_MAX),
	P_ROW("issuer_domain_names", STRINGS, issuer_domain_names, .max = JSON_LIST_MAX),
	P_ROW("expected_account_uri", STRING, expected_account_uri, .min = 1,
	    .max = CHECK_VALUE_MAX),
	P_ROW("expected_account_uris", STRINGS, expected_account_uris, .max = JSON_LIST_MAX),
	JSON_ROW("http_headers", RAW, wire_parameters, headers),
	{ .key = NULL }
};

/* Where faults of one object go. */
struct place {
	const char *path;
	struct json_faults *faults;
};

static void __attribute__((format(printf, 4, 5)))
fault(const struct place *at, const char *member, const char *issue, const char *fmt, ...)
{
	char path[JSON_PATH_MAX], message[224];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s%s%s", at->path, *at->path != '\0' ? "." : "", member);
	json_fault_add(at->faults, path, issue, "%s", message);
}
/* ---- headers ---- */

/* RFC 9110 7.6.1 and what the request itself needs to say. */
static bool
header_is_ours(const char *name)
{
	static const char *const ours[] = {
		"Host", "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
		"Content-Length", "Expect", "Accept-Encoding", "Range", "HTTP2-Settings",
	};

	for (size_t i = 0; i < COUNT(ours); i++)
		if (strcasecmp(name, ours[i]) == 0)
			return true;
	return false;
}

static void
header_read(struct check_dcv_parameters *p, const char *name, struct json_object *value,
    const struct place *at)
{
	char member[64];
	const char *text;

	snprintf(member, sizeof(member), "http_headers.%.40s", name);
	if (!syntax_field_name(name)) {
		fault(at, member, "invalid-header", "expected a field name as of RFC 9110 5.1");
	} else if (header_is_ours(name)) {
		fault(at, member, "invalid-header",
		    "expected a field that a request may choose, and not %.40s", name);
	} else if (!json_object_is_type(value, json_type_string)) {
		fault(at, member, "invalid-header", "expected a string");
	} else if (text = json_object_get_string(value),
	    strlen(text) != (size_t)json_object_get_string_len(value) || !syntax_field_value(text) ||
	    strlen(name) + strlen(text) > CHECK_HEADER_BYTES_MAX) {
		fault(at, member, "invalid-header",
		    "expected at most %d bytes without control characters", CHECK_HEADER_BYTES_MAX);
	} else {
		p->headers[p->header_count++] = (struct check_header){ name, text };
	}
}

static void
headers_read(struct check_dcv_parameters *p, struct json_object *headers, const struct place *at)
{
	if (headers == NULL)
		return;
	if (!json_object_is_type(headers, json_type_object)) {
		fault(at, "http_headers", "object", "expected an object of strings");
		return;
	}
	if (json_object_object_length(headers) > CHECK_HEADERS_MAX) {
		fault(at, "http_headers", "too_long", "expected at most %d fields",
		    CHECK_HEADERS_MAX);
		return;
	}
	json_object_object_foreach(headers, name, value)
		header_read(p, name, value, at);
}
/* ---- values ---- */

static void
uris_check(const struct json_list *list, const char *member, const struct place *at)
{
	for (size_t i = 0; i < list->count; i++)
		if (!syntax_uri(list->items[i]))
			fault(at, member, "invalid-uri", "expected URIs, found \"%.80s\"",
			    list->items[i]);
}

static void
issuers_check(const struct json_list *list, const struct place *at)
{
	struct name name;

	if (list->count == 0)
		fault(at, "issuer_domain_names", "missing", "expected at least one name");
	for (size_t i = 0; i < list->count; i++)
		if (!name_from_utf8(&name, list->items[i], strlen(list->items[i]), NULL))
			fault(at, "issuer_domain_names", "invalid-name",
			    "expected domain names, found \"%.80s\"", list->items[i]);
}

static void
prefix_check(const char *prefix, const struct place *at)
{
	size_t len = strlen(prefix);
	const char *label = prefix;

	if (len == 0)
		return;
	for (;;) {
		size_t n = strcspn(label, ".");

		if (n == 0 || n > NAME_LABEL_MAX || strspn(label, ALNUM "-_") < n) {
			fault(at, "dns_name_prefix", "invalid-prefix", "expected labels of 1 to 63 "
			    "letters, digits, hyphens and underscores, joined by dots");
			return;
		}
		if (label[n] == '\0')
			return;
		label += n + 1;
	}
}

static void
challenge_check(const struct check_dcv_parameters *p, const struct place *at)
{
	size_t len = strlen(p->challenge_value);
	struct target value;
	struct name name;

	/* it stands in any page and in many a record */
	if (strspn(p->challenge_value, " \t\r\n\f\v") == len)
		fault(at, "challenge_value", "invalid-value", "expected more than white space");
	/* the name as PTR records have it, and as Open MPIC compares it */
	if (len > 1 && p->challenge_value[len - 1] == '.')
		len--;
	if (p->method == DCV_IP_ADDRESS && (!target_parse(&value, p->challenge_value,
	    strlen(p->challenge_value), NULL) || !target_is_ip(&value)))
		fault(at, "challenge_value", "invalid-address", "expected an IP address");
	if (p->method == DCV_REVERSE_ADDRESS_LOOKUP && !name_from_utf8(&name,
	    p->challenge_value, len, NULL))
		fault(at, "challenge_value", "invalid-name", "expected a domain name");
}

static void
pattern_check(const char *text, const struct place *at)
{
	struct buf why = BUF_INIT(256);

	if (!pattern_valid(text, &why))
		fault(at, "match_regex", "invalid-regex", "it %s",
		    why.data != NULL ? why.data : "could not be compiled");
	buf_free(&why);
}

/* What the members that the method takes must look like. */
static void
values_check(const struct check_dcv_parameters *p, const struct place *at)
{
	unsigned takes = dcv_method_row(p->method)->takes;
	uint8_t digest[32];

	if ((takes & DCV_P_TOKEN) != 0 && p->token != NULL &&
	    p->token[strspn(p->token, ALNUM "-_")] != '\0')
		fault(at, "token", "invalid-token",
		    "expected characters of base64url only (RFC 8555 8.3)");
	if ((takes & DCV_P_HTTP_TOKEN_PATH) != 0 && p->http_token_path != NULL &&
	    !syntax_relative_path(p->http_token_path))
		fault(at, "http_token_path", "invalid-path", "expected a path relative to "
		    "/.well-known/pki-validation/, without dot segments or query");
	if (p->method == DCV_ACME_TLS_ALPN_01 && p->key_authorization_hash != NULL &&
	    !check_dcv_digest(p->key_authorization_hash, digest))
		fault(at, "key_authorization_hash", "invalid-digest",
		    "expected a SHA-256 digest in hex or base64url");
	if ((takes & DCV_P_CHALLENGE_VALUE) != 0 && p->challenge_value != NULL)
		challenge_check(p, at);
	if ((takes & DCV_P_MATCH_REGEX) != 0 && p->match_regex != NULL)
		pattern_check(p->match_regex, at);
	if ((takes & DCV_P_DNS_NAME_PREFIX) != 0 && p->dns_name_prefix != NULL)
		prefix_check(p->dns_name_prefix, at);
	if ((takes & DCV_P_ACCOUNT_URI) != 0 && p->account_uri != NULL && !syntax_uri(p->account_uri))
		fault(at, "account_uri", "invalid-uri", "expected a URI");
	if ((takes & DCV_P_EXPECTED_ACCOUNT_URI) != 0 && p->expected_account_uri != NULL &&
	    !syntax_uri(p->expected_account_uri))
		fault(at, "expected_account_uri", "invalid-uri", "expected a URI");
	if ((takes & DCV_P_EXPECTED_ACCOUNT_URI) != 0)
		uris_check(&p->expected_account_uris, "expected_account_uris", at);
	if ((takes & DCV_P_ISSUER_DOMAIN_NAMES) != 0 && p->issuer_domain_names.set)
		issuers_check(&p->issuer_domain_names, at);
}

/* Whether a fault of the member is named already. */
static bool
is_at_fault(const struct place *at, const char *member)
{
	char path[JSON_PATH_MAX];

	snprintf(path, sizeof(path), "%s%s%s", at->path, *at->path != '\0' ? "." : "", member);
	for (size_t i = 0; i < at->faults->count; i++)
		if (strcmp(at->faults->list[i].path, path) == 0)
			return true;
	return false;
}

static void
required_check(const struct check_dcv_parameters *p, const struct place *at)
{
	const struct {
		unsigned parameter;
		const char *member;
		bool there;
	} members[] = {
		{ DCV_P_TOKEN, "token", p->token != NULL },
		{ DCV_P_KEY_AUTHORIZATION, "key_authorization", p->key_authorization != NULL },
		{ DCV_P_KEY_AUTHORIZATION_HASH, "key_authorization_hash",
		    p->key_authorization_hash != NULL },
		{ DCV_P_CHALLENGE_VALUE, "challenge_value", p->challenge_value != NULL },
		{ DCV_P_HTTP_TOKEN_PATH, "http_token_path", p->http_token_path != NULL },
		{ DCV_P_DNS_RECORD_TYPE, "dns_record_type", p->dns_record_type != RECORD_UNSET },
		{ DCV_P_ACCOUNT_URI, "account_uri", p->account_uri != NULL },
		{ DCV_P_ISSUER_DOMAIN_NAMES, "issuer_domain_names", p->issuer_domain_names.set },
		{ DCV_P_EXPECTED_ACCOUNT_URI, "expected_account_uri",
		    p->expected_account_uri != NULL || p->expected_account_uris.count > 0 },
	};
	unsigned requires = dcv_method_row(p->method)->requires;

	for (size_t i = 0; i < COUNT(members); i++)
		if ((requires & members[i].parameter) != 0 && !members[i].there &&
		    !is_at_fault(at, members[i].member))
			fault(at, members[i].member, "missing", "%s requires it",
			    dcv_method_names[p->method]);
}

/* "TXT, CNAME or CAA" of the method's row. */
static const char *
record_list(unsigned records, char text[64])
{
	size_t len = 0;

	text[0] = '\0';
	for (int r = 0; r < DCV_RECORD_COUNT; r++)
		if ((records & 1u << r) != 0) {
			records &= ~(1u << r);
			len += (size_t)snprintf(text + len, 64 - len, "%s%s", len == 0 ? "" :
			    records != 0 ? ", " : " or ", dcv_record_names[r]);
		}
	return text;
}

/* A fixed record type or prefix is filled in, and must agree if sent. */
static void
fixed_check(struct check_dcv_parameters *p, const struct place *at)
{
	const struct dcv_method_row *row = dcv_method_row(p->method);
	char list[64];

	if (row->kind != DCV_DNS)
		return;
	if (p->dns_record_type != RECORD_UNSET && (row->records & 1u << p->dns_record_type) == 0)
		fault(at, "dns_record_type", "enum", "%s looks up %s, found %s",
		    dcv_method_names[p->method], record_list(row->records, list),
		    dcv_record_names[p->dns_record_type]);
	else if (dcv_method_record(p->method) != DCV_RECORD_COUNT)
		p->dns_record_type = dcv_method_record(p->method);
	if ((row->takes & DCV_P_DNS_NAME_PREFIX) == 0 && p->dns_name_prefix != NULL &&
	    *p->dns_name_prefix != '\0' && strcmp(p->dns_name_prefix, row->prefix) != 0)
		fault(at, "dns_name_prefix", "enum", "%s has %s%s%s, found another",
		    dcv_method_names[p->method], *row->prefix != '\0' ? "\"" : "no prefix",
		    row->prefix, *row->prefix != '\0' ? "\"" : "");
}

bool
check_dcv_parameters_read(struct check_dcv_parameters *p, struct json_object *object,
    const char *path, struct json_faults *faults)
{
	struct wire_parameters wire = { .p = { .method = DCV_METHOD_COUNT,
	    .dns_record_type = RECORD_UNSET } };
	const struct place at = { path, faults };
	size_t before = faults->count;

	wire.p.set = json_read(object, parameter_fields, &wire, path, faults);
	if (wire.p.method == DCV_METHOD_COUNT)
		return false;
	if ((dcv_method_row(wire.p.method)->takes & DCV_P_HTTP_HEADERS) != 0)
		headers_read(&wire.p, wire.headers, &at);
	required_check(&wire.p, &at);
	fixed_check(&wire.p, &at);
	values_check(&wire.p, &at);
	if (wire.p.set)
		*p = wire.p;
	return faults->count == before;
}
