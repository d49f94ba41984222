/*
 * Test data of test_dns_check.c: what is asked for, what the resolver found,
 * and what must come of it.
 */
#ifndef MPIC_TEST_DNS_CHECK_ROWS_H
#define MPIC_TEST_DNS_CHECK_ROWS_H

#include "problem.h"

#define NOW		1800000000
#define DIGEST		"LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
#define ACCOUNT		"https://ca1.com/acct/1"
#define METHOD(name, more) "{\"validation_method\":\"" name "\"" more "}"
#define DNS01		METHOD("acme-dns-01", ",\"key_authorization_hash\":\"" DIGEST "\"")
#define ACCOUNT01	METHOD("dns-account-01", ",\"key_authorization_hash\":\"" DIGEST "\"," \
	"\"account_uri\":\"https://example.com/acme/acct/ExampleAccount\"")
#define VALUE(text)	",\"challenge_value\":\"" text "\""
#define CHANGE(type, text, more) METHOD("dns-change", \
	",\"dns_record_type\":\"" type "\"" VALUE(text) more)
#define EXACT		",\"require_exact_match\":true"
#define ANYCASE		",\"require_exact_case\":false"
#define PERSIST		METHOD("dns-persistent", ",\"issuer_domain_names\":[\"ca1.com\"]," \
	"\"expected_account_uri\":\"" ACCOUNT "\"")
#define ACCOUNTS	METHOD("dns-persistent", ",\"issuer_domain_names\":[\"ca1.com\"]," \
	"\"expected_account_uris\":[\"" ACCOUNT "\",\"" ACCOUNT_2 "\"]")
#define ADDRESS(type, text) METHOD("ip-address", ",\"dns_record_type\":\"" type "\"" VALUE(text))
#define PTR(text)	METHOD("reverse-address-lookup", VALUE(text))

#define ACCOUNT_2	"https://ca1.com/acct/2"
#define RIGHT_2		"ca1.com; accounturi=" ACCOUNT_2
#define RIGHT		"ca1.com; accounturi=" ACCOUNT
#define NAME01		"_acme-challenge.a.com"
#define HOP(owner, target, dnssec) "{\"owner\":\"" owner "\",\"type\":\"CNAME\",\"target\":\"" \
	target "\",\"ttl\":60,\"dnssec\":\"" dnssec "\"}"

#define NOTHING		"nodata", "NOERROR"
#define NO_NAME		"nxdomain", "NXDOMAIN"
#define SERVFAIL	"failed", "SERVFAIL"

/*
 * Records are of the type asked for: TXT one string (with '|' between several),
 * names, addresses, and CAA as "tag value". "\\#" begins RDATA in hex.
 */
struct row {
	const char *label, *parameters, *target;	/* target NULL: a.com */
	const char *records[4];		/* none: `outcome` and `rcode` say what there is */
	const char *outcome, *rcode;
	const char *dnssec;		/* NULL: insecure */
	const char *chain;		/* hops, as JSON */
	const char *owner;		/* of the answer, behind hops */
	unsigned above;			/* of a climb: so many names below had nothing */
	/* what must come of it */
	enum problem problem;
	const char *asked;		/* the question's name, NULL: not looked at */
	const char *matched, *seen;	/* seen: joined by newlines */
	const char *found_at, *aliases, *says;
	const char *relied_on;		/* NULL: not looked at */
};

