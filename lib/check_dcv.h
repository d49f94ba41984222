/*
 * What a check of domain control asks and tells: dcv_check_parameters of a
 * request and the details of a result. Part of the codec in check.h.
 *
 * Members and their meaning are Open MPIC's; what it lacks is added.
 */
#ifndef MPIC_CHECK_DCV_H
#define MPIC_CHECK_DCV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dcv_method.h"
#include "json_reader.h"

struct buf;

#define CHECK_HEADERS_MAX	32	/* http_headers of a request */
#define CHECK_HEADER_BYTES_MAX	4096	/* name and value of one */
#define CHECK_VALUE_MAX		4096	/* bytes of challenge_value, key_authorization and such */
#define CHECK_PATH_MAX		1024	/* bytes of http_token_path and token */
#define CHECK_REGEX_MAX		2048
#define CHECK_PAGE_MAX		100	/* first bytes of a page, in response_page */
#define CHECK_HOPS_MAX		16	/* entries of response_history */
#define CHECK_DIALS_MAX		64	/* tries of addresses in one result */

enum check_url_scheme { CHECK_HTTP, CHECK_HTTPS };
/* "http", "https"; ends with NULL. */
extern const char *const check_url_scheme_names[];

struct check_header {
	const char *name, *value;
};

/* Strings are borrowed. Which are set is the method's row's to say. */
struct check_dcv_parameters {
	bool set;			/* false: the member was absent or null */
	int method;			/* enum dcv_method */
	const char *token, *key_authorization;
	const char *key_authorization_hash;	/* as sent; see check_dcv_digest() */
	const char *challenge_value;
	const char *http_token_path;	/* without a '/' at its begin */
	int url_scheme;			/* enum check_url_scheme */
	const char *match_regex;	/* or NULL */
	struct check_header headers[CHECK_HEADERS_MAX];
	size_t header_count;
	int dns_record_type;		/* enum dcv_record */
	const char *dns_name_prefix;	/* or NULL */
	struct json_bool require_exact_match, require_exact_case;
	const char *account_uri;
	struct json_list issuer_domain_names;
	const char *expected_account_uri;
	struct json_list expected_account_uris;	/* any may match; beside or instead of the one */
};

/*
 * Reads the object at `path`. Every fault is named: what the method requires
 * and is missing, what has another form than it must. Members that the method
 * does not take are ignored, but for a fixed dns_record_type or
 * dns_name_prefix, which must agree if sent. False if anything was at fault.
 */
bool check_dcv_parameters_read(struct check_dcv_parameters *p, struct json_object *object,
    const char *path, struct json_faults *faults);
/* Adds the object (or null), as it is sent to a perspective and echoed to a caller. */
void check_dcv_parameters_encode(const struct check_dcv_parameters *p, struct buf *out);
/*
 * One fault at `target_path` if the method does not validate such a target,
 * or when the value looked for would be in the request (BR 3.2.2.4.18).
 */
bool check_dcv_target(const struct check_dcv_parameters *p, const struct target *target,
    const char *target_path, struct json_faults *faults);
/*
 * Whether the challenge_value stands in a URL or a part of one, in any case,
 * percent-encoded or not: a server may show what it was asked for.
 */
bool check_dcv_value_in(const struct check_dcv_parameters *p, const char *url);
/*
 * What every result that passes has relied on, when the request alone says it:
 * the token, the key authorization or its digest, the contact, the address, the
 * account. NULL if perspectives may come to different ones, and pass.
 */
const char *check_dcv_fixed(const struct check_dcv_parameters *p);
/* require_exact_case as sent, or what the method has. */
bool check_dcv_exact_case(const struct check_dcv_parameters *p);
/*
 * The SHA-256 digest that key_authorization_hash stands for, in hex or
 * base64url. False if it is neither.
 */
bool check_dcv_digest(const char *text, uint8_t digest[32]);

/* A redirect that was followed. */
struct check_hop {
	int status;
	const char *url;		/* that answered with it */
	const char *location;		/* where it led, as the server wrote it */
};

/* One address tried, with how far it got. Times in microseconds; -1: not reached. */
struct check_dial {
	const char *host, *address;
	int port;
	const char *outcome;		/* "answered", or a problem's code */
	const char *detail;		/* the sentence, or NULL */
	const char *tls_version;	/* "TLSv1.3", or NULL */
	const char *certificate_sha256;	/* hex, of the leaf; or NULL */
	int64_t connect_us, tls_us, first_byte_us, total_us;
};

/* A list of strings of the caller's, for encoding; decoding leaves it NULL. */
struct check_strings {
	const char *const *items;	/* NULL: the member is null */
	size_t count;
};

/*
 * Details. All strings borrowed; NULL is written as null. Decoding fills
 * those that are marked.
 */
struct check_dcv_details {
	int method;			/* enum dcv_method; decoded */
	int dnssec_status;		/* enum check_dnssec: weakest of every lookup; decoded */
	const char *matched;		/* the record or value that passed; decoded */
	/*
	 * Of a result that passed, what others have to see as well to corroborate it
	 * (BR 3.2.2.9): see check_dcv_fixed(). Never that without a pass; decoded.
	 */
	const char *relied_on;
	/* DCV_DNS */
	struct check_strings records_seen;	/* escaped where not UTF-8 */
	struct json_object *records_read;	/* the same, decoded: a list, borrowed; or NULL */
	struct json_int response_code;	/* RCODE */
	struct json_bool ad_flag;	/* all lookups were secure */
	const char *found_at;		/* decoded */
	struct check_strings cname_chain;	/* with trailing dots, as Open MPIC's */
	/* DCV_HTTP */
	const struct check_hop *hops;
	size_t hop_count;
	const char *response_url;	/* decoded */
	struct json_int response_status_code;
	const uint8_t *page;		/* NULL: null */
	size_t page_len;		/* at most CHECK_PAGE_MAX are written */
	/* DCV_HTTP and DCV_TLS_ALPN */
	const char *resolved_ip;	/* the address that answered last */
	const struct check_dial *dials;
	size_t dial_count;
	/* DCV_TLS_ALPN */
	const char *common_name;
};

void check_dcv_details_encode(const struct check_dcv_details *d, struct buf *out);
/* False if a member is of another type; `object` may be NULL. */
bool check_dcv_details_read(struct check_dcv_details *d, struct json_object *object,
    const char *path, struct json_faults *faults);

#endif
