/* caa_check.h: the verdict over evidence, as the module writes it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "failing_malloc.h"
#include "httpcheck/caa_check.h"

#define NONCE	0x0123456789abcdef
#define HEAD	"{\"v\":1,\"nonce\":\"0123456789abcdef\",\"op\":\"climb\"," \
	"\"resolver\":\"unbound 1.22.0\",\"module\":\"0\",\"elapsed_us\":9"
#define TOP	HEAD ",\"truncated\":false"

/* RDATA in base64. */
#define PERMITS	"\"AAVpc3N1ZWNhMS5jb20=\""		/* 0 issue "ca1.com" */
#define DENIES	"\"AAVpc3N1ZWNhMi5jb20=\""		/* 0 issue "ca2.com" */
#define NOBODY	"\"AAVpc3N1ZTs=\""			/* 0 issue ";" */
#define IODEF	"\"AAVpb2RlZm1haWx0bzphQGIuYw==\""	/* 0 iodef "mailto:a@b.c" */
#define CRITICAL "\"gAN0YnN4\""				/* 128 tbs "x" */
#define NOWILD	"\"AAlpc3N1ZXdpbGQ7\""			/* 0 issuewild ";" */
#define ACCOUNT	"\"AAVpc3N1ZWNhMS5jb207IGFjY291bnR1cmk9aHR0cHM6Ly9jYTEuY29tL2FjY3QvMQ==\""
#define METHOD	"\"AAVpc3N1ZWNhMS5jb207IHZhbGlkYXRpb25tZXRob2RzPWRucy0wMQ==\""
#define CUT	"\"AAlpcw==\""				/* the tag is longer than the RDATA */
#define OCTETS	"\"AAVpc3N1Zf8AIlw=\""			/* 0 issue of FF 00 22 5C */

#define LOOKUP(name, outcome, rcode, dnssec, more) \
	"{\"name\":\"" name "\",\"type\":\"CAA\",\"outcome\":\"" outcome "\",\"rcode\":\"" \
	rcode "\",\"dnssec\":\"" dnssec "\",\"tries\":1" more "}"
#define ANSWER(name, dnssec, records) LOOKUP(name, "answer", "NOERROR", dnssec, \
	",\"owner\":\"" name "\",\"ttl\":300,\"records\":[" records "]")
#define NODATA(name, dnssec)	LOOKUP(name, "nodata", "NOERROR", dnssec, "")
#define NXDOMAIN(name, dnssec)	LOOKUP(name, "nxdomain", "NXDOMAIN", dnssec, "")
#define FAILED(name, more) LOOKUP(name, "failed", "SERVFAIL", "indeterminate", \
	",\"reason\":\"no server answered\"" more)
#define SENT(tries, proven) \
	",\"tries_sent\":" tries ",\"insecurity\":{\"proven\":" proven ",\"steps\":[]}"
/* A failure that the request may allow: two tries, and the domain is Insecure. */
#define EXCUSED(name)	FAILED(name, SENT("2", "true"))
#define BOGUS(name, more) LOOKUP(name, "failed", "SERVFAIL", "bogus", \
	",\"reason\":\"signature expired\",\"ede\":7" more)
#define TOO_LARGE(name)	LOOKUP(name, "too-large", "NOERROR", "insecure", "")
#define ABANDONED(name)	"{\"name\":\"" name "\",\"type\":\"CAA\",\"outcome\":\"abandoned\"}"
#define CLIMB(found, lookups)	TOP ",\"found\":" found ",\"lookups\":[" lookups "]}"

/* The target is x.ex.com unless said. */
#define X	"x.ex.com"
#define EX	"ex.com"
#define COM	"com"

struct row {
	const char *label;
	const char *evidence;
	const char *target;		/* NULL: x.ex.com */
	bool allow;			/* allow_lookup_failure */
	bool ignore_parameters;
	const char *account, *method;
	enum problem problem;		/* NONE: simply passed */
	bool passed;			/* on an allowed failure, with a problem */
	const char *reason, *found_at;
	const char *says;		/* what the problem's sentence must hold */
	enum check_dnssec dnssec;
	size_t asked;			/* names in looked_up */
	const char *records;		/* joined by newlines */
	const char *decided;		/* deciding_record */
};

