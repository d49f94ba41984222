#include "trace.h"

#include <string.h>

#define MEMBERS_MAX	32
#define KEY_MAX		256
#define VALUE_MAX	256

/* ---- digits ---- */

/* Lower case alone (2.2.2). -1: it is none. */
static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False at the first that is no digit, a NUL among them. */
static bool
read_hex(uint8_t *bytes, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void
write_hex(const uint8_t *bytes, size_t count, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * count] = '\0';
}

static bool
all_zero(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* ---- traceparent ---- */

static bool
parse(struct trace *t, const char *text)
{
	uint8_t version;

	/* Each read stops at the text's end, so none begins beyond it. */
	if (!read_hex(&version, 1, text) || version == 0xff || text[2] != '-' ||
	    !read_hex(t->id, sizeof(t->id), text + 3) || text[35] != '-' ||
	    !read_hex(t->span, sizeof(t->span), text + 36) || text[52] != '-' ||
	    !read_hex(&t->flags, 1, text + 53))
		return false;
	if (text[55] != '\0' && (version == 0 || text[55] != '-'))
		return false;
	t->flags &= TRACE_SAMPLED;
	return !all_zero(t->id, sizeof(t->id)) && !all_zero(t->span, sizeof(t->span));
}

bool
trace_parse(struct trace *t, const char *text)
{
	if (parse(t, text))
		return true;
	*t = (struct trace){ .flags = 0 };
	return false;
}

static bool
draw(uint8_t *bytes, size_t count, struct random_pool *random)
{
	return random != NULL && random_pool_take(random, bytes, count) && !all_zero(bytes, count);
}

bool
trace_draw(struct trace *t, struct random_pool *random)
{
	t->flags = TRACE_SAMPLED;
	if (draw(t->id, sizeof(t->id), random) && draw(t->span, sizeof(t->span), random))
		return true;
	*t = (struct trace){ .flags = 0 };
	return false;
}

void
trace_span(uint8_t span[TRACE_SPAN], struct random_pool *random)
{
	if (!draw(span, TRACE_SPAN, random))
		memset(span, 0, TRACE_SPAN);
}

bool
trace_exists(const struct trace *t)
{
	return !all_zero(t->id, sizeof(t->id));
}

void
trace_id_text(const struct trace *t, char text[TRACE_ID_TEXT])
{
	write_hex(t->id, trace_exists(t) ? sizeof(t->id) : 0, text);
}

void
trace_span_text(const struct trace *t, char text[TRACE_SPAN_TEXT])
{
	write_hex(t->span, trace_exists(t) ? sizeof(t->span) : 0, text);
}

void
trace_text(const struct trace *t, char text[TRACEPARENT_TEXT])
{
	text[0] = '\0';
	if (!trace_exists(t) || all_zero(t->span, sizeof(t->span)))
		return;
	memcpy(text, "00-", 3);
	write_hex(t->id, sizeof(t->id), text + 3);
	text[35] = '-';
	write_hex(t->span, sizeof(t->span), text + 36);
	text[52] = '-';
	write_hex(&t->flags, 1, text + 53);
}

/* ---- tracestate ---- */

static bool
is_key(const char *text, size_t len)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@";

	return len > 0 && len <= KEY_MAX && strspn(text, first) > 0 && strspn(text, rest) == len;
}

static bool
is_value(const char *text, size_t len)
{
	if (len == 0 || len > VALUE_MAX || text[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '=')
			return false;
	return true;
}

/* "key=value", up to a comma or the end (3.3.1.3). */
static bool
is_member(const char *text, size_t len)
{
	size_t key = strcspn(text, "=");

	return key < len && is_key(text, key) && is_value(text + key + 1, len - key - 1);
}

static size_t
member_count(const struct buf *members)
{
	size_t count = members->len > 0;

	for (size_t i = 0; i < members->len; i++)
		count += members->data[i] == ',';
	return count;
}

/* Without one that there is no room for. */
static void
add_member(struct buf *out, const char *text, size_t len)
{
	if (member_count(out) == MEMBERS_MAX || out->len + len + 1 > TRACESTATE_MAX)
		return;
	if (out->len > 0)
		buf_addc(out, ',');
	buf_add(out, text, len);
}

bool
tracestate_add(struct buf *out, const char *field)
{
	size_t whole, len;

	for (;; field += whole + 1) {
		field += strspn(field, " \t");
		whole = len = strcspn(field, ",");
		while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == '\t'))
			len--;
		if (len > 0 && !is_member(field, len))
			return false;
		if (len > 0)
			add_member(out, field, len);
		if (field[whole] == '\0')
			return !out->failed;
	}
}
