#include "check_dcv.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>
#include <openssl/evp.h>

#include "buf.h"
#include "check.h"
#include "json_writer.h"
#include "pattern.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define ALNUM		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define RECORD_UNSET	DCV_RECORD_COUNT

static const char *const scheme_names[] = {
	[CHECK_HTTP] = "http", [CHECK_HTTPS] = "https", NULL
};

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
	P_ROW("url_scheme", ENUM, url_scheme, .names = scheme_names),
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

/* RFC 9110 5.5: visible octets, spaces and tabs; so no line can be added. */
static bool
is_field_value(const char *value)
{
	for (const unsigned char *s = (const unsigned char *)value; *s != '\0'; s++)
		if ((*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

static void
header_read(struct check_dcv_parameters *p, const char *name, struct json_object *value,
    const struct place *at)
{
	static const char tchar[] = ALNUM "!#$%&'*+-.^_`|~";
	char member[64];
	const char *text;

	snprintf(member, sizeof(member), "http_headers.%.40s", name);
	if (*name == '\0' || name[strspn(name, tchar)] != '\0') {
		fault(at, member, "invalid-header", "expected a field name as of RFC 9110 5.1");
	} else if (header_is_ours(name)) {
		fault(at, member, "invalid-header",
		    "expected a field that a request may choose, and not %.40s", name);
	} else if (!json_object_is_type(value, json_type_string)) {
		fault(at, member, "invalid-header", "expected a string");
	} else if (text = json_object_get_string(value),
	    strlen(text) != (size_t)json_object_get_string_len(value) || !is_field_value(text) ||
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

static bool
is_uri(const char *text)
{
	size_t scheme = strspn(text, ALNUM "+-.");

	if (scheme == 0 || !isalpha((unsigned char)text[0]) || text[scheme] != ':' ||
	    text[scheme + 1] == '\0')
		return false;
	for (const unsigned char *s = (const unsigned char *)text; *s != '\0'; s++)
		if (*s <= 0x20 || *s >= 0x7f || strchr("\"<>\\^`{|}", *s) != NULL)
			return false;
	return true;
}

/* One step of a path after percent-decoding: "." and ".." would lead elsewhere. */
static bool
is_dot_segment(const char *s, size_t len)
{
	size_t dots = 0;

	while (len > 0) {
		size_t step = len >= 3 && strncasecmp(s, "%2e", 3) == 0 ? 3 : *s == '.' ? 1 : 0;

		if (step == 0)
			return false;
		dots++;
		s += step;
		len -= step;
	}
	return dots == 1 || dots == 2;
}

/* RFC 3986 3.3, relative: what stays under the directory it is added to. */
static bool
is_path(const char *text)
{
	static const char pchar[] = ALNUM "-._~!$&'()*+,;=:@/";
	size_t begin = 0;

	if (*text == '/')
		return false;
	for (size_t i = 0;; i++) {
		if (text[i] == '/' || text[i] == '\0') {
			if (is_dot_segment(text + begin, i - begin) ||
			    (i == begin && text[i] == '/'))
				return false;
			begin = i + 1;
		}
		if (text[i] == '\0')
			return true;
		if (text[i] == '%') {
			if (!isxdigit((unsigned char)text[i + 1]) ||
			    !isxdigit((unsigned char)text[i + 2]))
				return false;
			/* A slash or backslash in disguise, and the end of a C string. */
			if (strncasecmp(text + i, "%2f", 3) == 0 ||
			    strncasecmp(text + i, "%5c", 3) == 0 || strncmp(text + i, "%00", 3) == 0)
				return false;
		} else if (strchr(pchar, text[i]) == NULL) {
			return false;
		}
	}
}

static void
uris_check(const struct json_list *list, const char *member, const struct place *at)
{
	for (size_t i = 0; i < list->count; i++)
		if (!is_uri(list->items[i]))
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
	    !is_path(p->http_token_path))
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
	if ((takes & DCV_P_ACCOUNT_URI) != 0 && p->account_uri != NULL && !is_uri(p->account_uri))
		fault(at, "account_uri", "invalid-uri", "expected a URI");
	if ((takes & DCV_P_EXPECTED_ACCOUNT_URI) != 0 && p->expected_account_uri != NULL &&
	    !is_uri(p->expected_account_uri))
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

/* The octet at `s`, which goes over it; percent-encoded if whole. */
static int
octet_take(const char **s)
{
	const char *at = *s;

	if (at[0] == '%' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2])) {
		const char digits[] = { at[1], at[2], '\0' };

		*s += 3;
		return (int)strtoul(digits, NULL, 16);
	}
	*s += 1;
	return (unsigned char)*at;
}

static bool
begins_decoded(const char *text, const char *value)
{
	for (; *value != '\0'; value++)
		if (*text == '\0' || tolower(octet_take(&text)) != tolower((unsigned char)*value))
			return false;
	return true;
}

bool
check_dcv_value_in(const struct check_dcv_parameters *p, const char *url)
{
	if (strcasestr(url, p->challenge_value) != NULL)
		return true;
	for (; *url != '\0'; url++)
		if (begins_decoded(url, p->challenge_value))
			return true;
	return false;
}

/* BR 3.2.2.4.18: the content looked for must not appear in the request. */
static bool
is_in_request(const struct check_dcv_parameters *p, const struct target *target)
{
	/* Missing is a fault that has been named. */
	if (p->http_token_path == NULL || p->challenge_value == NULL)
		return false;
	if (check_dcv_value_in(p, p->http_token_path) ||
	    strcasestr(target_text(target), p->challenge_value) != NULL)
		return true;
	for (size_t i = 0; i < p->header_count; i++)
		if (strcasestr(p->headers[i].name, p->challenge_value) != NULL ||
		    strcasestr(p->headers[i].value, p->challenge_value) != NULL)
			return true;
	return false;
}

bool
check_dcv_target(const struct check_dcv_parameters *p, const struct target *target,
    const char *target_path, struct json_faults *faults)
{
	const char *refused = dcv_method_refuses(p->method, target);

	if (refused != NULL) {
		json_fault_add(faults, target_path, "invalid-target", "%s", refused);
		return false;
	}
	if (p->method == DCV_WEBSITE_CHANGE && is_in_request(p, target)) {
		json_fault_add(faults, "dcv_check_parameters.challenge_value", "value-in-request",
		    "expected a value that is not in the request itself (BR 3.2.2.4.18)");
		return false;
	}
	return true;
}

bool
check_dcv_exact_case(const struct check_dcv_parameters *p)
{
	const struct dcv_method_row *row = dcv_method_row(p->method);

	if (p->method == DCV_DNS_CHANGE && p->dns_record_type != DCV_TXT)
		return false;
	if ((row->takes & DCV_P_REQUIRE_EXACT_CASE) != 0 && p->require_exact_case.set)
		return p->require_exact_case.value;
	return row->exact_case;
}

bool
check_dcv_digest(const char *text, uint8_t digest[32])
{
	size_t len = strlen(text);
	unsigned char out[48];
	char base64[45];

	if (len == 64) {
		for (size_t i = 0; i < 32; i++) {
			char byte[3] = { text[2 * i], text[2 * i + 1], '\0' };

			if (!isxdigit((unsigned char)byte[0]) || !isxdigit((unsigned char)byte[1]))
				return false;
			digest[i] = (uint8_t)strtoul(byte, NULL, 16);
		}
		return true;
	}
	if (len == 44 && text[43] == '=')
		len = 43;
	if (len != 43 || strspn(text, ALNUM "-_") < 43)
		return false;
	for (size_t i = 0; i < 43; i++)
		base64[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	base64[43] = '=';
	base64[44] = '\0';
	if (EVP_DecodeBlock(out, (const unsigned char *)base64, 44) != 33)
		return false;
	/* The last two bits mean nothing and must be zero. */
	if (out[32] != 0)
		return false;
	memcpy(digest, out, 32);
	return true;
}

/* ---- encoding the parameters ---- */

static void
add_headers(struct buf *out, const struct check_dcv_parameters *p)
{
	buf_adds(out, ",\"http_headers\":");
	if (p->header_count == 0) {
		buf_adds(out, "null");
		return;
	}
	for (size_t i = 0; i < p->header_count; i++) {
		buf_addc(out, i == 0 ? '{' : ',');
		buf_add_json(out, p->headers[i].name, strlen(p->headers[i].name));
		json_add_string(out, ":", p->headers[i].value);
	}
	buf_addc(out, '}');
}

static void
add_dns_parameters(struct buf *out, const struct check_dcv_parameters *p, unsigned takes)
{
	if ((takes & DCV_P_DNS_RECORD_TYPE) != 0)
		json_add_string(out, ",\"dns_record_type\":", dcv_record_names[p->dns_record_type]);
	if ((takes & DCV_P_DNS_NAME_PREFIX) != 0)
		json_add_string(out, ",\"dns_name_prefix\":", p->dns_name_prefix);
	if ((takes & DCV_P_REQUIRE_EXACT_MATCH) != 0)
		json_add_bool(out, ",\"require_exact_match\":", p->require_exact_match.value);
	if ((takes & DCV_P_ACCOUNT_URI) != 0)
		json_add_string(out, ",\"account_uri\":", p->account_uri);
	if ((takes & DCV_P_ISSUER_DOMAIN_NAMES) != 0)
		json_add_list(out, ",\"issuer_domain_names\":", &p->issuer_domain_names);
	if ((takes & DCV_P_EXPECTED_ACCOUNT_URI) != 0) {
		json_add_string(out, ",\"expected_account_uri\":", p->expected_account_uri);
		if (p->expected_account_uris.set)
			json_add_list(out, ",\"expected_account_uris\":", &p->expected_account_uris);
	}
}

void
check_dcv_parameters_encode(const struct check_dcv_parameters *p, struct buf *out)
{
	unsigned takes = dcv_method_row(p->method)->takes;

	if (!p->set) {
		buf_adds(out, "null");
		return;
	}
	json_add_string(out, "{\"validation_method\":", dcv_method_names[p->method]);
	json_add_bool(out, ",\"require_exact_case\":", check_dcv_exact_case(p));
	if ((takes & DCV_P_TOKEN) != 0)
		json_add_string(out, ",\"token\":", p->token);
	if ((takes & DCV_P_KEY_AUTHORIZATION) != 0)
		json_add_string(out, ",\"key_authorization\":", p->key_authorization);
	if ((takes & DCV_P_KEY_AUTHORIZATION_HASH) != 0)
		json_add_string(out, ",\"key_authorization_hash\":", p->key_authorization_hash);
	if ((takes & DCV_P_CHALLENGE_VALUE) != 0)
		json_add_string(out, ",\"challenge_value\":", p->challenge_value);
	if ((takes & DCV_P_HTTP_TOKEN_PATH) != 0)
		json_add_string(out, ",\"http_token_path\":", p->http_token_path);
	if ((takes & DCV_P_URL_SCHEME) != 0)
		json_add_string(out, ",\"url_scheme\":", scheme_names[p->url_scheme]);
	if ((takes & DCV_P_HTTP_HEADERS) != 0)
		add_headers(out, p);
	if ((takes & DCV_P_MATCH_REGEX) != 0)
		json_add_string(out, ",\"match_regex\":", p->match_regex);
	add_dns_parameters(out, p, takes);
	buf_addc(out, '}');
}

/* ---- details ---- */

static void
add_dns_details(struct buf *out, const struct check_dcv_details *d)
{
	json_add_strings(out, ",\"records_seen\":", d->records_seen.items, d->records_seen.count);
	json_add_opt_int(out, ",\"response_code\":", d->response_code);
	if (d->ad_flag.set)
		json_add_bool(out, ",\"ad_flag\":", d->ad_flag.value);
	else
		buf_adds(out, ",\"ad_flag\":null");
	json_add_string(out, ",\"found_at\":", d->found_at);
	json_add_strings(out, ",\"cname_chain\":", d->cname_chain.items, d->cname_chain.count);
}

/* Both spellings: what the reference implementation sends, and its specification's. */
static void
add_history(struct buf *out, const struct check_dcv_details *d)
{
	buf_adds(out, ",\"response_history\":");
	if (d->hop_count == 0) {
		buf_adds(out, "null");
		return;
	}
	for (size_t i = 0; i < d->hop_count; i++) {
		const struct check_hop *hop = &d->hops[i];

		json_add_int(out, i == 0 ? "[{\"status_code\":" : ",{\"status_code\":",
		    hop->status);
		json_add_string(out, ",\"url\":", hop->location);
		json_add_int(out, ",\"response_status_code\":", hop->status);
		json_add_string(out, ",\"response_url\":", hop->url);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static void
add_page(struct buf *out, const struct check_dcv_details *d)
{
	size_t len = d->page_len < CHECK_PAGE_MAX ? d->page_len : CHECK_PAGE_MAX;
	char base64[4 * (CHECK_PAGE_MAX / 3 + 1) + 1];

	if (d->page != NULL)
		EVP_EncodeBlock((unsigned char *)base64, d->page, (int)len);
	json_add_string(out, ",\"response_page\":", d->page != NULL ? base64 : NULL);
}

static void
add_http_details(struct buf *out, const struct check_dcv_details *d)
{
	add_history(out, d);
	json_add_string(out, ",\"response_url\":", d->response_url);
	json_add_opt_int(out, ",\"response_status_code\":", d->response_status_code);
	add_page(out, d);
}

static void
add_us(struct buf *out, const char *lead, int64_t us)
{
	json_add_opt_int(out, lead, (struct json_int){ us >= 0, us });
}

static void
add_dials(struct buf *out, const struct check_dcv_details *d)
{
	json_add_string(out, ",\"resolved_ip\":", d->resolved_ip);
	buf_adds(out, ",\"addresses_tried\":[");
	for (size_t i = 0; i < d->dial_count; i++) {
		const struct check_dial *dial = &d->dials[i];

		json_add_string(out, i == 0 ? "{\"host\":" : ",{\"host\":", dial->host);
		json_add_string(out, ",\"address\":", dial->address);
		json_add_int(out, ",\"port\":", dial->port);
		json_add_string(out, ",\"outcome\":", dial->outcome);
		json_add_string(out, ",\"detail\":", dial->detail);
		json_add_string(out, ",\"tls_version\":", dial->tls_version);
		json_add_string(out, ",\"certificate_sha256\":", dial->certificate_sha256);
		add_us(out, ",\"connect_us\":", dial->connect_us);
		add_us(out, ",\"tls_us\":", dial->tls_us);
		add_us(out, ",\"first_byte_us\":", dial->first_byte_us);
		add_us(out, ",\"total_us\":", dial->total_us);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

void
check_dcv_details_encode(const struct check_dcv_details *d, struct buf *out)
{
	enum dcv_kind kind = dcv_method_row(d->method)->kind;

	json_add_string(out, "{\"validation_method\":", dcv_method_names[d->method]);
	if (kind == DCV_DNS)
		add_dns_details(out, d);
	if (kind == DCV_HTTP)
		add_http_details(out, d);
	if (kind == DCV_TLS_ALPN)
		json_add_string(out, ",\"common_name\":", d->common_name);
	json_add_string(out, ",\"matched\":", d->matched);
	json_add_string(out, ",\"dnssec_status\":", check_dnssec_name(d->dnssec_status));
	if (kind != DCV_DNS)
		add_dials(out, d);
	buf_addc(out, '}');
}

struct wire_details {
	int method;
	const char *dnssec_status, *matched, *found_at, *response_url;
};

static const struct json_field details_fields[] = {
	JSON_ROW("validation_method", ENUM, wire_details, method, .names = dcv_method_names),
	JSON_ROW("dnssec_status", STRING, wire_details, dnssec_status, .max = 32),
	JSON_ROW("matched", STRING, wire_details, matched, .max = CHECK_RESULT_MAX),
	JSON_ROW("found_at", STRING, wire_details, found_at, .max = 1100),
	JSON_ROW("response_url", STRING, wire_details, response_url, .max = CHECK_RESULT_MAX),
	{ .key = NULL }
};

bool
check_dcv_details_read(struct check_dcv_details *d, struct json_object *object,
    const char *path, struct json_faults *faults)
{
	struct wire_details w = { .method = DCV_METHOD_COUNT };

	*d = (struct check_dcv_details){ .method = DCV_METHOD_COUNT };
	if (object != NULL && !json_read(object, details_fields, &w, path, faults))
		return false;
	d->method = w.method;
	d->dnssec_status = check_dnssec_from_name(w.dnssec_status);
	d->matched = w.matched;
	d->found_at = w.found_at;
	d->response_url = w.response_url;
	return true;
}