#define PASSES .problem = PROBLEM_NONE, .passed = true
#define FORBIDS .problem = PROBLEM_CAA_FORBIDS
#define FAILS .problem = PROBLEM_DNS_FAILED
#define SECURE .dnssec = CHECK_DNSSEC_SECURE
#define INSECURE .dnssec = CHECK_DNSSEC_INSECURE
#define INDETERMINATE .dnssec = CHECK_DNSSEC_INDETERMINATE
#define BOGUS_STATUS .dnssec = CHECK_DNSSEC_BOGUS

static const struct row rows[] = {
	/* -- where the record is -- */
	{ "at the name", CLIMB("0", ANSWER(X, "insecure", PERMITS) "," ABANDONED(EX) "," ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = X, INSECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "at the name, forbids", CLIMB("0", ANSWER(X, "insecure", DENIES) "," ABANDONED(EX) "," ABANDONED(COM)),
	    FORBIDS, .reason = "other-issuer", .found_at = X, .says = "at x.ex.com: 0 issue \"ca2.com\"",
	    INSECURE, .asked = 1, .records = "0 issue \"ca2.com\"", .decided = "0 issue \"ca2.com\"" },
	{ "at a parent", CLIMB("1", NXDOMAIN(X, "insecure") "," ANSWER(EX, "insecure", PERMITS) "," ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = EX, INSECURE, .asked = 2,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "at the TLD", CLIMB("2", NODATA(X, "secure") "," NODATA(EX, "secure") "," ANSWER(COM, "secure", DENIES)),
	    FORBIDS, .reason = "other-issuer", .found_at = COM, .says = " at com:", SECURE, .asked = 3,
	    .records = "0 issue \"ca2.com\"", .decided = "0 issue \"ca2.com\"" },
	{ "the nearest of two decides", CLIMB("0", ANSWER(X, "secure", PERMITS) "," ANSWER(EX, "bogus", DENIES) "," NODATA(COM, "secure")),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "nowhere", CLIMB("-1", NODATA(X, "insecure") "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    PASSES, .reason = "no-records", INSECURE, .asked = 3 },
	{ "nowhere, nothing exists", CLIMB("-1", NXDOMAIN(X, "secure") "," NXDOMAIN(EX, "secure") "," NODATA(COM, "secure")),
	    PASSES, .reason = "no-records", SECURE, .asked = 3 },
	{ "a single label", CLIMB("0", ANSWER(COM, "secure", PERMITS)), .target = COM,
	    PASSES, .reason = "authorised", .found_at = COM, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	/* RFC 8659 3: the name asked is what found_at names, wherever its aliases lead */
	{ "behind a CNAME", CLIMB("0", LOOKUP(X, "answer", "NOERROR", "insecure",
	    ",\"chain\":[{\"owner\":\"" X "\",\"type\":\"CNAME\",\"target\":\"cdn.net\",\"ttl\":1,"
	    "\"dnssec\":\"secure\"}],\"owner\":\"cdn.net\",\"ttl\":300,\"records\":[" DENIES "]")
	    "," ABANDONED(EX) "," ABANDONED(COM)),
	    FORBIDS, .reason = "other-issuer", .found_at = X, .says = " at x.ex.com:", INSECURE, .asked = 1,
	    .records = "0 issue \"ca2.com\"", .decided = "0 issue \"ca2.com\"" },

	/* -- what it says -- */
	{ "several records", CLIMB("0", ANSWER(X, "secure", DENIES "," IODEF "," PERMITS) "," ABANDONED(EX) "," ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca2.com\"\n0 iodef \"mailto:a@b.c\"\n0 issue \"ca1.com\"",
	    .decided = "0 issue \"ca1.com\"" },
	{ "nobody at all", CLIMB("0", ANSWER(X, "secure", NOBODY) "," ABANDONED(EX) "," ABANDONED(COM)),
	    FORBIDS, .reason = "empty-issuer", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \";\"", .decided = "0 issue \";\"" },
	{ "iodef alone permits and ends the climb",
	    CLIMB("0", ANSWER(X, "secure", IODEF) "," ANSWER(EX, "secure", DENIES) "," ABANDONED(COM)),
	    PASSES, .reason = "no-relevant-property", .found_at = X, SECURE, .asked = 1,
	    .records = "0 iodef \"mailto:a@b.c\"" },
	{ "an unknown critical tag", CLIMB("0", ANSWER(X, "secure", PERMITS "," CRITICAL) "," ABANDONED(EX) "," ABANDONED(COM)),
	    FORBIDS, .reason = "critical-unknown", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"\n128 tbs \"x\"", .decided = "128 tbs \"x\"" },
	{ "RDATA that is cut", CLIMB("0", ANSWER(X, "secure", PERMITS "," CUT) "," ABANDONED(EX) "," ABANDONED(COM)),
	    FORBIDS, .reason = "malformed-rdata", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"\n\\# 4 00096973", .decided = "\\# 4 00096973" },
	{ "octets that are no text", CLIMB("0", ANSWER(X, "secure", OCTETS "," PERMITS) "," ABANDONED(EX) "," ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"\\255\\000\\\"\\\\\"\n0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "issuewild does not bind a name", CLIMB("0", ANSWER(X, "secure", PERMITS "," NOWILD) "," ABANDONED(EX) "," ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"\n0 issuewild \";\"", .decided = "0 issue \"ca1.com\"" },
	{ "issuewild binds a wildcard", CLIMB("0", ANSWER(X, "secure", PERMITS "," NOWILD) "," ABANDONED(EX) "," ABANDONED(COM)),
	    .target = "*." X, FORBIDS, .reason = "empty-issuer", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"\n0 issuewild \";\"", .decided = "0 issuewild \";\"" },
	{ "issue binds a wildcard, too", CLIMB("0", ANSWER(X, "secure", DENIES) "," ABANDONED(EX) "," ABANDONED(COM)),
	    .target = "*." X, FORBIDS, .reason = "other-issuer", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca2.com\"", .decided = "0 issue \"ca2.com\"" },

	/* -- RFC 8657 -- */
	{ "the account", CLIMB("0", ANSWER(EX, "secure", ACCOUNT) "," ABANDONED(COM)), .target = EX,
	    .account = "https://ca1.com/acct/1", PASSES, .reason = "authorised", .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"",
	    .decided = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"" },
	{ "another account", CLIMB("0", ANSWER(EX, "secure", ACCOUNT) "," ABANDONED(COM)), .target = EX,
	    .account = "https://ca1.com/acct/2", FORBIDS, .reason = "wrong-account", .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"",
	    .decided = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"" },
	{ "no account given", CLIMB("0", ANSWER(EX, "secure", ACCOUNT) "," ABANDONED(COM)), .target = EX,
	    FORBIDS, .reason = "wrong-account", .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"",
	    .decided = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"" },
	{ "a policy without RFC 8657", CLIMB("0", ANSWER(EX, "secure", ACCOUNT) "," ABANDONED(COM)), .target = EX,
	    .ignore_parameters = true, PASSES, .reason = "authorised", .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"",
	    .decided = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"" },
	{ "the method", CLIMB("0", ANSWER(EX, "secure", METHOD) "," ABANDONED(COM)), .target = EX,
	    .method = "dns-01", PASSES, .reason = "authorised", .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; validationmethods=dns-01\"",
	    .decided = "0 issue \"ca1.com; validationmethods=dns-01\"" },
	{ "another method", CLIMB("0", ANSWER(EX, "secure", METHOD) "," ABANDONED(COM)), .target = EX,
	    .method = "http-01", FORBIDS, .reason = "wrong-method", .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; validationmethods=dns-01\"",
	    .decided = "0 issue \"ca1.com; validationmethods=dns-01\"" },

	/* -- failures -- */
	{ "a failure", CLIMB("-1", FAILED(X, "") "," ANSWER(EX, "secure", PERMITS) "," NODATA(COM, "secure")),
	    FAILS, .says = "lookup of x.ex.com failed: no server answered", INDETERMINATE, .asked = 1 },
	{ "a failure nobody allowed is not excused",
	    CLIMB("-1", EXCUSED(X) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    FAILS, .says = "x.ex.com failed", INDETERMINATE, .asked = 1 },
	{ "a nearer failure hides a farther permission",
	    CLIMB("-1", FAILED(X, "") "," ANSWER(EX, "insecure", PERMITS) "," ABANDONED(COM)),
	    FAILS, .says = "x.ex.com", INDETERMINATE, .asked = 1 },
	{ "a farther failure does not matter",
	    CLIMB("0", ANSWER(X, "insecure", PERMITS) "," FAILED(EX, "") "," NODATA(COM, "secure")),
	    PASSES, .reason = "authorised", .found_at = X, INSECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "a failure on the way up", CLIMB("-1", NODATA(X, "insecure") "," FAILED(EX, "") "," NODATA(COM, "secure")),
	    FAILS, .says = "lookup of ex.com failed", INDETERMINATE, .asked = 2 },
	{ "a bogus answer", CLIMB("-1", BOGUS(X, "") "," NODATA(EX, "secure") "," NODATA(COM, "secure")),
	    .problem = PROBLEM_DNS_BOGUS, .says = "x.ex.com failed DNSSEC validation: signature expired",
	    BOGUS_STATUS, .asked = 1 },
	{ "a bogus parent", CLIMB("-1", NODATA(X, "secure") "," BOGUS(EX, "") "," NODATA(COM, "secure")),
	    .problem = PROBLEM_DNS_BOGUS, .says = "lookup of ex.com", BOGUS_STATUS, .asked = 2 },
	{ "too large", CLIMB("-1", TOO_LARGE(X) "," ANSWER(EX, "insecure", PERMITS) "," ABANDONED(COM)),
	    .problem = PROBLEM_DNS_TOO_LARGE, .says = "of x.ex.com are larger", INSECURE, .asked = 1 },
	{ "too large, although failures are allowed",
	    CLIMB("-1", TOO_LARGE(X) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")), .allow = true,
	    .problem = PROBLEM_DNS_TOO_LARGE, .says = "x.ex.com", INSECURE, .asked = 1 },
	{ "abandoned before the decision", CLIMB("-1", ABANDONED(X) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "did not finish the lookup of x.ex.com", .asked = 1 },
	{ "abandoned, although failures are allowed",
	    CLIMB("-1", NODATA(X, "insecure") "," ABANDONED(EX) "," NODATA(COM, "secure")), .allow = true,
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "lookup of ex.com", INSECURE, .asked = 2 },
	{ "truncated evidence", HEAD ",\"truncated\":true,\"found\":-1,\"lookups\":["
	    LOOKUP(X, "answer", "NOERROR", "secure", ",\"owner\":\"" X "\",\"ttl\":1,\"records\":null") ","
	    NODATA(EX, "secure") "," NODATA(COM, "secure") "]}",
	    .problem = PROBLEM_DNS_TOO_LARGE, .says = "answers for x.ex.com are larger" },
	{ "truncated, although failures are allowed", HEAD ",\"truncated\":true,\"found\":-1,\"lookups\":["
	    NODATA(X, "secure") "," NODATA(EX, "secure") "," NODATA(COM, "secure") "]}", .allow = true,
	    .problem = PROBLEM_DNS_TOO_LARGE, .says = "x.ex.com" },
	{ "the module refused", TOP ",\"error\":\"out of memory\"}",
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "did not perform the lookup: out of memory" },
	{ "evidence of another operation", TOP ",\"stats\":{\"climbs\":1}}",
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "not of x.ex.com and all its parents" },

	/* -- what the module never says must not become permission either -- */
	{ "bogus data called an answer", CLIMB("0", ANSWER(X, "bogus", PERMITS) "," ABANDONED(EX) "," ABANDONED(COM)),
	    .problem = PROBLEM_DNS_BOGUS, .says = "x.ex.com failed DNSSEC", BOGUS_STATUS, .asked = 1 },
	{ "a bogus denial", CLIMB("-1", NODATA(X, "insecure") "," NODATA(EX, "bogus") "," NODATA(COM, "secure")),
	    .allow = true, .problem = PROBLEM_DNS_BOGUS, .says = "ex.com", BOGUS_STATUS, .asked = 2 },
	{ "an answer nobody validated", CLIMB("0", ANSWER(X, "indeterminate", PERMITS) "," ABANDONED(EX) "," ABANDONED(COM)),
	    .problem = PROBLEM_DNS_INDETERMINATE, .says = "x.ex.com", INDETERMINATE, .asked = 1 },
	{ "a denial nobody validated", CLIMB("-1", NXDOMAIN(X, "indeterminate") "," NODATA(EX, "secure") "," NODATA(COM, "secure")),
	    .allow = true, .problem = PROBLEM_DNS_INDETERMINATE, .says = "x.ex.com", INDETERMINATE, .asked = 1 },
	{ "one name instead of the climb", CLIMB("-1", NODATA(X, "secure")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "all its parents" },
	{ "a name left out", CLIMB("-1", NODATA(X, "secure") "," NODATA(COM, "secure")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "all its parents" },
	{ "one name three times", CLIMB("-1", NODATA(X, "secure") "," NODATA(X, "secure") "," NODATA(X, "secure")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "all its parents" },
	{ "another name", CLIMB("0", ANSWER("x.ex.net", "secure", PERMITS) "," ABANDONED("ex.net") "," ABANDONED("net")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "not of x.ex.com" },
	{ "more than the climb", CLIMB("-1", NODATA(X, "secure") "," NODATA(EX, "secure") "," NODATA(COM, "secure") "," NODATA(".", "secure")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "all its parents" },
	{ "names in capitals", CLIMB("-1", NODATA("X.EX.COM", "secure") "," NODATA("EX.com", "secure") "," NODATA(COM, "secure")),
	    PASSES, .reason = "no-records", SECURE, .asked = 3 },

	/* -- BR 3.2.2.8: a failure as permission -- */
	{ "allowed", CLIMB("-1", EXCUSED(X) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")), .allow = true,
	    FAILS, .passed = true, .reason = "lookup-failure-allowed", .says = "asked in 2 tries, the domain is Insecure",
	    INDETERMINATE, .asked = 3 },
	{ "allowed, found in three tries", CLIMB("-1", FAILED(X, SENT("3", "true")) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .passed = true, .reason = "lookup-failure-allowed", .says = "asked in 3 tries",
	    INDETERMINATE, .asked = 3 },
	{ "allowed twice, the nearest is named", CLIMB("-1", EXCUSED(X) "," EXCUSED(EX) "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .passed = true, .reason = "lookup-failure-allowed", .says = "lookup of x.ex.com",
	    INDETERMINATE, .asked = 3 },
	{ "allowed, and a farther name forbids", CLIMB("-1", EXCUSED(X) "," ANSWER(EX, "insecure", DENIES) "," ABANDONED(COM)),
	    .allow = true, FORBIDS, .reason = "other-issuer", .found_at = EX, .says = " at ex.com:", INDETERMINATE,
	    .asked = 2, .records = "0 issue \"ca2.com\"", .decided = "0 issue \"ca2.com\"" },
	{ "allowed, and a farther name permits", CLIMB("-1", EXCUSED(X) "," ANSWER(EX, "insecure", PERMITS) "," ABANDONED(COM)),
	    .allow = true, FAILS, .passed = true, .reason = "authorised", .found_at = EX, .says = "lookup of x.ex.com",
	    INDETERMINATE, .asked = 2, .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "allowed, and a farther failure is not", CLIMB("-1", EXCUSED(X) "," FAILED(EX, SENT("2", "false")) "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "lookup of ex.com failed: no server answered; it is no permission",
	    INDETERMINATE, .asked = 2 },
	{ "allowed, and a farther answer is bogus", CLIMB("-1", EXCUSED(X) "," BOGUS(EX, "") "," NODATA(COM, "secure")),
	    .allow = true, .problem = PROBLEM_DNS_BOGUS, .says = "lookup of ex.com", BOGUS_STATUS, .asked = 2 },
	{ "not shown Insecure", CLIMB("-1", FAILED(X, SENT("2", "false")) "," NODATA(EX, "secure") "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "not shown to be Insecure", INDETERMINATE, .asked = 1 },
	{ "not walked at all", CLIMB("-1", FAILED(X, ",\"tries_sent\":2") "," NODATA(EX, "secure") "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "not shown to be Insecure", INDETERMINATE, .asked = 1 },
	{ "asked once", CLIMB("-1", FAILED(X, SENT("1", "true")) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "servers were not asked twice", INDETERMINATE, .asked = 1 },
	{ "tried twice without a packet", CLIMB("-1", FAILED(X, SENT("0", "true")) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "servers were not asked twice", INDETERMINATE, .asked = 1 },
	{ "bogus is never allowed", CLIMB("-1", BOGUS(X, SENT("2", "true")) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    .allow = true, .problem = PROBLEM_DNS_BOGUS, .says = "signature expired", BOGUS_STATUS, .asked = 1 },

	/* -- the weakest status, up to the name that decides and no farther -- */
	{ "secure, then insecure", CLIMB("1", NODATA(X, "insecure") "," ANSWER(EX, "secure", PERMITS) "," ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = EX, INSECURE, .asked = 2,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "what lies beyond is left out", CLIMB("0", ANSWER(X, "secure", PERMITS) "," NODATA(EX, "insecure") "," BOGUS(COM, "")),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct row *current;	/* for messages */

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			fail_msg("%s: %s", current->label, #cond); \
	} while (0)

static void
assert_text(const char *got, const char *expected, const char *what)
{
	if ((got == NULL) != (expected == NULL) || (got != NULL && strcmp(got, expected) != 0))
		fail_msg("%s: %s is %s, not %s", current->label, what, got != NULL ? got : "null",
		    expected != NULL ? expected : "null");
}

static void
row_question(const struct row *row, struct caa_check *check, struct target *target,
    const char *account[1], const char *method[1])
{
	static const char *const issuers[] = { "ca1.com" };
	const char *text = row->target != NULL ? row->target : X;

	assert_true(target_parse(target, text, strlen(text), NULL));
	account[0] = row->account;
	method[0] = row->method;
	*check = (struct caa_check){
		.target = target,
		.allow_lookup_failure = row->allow,
		.question = {
			.wildcard = target->kind == TARGET_WILDCARD,
			.issuers = issuers, .issuer_count = 1,
			.account_uris = account, .account_uri_count = row->account != NULL,
			.validation_methods = method, .validation_method_count = row->method != NULL,
			.ignore_parameters = row->ignore_parameters,
		},
	};
}

static void
row_decode(const struct row *row, struct evidence *evidence)
{
	struct buf why = BUF_INIT(512);

	if (!evidence_decode(evidence, row->evidence, strlen(row->evidence), NONCE, &why))
		fail_msg("%s: %s", row->label, why.data);
	buf_free(&why);
}

static void
assert_records(const struct row *row, const struct check_strings *seen)
{
	struct buf joined = BUF_INIT(4096);

	for (size_t i = 0; i < seen->count; i++)
		buf_addf(&joined, "%s%s", i > 0 ? "\n" : "", seen->items[i]);
	assert_text(joined.data, row->records, "records_seen");
	buf_free(&joined);
}

/* What holds for every result, whatever the row. */
static void
assert_consistent(const struct row *row, const struct check_result *r)
{
	bool forbids = r->problem.problem == PROBLEM_CAA_FORBIDS;

	CHECK(r->check_passed || r->problem.problem != PROBLEM_NONE);
	CHECK(r->check_completed == (r->check_passed || forbids));
	CHECK((r->problem.problem == PROBLEM_NONE) == (r->problem.message[0] == '\0'));
	CHECK((r->caa.found_at != NULL) == (r->caa.records_seen.count > 0));
	if (r->caa.found_at != NULL)
		CHECK(r->caa.caa_record_present.set && r->caa.caa_record_present.value);
	else if (r->check_passed && r->problem.problem == PROBLEM_NONE)
		CHECK(r->caa.caa_record_present.set && !r->caa.caa_record_present.value);
	else
		CHECK(!r->caa.caa_record_present.set);
}

static void
assert_row(const struct row *row, const struct check_result *r)
{
	if (r->problem.problem != row->problem)
		fail_msg("%s: problem %d (%s) instead of %d", row->label, r->problem.problem,
		    r->problem.message, row->problem);
	CHECK(r->check_passed == row->passed);
	assert_consistent(row, r);
	assert_text(r->caa.reason, row->reason, "reason");
	assert_text(r->caa.found_at, row->found_at, "found_at");
	assert_text(r->caa.deciding_record, row->decided, "deciding_record");
	assert_records(row, &r->caa.records_seen);
	assert_text(check_dnssec_name((enum check_dnssec)r->caa.dnssec_status),
	    check_dnssec_name(row->dnssec), "dnssec_status");
	if (r->caa.looked_up.count != row->asked)
		fail_msg("%s: %zu names, not %zu", row->label, r->caa.looked_up.count, row->asked);
	if (row->says != NULL && strstr(r->problem.message, row->says) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", row->label, r->problem.message, row->says);
}

static void
test_rows(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *account[1], *method[1];
		struct caa_verdict_text text;
		struct check_result result;
		struct evidence evidence;
		struct caa_check check;
		struct target target;

		current = &rows[i];
		row_question(current, &check, &target, account, method);
		row_decode(current, &evidence);
		check_result_init(&result, CHECK_CAA);
		assert_true(caa_check_judge(&check, &evidence, &result, &text));
		assert_row(current, &result);
		caa_verdict_free(&text);
		evidence_free(&evidence);
	}
}

/* Without allow_lookup_failure no row with a failed lookup in its way may pass. */
static void
test_nothing_passes_unasked(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *account[1], *method[1];
		struct caa_verdict_text text;
		struct check_result result;
		struct evidence evidence;
		struct caa_check check;
		struct target target;

		current = &rows[i];
		row_question(current, &check, &target, account, method);
		check.allow_lookup_failure = false;
		row_decode(current, &evidence);
		check_result_init(&result, CHECK_CAA);
		assert_true(caa_check_judge(&check, &evidence, &result, &text));
		CHECK(!result.check_passed || (current->passed && current->problem == PROBLEM_NONE));
		caa_verdict_free(&text);
		evidence_free(&evidence);
	}
}

/* Memory that runs out ends the check; it never leaves a verdict. */
static void
test_out_of_memory(void **state)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *account[1], *method[1];
		struct evidence evidence;
		struct caa_check check;
		struct target target;
		bool good = false;

		current = &rows[i];
		row_question(current, &check, &target, account, method);
		row_decode(current, &evidence);
		for (long n = 0; !good; n++) {
			struct caa_verdict_text text;
			struct check_result result;

			check_result_init(&result, CHECK_CAA);
			failing_malloc_after(n);
			good = caa_check_judge(&check, &evidence, &result, &text);
			failing_malloc_after(-1);
			if (good)
				assert_row(current, &result);
			caa_verdict_free(&text);
		}
		evidence_free(&evidence);
	}
}

/* The longest name and the longest reason still fit the sentence. */
static void
test_long_sentences(void **state)
{
	struct buf json = BUF_INIT(8192);
	struct caa_verdict_text text;
	struct check_result result;
	struct evidence evidence;
	struct target target;
	struct caa_check check = { .target = &target, .allow_lookup_failure = true };
	const char *name;

	check_result_init(&result, CHECK_CAA);
	buf_addf(&json, "%.63s.%.63s.%.63s.%.57s.com",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	    "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
	    "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
	assert_true(target_parse(&target, json.data, json.len, NULL));
	assert_int_equal(target.name.len, NAME_TEXT_MAX);
	buf_reset(&json);
	buf_adds(&json, TOP ",\"found\":-1,\"lookups\":[");
	for (name = target.name.text; name != NULL; name = strchr(name, '.')) {
		name += *name == '.';
		buf_addf(&json, "%s{\"name\":\"%s\",\"outcome\":\"failed\",\"rcode\":\"SERVFAIL\","
		    "\"dnssec\":\"indeterminate\",\"reason\":\"%0500d\"}",
		    name > target.name.text ? "," : "", name, 0);
	}
	buf_adds(&json, "]}");
	assert_true(evidence_decode(&evidence, json.data, json.len, NONCE, NULL));
	assert_true(caa_check_judge(&check, &evidence, &result, &text));
	assert_int_equal(result.problem.problem, PROBLEM_DNS_FAILED);
	assert_non_null(strstr(result.problem.message, target.name.text));
	assert_true(strlen(result.problem.message) < sizeof(result.problem.message));
	caa_verdict_free(&text);
	evidence_free(&evidence);
	buf_free(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nothing_passes_unasked),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_long_sentences),
	};

	return cmocka_run_group_tests_name("caa_check", tests, NULL, NULL);
}
