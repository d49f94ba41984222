#include "coordinator/audit_enrolment.h"

#include <stdio.h>

#include "json_writer.h"

static void
add(struct buf *out, const char *lead, const char *value)
{
	if (value != NULL && value[0] != '\0')
		json_add_string(out, lead, value);
}

bool
audit_enrolment(struct audit_file *f, const struct audit_enrolment *e)
{
	struct buf *out = audit_file_begin(f);
	char token[AUDIT_TOKEN_DIGITS + 1];

	audit_file_line_begin(f, "enrolment");
	json_add_string(out, ",\"outcome\":", e->outcome);
	json_add_string(out, ",\"perspective\":", e->perspective != NULL && e->perspective[0] != '\0' ?
	    e->perspective : NULL);
	json_add_string(out, ",\"peer\":", e->peer);
	snprintf(token, sizeof(token), "%s", e->token != NULL ? e->token : "");
	add(out, ",\"token\":", token);
	add(out, ",\"token_use\":", e->token_use);
	add(out, ",\"shown\":", e->shown);
	add(out, ",\"key_sha256\":", e->key_sha256);
	add(out, ",\"serial\":", e->serial);
	add(out, ",\"not_after\":", e->not_after);
	add(out, ",\"verify_key\":", e->verify_key);
	if (e->why != NULL) {
		json_add_int(out, ",\"status\":", e->status);
		json_add_string(out, ",\"why\":", e->why);
	}
	if (e->others > 0)
		json_add_int(out, ",\"others\":", (int64_t)e->others);
	audit_file_line_end(f);
	return audit_file_commit(f);
}
