/*
 * The body of POST /mpic: what a CA asks. Pure.
 *
 * Open MPIC's MpicRequest with our additions. Decoding finds every fault, by
 * field, and leaves nothing undecided: counts are checked against the fleet
 * and the rules of the day, whether the request names them or not. It may ask
 * for more than the rules, never for less. Strings point into the document.
 */
#ifndef MPIC_REQUEST_H
#define MPIC_REQUEST_H

#include "check.h"
#include "coordinator/applied_for.h"
#include "coordinator/rules.h"
#include "target.h"

#define MPIC_REQUEST_MAX	CHECK_REQUEST_MAX
#define MPIC_CHECKS_MAX		2

/* A value of check_type, and the checks that it asks each perspective for. */
struct mpic_check_type {
	const char *name;
	size_t count;
	/* The result of the first is a perspective's check_response in the answer. */
	enum check_type checks[MPIC_CHECKS_MAX];
};

/* NULL when there is none of this name. */
const struct mpic_check_type *mpic_check_type_find(const char *name);
bool mpic_check_type_has(const struct mpic_check_type *type, enum check_type check);

/* What the configuration and the rules of the day let a request ask for. */
struct mpic_limits {
	struct rules rules;
	bool refuse_retired;		/* methods, else the answer says so */
	size_t perspectives;		/* in the fleet */
	size_t default_perspectives;	/* for a request without perspective_count */
	size_t max_attempts;
	int64_t default_deadline_ms, max_deadline_ms;
	const struct suffixes *suffixes;	/* public ones, for applied_for */
	bool cname_lookups;		/* can be made for applied_for */
	bool own_caa_domains;		/* stand in for those of a request that names none */
};

/* orchestration_parameters as sent, for the echo. */
struct mpic_orchestration {
	bool set;
	struct json_int perspective_count, quorum_count, max_attempts;
	struct json_int cohort_for_single_attempt;
};

struct mpic_request {
	struct json_object *document;	/* owned */
	const char *check_type_name;	/* as sent */
	const struct mpic_check_type *check_type;
	const char *domain_or_ip_target;	/* as sent */
	struct target target;
	const char *trace_identifier;	/* or NULL */
	struct mpic_orchestration orchestration;
	struct check_caa_parameters caa;	/* if check_type has CHECK_CAA */
	struct check_dcv_parameters dcv;	/* if check_type has CHECK_DCV */
	struct json_object *dcv_as_sent;
	struct json_int asked_deadline_ms;
	struct json_object *applied_for_as_sent;
	struct applied_for applied_for;	/* owned; judged as far as no lookup is needed */

	/* Decided. */
	struct rules rules;
	size_t perspectives;		/* more than there are if the fleet is too small */
	size_t quorum, attempts;
	struct quorum_rule quorum_rule;
	const struct policy_row *retired;	/* the method's row; NULL: may be relied on */
	size_t cohort;			/* from 1; 0: each attempt its own */
	int64_t deadline_ms;		/* for the whole request */
};

/* False, with at least one fault, if the request cannot be served. Free it either way. */
bool mpic_request_decode(struct mpic_request *request, const struct mpic_limits *limits,
    const char *text, size_t len, struct json_faults *faults);
/* What the names of `applied_for` are judged by; it points to the request and the limits. */
struct adn_question mpic_request_adn(const struct mpic_request *request,
    const struct suffixes *suffixes);
void mpic_request_free(struct mpic_request *request);

#endif
