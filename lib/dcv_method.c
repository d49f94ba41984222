#include "dcv_method.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ONLY(record)	(1u << DCV_##record)
#define CHALLENGE	(DCV_P_CHALLENGE_VALUE)
#define KEY_HASH	(DCV_P_KEY_AUTHORIZATION_HASH)
#define IP6_NAME_LEN	(64 + sizeof("ip6.arpa") - 1)	/* RFC 3596 2.5 */

static const struct dcv_method_row rows[DCV_METHOD_COUNT] = {
	[DCV_ACME_HTTP_01] = {
		.kind = DCV_HTTP, .section = "3.2.2.4.19",
		.ip_section = "3.2.2.5.6", .labels = { "http-01", "ca-tbr-19" },
		.takes = DCV_P_TOKEN | DCV_P_KEY_AUTHORIZATION | DCV_P_HTTP_HEADERS,
		.requires = DCV_P_TOKEN | DCV_P_KEY_AUTHORIZATION, .exact_case = true,
	},
	[DCV_WEBSITE_CHANGE] = {
		.kind = DCV_HTTP, .section = "3.2.2.4.18",
		.ip_section = "3.2.2.5.1", .labels = { "ca-tbr-18" },
		.takes = CHALLENGE | DCV_P_HTTP_TOKEN_PATH | DCV_P_URL_SCHEME |
		    DCV_P_MATCH_REGEX | DCV_P_HTTP_HEADERS | DCV_P_REQUIRE_EXACT_CASE,
		.requires = CHALLENGE | DCV_P_HTTP_TOKEN_PATH, .exact_case = true,
	},
	[DCV_ACME_TLS_ALPN_01] = {
		.kind = DCV_TLS_ALPN, .section = "3.2.2.4.20",
		.ip_section = "3.2.2.5.7", .labels = { "tls-alpn-01", "ca-tbr-20" },
		.takes = KEY_HASH, .requires = KEY_HASH,
	},
	[DCV_ACME_DNS_01] = {
		.kind = DCV_DNS, .section = "3.2.2.4.7",
		.wildcard = true, .prune = true, .cname = true,
		.labels = { "dns-01", "ca-tbr-7" }, .records = ONLY(TXT),
		.prefix = "_acme-challenge", .takes = KEY_HASH, .requires = KEY_HASH,
		.exact_case = true,
	},
	[DCV_DNS_ACCOUNT_01] = {
		.kind = DCV_DNS, .section = "3.2.2.4.21",
		.wildcard = true, .prune = true, .labels = { "dns-account-01", "ca-tbr-21" },
		.records = ONLY(TXT), .prefix = "_acme-challenge",
		.takes = KEY_HASH | DCV_P_ACCOUNT_URI, .requires = KEY_HASH | DCV_P_ACCOUNT_URI,
		.exact_case = true,
	},
	[DCV_DNS_CHANGE] = {
		.kind = DCV_DNS, .section = "3.2.2.4.7",
		.wildcard = true, .prune = true, .cname = true, .labels = { "ca-tbr-7" },
		.records = ONLY(TXT) | ONLY(CNAME) | ONLY(CAA), .prefix = "",
		.takes = CHALLENGE | DCV_P_DNS_RECORD_TYPE | DCV_P_DNS_NAME_PREFIX |
		    DCV_P_REQUIRE_EXACT_MATCH | DCV_P_REQUIRE_EXACT_CASE,
		.requires = CHALLENGE | DCV_P_DNS_RECORD_TYPE, .exact_case = true,
	},
	[DCV_DNS_PERSISTENT] = {
		.kind = DCV_DNS, .section = "3.2.2.4.22",
		.ip_section = "3.2.2.5.8", .wildcard = true, .prune = true,
		.wildcard_in_record = true, .labels = { "dns-persist-01", "ca-tbr-22" }, .records = ONLY(TXT),
		.prefix = "_validation-persist", .ip_prefix = "_ip-validation-persist",
		.takes = DCV_P_ISSUER_DOMAIN_NAMES | DCV_P_EXPECTED_ACCOUNT_URI,
		.requires = DCV_P_ISSUER_DOMAIN_NAMES | DCV_P_EXPECTED_ACCOUNT_URI,
	},
	[DCV_CONTACT_EMAIL_TXT] = {
		.kind = DCV_DNS, .section = "3.2.2.4.14",
		.wildcard = true, .prune = true, .cname = true,
		.labels = { "ca-tbr-14" }, .records = ONLY(TXT),
		.prefix = "_validation-contactemail", .takes = CHALLENGE, .requires = CHALLENGE,
	},
	[DCV_CONTACT_PHONE_TXT] = {
		.kind = DCV_DNS, .section = "3.2.2.4.16",
		.wildcard = true, .prune = true, .cname = true,
		.labels = { "ca-tbr-16" }, .records = ONLY(TXT),
		.prefix = "_validation-contactphone", .takes = CHALLENGE, .requires = CHALLENGE,
	},
	[DCV_CONTACT_EMAIL_CAA] = {
		.kind = DCV_DNS, .section = "3.2.2.4.13",
		.wildcard = true, .prune = true, .cname = true,
		.labels = { "ca-tbr-13" }, .records = ONLY(CAA), .prefix = "", .climb = true,
		.takes = CHALLENGE, .requires = CHALLENGE,
	},
	[DCV_CONTACT_PHONE_CAA] = {
		.kind = DCV_DNS, .section = "3.2.2.4.17",
		.wildcard = true, .prune = true, .cname = true,
		.labels = { "ca-tbr-17" }, .records = ONLY(CAA), .prefix = "", .climb = true,
		.takes = CHALLENGE, .requires = CHALLENGE,
	},
	[DCV_IP_ADDRESS] = {
		.kind = DCV_DNS, .section = "3.2.2.4.8",
		.labels = { "ca-tbr-8" },
		.records = ONLY(A) | ONLY(AAAA), .prefix = "",
		.takes = CHALLENGE | DCV_P_DNS_RECORD_TYPE | DCV_P_DNS_NAME_PREFIX,
		.requires = CHALLENGE | DCV_P_DNS_RECORD_TYPE,
	},
	/* Open MPIC's form has the reverse name itself as target. */
	[DCV_REVERSE_ADDRESS_LOOKUP] = {
		.kind = DCV_DNS, .section = "3.2.2.5.3",
		.ip_section = "3.2.2.5.3", .labels = { NULL },
		.records = ONLY(PTR), .prefix = "", .ip_prefix = "",
		.takes = CHALLENGE, .requires = CHALLENGE,
	},
};

