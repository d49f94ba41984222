/*
 * The methods of domain control validation, as data: one row a method, and
 * the one place that says what a method is called, which section of the
 * Baseline Requirements it is, which targets and parameters it takes, and what
 * it looks up. Section numbers are those of the TLS BR 2.2.6.
 */
#ifndef MPIC_DCV_METHOD_H
#define MPIC_DCV_METHOD_H

#include <stdbool.h>
#include <stdint.h>

#include "target.h"

#define DCV_METHOD_RULES	"TLS BR 2.2.6"

enum dcv_method {
	DCV_ACME_HTTP_01,
	DCV_WEBSITE_CHANGE,
	DCV_ACME_TLS_ALPN_01,
	DCV_ACME_DNS_01,
	DCV_DNS_ACCOUNT_01,
	DCV_DNS_CHANGE,
	DCV_DNS_PERSISTENT,
	DCV_CONTACT_EMAIL_TXT,
	DCV_CONTACT_PHONE_TXT,
	DCV_CONTACT_EMAIL_CAA,
	DCV_CONTACT_PHONE_CAA,
	DCV_IP_ADDRESS,
	DCV_REVERSE_ADDRESS_LOOKUP,
	DCV_METHOD_COUNT
};

/* What is done: and which details a result has. */
enum dcv_kind { DCV_HTTP, DCV_TLS_ALPN, DCV_DNS };

/* The record types that a method may look up; also values of dns_record_type. */
enum dcv_record { DCV_TXT, DCV_CNAME, DCV_CAA, DCV_A, DCV_AAAA, DCV_PTR, DCV_RECORD_COUNT };

/* Members of dcv_check_parameters, as a set. */
enum dcv_parameter {
	DCV_P_TOKEN = 1 << 0,
	DCV_P_KEY_AUTHORIZATION = 1 << 1,
	DCV_P_KEY_AUTHORIZATION_HASH = 1 << 2,
	DCV_P_CHALLENGE_VALUE = 1 << 3,
	DCV_P_HTTP_TOKEN_PATH = 1 << 4,
	DCV_P_URL_SCHEME = 1 << 5,
	DCV_P_MATCH_REGEX = 1 << 6,
	DCV_P_HTTP_HEADERS = 1 << 7,
	DCV_P_DNS_RECORD_TYPE = 1 << 8,
	DCV_P_DNS_NAME_PREFIX = 1 << 9,
	DCV_P_REQUIRE_EXACT_MATCH = 1 << 10,
	DCV_P_REQUIRE_EXACT_CASE = 1 << 11,
	DCV_P_ACCOUNT_URI = 1 << 12,
	DCV_P_ISSUER_DOMAIN_NAMES = 1 << 13,
	DCV_P_EXPECTED_ACCOUNT_URI = 1 << 14,	/* or expected_account_uris */
};

struct dcv_method_row {
	enum dcv_kind kind;
	const char *section;		/* for names; NULL: takes none */
	const char *ip_section;		/* for IP addresses; NULL: takes none */
	bool wildcard;			/* BR: may prove control over a wildcard's whole name space */
	bool prune, cname;		/* how its Authorization Domain Name may be made */
	/* For wildcards and names below only if the record says so: the target is a wildcard then. */
	bool wildcard_in_record;
	/* RFC 8657 validationmethods labels that mean it; the second may be NULL. */
	const char *labels[2];
	/* DCV_DNS. */
	unsigned records;		/* set of 1 << enum dcv_record that may be asked for */
	const char *prefix;		/* labels before the name, "" for none */
	const char *ip_prefix;		/* before the reverse name of an address */
	bool climb;			/* RFC 8659 section 3, instead of one lookup */
	unsigned takes, requires;	/* sets of enum dcv_parameter */
	bool exact_case;		/* require_exact_case where the request does not say, or may not */
};

const struct dcv_method_row *dcv_method_row(enum dcv_method method);
/* Values of validation_method, by enum dcv_method; ends with NULL. */
extern const char *const dcv_method_names[];
/* "TXT" and so on, by enum dcv_record; ends with NULL. */
extern const char *const dcv_record_names[];
/* The RR type of IANA's registry. */
uint16_t dcv_record_type(enum dcv_record record);
/* The only record type a method asks for; DCV_RECORD_COUNT if the request chooses. */
enum dcv_record dcv_method_record(enum dcv_method method);

/*
 * NULL if the method may validate such a target, else what was expected, as
 * the end of a sentence: "expected a domain name without wildcard for ...".
 */
const char *dcv_method_refuses(enum dcv_method method, const struct target *target);
/* BR section for this target, such as "3.2.2.4.19". */
const char *dcv_method_section(enum dcv_method method, const struct target *target);

#endif
