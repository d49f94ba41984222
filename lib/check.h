/*
 * One check at one perspective: the request that asks for it and the result
 * that answers it. The one codec of both, for coordinator and perspective.
 *
 * The shapes are Open MPIC's CaaCheckRequest and CaaCheckResponse, so that
 * either side can be theirs; our own facts are added members. A check type is
 * a row of check_type_path()'s table, its parameters a member of the request
 * and its details a member of the result. A signed result has one member more
 * than check_result_encode() writes, the last: signature.h.
 */
#ifndef MPIC_CHECK_H
#define MPIC_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check_dcv.h"
#include "json_reader.h"
#include "problem.h"

#define CHECK_REQUEST_MAX	((size_t)64 * 1024)	/* bytes of a request */
#define CHECK_RESULT_MAX	((size_t)256 * 1024)	/* bytes of a result */
#define CHECK_MESSAGE_MAX	640
#define CHECK_CODE_MAX		64	/* bytes of a perspective code */
#define CHECK_NONCE_MAX		64
#define CHECK_TRACE_MAX		255
#define CHECK_TARGET_MAX	1024	/* as sent; U-labels are longer than A-labels */
#define CHECK_DEADLINE_MAX_MS	120000
/*
 * A field of a request with the milliseconds that whoever passes it on has itself. The body,
 * whose digest is signed, must stay as it is.
 */
#define CHECK_LIMIT_FIELD	"parallax-limit-ms"

#define CHECK_CAA_SECTION	"3.2.2.8"	/* of DCV_METHOD_RULES */

enum check_type { CHECK_CAA, CHECK_DCV, CHECK_TYPE_COUNT };

/* "caa", "dcv": the value of check_type. */
const char *check_type_name(enum check_type type);
/* "/caa", "/dcv": the perspective's resource. */
const char *check_type_path(enum check_type type);

enum check_certificate { CHECK_TLS_SERVER, CHECK_S_MIME };

/* caa_check_parameters. Lists are as sent: nothing is lower-cased yet. */
struct check_caa_parameters {
	bool set;		/* false: the member was absent or null */
	int certificate_type;	/* enum check_certificate */
	struct json_list caa_domains;
	struct json_bool allow_lookup_failure;
	struct json_list account_uris;		/* RFC 8657 accounturi; any may match */
	struct json_list validation_methods;	/* RFC 8657 validationmethods */
};

/* The rows of caa_check_parameters; they end with a NULL key. */
extern const struct json_field check_caa_fields[];

/*
 * Strings are borrowed: from `document` after decoding, from the caller when
 * it fills the struct to encode it. The target is the text as sent; whoever
 * checks it parses it (lib/target.h) and reports faults at "domain_or_ip_target".
 */
struct check_request {
	struct json_object *document;	/* owned; NULL if filled by hand */
	enum check_type type;
	int named_type;			/* check_type of the body, optional: must agree */
	const char *domain_or_ip_target;
	const char *trace_identifier;	/* or NULL */
	const char *nonce;		/* or NULL; the result echoes it */
	struct json_int deadline_ms;	/* from arrival; unset: the perspective's default */
	union {
		struct check_caa_parameters caa;	/* CHECK_CAA */
		struct check_dcv_parameters dcv;	/* CHECK_DCV */
	};
	struct json_object *dcv_as_sent;	/* borrowed; what `dcv` was read from */
	/* The policy does not know RFC 8657: accounturi and validationmethods bind nobody. */
	struct json_bool ignore_rfc8657;	/* CHECK_CAA */
};

/* Reads the body of a POST to check_type_path(type). Every fault is named. */
bool check_request_decode(struct check_request *request, enum check_type type,
    const char *text, size_t len, struct json_faults *faults);
void check_request_encode(const struct check_request *request, struct buf *out);
/* The same from text encoded without nonce and deadline_ms, which are added. */
void check_request_encode_attempt(const char *request, size_t len, const char *nonce,
    int64_t deadline_ms, struct buf *out);
