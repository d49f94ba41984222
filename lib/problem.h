/*
 * Everything that can keep a check from passing, as data: one row a problem.
 *
 * A result that is not a pass carries exactly one of these with a sentence
 * that names what was seen where (design rule 3). `error_type` is the key the
 * Open MPIC API uses for the nearest meaning, or NULL where that API reports
 * no error (a CAA denial is a verdict there, not an error).
 */
#ifndef MPIC_PROBLEM_H
#define MPIC_PROBLEM_H

#include <stdbool.h>

/* Whose failing it is: the applicant's side, the perspective, or the coordinator. */
enum fault { FAULT_TARGET, FAULT_PERSPECTIVE, FAULT_COORDINATOR };

/*
 * X(symbol, code, fault, retryable, completed, error_type). `completed`: the
 * check came to its end, and what it saw is not what passes.
 */
#define PROBLEM_LOOKUP_ERROR "mpic_error:caa_checker:lookup"
#define PROBLEM_CERTIFICATE_ERROR "mpic_error:dcv_checker:tls_alpn:certificate:"
#define PROBLEM_REMOTE_ERROR "mpic_error:coordinator:remote_check"
#define PROBLEMS(X) \
	/* what the domain says */ \
	X(CAA_FORBIDS,		"caa-forbids",			TARGET, false, true, NULL) \
	X(NO_RECORD,		"no-record",			TARGET, true,  true, PROBLEM_LOOKUP_ERROR) \
	X(NO_MATCH,		"no-match",			TARGET, true,  true, NULL) \
	/* lookups */ \
	X(DNS_BOGUS,		"dns-bogus",			TARGET, false, false, PROBLEM_LOOKUP_ERROR) \
	X(DNS_FAILED,		"dns-failed",			TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	X(DNS_TIMEOUT,		"dns-timeout",			TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	X(DNS_TOO_LARGE,	"dns-too-large",		TARGET, false, false, PROBLEM_LOOKUP_ERROR) \
	X(DNS_INDETERMINATE,	"dns-indeterminate",		PERSPECTIVE, true, false, PROBLEM_LOOKUP_ERROR) \
	X(RESOLVER_UNREACHABLE,	"resolver-unreachable",		PERSPECTIVE, true, false, PROBLEM_LOOKUP_ERROR) \
	X(RESOLVER_NO_EVIDENCE,	"resolver-no-evidence",		PERSPECTIVE, true, false, PROBLEM_LOOKUP_ERROR) \
	/* addresses and connections of the applicant's servers */ \
	X(NO_ADDRESS,		"no-address",			TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	X(ADDRESS_REFUSED,	"address-refused",		TARGET, false, false, PROBLEM_LOOKUP_ERROR) \
	X(CONNECT_REFUSED,	"connection-refused",		TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	X(CONNECT_FAILED,	"connection-failed",		TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	X(CONNECT_TIMEOUT,	"connection-timeout",		TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	X(CONNECTION_RESET,	"connection-reset",		TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	X(TLS_FAILED,		"tls-failed",			TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	X(TLS_TIMEOUT,		"tls-timeout",			TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	/* HTTP */ \
	X(HTTP_TIMEOUT,		"http-timeout",			TARGET, true,  false, PROBLEM_LOOKUP_ERROR) \
	X(HTTP_MALFORMED,	"http-malformed",		TARGET, false, false, PROBLEM_LOOKUP_ERROR) \
	X(HTTP_TOO_LARGE,	"http-too-large",		TARGET, false, false, PROBLEM_LOOKUP_ERROR) \
	X(HTTP_STATUS,		"http-status",			TARGET, true,  true, "mpic_error:http") \
	X(REDIRECT_REFUSED,	"redirect-refused",		TARGET, false, true, "mpic_error:redirect:invalid") \
	X(TOO_MANY_REDIRECTS,	"too-many-redirects",		TARGET, false, true, "mpic_error:redirect:invalid") \
	X(REGEX_LIMIT,		"regex-limit",			TARGET, false, true, NULL) \
	/* TLS-ALPN (RFC 8737) */ \
	X(ALPN_NOT_NEGOTIATED,	"alpn-not-negotiated",		TARGET, true,  true, PROBLEM_LOOKUP_ERROR) \
	X(CERTIFICATE_MALFORMED, "certificate-malformed",	TARGET, false, true, PROBLEM_CERTIFICATE_ERROR "extension_missing") \
	X(NO_ACME_IDENTIFIER,	"no-acme-identifier",		TARGET, true,  true, PROBLEM_CERTIFICATE_ERROR "extension_missing") \
	X(ACME_IDENTIFIER_NOT_CRITICAL, "acme-identifier-not-critical", TARGET, false, true, PROBLEM_CERTIFICATE_ERROR "noncritical_alpn_extension") \
	X(NOT_ONE_SAN,		"not-one-san",			TARGET, false, true, PROBLEM_CERTIFICATE_ERROR "no_single_san") \
	X(SAN_NOT_DNS_NAME,	"san-not-dns-name",		TARGET, false, true, PROBLEM_CERTIFICATE_ERROR "san_not_dnsname") \
	X(SAN_NOT_IP_ADDRESS,	"san-not-ip-address",		TARGET, false, true, PROBLEM_CERTIFICATE_ERROR "san_type_not_match") \
	X(SAN_NOT_TARGET,	"san-not-target",		TARGET, false, true, PROBLEM_CERTIFICATE_ERROR "san_not_hostname") \
	/* the parts themselves */ \
	X(DEADLINE,		"deadline-exceeded",		PERSPECTIVE, true, false, PROBLEM_LOOKUP_ERROR) \
	X(FETCHER_DIED,		"fetcher-died",			PERSPECTIVE, true, false, PROBLEM_REMOTE_ERROR) \
	X(OVERLOADED,		"overloaded",			PERSPECTIVE, true, false, PROBLEM_REMOTE_ERROR) \
	X(ABORTED,		"aborted",			COORDINATOR, true, false, PROBLEM_REMOTE_ERROR) \
	X(INTERNAL,		"internal",			PERSPECTIVE, true, false, PROBLEM_REMOTE_ERROR) \
	X(PERSPECTIVE_UNREACHABLE, "perspective-unreachable",	PERSPECTIVE, true, false, PROBLEM_REMOTE_ERROR) \
	X(PERSPECTIVE_IDENTITY,	"perspective-identity",		PERSPECTIVE, false, false, "mpic_error:coordinator:communication") \
	X(NOT_ADMITTED,		"not-admitted",			COORDINATOR, false, false, PROBLEM_REMOTE_ERROR) \
	X(PRIVATE_ROOT,		"private-root",			PERSPECTIVE, false, false, PROBLEM_REMOTE_ERROR) \
	X(UNSUPPORTED,		"unsupported",			PERSPECTIVE, false, false, PROBLEM_REMOTE_ERROR) \
	X(RESULT_MISMATCH,	"result-mismatch",		PERSPECTIVE, false, false, "mpic_error:coordinator:communication") \
	X(SIGNATURE_INVALID,	"signature-invalid",		PERSPECTIVE, false, false, "mpic_error:coordinator:communication") \
	X(PERSPECTIVE_REPLY,	"perspective-reply",		PERSPECTIVE, true, false, PROBLEM_REMOTE_ERROR) \
	X(PERSPECTIVE_TIMEOUT,	"perspective-timeout",		PERSPECTIVE, true, false, PROBLEM_REMOTE_ERROR) \
	/* what only a coordinator says: no word of a perspective's own */ \
	X(CANCELLED,		"cancelled",			COORDINATOR, true, false, PROBLEM_REMOTE_ERROR) \
	X(NOT_CORROBORATING,	"not-corroborating",		TARGET, true,  true, NULL) \
	X(REMOTES_NOT_ASKED,	"remotes-not-asked",		COORDINATOR, true, false, PROBLEM_REMOTE_ERROR)

enum problem {
	PROBLEM_NONE,
#define X(symbol, ...) PROBLEM_##symbol,
	PROBLEMS(X)
#undef X
	PROBLEM_COUNT
};

const char *problem_code(enum problem p);
/* PROBLEM_NONE for a code that is not in the table. */
enum problem problem_from_code(const char *code);
enum fault problem_fault(enum problem p);
const char *fault_name(enum fault f);
/* Whether the same check, asked again later, may end otherwise. */
bool problem_retryable(enum problem p);
/* The check came to its end: the problem is a verdict on what it saw. */
bool problem_completed(enum problem p);
/* Open MPIC's error_type, or NULL. That of a lookup names the checker: `dcv`, or CAA. */
const char *problem_error_type(enum problem p, bool dcv);

#endif
