/*
 * The CAA verdict as a table: who asks, the relevant RRset, what must come out
 * and which record (counted from 0, - 1 for none) must have decided it.
 *
 * Records are in presentation form, one a line, quoted with ' instead of ".
 * A line that begins with \# is the RDATA in hexadecimal.
 */
/* R(question, RRset, reason, record) */
#define CAA_ROWS(R) \
	/* No restriction. */ \
	R(tls,  "", NO_RECORDS, -1) \
	R(wild, "", NO_RECORDS, -1) \
	R(mail, "", NO_RECORDS, -1) \
	R(nobody, "", NO_RECORDS, -1) \
	R(tls,  "0 iodef 'mailto:a@b.example'", NO_PROPERTY, -1) \
	R(wild, "0 iodef 'mailto:a@b.example'", NO_PROPERTY, -1) \
	R(mail, "0 iodef 'mailto:a@b.example'", NO_PROPERTY, -1) \
	R(tls,  "0 tbs 'unknown'", NO_PROPERTY, -1) \
	R(wild, "0 tbs 'unknown'", NO_PROPERTY, -1) \
	R(tls,  "0 tbs 'unknown'\n0 iodef 'mailto:a@b.example'", NO_PROPERTY, -1) \
	R(tls,  "0 contactemail 'a@b.example'\n0 contactphone '+1'", NO_PROPERTY, -1) \
	R(tls,  "0 issuemail 'ca2.com'", NO_PROPERTY, -1) \
	R(tls,  "0 issuevmc ';'", NO_PROPERTY, -1) \
	R(nobody, "0 iodef 'mailto:a@b.example'", NO_PROPERTY, -1) \
	/* The issuer, as a name. */ \
	R(tls,  "0 issue 'ca1.com'", AUTHORISED, 0) \
	R(tls,  "0 issue 'CA1.com'", AUTHORISED, 0) \
	R(tls,  "0 issue 'cA1.CoM'", AUTHORISED, 0) \
	R(upper, "0 issue 'ca1.com'", AUTHORISED, 0) \
	R(upper, "0 issue 'CA1.COM'", AUTHORISED, 0) \
	R(dot,  "0 issue 'ca1.com'", AUTHORISED, 0) \
	R(dot,  "0 issue 'ca1.com.'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com.'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com.;'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com..'", MALFORMED_VALUE, 0) \
	R(tls,  "0 ISSUE 'ca1.com'", AUTHORISED, 0) \
	R(tls,  "0 IsSuE 'ca2.com'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue 'ca2.com'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue 'ca1.com.example'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue 'xca1.com'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue 'ca1.comx'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue 'ca1.co'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue 'a1.com'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue 'sub.ca1.com'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue 'com'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue 'ca1-com'", OTHER_ISSUER, 0) \
	R(two,  "0 issue 'ca1.net'", AUTHORISED, 0) \
	R(two,  "0 issue 'ca1.com'", AUTHORISED, 0) \
	R(two,  "0 issue 'ca1.org'", OTHER_ISSUER, 0) \
	R(nobody, "0 issue 'ca1.com'", OTHER_ISSUER, 0) \
	R(blank, "0 issue ''", EMPTY_ISSUER, 0) \
	R(blank, "0 issue ';'", EMPTY_ISSUER, 0) \
	R(blank, "0 issue '.'", MALFORMED_VALUE, 0) \
	R(blank, "0 issue 'ca1.com'", OTHER_ISSUER, 0) \
	/* Nobody may. */ \
	R(tls,  "0 issue ';'", EMPTY_ISSUER, 0) \
	R(tls,  "0 issue ''", EMPTY_ISSUER, 0) \
	R(tls,  "0 issue '   '", EMPTY_ISSUER, 0) \
	R(tls,  "0 issue ' ; '", EMPTY_ISSUER, 0) \
	R(tls,  "0 issue '\\009;\\009'", EMPTY_ISSUER, 0) \
	R(tls,  "0 issue '; policy=ev'", EMPTY_ISSUER, 0) \
	R(tls,  "0 issue ';'\n0 issue 'ca1.com'", AUTHORISED, 1) \
	R(wild, "0 issuewild ';'", EMPTY_ISSUER, 0) \
	/* More than one record. */ \
	R(tls,  "0 issue 'ca2.com'\n0 issue 'ca1.com'", AUTHORISED, 1) \
	R(tls,  "0 issue 'ca1.com'\n0 issue 'ca2.com'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca2.com'\n0 issue 'ca3.com'", OTHER_ISSUER, 0) \
	R(tls,  "0 issue ';'\n0 issue 'ca3.com'", OTHER_ISSUER, 1) \
	R(tls,  "0 iodef 'x'\n0 issue 'ca2.com'", OTHER_ISSUER, 1) \
	R(tls,  "0 issue 'ca2.com'\n0 issue '%%'", MALFORMED_VALUE, 1) \
	R(tls,  "0 issue '%%'\n0 issue 'ca1.com'", AUTHORISED, 1) \
	R(tls,  "0 issue 'ca2.com'\n0 issue 'ca2.com'", OTHER_ISSUER, 0) \
	/* issuewild: for wildcards, and before issue. */ \
	R(tls,  "0 issuewild 'ca1.com'", NO_PROPERTY, -1) \
	R(tls,  "0 issuewild ';'", NO_PROPERTY, -1) \
	R(tls,  "0 issuewild 'ca1.com'\n0 issue 'ca2.com'", OTHER_ISSUER, 1) \
	R(tls,  "0 issuewild ';'\n0 issue 'ca1.com'", AUTHORISED, 1) \
	R(tls,  "128 issuewild ';'\n0 issue 'ca1.com'", AUTHORISED, 1) \
	R(wild, "0 issue 'ca1.com'", AUTHORISED, 0) \
	R(wild, "0 issue 'ca2.com'", OTHER_ISSUER, 0) \
	R(wild, "0 issuewild 'ca1.com'", AUTHORISED, 0) \
	R(wild, "0 ISSUEWILD 'ca1.com'", AUTHORISED, 0) \
	R(wild, "0 issuewild 'ca2.com'", OTHER_ISSUER, 0) \
	R(wild, "0 issuewild 'ca2.com'\n0 issue 'ca1.com'", OTHER_ISSUER, 0) \
	R(wild, "0 issue 'ca1.com'\n0 issuewild ';'", EMPTY_ISSUER, 1) \
	R(wild, "0 issue 'ca2.com'\n0 issuewild 'ca1.com'", AUTHORISED, 1) \
	R(wild, "0 issue ';'\n0 issuewild 'ca1.com'", AUTHORISED, 1) \
	R(wild, "0 issue 'ca1.com'\n0 issuewild '%%'", MALFORMED_VALUE, 1) \
	R(wild, "0 issuewild 'ca2.com'\n0 issuewild 'ca1.com'", AUTHORISED, 1) \
	R(wild, "0 issuemail 'ca1.com'", NO_PROPERTY, -1) \
	/* issuemail: RFC 9495. */ \
	R(mail, "0 issuemail 'ca1.com'", AUTHORISED, 0) \
	R(mail, "0 IssueMail 'CA1.com'", AUTHORISED, 0) \
	R(mail, "0 issuemail 'ca2.com'", OTHER_ISSUER, 0) \
	R(mail, "0 issuemail ';'", EMPTY_ISSUER, 0) \
	R(mail, "0 issue ';'", NO_PROPERTY, -1) \
	R(mail, "0 issuewild ';'", NO_PROPERTY, -1) \
	R(mail, "0 issue ';'\n0 issuemail 'ca1.com'", AUTHORISED, 1) \
	R(mail, "0 issue 'ca1.com'\n0 issuemail ';'", EMPTY_ISSUER, 1) \
	R(mailwild, "0 issuewild ';'\n0 issuemail 'ca1.com'", AUTHORISED, 1) \
	R(mail, "0 issuemail '%%'", MALFORMED_VALUE, 0) \
	/* The critical flag: bit 0 of the octet, 128; RFC 8659 4.1. */ \
	R(tls,  "128 tbs 'x'", CRITICAL_UNKNOWN, 0) \
	R(wild, "128 tbs 'x'", CRITICAL_UNKNOWN, 0) \
	R(mail, "128 tbs 'x'", CRITICAL_UNKNOWN, 0) \
	R(tls,  "255 tbs 'x'", CRITICAL_UNKNOWN, 0) \
	R(tls,  "129 tbs 'x'", CRITICAL_UNKNOWN, 0) \
	R(tls,  "1 tbs 'x'", NO_PROPERTY, -1) \
	R(tls,  "127 tbs 'x'", NO_PROPERTY, -1) \
	R(tls,  "0 issue 'ca1.com'\n128 tbs 'x'", CRITICAL_UNKNOWN, 1) \
	R(tls,  "128 tbs 'x'\n0 issue 'ca1.com'", CRITICAL_UNKNOWN, 0) \
	R(open, "0 issue 'ca1.com'\n128 tbs 'x'", CRITICAL_UNKNOWN, 1) \
	R(tls,  "128 issues 'ca1.com'", CRITICAL_UNKNOWN, 0) \
	R(tls,  "128 issu 'ca1.com'", CRITICAL_UNKNOWN, 0) \
	R(tls,  "128 issue 'ca1.com'", AUTHORISED, 0) \
	R(tls,  "128 ISSUE 'ca1.com'", AUTHORISED, 0) \
	R(tls,  "255 issue 'ca1.com'", AUTHORISED, 0) \
	R(tls,  "1 issue 'ca1.com'", AUTHORISED, 0) \
	R(tls,  "128 issue 'ca2.com'", OTHER_ISSUER, 0) \
	R(wild, "128 issuewild 'ca1.com'", AUTHORISED, 0) \
	R(tls,  "128 iodef 'x'", NO_PROPERTY, -1) \
	R(tls,  "128 issuemail ';'", NO_PROPERTY, -1) \
	R(tls,  "128 issuevmc ';'", NO_PROPERTY, -1) \
	R(tls,  "128 IssueVMC ';'\n0 issue 'ca1.com'", AUTHORISED, 1) \
	R(tls,  "128 contactemail 'a@b.example'", NO_PROPERTY, -1) \
	R(tls,  "128 ContactPhone '+1'", NO_PROPERTY, -1) \
	R(mail, "128 issue ';'\n128 issuewild ';'", NO_PROPERTY, -1) \
	/* The value's grammar: RFC 8659 4.2. */ \
	R(tls,  "0 issue ' ca1.com '", AUTHORISED, 0) \
	R(tls,  "0 issue '\\009ca1.com\\009'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com;'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com ; '", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com; policy=ev'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com;policy=ev'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com ;  policy  =  ev  '", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com; policy='", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com; a=b; c-d=e; 1=2'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com; a=b=c'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com; a=\\\\\\'~!:<'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com; a=b;'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; a=b; ;'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com;; a=b'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com;;'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; policy'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; =ev'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; pol_icy=ev'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; -a=b'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; a-=b'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; a--b=c'", AUTHORISED, 0) \
	R(tls,  "0 issue 'ca1.com; a=b c=d'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; a=b c'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com policy=ev'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com ca2.com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com, ca2.com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1..com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue '.ca1.com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue '-ca1.com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1-.com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca_1.com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue '*.ca1.com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue '\"ca1.com\"'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'https://ca1.com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com\\000'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com\\010'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com\\255\\254'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue '\\195\\169.com'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; a=\\128'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue 'ca1.com; a=\\127'", MALFORMED_VALUE, 0) \
	R(tls,  "0 issue '%%%%%'", MALFORMED_VALUE, 0) \
	R(tls,  "0 tbs '\\255\\000\\200'", NO_PROPERTY, -1) \
	R(tls,  "0 iodef '\\255\\000'\n0 issue 'ca1.com'", AUTHORISED, 1) \
	/* accounturi: RFC 8657 section 3. */ \
	R(acct, "0 issue 'ca1.com'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/1'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=acct:one@ca1.com'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; AccountURI=https://ca1.com/acct/1'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com;accounturi = https://ca1.com/acct/1 '", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/2'", WRONG_ACCOUNT, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/'", WRONG_ACCOUNT, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/11'", WRONG_ACCOUNT, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/ACCT/1'", WRONG_ACCOUNT, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=HTTPS://ca1.com/acct/1'", WRONG_ACCOUNT, 0) \
	R(acct, "0 issue 'ca1.com; accounturi='", WRONG_ACCOUNT, 0) \
	R(blank, "0 issue 'ca1.com; accounturi='", OTHER_ISSUER, 0) \
	R(blankacct, "0 issue 'ca1.com; accounturi='", WRONG_ACCOUNT, 0) \
	R(tls,  "0 issue 'ca1.com; accounturi=https://ca1.com/acct/1'", WRONG_ACCOUNT, 0) \
	R(acct, "0 issue 'ca2.com; accounturi=https://ca1.com/acct/1'", OTHER_ISSUER, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/1; " \
	    "accounturi=https://ca1.com/acct/1'", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/1; " \
	    "ACCOUNTURI=https://ca1.com/acct/2'", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/2'\n" \
	    "0 issue 'ca1.com; accounturi=https://ca1.com/acct/1'", AUTHORISED, 1) \
	R(acct, "0 issue 'ca1.com; accounturi=x; accounturi=y'\n0 issue 'ca1.com'", \
	    AUTHORISED, 1) \
	R(acct, "0 issue 'ca2.com'\n0 issue 'ca1.com; accounturi=https://ca1.com/acct/2'", \
	    WRONG_ACCOUNT, 1) \
	R(acct, "0 issue 'ca1.com; accounturis=x; xaccounturi=y'", AUTHORISED, 0) \
	R(acctwild, "0 issuewild 'ca1.com; accounturi=https://ca1.com/acct/1'", AUTHORISED, 0) \
	R(acctwild, "0 issuewild 'ca1.com; accounturi=x'\n0 issue 'ca1.com'", WRONG_ACCOUNT, 0) \
	R(acctmail, "0 issuemail 'ca1.com; accounturi=x'", WRONG_ACCOUNT, 0) \
	R(acctmail, "0 issuemail 'ca1.com; accounturi=acct:one@ca1.com'", AUTHORISED, 0) \
	/* validationmethods: RFC 8657 section 4. */ \
	R(acct, "0 issue 'ca1.com; validationmethods=http-01'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; ValidationMethods=http-01'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=ca-tbr-19'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=dns-01,http-01'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=dns-01,ca-tbr-7'", WRONG_METHOD, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=http-0'", WRONG_METHOD, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=http-011'", WRONG_METHOD, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=HTTP-01'", WRONG_METHOD, 0) \
	R(tls,  "0 issue 'ca1.com; validationmethods=http-01'", WRONG_METHOD, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods='", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=,'", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=http-01,'", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=,http-01'", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=dns-01,,http-01'", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=http_01,http-01'", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=http-01,\"x\"'", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=dns-01, http-01'", MALFORMED_VALUE, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=http-01; validationmethods=http-01'", \
	    UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; validationmethods=dns-01'\n" \
	    "0 issue 'ca1.com; validationmethods=http-01'", AUTHORISED, 1) \
	/* Both parameters. */ \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/1; " \
	    "validationmethods=http-01'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/1; " \
	    "validationmethods=dns-01'", WRONG_METHOD, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=x; validationmethods=http-01'", WRONG_ACCOUNT, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=x; validationmethods=dns-01'", WRONG_ACCOUNT, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=x; validationmethods=,'", UNSATISFIABLE, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=https://ca1.com/acct/1'\n" \
	    "0 issue 'ca1.com; validationmethods=dns-01'", AUTHORISED, 0) \
	R(acct, "0 issue 'ca1.com; accounturi=x'\n" \
	    "0 issue 'ca1.com; validationmethods=dns-01'", WRONG_METHOD, 1) \
	/* As if RFC 8657 did not exist. */ \
	R(open, "0 issue 'ca1.com; accounturi=x'", AUTHORISED, 0) \
	R(open, "0 issue 'ca1.com; accounturi=x; accounturi=y'", AUTHORISED, 0) \
	R(open, "0 issue 'ca1.com; validationmethods=,'", AUTHORISED, 0) \
	R(open, "0 issue 'ca1.com; validationmethods=dns-01'", AUTHORISED, 0) \
	R(open, "0 issue 'ca1.com; accounturi'", MALFORMED_VALUE, 0) \
	R(open, "0 issue 'ca2.com; accounturi=x'", OTHER_ISSUER, 0) \
	/* RDATA that cannot be parsed forbids, wherever it stands. */ \
	R(tls,  "\\# ", MALFORMED_RDATA, 0) \
	R(tls,  "\\# 00", MALFORMED_RDATA, 0) \
	R(tls,  "\\# 0000", MALFORMED_RDATA, 0) \
	R(tls,  "\\# 000061", MALFORMED_RDATA, 0) \
	R(tls,  "\\# 00056973737565", EMPTY_ISSUER, 0) \
	R(tls,  "\\# 000669737375", MALFORMED_RDATA, 0) \
	R(tls,  "\\# 00016b0d0a", NO_PROPERTY, -1) \
	R(tls,  "\\# 0002695f", MALFORMED_RDATA, 0) \
	R(tls,  "\\# 0002692d", MALFORMED_RDATA, 0) \
	R(tls,  "\\# 000269c3", MALFORMED_RDATA, 0) \
	R(tls,  "\\# 00026900", MALFORMED_RDATA, 0) \
	R(tls,  "0 issue 'ca1.com'\n\\# 00", MALFORMED_RDATA, 1) \
	R(wild, "0 issuewild 'ca1.com'\n\\# 00", MALFORMED_RDATA, 1) \
	R(mail, "\\# 00\n0 issuemail 'ca1.com'", MALFORMED_RDATA, 0) \
	R(open, "0 issue 'ca1.com'\n\\# 00", MALFORMED_RDATA, 1)
