#include "coordinator/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "buf.h"
#include "coordinator/cohort.h"
#include "coordinator/quorum.h"

static const struct json_field orchestration_fields[] = {
	/* The ranges depend on each other and on the fleet: see counts below. */
	JSON_ROW("perspective_count", INT, mpic_orchestration, perspective_count,
	    .min = INT64_MIN, .max = INT64_MAX),
	JSON_ROW("quorum_count", INT, mpic_orchestration, quorum_count,
	    .min = INT64_MIN, .max = INT64_MAX),
	JSON_ROW("max_attempts", INT, mpic_orchestration, max_attempts,
	    .min = 0, .max = INT32_MAX),
	JSON_ROW("cohort_for_single_attempt", INT, mpic_orchestration,
	    cohort_for_single_attempt, .min = 1, .max = INT32_MAX),
	{ .key = NULL }
};

static const struct json_field request_fields[] = {
	JSON_ROW("domain_or_ip_target", STRING, mpic_request, domain_or_ip_target,
	    .required = true, .min = 1, .max = CHECK_TARGET_MAX),
	JSON_ROW("check_type", STRING, mpic_request, check_type_name,
	    .required = true, .max = 32),
	JSON_ROW("trace_identifier", STRING, mpic_request, trace_identifier,
	    .max = CHECK_TRACE_MAX),
	JSON_ROW("orchestration_parameters", OBJECT, mpic_request, orchestration,
	    .fields = orchestration_fields),
	JSON_ROW("applied_for", RAW, mpic_request, applied_for_as_sent),
	JSON_ROW("deadline_ms", INT, mpic_request, asked_deadline_ms,
	    .min = 1, .max = INT32_MAX),
	{ .key = NULL }
};

/* ---- the check types ---- */

/* Without one its fault has been named. */
static bool
has_target(const struct mpic_request *request)
{
	return request->domain_or_ip_target != NULL && request->target.text[0] != '\0';
}

static const struct json_field caa_fields[] = {
	JSON_ROW("caa_check_parameters", OBJECT, mpic_request, caa,
	    .fields = check_caa_fields),
	{ .key = NULL }
};

/* An issuer-domain-name (RFC 8659 4.2) is compared as ASCII, so U-labels match nothing. */
static void
caa_check_domains(const struct json_list *domains, struct json_faults *faults)
{
	char path[JSON_PATH_MAX];
	struct name name;

	for (size_t i = 0; i < domains->count; i++) {
		const char *text = domains->items[i];
		bool ascii = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789-.") == strlen(text);

		if (ascii && name_from_utf8(&name, text, strlen(text), NULL))
			continue;
		snprintf(path, sizeof(path), "caa_check_parameters.caa_domains.%zu", i);
		json_fault_add(faults, path, "invalid-caa-domain", "expected the domain "
		    "name of an issuer in ASCII (RFC 8659 4.2), found \"%.64s\"", text);
	}
}

static bool
faulted(const struct json_faults *faults, const char *path)
{
	for (size_t i = 0; i < faults->count; i++)
		if (strncmp(faults->list[i].path, path, strlen(path)) == 0)
			return true;
	return false;
}

/*
 * Without a name to look for, what each perspective has configured would
 * decide, and that may differ from one to the next.
 */
static void
caa_check_any_domain(const struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	static const char path[] = "caa_check_parameters.caa_domains";

	if (request->caa.caa_domains.count > 0 || limits->own_caa_domains ||
	    faulted(faults, request->caa.set ? path : "caa_check_parameters"))
		return;
	json_fault_add(faults, path, "missing", "expected the issuer domain names of the CA, "
	    "for this coordinator has none configured");
}

/*
 * An address has no CAA records, nor does the certificate for it depend on
 * those of its reverse name, whichever of the two forms the target has.
 */
static bool
is_about_address(const struct mpic_request *request)
{
	return target_is_ip(&request->target) || (request->dcv.set &&
	    request->dcv.method == DCV_REVERSE_ADDRESS_LOOKUP);
}

static void
caa_check(const struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	if (has_target(request) && is_about_address(request)) {
		if (request->check_type->count > 1)
			json_fault_add(faults, "check_type", "invalid-check-type",
			    "expected \"dcv\": CAA is defined for domain names, and this "
			    "validates an IP address");
		else
			json_fault_add(faults, "domain_or_ip_target", "invalid-target",
			    "expected a domain name, which is what CAA is defined for, found "
			    "the IP address %s", target_text(&request->target));
	}
	caa_check_any_domain(request, limits, faults);
	caa_check_domains(&request->caa.caa_domains, faults);
}

static const struct json_field dcv_fields[] = {
	JSON_ROW("dcv_check_parameters", RAW, mpic_request, dcv_as_sent, .required = true),
	{ .key = NULL }
};