void check_request_free(struct check_request *request);

/*
 * The same for a checker of Open MPIC's, with its members and no other. Never
 * with allow_lookup_failure: it cannot prove that the domain is Insecure (BR
 * 3.2.2.8). False, with the end of a sentence in `why`, if it cannot be asked
 * this; what its answer then lacks, coordinator/open_mpic.h adds.
 */
bool check_request_encode_open_mpic(const struct check_request *request, struct buf *out,
    const char **why);

/* Adds the caa_check_parameters object (or null), as echoed in answers too. */
void check_caa_parameters_encode(const struct check_caa_parameters *p,
    struct buf *out);

/* RFC 4035 section 4.3, weakest first, so that the overall status is the minimum. */
enum check_dnssec {
	CHECK_DNSSEC_UNKNOWN,	/* the perspective did not say: null */
	CHECK_DNSSEC_BOGUS,
	CHECK_DNSSEC_INDETERMINATE,
	CHECK_DNSSEC_INSECURE,
	CHECK_DNSSEC_SECURE,
};
/* "secure" ...; NULL for UNKNOWN. */
const char *check_dnssec_name(enum check_dnssec status);
enum check_dnssec check_dnssec_from_name(const char *name);

/* details of a CAA check. All strings borrowed; NULL is written as null. */
struct check_caa_details {
	struct json_bool caa_record_present;	/* unset: not known, as after a failed lookup */
	const char *found_at;		/* no trailing dot */
	struct check_strings records_seen;	/* presentation form: 0 issue "ca.example" */
	int dnssec_status;		/* enum check_dnssec: weakest over the climb */
	const char *reason;		/* code of the verdict, such as "issue-match" */
	const char *deciding_record;	/* presentation form, or NULL */
	struct check_strings looked_up;	/* names asked, nearest first */
};

/*
 * A result that did not pass has a problem; one that passed on an allowed
 * lookup failure has one too. `errors` of the wire form comes from it.
 */
struct check_problem {
	enum problem problem;		/* PROBLEM_NONE: null */
	char message[CHECK_MESSAGE_MAX];	/* what was seen where */
};

struct check_result {
	struct json_object *document;	/* owned after decoding, else NULL */
	enum check_type type;
	bool check_completed;		/* false: the perspective could not do its work */
	bool check_passed;
	int64_t timestamp_ns;		/* wall clock, UNIX epoch */
	int64_t elapsed_ms;		/* -1: not known, null */
	const char *perspective_code;	/* as the perspective calls itself; or NULL */
	const char *nonce;		/* as asked; or NULL */
	const char *target;		/* as checked, canonical; or NULL */
	bool private_root;		/* its DNS has another root than IANA's: none to issue on */
	struct check_problem problem;
	struct check_caa_details caa;	/* CHECK_CAA */
	struct check_dcv_details dcv;	/* CHECK_DCV */
	/* Encoding only: one JSON object, spliced as it is; NULL: null. */
	const char *evidence;
	size_t evidence_len;
};

void check_result_init(struct check_result *result, enum check_type type);
/*
 * Sets not passed with this problem and its sentence, and completed as the
 * problem's row has it: in Open MPIC a lookup that failed did not complete.
 */
void check_result_fail(struct check_result *result, enum problem problem,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* `evidence` must be well-formed JSON: it comes from our own resolver. */
void check_result_encode(const struct check_result *result, struct buf *out);
/*
 * Reads what a verdict needs from a perspective's answer, ours or Open MPIC's.
 * `text` is not kept: the coordinator splices the caller's copy into its own
 * answer, which is why it must be one well-formed object.
 */
bool check_result_decode(struct check_result *result, enum check_type type,
    const char *text, size_t len, struct json_faults *faults);
/* The same from an object already parsed, which stays the caller's. */
bool check_result_read(struct check_result *result, enum check_type type,
    struct json_object *object, const char *path, struct json_faults *faults);
void check_result_free(struct check_result *result);

#endif
