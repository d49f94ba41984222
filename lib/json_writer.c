#include "json_writer.h"

#include <string.h>

#include "buf.h"

void
json_add_string(struct buf *out, const char *lead, const char *s)
{
	buf_adds(out, lead);
	if (s != NULL)
		buf_add_json(out, s, strlen(s));
	else
		buf_adds(out, "null");
}

void
json_add_bool(struct buf *out, const char *lead, bool value)
{
	buf_adds(out, lead);
	buf_adds(out, value ? "true" : "false");
}

void
json_add_int(struct buf *out, const char *lead, int64_t value)
{
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

	buf_adds(out, lead);
	if (value < 0)
		buf_addc(out, '-');
	buf_add_uint(out, size);
}

void
json_add_opt_int(struct buf *out, const char *lead, struct json_int value)
{
	if (value.set) {
		json_add_int(out, lead, value.value);
		return;
	}
	buf_adds(out, lead);
	buf_adds(out, "null");
}

void
json_add_strings(struct buf *out, const char *lead, const char *const *items, size_t count)
{
	buf_adds(out, lead);
	if (items == NULL) {
		buf_adds(out, "null");
		return;
	}
	buf_addc(out, '[');
	for (size_t i = 0; i < count; i++)
		json_add_string(out, i > 0 ? "," : "", items[i]);
	buf_addc(out, ']');
}

void
json_add_list(struct buf *out, const char *lead, const struct json_list *list)
{
	json_add_strings(out, lead, list->set ? list->items : NULL, list->count);
}
