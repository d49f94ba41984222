/*
 * The CAA verdict: RFC 8659 and its extensions RFC 8657 (accounturi,
 * validationmethods) and RFC 9495 (issuemail). Pure: no I/O, no clock, no
 * allocation but through the struct buf a caller hands in.
 *
 * The caller climbs (RFC 8659 section 3) and hands in the relevant RRset; any
 * CAA record ends the climb, whatever its tag. The verdict over an RRset with
 * a record whose RDATA cannot be parsed is "forbidden": what it would have
 * said is unknown, and an unknown restriction must not become a permission.
 */
#ifndef MPIC_CAA_H
#define MPIC_CAA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define CAA_FLAG_CRITICAL 0x80	/* the only flag RFC 8659 4.1 defines */
#define CAA_NO_RECORD SIZE_MAX

/* One record. It points into the RDATA it was parsed from and owns nothing. */
struct caa_record {
	const uint8_t *rdata;
	size_t rdata_len;
	bool malformed;		/* then only `rdata` and `rdata_len` mean anything */
	uint8_t flags;
	const char *tag;	/* 1-255 ASCII letters and digits, not NUL-terminated */
	size_t tag_len;
	const char *value;	/* any bytes, not NUL-terminated */
	size_t value_len;
};

/* Always fills `rec`; false if the RDATA is malformed (RFC 8659 4.1). */
bool caa_record_parse(struct caa_record *rec, const void *rdata, size_t len);
/*
 * Adds the presentation form, `0 issue "ca1.com"`: '"' and '\' after a
 * backslash, octets that are not printable ASCII as \DDD. Malformed RDATA in
 * the form of RFC 3597 section 5, `\# 2 0000`.
 */
void caa_record_text(const struct caa_record *rec, struct buf *out);

enum caa_certificate { CAA_TLS_SERVER, CAA_S_MIME };

/* What the CA asks. The lists are the caller's and outlive the call. */
struct caa_question {
	enum caa_certificate certificate;
	bool wildcard;		/* meaningful for CAA_TLS_SERVER only */
	/* The CA's own issuer domain names; any may match. Case does not matter. */
	const char *const *issuers;
	size_t issuer_count;
	/* RFC 8657 section 3: the account asking, under every URI it is known by. */
	const char *const *account_uris;
	size_t account_uri_count;
	/* RFC 8657 section 4: the method used, under every label it has. */
	const char *const *validation_methods;
	size_t validation_method_count;
	/* Evaluate as if RFC 8657 did not exist; the value's grammar still counts. */
	bool ignore_parameters;
};

/*
 * Why. From EMPTY_ISSUER to WRONG_METHOD the order is that of nearness: when
 * no record permits, the verdict names the first of those that came nearest.
 * X(symbol, code, permitted, sentence)
 */
#define CAA_REASONS(X) \
	X(NO_RECORDS, "no-records", true, \
	    "there is no CAA record") \
	X(NO_PROPERTY, "no-relevant-property", true, \
	    "no CAA record restricts this kind of certificate") \
	X(AUTHORISED, "authorised", true, \
	    "a CAA record authorises the issuer") \
	X(EMPTY_ISSUER, "empty-issuer", false, \
	    "a CAA record forbids every issuer") \
	X(OTHER_ISSUER, "other-issuer", false, \
	    "the CAA records authorise other issuers only") \
	X(MALFORMED_VALUE, "malformed-value", false, \
	    "a CAA record's value does not follow RFC 8659 4.2 and authorises nobody") \
	X(UNSATISFIABLE, "unsatisfiable-parameters", false, \
	    "a CAA record names the issuer with RFC 8657 parameters that nobody can satisfy") \
	X(WRONG_ACCOUNT, "wrong-account", false, \
	    "a CAA record authorises the issuer for another account only") \
	X(WRONG_METHOD, "wrong-method", false, \
	    "a CAA record authorises the issuer for other validation methods only") \
	X(CRITICAL_UNKNOWN, "critical-unknown", false, \
	    "a CAA record with an unknown tag is marked critical") \
	X(MALFORMED_RDATA, "malformed-rdata", false, \
	    "a CAA record cannot be parsed")

enum caa_reason {
#define X(symbol, code, permitted, sentence) CAA_##symbol,
	CAA_REASONS(X)
#undef X
	CAA_REASON_COUNT
};

struct caa_verdict {
	bool permitted;
	enum caa_reason reason;
	size_t record;		/* the record that decided, or CAA_NO_RECORD */
};

struct caa_verdict caa_evaluate(const struct caa_record *records, size_t count,
    const struct caa_question *q);
const char *caa_reason_code(enum caa_reason reason);
/* A clause without capital or full stop. */
const char *caa_reason_text(enum caa_reason reason);

#endif