const char *const dcv_method_names[] = {
	[DCV_ACME_HTTP_01] = "acme-http-01",
	[DCV_WEBSITE_CHANGE] = "website-change",
	[DCV_ACME_TLS_ALPN_01] = "acme-tls-alpn-01",
	[DCV_ACME_DNS_01] = "acme-dns-01",
	[DCV_DNS_ACCOUNT_01] = "dns-account-01",
	[DCV_DNS_CHANGE] = "dns-change",
	[DCV_DNS_PERSISTENT] = "dns-persistent",
	[DCV_CONTACT_EMAIL_TXT] = "contact-email-txt",
	[DCV_CONTACT_PHONE_TXT] = "contact-phone-txt",
	[DCV_CONTACT_EMAIL_CAA] = "contact-email-caa",
	[DCV_CONTACT_PHONE_CAA] = "contact-phone-caa",
	[DCV_IP_ADDRESS] = "ip-address",
	[DCV_REVERSE_ADDRESS_LOOKUP] = "reverse-address-lookup",
	[DCV_METHOD_COUNT] = NULL
};

const char *const dcv_record_names[] = { "TXT", "CNAME", "CAA", "A", "AAAA", "PTR", NULL };

const struct dcv_method_row *
dcv_method_row(enum dcv_method method)
{
	return &rows[method];
}

uint16_t
dcv_record_type(enum dcv_record record)
{
	static const uint16_t types[DCV_RECORD_COUNT] = {
		[DCV_TXT] = 16, [DCV_CNAME] = 5, [DCV_CAA] = 257, [DCV_A] = 1, [DCV_AAAA] = 28,
		[DCV_PTR] = 12,
	};

	return types[record];
}

enum dcv_record
dcv_method_record(enum dcv_method method)
{
	for (int record = 0; record < DCV_RECORD_COUNT; record++)
		if (rows[method].records == 1u << record)
			return record;
	return DCV_RECORD_COUNT;
}

/* Of a hexadecimal digit; of anything else some number. */
static unsigned
nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

/* Of a whole address: the very name that the address it seems to be of has. */
static bool
is_reverse_name(const struct name *n)
{
	struct target t = { .kind = TARGET_IPV4 };
	unsigned a[4] = { 0 };
	struct name again;

	if (n->len == IP6_NAME_LEN) {
		t.kind = TARGET_IPV6;
		for (size_t i = 0; i < 16; i++)
			t.address[15 - i] = (uint8_t)(nibble(n->text[4 * i]) |
			    nibble(n->text[4 * i + 2]) << 4);
	} else if (sscanf(n->text, "%3u.%3u.%3u.%3u.", &a[3], &a[2], &a[1], &a[0]) == 4) {
		for (size_t i = 0; i < 4; i++)
			t.address[i] = (uint8_t)a[i];
	}
	return target_reverse_name(&t, &again) && strcmp(n->text, again.text) == 0;
}

const char *
dcv_method_refuses(enum dcv_method method, const struct target *target)
{
	const struct dcv_method_row *row = &rows[method];

	if (target_is_ip(target))
		return row->ip_section != NULL ? NULL :
		    "expected a domain name: this method does not validate IP addresses";
	if (target->kind == TARGET_WILDCARD && !row->wildcard)
		return "expected a name without wildcard: this method does not validate wildcards";
	if (target_has_underscore(target) && !row->cname)
		return "expected a host name: one with underscores is an Authorization Domain Name "
		    "only by way of a CNAME, which this method does not follow to it";
	if (method == DCV_REVERSE_ADDRESS_LOOKUP && !is_reverse_name(&target->name))
		return "expected an IP address, or its whole name under in-addr.arpa or ip6.arpa";
	return NULL;
}

const char *
dcv_method_section(enum dcv_method method, const struct target *target)
{
	return target_is_ip(target) ? rows[method].ip_section : rows[method].section;
}
