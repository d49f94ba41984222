#include "check_dcv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "buf.h"
#include "json_writer.h"

#define ALNUM	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

const char *const check_url_scheme_names[] = {
	[CHECK_HTTP] = "http", [CHECK_HTTPS] = "https", NULL
};

/* ---- what they mean ---- */

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

/* The one account of a request that names no two. */
static const char *
only_account(const struct check_dcv_parameters *p)
{
	const char *only = p->expected_account_uri;

	for (size_t i = 0; i < p->expected_account_uris.count; i++) {
		const char *uri = p->expected_account_uris.items[i];

		if (only != NULL && strcmp(only, uri) != 0)
			return NULL;
		only = uri;
	}
	return only;
}

const char *
check_dcv_fixed(const struct check_dcv_parameters *p)
{
	unsigned takes = dcv_method_row(p->method)->takes;

	if (p->method == DCV_DNS_PERSISTENT)
		return only_account(p);
	return (takes & DCV_P_KEY_AUTHORIZATION_HASH) != 0 ? p->key_authorization_hash :
	    (takes & DCV_P_KEY_AUTHORIZATION) != 0 ? p->key_authorization : p->challenge_value;
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
		json_add_string(out, ",\"url_scheme\":", check_url_scheme_names[p->url_scheme]);
	if ((takes & DCV_P_HTTP_HEADERS) != 0)
		add_headers(out, p);
	if ((takes & DCV_P_MATCH_REGEX) != 0)
		json_add_string(out, ",\"match_regex\":", p->match_regex);
	add_dns_parameters(out, p, takes);
	buf_addc(out, '}');
}
