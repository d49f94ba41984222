#include "coordinator/seen.h"

#include <string.h>

#include <json-c/json.h>

#define RECORDS_MAX	100	/* compared in any order; longer lists in theirs */

/* ---- members ---- */

static struct json_object *
member(struct json_object *object, const char *key, json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

const char *
seen_string(struct json_object *object, const char *key)
{
	struct json_object *value = member(object, key, json_type_string);

	return value != NULL ? json_object_get_string(value) : NULL;
}

struct json_object *
seen_object(struct json_object *object, const char *key)
{
	return member(object, key, json_type_object);
}

struct json_object *
seen_list(struct json_object *object, const char *key)
{
	return member(object, key, json_type_array);
}

int64_t
seen_int(struct json_object *object, const char *key)
{
	struct json_object *value = member(object, key, json_type_int);

	return value != NULL ? json_object_get_int64(value) : -1;
}

bool
seen_bool(struct json_object *object, const char *key)
{
	struct json_object *value = member(object, key, json_type_boolean);

	return value != NULL && json_object_get_boolean(value);
}

size_t
seen_count(struct json_object *list)
{
	return list != NULL ? json_object_array_length(list) : 0;
}

/* ---- an entry ---- */

/* It passed by itself and saw something else than the primary: it does not corroborate. */
static void
read_apart(struct seen *seen, struct json_object *entry, enum check_type type)
{
	struct json_object *apart = seen_object(seen_object(entry, "not_corroborating"),
	    check_type_name(type));
	const char *message = seen_string(apart, "message");

	if (apart != NULL)
		check_result_fail(&seen->result, PROBLEM_NOT_CORROBORATING, "%s",
		    message != NULL ? message : "");
}

void
seen_read(struct seen *seen, struct json_object *entry, const char *key, enum check_type type)
{
	struct json_object *response = seen_object(entry, key);
	const char *rir = seen_string(entry, "rir"), *code = seen_string(entry, "perspective_code");
	struct json_faults faults;

	*seen = (struct seen){ .code = code != NULL ? code : "?" };
	seen->rir = rir != NULL ? rir_parse(rir) : RIR_NONE;
	seen->cancelled = seen_bool(entry, "cancelled");
	json_faults_init(&faults);
	if (response == NULL || !check_result_read(&seen->result, type, response, "", &faults))
		return;
	seen->readable = true;
	seen->details = seen_object(response, "details");
	seen->evidence = seen_object(response, "evidence");
	read_apart(seen, entry, type);
	/* The entry's word is of one of its checks, or more; this one's is its own. */
	seen->cancelled = seen->result.problem.problem == PROBLEM_CANCELLED;
}

/* ---- lookups ---- */

static bool
is_bogus(struct json_object *lookup)
{
	const char *status = seen_string(lookup, "dnssec");

	return status != NULL && strcmp(status, "bogus") == 0;
}

static bool
has_failed(struct json_object *lookup)
{
	const char *outcome = seen_string(lookup, "outcome");

	return outcome != NULL && strcmp(outcome, "failed") == 0;
}

/* The first of one evidence of which `is` holds; NULL `is`: any. */
static struct json_object *
first_in(struct json_object *evidence, bool (*is)(struct json_object *lookup))
{
	struct json_object *list = seen_list(evidence, "lookups");

	for (size_t i = 0; i < seen_count(list); i++) {
		struct json_object *lookup = json_object_array_get_idx(list, i);

		if (is == NULL || is(lookup))
			return lookup;
	}
	return NULL;
}

/* Checks by HTTP and TLS have several. */
static struct json_object *
first_of(struct json_object *evidence, bool (*is)(struct json_object *lookup))
{
	struct json_object *list = seen_list(evidence, "documents");
	struct json_object *found = first_in(evidence, is);

	for (size_t i = 0; found == NULL && i < seen_count(list); i++)
		found = first_in(json_object_array_get_idx(list, i), is);
	return found;
}

struct json_object *
seen_lookup(const struct seen *seen)
{
	struct json_object *lookup = first_of(seen->evidence, is_bogus);

	if (lookup == NULL)
		lookup = first_of(seen->evidence, has_failed);
	return lookup != NULL ? lookup : first_of(seen->evidence, NULL);
}

/* ---- the same ---- */

static bool
contains(struct json_object *list, struct json_object *value)
{
	for (size_t i = 0; i < seen_count(list); i++)
		if (json_object_equal(json_object_array_get_idx(list, i), value))
			return true;
	return false;
}

/* Name servers give records in any order. */
static bool
same_records(struct json_object *a, struct json_object *b)
{
	if (seen_count(a) != seen_count(b))
		return false;
	if (seen_count(a) > RECORDS_MAX)
		return json_object_equal(a, b);
	for (size_t i = 0; i < seen_count(a); i++)
		if (!contains(b, json_object_array_get_idx(a, i)))
			return false;
	return true;
}

static bool
same_details(struct json_object *a, struct json_object *b)
{
	static const char *const keys[] = { "found_at", "deciding_record", "reason",
		"response_url", "response_status_code", "response_page", "common_name" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct json_object *one = NULL, *other = NULL;

		if (a != NULL)
			json_object_object_get_ex(a, keys[i], &one);
		if (b != NULL)
			json_object_object_get_ex(b, keys[i], &other);
		if (!json_object_equal(one, other))
			return false;
	}
	return same_records(seen_list(a, "records_seen"), seen_list(b, "records_seen"));
}

bool
seen_same(const struct seen *a, const struct seen *b)
{
	const struct check_result *r = &a->result, *s = &b->result;
	enum problem problem = r->problem.problem;

	if (r->check_passed != s->check_passed || problem != s->problem.problem)
		return false;
	/* What failed in the service itself tells nothing of the domain. */
	if (problem != PROBLEM_NONE && problem_fault(problem) != FAULT_TARGET)
		return true;
	return same_details(a->details, b->details);
}