static const struct row rows[] = {
	/* -- ACME -- */
	{ "dns-01", DNS01, .records = { DIGEST }, .asked = NAME01, .matched = DIGEST, .seen = DIGEST,
	    .found_at = NAME01 },
	{ "a wildcard", DNS01, "*.a.com", .records = { DIGEST }, .asked = NAME01, .matched = DIGEST },
	{ "secure", DNS01, .records = { DIGEST }, .dnssec = "secure", .matched = DIGEST },
	{ "among others", DNS01, .records = { "v=spf1 -all", DIGEST, "x" }, .matched = DIGEST,
	    .seen = "v=spf1 -all\n" DIGEST "\nx" },
	{ "split over strings", DNS01, .records = { "LPJNul-wow4m6DsqxbninhsWHlwf|p0JecwQzYpOLmCQ|" },
	    .matched = DIGEST, .seen = DIGEST },
	{ "another value", DNS01, .records = { "x" }, .problem = PROBLEM_NO_MATCH, .seen = "x",
	    .found_at = NAME01,
	    .says = "the TXT record at " NAME01 " is not the expected value: it is \"x\"" },
	{ "several other values", DNS01, .records = { "x", "y", "z" }, .problem = PROBLEM_NO_MATCH,
	    .says = "none of the 3 TXT records at " NAME01 " is the expected value; the first is \"x\"" },
	{ "a long value is cut", DNS01, .problem = PROBLEM_NO_MATCH, .records = {
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaa\xc3\xbc\xc3\xbc" }, .says = "aaa\"" },
	{ "other case", DNS01, .records = { "lpjnul-WOW4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ" },
	    .problem = PROBLEM_NO_MATCH },
	{ "spaces", DNS01, .records = { " " DIGEST }, .problem = PROBLEM_NO_MATCH },
	{ "more behind it", DNS01, .records = { DIGEST "=" }, .problem = PROBLEM_NO_MATCH },
	{ "an empty string", DNS01, .records = { "" }, .problem = PROBLEM_NO_MATCH, .seen = "" },
	{ "octets that are no text", DNS01, .records = { "\\#03ff0041", DIGEST }, .matched = DIGEST,
	    .seen = "\\255\\000A\n" DIGEST },
	{ "a NUL behind it", DNS01, .problem = PROBLEM_NO_MATCH, .records = { "\\#"
	    "2c4c504a4e756c2d776f77346d3644737178626e696e68"
	    "7357486c776670304a656377517a59704f4c6d435100" } },
	{ "RDATA that is no TXT", DNS01, .records = { "\\#0541", DIGEST }, .matched = DIGEST,
	    .seen = "\\# 2 0541\n" DIGEST },
	{ "only such", DNS01, .records = { "\\#" }, .problem = PROBLEM_NO_MATCH, .seen = "\\# 0" },
	{ "dns-account-01", ACCOUNT01, .records = { DIGEST }, .matched = DIGEST,
	    .asked = "_ujmmovf2vn55tgye._acme-challenge.a.com",
	    .found_at = "_ujmmovf2vn55tgye._acme-challenge.a.com" },

	/* -- nothing, and failures -- */
	{ "no such name", DNS01, .outcome = NO_NAME, .problem = PROBLEM_NO_RECORD, .seen = "",
	    .says = "there is no TXT record at " NAME01 ": the name does not exist" },
	{ "no such record", DNS01, .outcome = NOTHING, .problem = PROBLEM_NO_RECORD, .seen = "",
	    .says = "there is no TXT record at " NAME01 ": the name has none of that type" },
	{ "an alias to nowhere", DNS01, .outcome = NO_NAME, .problem = PROBLEM_NO_RECORD,
	    .chain = HOP(NAME01, "b.net", "insecure"), .aliases = "b.net.",
	    .says = "an alias of b.net, which does not exist" },
	{ "a failure", DNS01, .outcome = SERVFAIL, .dnssec = "indeterminate",
	    .problem = PROBLEM_DNS_FAILED, .says = "the TXT lookup of " NAME01 " failed: the reason" },
	{ "bogus", DNS01, .outcome = SERVFAIL, .dnssec = "bogus", .problem = PROBLEM_DNS_BOGUS,
	    .says = "the TXT lookup of " NAME01 " failed DNSSEC validation: the reason" },
	{ "bogus though answered", DNS01, .records = { DIGEST }, .dnssec = "bogus",
	    .problem = PROBLEM_DNS_BOGUS },
	{ "not validated", DNS01, .records = { DIGEST }, .dnssec = "indeterminate",
	    .problem = PROBLEM_DNS_INDETERMINATE },
	{ "bogus NXDOMAIN", DNS01, .outcome = NO_NAME, .dnssec = "bogus",
	    .problem = PROBLEM_DNS_BOGUS },
	{ "too large", DNS01, .outcome = "too-large", .rcode = "NOERROR",
	    .problem = PROBLEM_DNS_TOO_LARGE,
	    .says = "the TXT records of " NAME01 " are larger than a check takes" },

	/* -- hops -- */
	{ "an alias", DNS01, .records = { DIGEST }, .chain = HOP(NAME01, "b.net", "insecure"),
	    .owner = "b.net", .matched = DIGEST, .found_at = NAME01, .aliases = "b.net." },
	{ "an alias of another value", DNS01, .records = { "x" }, .problem = PROBLEM_NO_MATCH,
	    .chain = HOP(NAME01, "b.net", "insecure"), .owner = "b.net", .aliases = "b.net.",
	    .says = NAME01 ", an alias of b.net is not the expected value" },
	{ "several aliases", DNS01, .records = { DIGEST }, .matched = DIGEST,
	    .chain = HOP(NAME01, "b.net", "secure") "," HOP("b.net", "c.net", "insecure"),
	    .owner = "c.net", .aliases = "b.net.\nc.net." },
	{ "a DNAME is no alias of the list", DNS01, .records = { DIGEST }, .matched = DIGEST,
	    .chain = "{\"owner\":\"a.com\",\"type\":\"DNAME\",\"target\":\"b.net\","
	    "\"dnssec\":\"insecure\"}," HOP(NAME01, "_acme-challenge.b.net", "insecure"),
	    .owner = "_acme-challenge.b.net", .aliases = "_acme-challenge.b.net." },
	{ "a bogus hop", DNS01, .records = { DIGEST }, .chain = HOP(NAME01, "b.net", "bogus"),
	    .owner = "b.net", .problem = PROBLEM_DNS_BOGUS, .aliases = "b.net." },
	{ "a hop not validated", DNS01, .records = { DIGEST }, .owner = "b.net",
	    .chain = HOP(NAME01, "b.net", "indeterminate"), .problem = PROBLEM_DNS_INDETERMINATE,
	    .aliases = "b.net." },

	/* -- dns-change -- */
	{ "within TXT", CHANGE("TXT", "Va", ""), .records = { "xVay" }, .asked = "a.com",
	    .matched = "xVay", .found_at = "a.com" },
	{ "a prefix", CHANGE("TXT", "Va", ",\"dns_name_prefix\":\"_DNSauth.x\""), "*.a.com",
	    .records = { "Va" }, .asked = "_dnsauth.x.a.com", .matched = "Va" },
	{ "an empty prefix", CHANGE("TXT", "Va", ",\"dns_name_prefix\":\"\""),
	    .records = { "Va" }, .asked = "a.com", .matched = "Va" },
	{ "not within TXT", CHANGE("TXT", "Va", ""), .records = { "V a" },
	    .problem = PROBLEM_NO_MATCH, .says = "does not hold the expected value" },
	{ "exactly TXT", CHANGE("TXT", "Va", EXACT), .records = { "xVay", "Va" }, .matched = "Va" },
	{ "TXT has case", CHANGE("TXT", "Va", ""), .records = { "vA" },
	    .problem = PROBLEM_NO_MATCH },
	{ "TXT without case", CHANGE("TXT", "Va", ANYCASE), .records = { "xvAY" },
	    .matched = "xvAY" },
	{ "exactly TXT without case", CHANGE("TXT", "Va", EXACT ANYCASE), .records = { "vA" },
	    .matched = "vA" },
	{ "a split value", CHANGE("TXT", "Value", ""), .records = { "Va|lue" }, .matched = "Value" },
	{ "exactly CNAME", CHANGE("CNAME", "Va.ca1.com", EXACT), .records = { "va.CA1.com" },
	    .matched = "va.CA1.com.", .seen = "va.CA1.com." },
	{ "CNAME with a dot", CHANGE("CNAME", "va.ca1.com.", EXACT), .records = { "va.ca1.com" },
	    .matched = "va.ca1.com." },
	{ "within CNAME", CHANGE("CNAME", "VA", ""), .records = { "xva.ca1.com" },
	    .matched = "xva.ca1.com." },
	{ "not exactly CNAME", CHANGE("CNAME", "va", EXACT), .records = { "va.ca1.com" },
	    .problem = PROBLEM_NO_MATCH },
	{ "CNAME to the root", CHANGE("CNAME", "va", ""), .records = { "" },
	    .problem = PROBLEM_NO_MATCH, .seen = "." },
	{ "CNAME has no case, whatever is asked", CHANGE("CNAME", "VA.ca1.com", EXACT
	    ",\"require_exact_case\":true"), .records = { "va.ca1.com" }, .matched = "va.ca1.com." },
	{ "within TXT", CHANGE("TXT", "va", ""), .records = { "x=va" }, .matched = "x=va",
	    .relied_on = "va" },
	{ "exactly CAA", CHANGE("CAA", "VA", EXACT), .records = { "issue ca1.com", "x va" },
	    .matched = "va", .seen = "ca1.com\nva" },
	{ "within CAA", CHANGE("CAA", "a1", ""), .records = { "issue ca1.com" },
	    .matched = "ca1.com" },
	{ "RDATA that is no CAA", CHANGE("CAA", "va", ""), .records = { "\\#00" },
	    .problem = PROBLEM_NO_MATCH, .seen = "\\# 1 00" },

	/* -- persistent; test_persist.c has the records -- */
	{ "persistent", PERSIST, .records = { RIGHT }, .asked = "_validation-persist.a.com",
	    .matched = RIGHT },
	{ "persistent for a wildcard", PERSIST, "*.a.com", .records = { RIGHT "; policy=wildcard" },
	    .asked = "_validation-persist.a.com", .matched = RIGHT "; policy=wildcard" },
	{ "not for wildcards", PERSIST, "*.a.com", .records = { RIGHT }, .problem = PROBLEM_NO_MATCH,
	    .says = "it is not for wildcards: it lacks policy=wildcard" },
	{ "persistent of an address", PERSIST, "192.0.2.1", .records = { RIGHT },
	    .asked = "_ip-validation-persist.1.2.0.192.in-addr.arpa", .matched = RIGHT },
	{ "the nearest is told", PERSIST, .records = { "v=spf1 -all", "ca1.com",
	    RIGHT "; persistUntil=1", "ca2.com; accounturi=" ACCOUNT }, .problem = PROBLEM_NO_MATCH,
	    .says = "none of the 4 TXT records at _validation-persist.a.com is usable; the nearest has "
	    "expired by its persistUntil: \"" RIGHT "; persistUntil=1\"" },
	{ "one usable will do", PERSIST, .records = { RIGHT "; persistUntil=1", RIGHT },
	    .matched = RIGHT },
	{ "the account is what is relied on", PERSIST, .records = { RIGHT }, .matched = RIGHT,
	    .relied_on = ACCOUNT },
	{ "the other account", ACCOUNTS, .records = { RIGHT_2 }, .matched = RIGHT_2,
	    .relied_on = ACCOUNT_2 },
	{ "the first account asked, however answers rotate", ACCOUNTS,
	    .records = { RIGHT_2, RIGHT }, .matched = RIGHT, .relied_on = ACCOUNT },
	{ "and rotate", ACCOUNTS, .records = { RIGHT, RIGHT_2 }, .matched = RIGHT,
	    .relied_on = ACCOUNT },
	{ "the usable account", ACCOUNTS, .records = { RIGHT "; persistUntil=1", RIGHT_2 },
	    .matched = RIGHT_2, .relied_on = ACCOUNT_2 },
	{ "RDATA that is none", PERSIST, .records = { "\\#05" }, .problem = PROBLEM_NO_MATCH,
	    .says = "does not follow the syntax" },

	/* -- contacts -- */
	{ "email in TXT", METHOD("contact-email-txt", VALUE("A@b.c")), .records = { "a@B.c" },
	    .relied_on = "A@b.c", .asked = "_validation-contactemail.a.com", .matched = "a@B.c" },
	{ "another email", METHOD("contact-email-txt", VALUE("a@b.c")), .records = { "aa@b.c" },
	    .problem = PROBLEM_NO_MATCH },
	{ "phone in TXT", METHOD("contact-phone-txt", VALUE("+1 555")), .records = { "+1 555" },
	    .asked = "_validation-contactphone.a.com", .matched = "+1 555" },
	{ "email in CAA", METHOD("contact-email-caa", VALUE("a@b.c")),
	    .records = { "issue ca1.com", "ContactEmail A@b.c", "contactphone a@b.c" },
	    .asked = "a.com", .matched = "A@b.c", .seen = "A@b.c", .found_at = "a.com" },
	{ "phone in CAA above", METHOD("contact-phone-caa", VALUE("1")), "x.y.a.com", .above = 2,
	    .records = { "contactphone 1" }, .asked = "x.y.a.com", .matched = "1",
	    .found_at = "a.com" },
	{ "another in CAA", METHOD("contact-phone-caa", VALUE("1")),
	    .records = { "contactphone 2", "contactphone 3" }, .problem = PROBLEM_NO_MATCH,
	    .says = "none of the 2 CAA records at a.com is the expected value; the first is \"2\"" },
	{ "CAA without it", METHOD("contact-email-caa", VALUE("a@b.c")), .records = { "issue ca1.com" },
	    .problem = PROBLEM_NO_MATCH, .seen = "", .found_at = "a.com",
	    .says = "the CAA records at a.com have no contactemail property" },
	{ "no CAA", METHOD("contact-email-caa", VALUE("a@b.c")), .outcome = NOTHING,
	    .problem = PROBLEM_NO_RECORD, .seen = "",
	    .says = "there is no CAA record at a.com or any of its parents" },
	{ "no CAA heard", METHOD("contact-email-caa", VALUE("a@b.c")), .outcome = SERVFAIL,
	    .dnssec = "indeterminate", .problem = PROBLEM_DNS_FAILED },

	/* -- addresses -- */
	{ "A", ADDRESS("A", "192.0.2.1"), .relied_on = "192.0.2.1", .records = { "192.0.2.2", "192.0.2.1" }, .asked = "a.com",
	    .matched = "192.0.2.1", .seen = "192.0.2.2\n192.0.2.1" },
	{ "AAAA", ADDRESS("AAAA", "2001:DB8:0:0::0001"), .records = { "2001:db8::1" },
	    .matched = "2001:db8::1" },
	{ "another A", ADDRESS("A", "192.0.2.1"), .records = { "192.0.2.11" },
	    .problem = PROBLEM_NO_MATCH },
	{ "a mapped one is another", ADDRESS("AAAA", "192.0.2.1"), .records = { "::ffff:192.0.2.1" },
	    .problem = PROBLEM_NO_MATCH },
	{ "RDATA that is no A", ADDRESS("A", "192.0.2.1"), .records = { "\\#c0000201ff" },
	    .problem = PROBLEM_NO_MATCH, .seen = "\\# 5 c0000201ff" },
	{ "PTR", PTR("WWW.a.com"), "192.0.2.1", .records = { "www.A.com" },
	    .asked = "1.2.0.192.in-addr.arpa", .matched = "www.A.com.", .seen = "www.A.com." },
	{ "PTR with a dot", PTR("www.a.com."), "192.0.2.1", .records = { "www.a.com" },
	    .matched = "www.a.com." },
	{ "PTR of a name", PTR("www.a.com"), "1.2.0.192.in-addr.arpa", .records = { "www.a.com" },
	    .asked = "1.2.0.192.in-addr.arpa", .matched = "www.a.com." },
	{ "PTR as a U-label", PTR("b\u00fccher.a.com"), "192.0.2.1",
	    .records = { "xn--bcher-kva.a.com" }, .matched = "xn--bcher-kva.a.com." },
	{ "PTR within", PTR("a.com"), "192.0.2.1", .records = { "www.a.com" },
	    .problem = PROBLEM_NO_MATCH },
	{ "RDATA that is no PTR", PTR("a.com"), "192.0.2.1", .records = { "\\#01610363" },
	    .problem = PROBLEM_NO_MATCH, .seen = "\\# 4 01610363" },
};

#endif