/* What the row demands ends the sentence, with what was asked instead. */
static void
fault_by_row(struct json_faults *faults, const char *path, const char *issue,
    const char *sentence, const struct rules *rules, const struct policy_row *row,
    const char *asked)
{
	struct buf text = BUF_INIT(512);

	policy_row_text(rules->policy, row, &text);
	json_fault_add(faults, path, issue, "%s%s%s", sentence,
	    text.data != NULL ? text.data : "", asked);
	buf_free(&text);
}

static void
check_retired(struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	request->retired = rules_retired(&limits->rules, request->dcv.method);
	if (request->retired != NULL && limits->refuse_retired)
		fault_by_row(faults, "dcv_check_parameters.validation_method", "retired-method", "",
		    &limits->rules, request->retired, "");
}

static void
dcv_read(struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	if (json_read(request->document, dcv_fields, request, "", faults))
		check_dcv_parameters_read(&request->dcv, request->dcv_as_sent,
		    "dcv_check_parameters", faults);
	if (request->dcv.set && has_target(request))
		check_dcv_target(&request->dcv, &request->target, "domain_or_ip_target", faults);
	if (request->dcv.set)
		check_retired(request, limits, faults);
}

static void
caa_read(struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	json_read(request->document, caa_fields, request, "", faults);
	caa_check(request, limits, faults);
}

/* In the order of reading: what CAA can be asked for depends on the method. */
static const struct mpic_check_type check_types[] = {
	{ "caa", 1, { CHECK_CAA } },
	{ "dcv", 1, { CHECK_DCV } },
	{ "dcv_with_caa", 2, { CHECK_DCV, CHECK_CAA } },
};

const struct mpic_check_type *
mpic_check_type_find(const char *name)
{
	for (size_t i = 0; i < sizeof(check_types) / sizeof(check_types[0]); i++)
		if (strcmp(check_types[i].name, name) == 0)
			return &check_types[i];
	return NULL;
}

bool
mpic_check_type_has(const struct mpic_check_type *type, enum check_type check)
{
	for (size_t i = 0; i < type->count; i++)
		if (type->checks[i] == check)
			return true;
	return false;
}

static void
read_check_type(struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	static void (*const read[CHECK_TYPE_COUNT])(struct mpic_request *,
	    const struct mpic_limits *, struct json_faults *) = {
		[CHECK_CAA] = caa_read,
		[CHECK_DCV] = dcv_read,
	};
	const struct mpic_check_type *type = mpic_check_type_find(request->check_type_name);

	if (type == NULL) {
		json_fault_add(faults, "check_type", "literal_error", "expected \"caa\", \"dcv\" "
		    "or \"dcv_with_caa\", found \"%s\"", request->check_type_name);
		return;
	}
	request->check_type = type;
	for (size_t i = 0; i < type->count; i++)
		read[type->checks[i]](request, limits, faults);
}

/* ---- the common members ---- */

static void
read_target(struct mpic_request *request, struct json_faults *faults)
{
	const char *text = request->domain_or_ip_target;
	const struct mpic_check_type *type = request->check_type_name != NULL ?
	    mpic_check_type_find(request->check_type_name) : NULL;
	/* CAA is asked for the name of a certificate. */
	bool caa = type != NULL && mpic_check_type_has(type, CHECK_CAA);
	struct target_fault why;
	struct buf sentence = BUF_INIT(256);

	if ((caa ? target_parse : target_parse_adn)(&request->target, text, strlen(text), &why))
		return;
	request->target.text[0] = '\0';
	target_fault_text(&why, &sentence);
	json_fault_add(faults, "domain_or_ip_target", "invalid-target",
	    "expected a domain name or an IP address; \"%.80s\" %s", text,
	    sentence.data != NULL ? sentence.data : "is neither");
	buf_free(&sentence);
}

#define PERSPECTIVE_COUNT	"orchestration_parameters.perspective_count"
#define QUORUM_COUNT		"orchestration_parameters.quorum_count"

/* Messages begin as Open MPIC's, which clients may match. */
static void
fault_perspectives(int64_t asked, const struct mpic_limits *limits, struct json_faults *faults)
{
	size_t least = rules_remotes(&limits->rules);
	char sentence[64], found[40];

	snprintf(sentence, sizeof(sentence), "Invalid perspective count: %" PRId64 ". ", asked);
	snprintf(found, sizeof(found), ", %" PRId64 " asked", asked);
	if (asked >= COHORT_MIN && asked < (int64_t)least)
		fault_by_row(faults, PERSPECTIVE_COUNT, "invalid-perspective-count", sentence,
		    &limits->rules, rules_row(&limits->rules, RULE_REMOTES), found);
	else
		json_fault_add(faults, PERSPECTIVE_COUNT, "invalid-perspective-count",
		    "%sExpected %zu to %zu", sentence, least, limits->perspectives);
}

