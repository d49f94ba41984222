#include "coordinator/agreement.h"

#include <string.h>

#include <json-c/json.h>

#define SHOWN_MAX	160	/* bytes of a value in a sentence */

static bool
list_holds(struct json_object *list, const char *text)
{
	size_t count = json_object_is_type(list, json_type_array) ?
	    json_object_array_length(list) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (json_object_is_type(item, json_type_string) &&
		    strcmp(json_object_get_string(item), text) == 0)
			return true;
	}
	return false;
}

/* Whether the remote saw every record that the primary may have relied on, and there is one. */
static bool
records_seen(const struct check_dcv_details *primary, const struct check_dcv_details *remote)
{
	struct json_object *list = primary->records_read;
	size_t count = json_object_is_type(list, json_type_array) ?
	    json_object_array_length(list) : 0;

	if (primary->matched != NULL)
		return list_holds(remote->records_read, primary->matched);
	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (!json_object_is_type(item, json_type_string) ||
		    !list_holds(remote->records_read, json_object_get_string(item)))
			return false;
	}
	return count > 0;
}

bool
agreement_details(const struct check_dcv_details *primary,
    const struct check_dcv_details *remote, bool fixed)
{
	if (primary->relied_on != NULL && remote->relied_on != NULL) {
		if (strcmp(primary->relied_on, remote->relied_on) == 0)
			return true;
	} else if (fixed) {
		return true;
	}
	/* It relied on another of several, and saw this one, too. */
	return !fixed && records_seen(primary, remote);
}

/* At most SHOWN_MAX bytes of it, cut between characters. */
static int
shown(const char *text)
{
	size_t len = strnlen(text, SHOWN_MAX + 1);

	if (len > SHOWN_MAX)
		for (len = SHOWN_MAX; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
	return (int)len;
}

static void
differ(const struct corroborator *primary, struct corroborator *remote,
    const struct check_dcv_details *a, const struct check_dcv_details *b)
{
	static const char unknown[] = "something it does not name";
	const char *first = a->relied_on != NULL ? a->relied_on : unknown,
	    *second = b->relied_on != NULL ? b->relied_on : unknown;

	corroborator_set_apart(remote, "%s passed on \"%.*s\", and the primary, %s, on \"%.*s\"",
	    remote->perspective->code, shown(second), second, primary->perspective->code,
	    shown(first), first);
}

static bool
read_details(const struct corroborator *c, struct check_result *r)
{
	struct json_faults faults;

	json_faults_init(&faults);
	return check_result_decode(r, c->type, c->raw != NULL ? c->raw : "", c->raw_len, &faults);
}

bool
agreement_judge(const struct corroborator *primary, struct corroborator *remote, bool fixed)
{
	struct check_result a, b;
	bool read_a, read_b, agree;

	if (primary->type != CHECK_DCV)
		return true;
	if (primary->relied_on != NULL && remote->relied_on != NULL &&
	    strcmp(primary->relied_on, remote->relied_on) == 0)
		return true;
	/* Seldom: what else they say is in their own words only. */
	read_a = read_details(primary, &a);
	read_b = read_details(remote, &b);
	agree = read_a && read_b && agreement_details(&a.dcv, &b.dcv, fixed);
	if (!agree)
		differ(primary, remote, &a.dcv, &b.dcv);
	check_result_free(&a);
	check_result_free(&b);
	return agree;
}
