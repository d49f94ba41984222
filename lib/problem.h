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

/* X(symbol, code, fault, retryable, error_type) */
#define PROBLEMS(X) \
	X(CAA_FORBIDS,		"caa-forbids",			TARGET, false, NULL) \
	X(DNS_BOGUS,		"dns-bogus",			TARGET, false, "mpic_error:caa_checker:lookup") \
	X(DNS_FAILED,		"dns-failed",			TARGET, true,  "mpic_error:caa_checker:lookup") \
	X(DNS_TIMEOUT,		"dns-timeout",			TARGET, true,  "mpic_error:caa_checker:lookup") \
	X(DNS_TOO_LARGE,	"dns-too-large",		TARGET, false, "mpic_error:caa_checker:lookup") \
	X(DNS_INDETERMINATE,	"dns-indeterminate",		PERSPECTIVE, true, "mpic_error:caa_checker:lookup") \
	X(RESOLVER_UNREACHABLE,	"resolver-unreachable",		PERSPECTIVE, true, "mpic_error:caa_checker:lookup") \
	X(RESOLVER_NO_EVIDENCE,	"resolver-no-evidence",		PERSPECTIVE, true, "mpic_error:caa_checker:lookup") \
	X(DEADLINE,		"deadline-exceeded",		PERSPECTIVE, true, "mpic_error:caa_checker:lookup") \
	X(OVERLOADED,		"overloaded",			PERSPECTIVE, true, "mpic_error:coordinator:remote_check") \
	X(ABORTED,		"aborted",			COORDINATOR, true, "mpic_error:coordinator:remote_check") \
	X(INTERNAL,		"internal",			PERSPECTIVE, true, "mpic_error:coordinator:remote_check") \
	X(PERSPECTIVE_UNREACHABLE, "perspective-unreachable",	PERSPECTIVE, true, "mpic_error:coordinator:remote_check") \
	X(PERSPECTIVE_IDENTITY,	"perspective-identity",		PERSPECTIVE, false, "mpic_error:coordinator:communication") \
	X(PERSPECTIVE_REPLY,	"perspective-reply",		PERSPECTIVE, true, "mpic_error:coordinator:remote_check") \
	X(PERSPECTIVE_TIMEOUT,	"perspective-timeout",		PERSPECTIVE, true, "mpic_error:coordinator:remote_check")

enum problem {
	PROBLEM_NONE,
#define X(symbol, code, fault, retryable, error_type) PROBLEM_##symbol,
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
/* Open MPIC's error_type, or NULL. */
const char *problem_error_type(enum problem p);

#endif