static bool
read_perspectives(struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	struct json_int asked = request->orchestration.perspective_count;
	size_t least = rules_remotes(&limits->rules);

	request->perspectives = limits->default_perspectives > least ?
	    limits->default_perspectives : least;
	if (!asked.set)
		return true;
	/* That the fleet has not even the least is no fault of the request's. */
	if (asked.value < (int64_t)least || (least <= limits->perspectives &&
	    asked.value > (int64_t)limits->perspectives)) {
		fault_perspectives(asked.value, limits, faults);
		return false;
	}
	if (asked.value <= (int64_t)limits->perspectives)
		request->perspectives = (size_t)asked.value;
	return true;
}

static void
fault_quorum(const struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	int64_t asked = request->orchestration.quorum_count.value;
	size_t n = request->perspectives, least = quorum_least(&request->quorum_rule, n);
	const struct policy_row *row = rules_row_for(&limits->rules, RULE_MAY_FAIL, n);
	char sentence[64], found[96];

	snprintf(sentence, sizeof(sentence), "Invalid quorum count: %" PRId64 ". ", asked);
	snprintf(found, sizeof(found), "; expected %zu to %zu of %zu, %" PRId64 " asked", least,
	    n, n, asked);
	if (row != NULL && asked > 0 && asked < (int64_t)least)
		fault_by_row(faults, QUORUM_COUNT, "invalid-quorum-count", sentence,
		    &limits->rules, row, found);
	else
		json_fault_add(faults, QUORUM_COUNT, "invalid-quorum-count",
		    "%sExpected %zu to %zu for %zu perspectives", sentence, least, n, n);
}

static void
read_quorum(struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	struct json_int asked = request->orchestration.quorum_count;
	size_t n = request->perspectives;

	request->quorum_rule = rules_quorum(&limits->rules, n);
	request->quorum = quorum_least(&request->quorum_rule, n);
	if (!asked.set)
		return;
	if (quorum_allowed(&request->quorum_rule, n, asked.value))
		request->quorum = (size_t)asked.value;
	else
		fault_quorum(request, limits, faults);
}

static void
read_attempts(struct mpic_request *request, const struct mpic_limits *limits)
{
	const struct mpic_orchestration *o = &request->orchestration;

	request->attempts = 1;
	request->cohort = 0;
	if (o->cohort_for_single_attempt.set)
		request->cohort = (size_t)o->cohort_for_single_attempt.value;
	else if (o->max_attempts.set && o->max_attempts.value > 0)
		request->attempts = (size_t)o->max_attempts.value;
	if (request->attempts > limits->max_attempts)
		request->attempts = limits->max_attempts;
}

static void
read_deadline(struct mpic_request *request, const struct mpic_limits *limits)
{
	request->deadline_ms = limits->default_deadline_ms;
	if (request->asked_deadline_ms.set)
		request->deadline_ms = request->asked_deadline_ms.value;
	if (request->deadline_ms > limits->max_deadline_ms)
		request->deadline_ms = limits->max_deadline_ms;
}

/* ---- the names applied for ---- */

struct adn_question
mpic_request_adn(const struct mpic_request *request, const struct suffixes *suffixes)
{
	struct adn_question q = adn_question(&request->dcv, &request->target, suffixes);

	q.caa = mpic_check_type_has(request->check_type, CHECK_CAA);
	return q;
}

/* Not while anything else is wrong that they are judged by. */
static void
read_applied_for(struct mpic_request *request, const struct mpic_limits *limits,
    struct json_faults *faults)
{
	bool judged = faults->count == 0;
	struct adn_question q;

	if (request->applied_for_as_sent == NULL)
		return;
	applied_for_read(&request->applied_for, request->applied_for_as_sent, request->document,
	    faults);
	if (request->applied_for.count == 0 || !judged)
		return;
	q = mpic_request_adn(request, limits->suffixes);
	applied_for_judge(&request->applied_for, &q, limits->cname_lookups, faults);
}

bool
mpic_request_decode(struct mpic_request *request, const struct mpic_limits *limits,
    const char *text, size_t len, struct json_faults *faults)
{
	*request = (struct mpic_request){ .rules = limits->rules };
	request->document = json_document_parse(text, len, faults);
	if (request->document == NULL)
		return false;
	json_read(request->document, request_fields, request, "", faults);
	if (request->domain_or_ip_target != NULL)
		read_target(request, faults);
	if (request->check_type_name != NULL)
		read_check_type(request, limits, faults);
	read_applied_for(request, limits, faults);
	if (read_perspectives(request, limits, faults))
		read_quorum(request, limits, faults);
	read_attempts(request, limits);
	read_deadline(request, limits);
	return faults->count == 0;
}

void
mpic_request_free(struct mpic_request *request)
{
	applied_for_free(&request->applied_for);
	json_object_put(request->document);
	request->document = NULL;
}
