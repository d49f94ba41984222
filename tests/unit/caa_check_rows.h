/*
 * Test data of test_caa_check.c: evidence as the module writes it, and what
 * must come of it.
 */
#ifndef MPIC_TEST_CAA_CHECK_ROWS_H
#define MPIC_TEST_CAA_CHECK_ROWS_H

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
	{ "at the name",
	    CLIMB("0", ANSWER(X, "insecure", PERMITS) "," ABANDONED(EX) "," ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = X, INSECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "at the name, forbids",
	    CLIMB("0", ANSWER(X, "insecure", DENIES) "," ABANDONED(EX) "," ABANDONED(COM)),
	    FORBIDS, .reason = "other-issuer", .found_at = X,
	    .says = "at x.ex.com: 0 issue \"ca2.com\"", INSECURE, .asked = 1,
	    .records = "0 issue \"ca2.com\"", .decided = "0 issue \"ca2.com\"" },
	{ "at a parent",
	    CLIMB("1", NXDOMAIN(X, "insecure") "," ANSWER(EX, "insecure", PERMITS) ","
	    ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = EX, INSECURE, .asked = 2,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "at the TLD",
	    CLIMB("2", NODATA(X, "secure") "," NODATA(EX, "secure") ","
	    ANSWER(COM, "secure", DENIES)),
	    FORBIDS, .reason = "other-issuer", .found_at = COM, .says = " at com:", SECURE,
	    .asked = 3, .records = "0 issue \"ca2.com\"", .decided = "0 issue \"ca2.com\"" },
	{ "the nearest of two decides",
	    CLIMB("0", ANSWER(X, "secure", PERMITS) "," ANSWER(EX, "bogus", DENIES) ","
	    NODATA(COM, "secure")),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "nowhere",
	    CLIMB("-1", NODATA(X, "insecure") "," NODATA(EX, "insecure") ","
	    NODATA(COM, "secure")),
	    PASSES, .reason = "no-records", INSECURE, .asked = 3 },
	{ "nowhere, nothing exists",
	    CLIMB("-1", NXDOMAIN(X, "secure") "," NXDOMAIN(EX, "secure") ","
	    NODATA(COM, "secure")),
	    PASSES, .reason = "no-records", SECURE, .asked = 3 },
	{ "a single label",
	    CLIMB("0", ANSWER(COM, "secure", PERMITS)),
	    .target = COM, PASSES, .reason = "authorised", .found_at = COM, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	/* RFC 8659 3: the name asked is what found_at names, wherever its aliases lead */
	{ "behind a CNAME",
	    CLIMB("0", LOOKUP(X, "answer", "NOERROR", "insecure", ",\"chain\":[{\"owner\":\"" X
	    "\",\"type\":\"CNAME\",\"target\":\"cdn.net\",\"ttl\":1,"
	    "\"dnssec\":\"secure\"}],\"owner\":\"cdn.net\",\"ttl\":300,\"records\":[" DENIES "]")
	    "," ABANDONED(EX) "," ABANDONED(COM)),
	    FORBIDS, .reason = "other-issuer", .found_at = X, .says = " at x.ex.com:", INSECURE,
	    .asked = 1, .records = "0 issue \"ca2.com\"", .decided = "0 issue \"ca2.com\"" },

	/* -- what it says -- */
	{ "several records",
	    CLIMB("0", ANSWER(X, "secure", DENIES "," IODEF "," PERMITS) "," ABANDONED(EX) ","
	    ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca2.com\"\n0 iodef \"mailto:a@b.c\"\n0 issue \"ca1.com\"",
	    .decided = "0 issue \"ca1.com\"" },
	{ "nobody at all",
	    CLIMB("0", ANSWER(X, "secure", NOBODY) "," ABANDONED(EX) "," ABANDONED(COM)),
	    FORBIDS, .reason = "empty-issuer", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \";\"", .decided = "0 issue \";\"" },
	{ "iodef alone permits and ends the climb",
	    CLIMB("0", ANSWER(X, "secure", IODEF) "," ANSWER(EX, "secure", DENIES) ","
	    ABANDONED(COM)),
	    PASSES, .reason = "no-relevant-property", .found_at = X, SECURE, .asked = 1,
	    .records = "0 iodef \"mailto:a@b.c\"" },
	{ "an unknown critical tag",
	    CLIMB("0", ANSWER(X, "secure", PERMITS "," CRITICAL) "," ABANDONED(EX) ","
	    ABANDONED(COM)),
	    FORBIDS, .reason = "critical-unknown", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"\n128 tbs \"x\"", .decided = "128 tbs \"x\"" },
	{ "RDATA that is cut",
	    CLIMB("0", ANSWER(X, "secure", PERMITS "," CUT) "," ABANDONED(EX) "," ABANDONED(COM)),
	    FORBIDS, .reason = "malformed-rdata", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"\n\\# 4 00096973", .decided = "\\# 4 00096973" },
	{ "octets that are no text",
	    CLIMB("0", ANSWER(X, "secure", OCTETS "," PERMITS) "," ABANDONED(EX) ","
	    ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"\\255\\000\\\"\\\\\"\n0 issue \"ca1.com\"",
	    .decided = "0 issue \"ca1.com\"" },
	{ "issuewild does not bind a name",
	    CLIMB("0", ANSWER(X, "secure", PERMITS "," NOWILD) "," ABANDONED(EX) ","
	    ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"\n0 issuewild \";\"",
	    .decided = "0 issue \"ca1.com\"" },
	{ "issuewild binds a wildcard",
	    CLIMB("0", ANSWER(X, "secure", PERMITS "," NOWILD) "," ABANDONED(EX) ","
	    ABANDONED(COM)),
	    .target = "*." X, FORBIDS, .reason = "empty-issuer", .found_at = X, SECURE,
	    .asked = 1, .records = "0 issue \"ca1.com\"\n0 issuewild \";\"",
	    .decided = "0 issuewild \";\"" },
	{ "issue binds a wildcard, too",
	    CLIMB("0", ANSWER(X, "secure", DENIES) "," ABANDONED(EX) "," ABANDONED(COM)),
	    .target = "*." X, FORBIDS, .reason = "other-issuer", .found_at = X, SECURE,
	    .asked = 1, .records = "0 issue \"ca2.com\"", .decided = "0 issue \"ca2.com\"" },

	/* -- RFC 8657 -- */
	{ "the account",
	    CLIMB("0", ANSWER(EX, "secure", ACCOUNT) "," ABANDONED(COM)),
	    .target = EX, .account = "https://ca1.com/acct/1", PASSES, .reason = "authorised",
	    .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"",
	    .decided = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"" },
	{ "another account",
	    CLIMB("0", ANSWER(EX, "secure", ACCOUNT) "," ABANDONED(COM)),
	    .target = EX, .account = "https://ca1.com/acct/2", FORBIDS, .reason = "wrong-account",
	    .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"",
	    .decided = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"" },
	{ "no account given",
	    CLIMB("0", ANSWER(EX, "secure", ACCOUNT) "," ABANDONED(COM)),
	    .target = EX, FORBIDS, .reason = "wrong-account", .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"",
	    .decided = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"" },
	{ "a policy without RFC 8657",
	    CLIMB("0", ANSWER(EX, "secure", ACCOUNT) "," ABANDONED(COM)),
	    .target = EX, .ignore_parameters = true, PASSES, .reason = "authorised",
	    .found_at = EX, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"",
	    .decided = "0 issue \"ca1.com; accounturi=https://ca1.com/acct/1\"" },
	{ "the method",
	    CLIMB("0", ANSWER(EX, "secure", METHOD) "," ABANDONED(COM)),
	    .target = EX, .method = "dns-01", PASSES, .reason = "authorised", .found_at = EX,
	    SECURE, .asked = 1, .records = "0 issue \"ca1.com; validationmethods=dns-01\"",
	    .decided = "0 issue \"ca1.com; validationmethods=dns-01\"" },
	{ "another method",
	    CLIMB("0", ANSWER(EX, "secure", METHOD) "," ABANDONED(COM)),
	    .target = EX, .method = "http-01", FORBIDS, .reason = "wrong-method", .found_at = EX,
	    SECURE, .asked = 1, .records = "0 issue \"ca1.com; validationmethods=dns-01\"",
	    .decided = "0 issue \"ca1.com; validationmethods=dns-01\"" },

	/* -- failures -- */
	{ "a failure",
	    CLIMB("-1", FAILED(X, "") "," ANSWER(EX, "secure", PERMITS) ","
	    NODATA(COM, "secure")),
	    FAILS, .says = "lookup of x.ex.com failed: no server answered", INDETERMINATE,
	    .asked = 1 },
	{ "a failure nobody allowed is not excused",
	    CLIMB("-1", EXCUSED(X) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    FAILS, .says = "x.ex.com failed", INSECURE, .asked = 1 },
	{ "a nearer failure hides a farther permission",
	    CLIMB("-1", FAILED(X, "") "," ANSWER(EX, "insecure", PERMITS) "," NODATA(COM, "secure")),
	    FAILS, .says = "x.ex.com", INDETERMINATE, .asked = 1 },
	{ "a farther failure does not matter",
	    CLIMB("0", ANSWER(X, "insecure", PERMITS) "," FAILED(EX, "") ","
	    NODATA(COM, "secure")),
	    PASSES, .reason = "authorised", .found_at = X, INSECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "a failure on the way up",
	    CLIMB("-1", NODATA(X, "insecure") "," FAILED(EX, "") "," NODATA(COM, "secure")),
	    FAILS, .says = "lookup of ex.com failed", INDETERMINATE, .asked = 2 },
	{ "a bogus answer",
	    CLIMB("-1", BOGUS(X, "") "," NODATA(EX, "secure") "," NODATA(COM, "secure")),
	    .problem = PROBLEM_DNS_BOGUS,
	    .says = "x.ex.com failed DNSSEC validation: signature expired", BOGUS_STATUS,
	    .asked = 1 },
	{ "a bogus parent",
	    CLIMB("-1", NODATA(X, "secure") "," BOGUS(EX, "") "," NODATA(COM, "secure")),
	    .problem = PROBLEM_DNS_BOGUS, .says = "lookup of ex.com", BOGUS_STATUS, .asked = 2 },
	{ "too large",
	    CLIMB("-1", TOO_LARGE(X) "," ANSWER(EX, "insecure", PERMITS) "," NODATA(COM, "secure")),
	    .problem = PROBLEM_DNS_TOO_LARGE, .says = "of x.ex.com are larger", INSECURE,
	    .asked = 1 },
	{ "too large, although failures are allowed",
	    CLIMB("-1", TOO_LARGE(X) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    .allow = true, .problem = PROBLEM_DNS_TOO_LARGE, .says = "x.ex.com", INSECURE,
	    .asked = 1 },
	{ "truncated evidence",
	    HEAD ",\"truncated\":true,\"found\":-1,\"lookups\":[" LOOKUP(X, "answer", "NOERROR",
	    "secure", ",\"owner\":\"" X "\",\"ttl\":1,\"records\":null") ","
	    NODATA(EX, "secure") "," NODATA(COM, "secure") "]}",
	    .problem = PROBLEM_DNS_TOO_LARGE, .says = "answers for x.ex.com are larger" },
	{ "truncated, although failures are allowed",
	    HEAD ",\"truncated\":true,\"found\":-1,\"lookups\":[" NODATA(X, "secure") ","
	    NODATA(EX, "secure") "," NODATA(COM, "secure") "]}",
	    .allow = true, .problem = PROBLEM_DNS_TOO_LARGE, .says = "x.ex.com" },
	{ "the module refused",
	    TOP ",\"error\":\"out of memory\"}",
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE,
	    .says = "did not perform the lookup: out of memory" },
	{ "evidence of another operation",
	    TOP ",\"stats\":{\"climbs\":1}}",
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE,
	    .says = "not of x.ex.com and all its parents" },

	/* -- what the module never says must not become permission either -- */
	{ "bogus data called an answer",
	    CLIMB("0", ANSWER(X, "bogus", PERMITS) "," ABANDONED(EX) "," ABANDONED(COM)),
	    .problem = PROBLEM_DNS_BOGUS, .says = "x.ex.com failed DNSSEC", BOGUS_STATUS,
	    .asked = 1 },
	{ "a bogus denial",
	    CLIMB("-1", NODATA(X, "insecure") "," NODATA(EX, "bogus") "," NODATA(COM, "secure")),
	    .allow = true, .problem = PROBLEM_DNS_BOGUS, .says = "ex.com", BOGUS_STATUS,
	    .asked = 2 },
	{ "an answer nobody validated",
	    CLIMB("0", ANSWER(X, "indeterminate", PERMITS) "," ABANDONED(EX) "," ABANDONED(COM)),
	    .problem = PROBLEM_DNS_INDETERMINATE, .says = "x.ex.com", INDETERMINATE, .asked = 1 },
	{ "a denial nobody validated",
	    CLIMB("-1", NXDOMAIN(X, "indeterminate") "," NODATA(EX, "secure") ","
	    NODATA(COM, "secure")),
	    .allow = true, .problem = PROBLEM_DNS_INDETERMINATE, .says = "x.ex.com",
	    INDETERMINATE, .asked = 1 },
	{ "one name instead of the climb",
	    CLIMB("-1", NODATA(X, "secure")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "all its parents" },
	{ "a name left out",
	    CLIMB("-1", NODATA(X, "secure") "," NODATA(COM, "secure")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "all its parents" },
	{ "one name three times",
	    CLIMB("-1", NODATA(X, "secure") "," NODATA(X, "secure") "," NODATA(X, "secure")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "all its parents" },
	{ "another name",
	    CLIMB("0", ANSWER("x.ex.net", "secure", PERMITS) "," ABANDONED("ex.net") ","
	    ABANDONED("net")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "not of x.ex.com" },
	{ "more than the climb",
	    CLIMB("-1", NODATA(X, "secure") "," NODATA(EX, "secure") "," NODATA(COM, "secure") ","
	    NODATA(".", "secure")),
	    .problem = PROBLEM_RESOLVER_NO_EVIDENCE, .says = "all its parents" },
	{ "names in capitals",
	    CLIMB("-1", NODATA("X.EX.COM", "secure") "," NODATA("EX.com", "secure") ","
	    NODATA(COM, "secure")),
	    PASSES, .reason = "no-records", SECURE, .asked = 3 },

	/* -- BR 3.2.2.8: a failure as permission -- */
	{ "allowed",
	    CLIMB("-1", EXCUSED(X) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .passed = true, .reason = "lookup-failure-allowed",
	    .says = "asked in 2 tries, the domain is Insecure", INSECURE, .asked = 3 },
	{ "allowed, found in three tries",
	    CLIMB("-1", FAILED(X, SENT("3", "true")) "," NODATA(EX, "insecure") ","
	    NODATA(COM, "secure")),
	    .allow = true, FAILS, .passed = true, .reason = "lookup-failure-allowed",
	    .says = "asked in 3 tries", INSECURE, .asked = 3 },
	{ "allowed twice, the nearest is named",
	    CLIMB("-1", EXCUSED(X) "," EXCUSED(EX) "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .passed = true, .reason = "lookup-failure-allowed",
	    .says = "lookup of x.ex.com", INSECURE, .asked = 3 },
	{ "allowed, but nothing answered at all: whose failure is it?",
	    CLIMB("-1", EXCUSED(X) "," EXCUSED(EX) "," EXCUSED(COM)),
	    .allow = true, .problem = PROBLEM_DNS_INDETERMINATE,
	    .says = "the perspective itself may be cut off", INSECURE, .asked = 3 },
	{ "allowed, and a farther name forbids",
	    CLIMB("-1", EXCUSED(X) "," ANSWER(EX, "insecure", DENIES) "," NODATA(COM, "secure")),
	    .allow = true, FORBIDS, .reason = "other-issuer", .found_at = EX,
	    .says = " at ex.com:", INSECURE, .asked = 2, .records = "0 issue \"ca2.com\"",
	    .decided = "0 issue \"ca2.com\"" },
	{ "allowed, and a farther name permits",
	    CLIMB("-1", EXCUSED(X) "," ANSWER(EX, "insecure", PERMITS) "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .passed = true, .reason = "authorised", .found_at = EX,
	    .says = "lookup of x.ex.com", INSECURE, .asked = 2,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "allowed, and a farther failure is not",
	    CLIMB("-1", EXCUSED(X) "," FAILED(EX, SENT("2", "false")) "," NODATA(COM, "secure")),
	    .allow = true, FAILS,
	    .says = "lookup of ex.com failed: no server answered; it is no permission",
	    INDETERMINATE, .asked = 2 },
	{ "allowed, and a farther answer is bogus",
	    CLIMB("-1", EXCUSED(X) "," BOGUS(EX, "") "," NODATA(COM, "secure")),
	    .allow = true, .problem = PROBLEM_DNS_BOGUS, .says = "lookup of ex.com", BOGUS_STATUS,
	    .asked = 2 },
	{ "not shown Insecure",
	    CLIMB("-1", FAILED(X, SENT("2", "false")) "," NODATA(EX, "secure") ","
	    NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "not shown to be Insecure", INDETERMINATE, .asked = 1 },
	{ "not walked at all",
	    CLIMB("-1", FAILED(X, ",\"tries_sent\":2") "," NODATA(EX, "secure") ","
	    NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "not shown to be Insecure", INDETERMINATE, .asked = 1 },
	{ "it had an answer that the resolver lost",
	    CLIMB("-1", LOOKUP(X, "failed", "NOERROR", "insecure", ",\"reason\":\"out of memory\""
	    SENT("2", "true")) "," NODATA(EX, "insecure") "," NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "out of memory; it is no permission", INSECURE,
	    .asked = 1 },
	{ "asked once",
	    CLIMB("-1", FAILED(X, SENT("1", "true")) "," NODATA(EX, "insecure") ","
	    NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "servers were not asked twice", INSECURE,
	    .asked = 1 },
	{ "tried twice without a packet",
	    CLIMB("-1", FAILED(X, SENT("0", "true")) "," NODATA(EX, "insecure") ","
	    NODATA(COM, "secure")),
	    .allow = true, FAILS, .says = "servers were not asked twice", INSECURE,
	    .asked = 1 },
	{ "bogus is never allowed",
	    CLIMB("-1", BOGUS(X, SENT("2", "true")) "," NODATA(EX, "insecure") ","
	    NODATA(COM, "secure")),
	    .allow = true, .problem = PROBLEM_DNS_BOGUS, .says = "signature expired",
	    BOGUS_STATUS, .asked = 1 },

	/* -- the weakest status, up to the name that decides and no farther -- */
	{ "secure, then insecure",
	    CLIMB("1", NODATA(X, "insecure") "," ANSWER(EX, "secure", PERMITS) ","
	    ABANDONED(COM)),
	    PASSES, .reason = "authorised", .found_at = EX, INSECURE, .asked = 2,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
	{ "what lies beyond is left out",
	    CLIMB("0", ANSWER(X, "secure", PERMITS) "," NODATA(EX, "insecure") ","
	    BOGUS(COM, "")),
	    PASSES, .reason = "authorised", .found_at = X, SECURE, .asked = 1,
	    .records = "0 issue \"ca1.com\"", .decided = "0 issue \"ca1.com\"" },
};

#endif
