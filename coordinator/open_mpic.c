#include "coordinator/open_mpic.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "buf.h"
#include "caa.h"

#define RECORDS_MAX	1000	/* of CAA, in a result */

bool
open_mpic_request(enum check_type type, const struct buf *body, struct buf *out,
    const char **why)
{
	struct json_faults faults;
	struct check_request request;
	bool ok;

	json_faults_init(&faults);
	*why = "out of memory";
	ok = check_request_decode(&request, type, body->data, body->len, &faults) &&
	    check_request_encode_open_mpic(&request, out, why);
	check_request_free(&request);
	return ok;
}

/* ---- records of CAA, as they were seen ---- */

/* The character at `s`, which goes over it: itself, "\c" or "\DDD" (RFC 1035 5.1). */
static bool
character_take(const char **s, char *out)
{
	const unsigned char *at = (const unsigned char *)*s;
	int value;

	if (*at != '\\') {
		*out = (char)*at;
		*s += 1;
		return *at != '\0';
	}
	if (isdigit(at[1]) && isdigit(at[2]) && isdigit(at[3])) {
		value = (at[1] - '0') * 100 + (at[2] - '0') * 10 + at[3] - '0';
		*out = (char)value;
		*s += 4;
		return value < 256;
	}
	*out = (char)at[1];
	*s += 2;
	return at[1] != '\0' && !isdigit(at[1]);
}

/* To the quote that ends it, and the text with it. */
static bool
value_read(struct caa_record *r, const char *s, char *into)
{
	bool quoted = *s == '"';

	r->value = into;
	for (s += quoted; *s != (quoted ? '"' : '\0'); into++)
		if (!character_take(&s, into))
			return false;
	r->value_len = (size_t)(into - r->value);
	return !quoted || s[1] == '\0';
}

/* `0 issue "ca1.com"`. Tag and value go to `into`, which is as long as the text. */
static bool
record_read(struct caa_record *r, const char *text, char *into)
{
	char *end;
	unsigned long flags = strtoul(text, &end, 10);
	size_t tag;

	*r = (struct caa_record){ .flags = (uint8_t)flags };
	if (!isdigit((unsigned char)text[0]) || flags > 255 || *end != ' ')
		return false;
	text = end + strspn(end, " ");
	tag = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	if (tag == 0 || tag > 255 || text[tag] != ' ')
		return false;
	memcpy(into, text, tag);
	r->tag = into;
	r->tag_len = tag;
	text += tag;
	return value_read(r, text + strspn(text, " "), into + tag);
}

/* What details have under records_seen; a list of the result's document, or NULL. */
static struct json_object *
records_seen(const struct check_result *result)
{
	struct json_object *details, *records;

	if (!json_object_object_get_ex(result->document, "details", &details) ||
	    !json_object_is_type(details, json_type_object) ||
	    !json_object_object_get_ex(details, "records_seen", &records) ||
	    !json_object_is_type(records, json_type_array))
		return NULL;
	return records;
}

static struct caa_question
question_of(const struct check_request *request)
{
	const struct check_caa_parameters *p = &request->caa;

	return (struct caa_question){
		.certificate = p->certificate_type == CHECK_S_MIME ? CAA_S_MIME : CAA_TLS_SERVER,
		.wildcard = strncmp(request->domain_or_ip_target, "*.", 2) == 0,
		.issuers = p->caa_domains.items, .issuer_count = p->caa_domains.count,
		.account_uris = p->account_uris.items,
		.account_uri_count = p->account_uris.count,
		.validation_methods = p->validation_methods.items,
		.validation_method_count = p->validation_methods.count,
		.ignore_parameters = request->ignore_rfc8657.value,
	};
}

/* Reads them all, in one allocation. NULL, with the end of a sentence. */
static struct caa_record *
records_read(struct json_object *list, size_t count, struct buf *why)
{
	size_t bytes = 0;
	struct caa_record *records;
	char *into;

	for (size_t i = 0; i < count; i++) {
		const struct json_object *one = json_object_array_get_idx(list, i);

		if (!json_object_is_type(one, json_type_string)) {
			buf_adds(why, "its records_seen holds what is no record");
			return NULL;
		}
		bytes += (size_t)json_object_get_string_len(one) + 1;
	}
	records = malloc(count * sizeof(*records) + bytes);
	if (records == NULL)
		return NULL;
	into = (char *)(records + count);
	for (size_t i = 0; i < count; i++) {
		const char *text =
		    json_object_get_string(json_object_array_get_idx(list, i));

		if (!record_read(&records[i], text, into)) {
			buf_addf(why, "its records_seen holds \"%.120s\", which is no CAA record",
			    text);
			free(records);
			return NULL;
		}
		into += strlen(text) + 1;
	}
	return records;
}

static bool
caa_permits(const struct check_request *request, struct json_object *list,
    enum problem *problem, struct buf *why)
{
	const struct caa_question question = question_of(request);
	size_t count = json_object_array_length(list);
	struct caa_record *records = records_read(list, count, why);
	struct caa_verdict verdict;

	*problem = PROBLEM_PERSPECTIVE_REPLY;
	if (records == NULL)
		return false;
	verdict = caa_evaluate(records, count, &question);
	if (!verdict.permitted) {
		*problem = PROBLEM_CAA_FORBIDS;
		buf_adds(why, caa_reason_text(verdict.reason));
		if (verdict.record != CAA_NO_RECORD) {
			buf_adds(why, ": ");
			buf_adds(why, json_object_get_string(json_object_array_get_idx(list,
			    verdict.record)));
		}
	}
	free(records);
	return verdict.permitted;
}

static bool
caa_suffices(const struct check_request *request, const struct check_result *result,
    enum problem *problem, struct buf *why)
{
	struct json_object *list = records_seen(result);

	if (!result->caa.caa_record_present.set) {
		*problem = PROBLEM_DNS_FAILED;
		buf_adds(why, "it does not say whether there is a CAA record, and a lookup that "
		    "failed permits nothing unless the domain is proven Insecure");
		return false;
	}
	if (!result->caa.caa_record_present.value)
		return true;
	if (list == NULL || json_object_array_length(list) == 0 ||
	    json_object_array_length(list) > RECORDS_MAX) {
		*problem = PROBLEM_PERSPECTIVE_REPLY;
		buf_adds(why, "it says that there are CAA records, and not which");
		return false;
	}
	return caa_permits(request, list, problem, why);
}

bool
open_mpic_suffices(enum check_type type, const struct buf *body,
    const struct check_result *result, enum problem *problem, struct buf *why)
{
	struct json_faults faults;
	struct check_request request;
	bool ok = false;

	if (type != CHECK_CAA || !result->check_passed)
		return true;
	json_faults_init(&faults);
	*problem = PROBLEM_INTERNAL;
	if (check_request_decode(&request, type, body->data, body->len, &faults))
		ok = caa_suffices(&request, result, problem, why);
	check_request_free(&request);
	return ok;
}
