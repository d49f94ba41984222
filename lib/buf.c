#include "buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_free(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT(b->max);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

/* Makes room for `more` bytes and a NUL, doubling; false leaves `failed` set. */
static bool
buf_room(struct buf *b, size_t more)
{
	size_t cap = b->cap > 0 ? b->cap : 128;
	char *data;

	if (b->failed || more > b->max || b->len > b->max - more) {
		b->failed = true;
		return false;
	}
	if (b->len + more + 1 <= b->cap)
		return true;
	while (cap < b->len + more + 1)
		cap *= 2;
	data = realloc(b->data, cap);
	if (data == NULL) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void
buf_reserve(struct buf *b, size_t more)
{
	if (!b->failed && b->len <= b->max &&
	    buf_room(b, more < b->max - b->len ? more : b->max - b->len))
		b->data[b->len] = '\0';
}

void
buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (!buf_room(b, len))
		return;
	if (len > 0)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_add_again(struct buf *b, size_t at, size_t len)
{
	if (at > b->len || len > b->len - at || !buf_room(b, len))
		return;
	memcpy(b->data + b->len, b->data + at, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->cap - b->len;
	va_list ap;
	int need;

	if (b->failed)
		return;
	va_start(ap, fmt);
	need = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (need < 0 || !buf_room(b, (size_t)need)) {
		if (room > 0)
			b->data[b->len] = '\0';
		b->failed = true;
		return;
	}
	if ((size_t)need >= room) {
		va_start(ap, fmt);
		vsnprintf(b->data + b->len, (size_t)need + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)need;
}

/* Length of the well-formed UTF-8 sequence (RFC 3629) at `s`, or 0. */
static size_t
utf8_sequence(const unsigned char *s, size_t len)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t len;
	} rows[] = {
		{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (s[0] < rows[i].first || s[0] > rows[i].last)
			continue;
		if (rows[i].len > len)
			return 0;
		if (rows[i].len > 1 && (s[1] < rows[i].low || s[1] > rows[i].high))
			return 0;
		for (size_t k = 2; k < rows[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return rows[i].len;
	}
	return 0;
}

void
buf_add_uint(struct buf *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	buf_add(b, digits + at, sizeof(digits) - at);
}

#define EACH(octet)		(UINT64_C(0x0101010101010101) * (octet))
/* Not 0 if an octet of the eight is less, which is at most 0x80. */
#define ANY_LESS(eight, octet)	(((eight) - EACH(octet)) & ~(eight) & EACH(0x80))

/* How many octets stand for themselves in a JSON string, which most do. */
static size_t
json_plain(const unsigned char *s, size_t len)
{
	size_t i = 0;
	uint64_t w;

	for (; len - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s + i, sizeof(w));
		if ((ANY_LESS(w, ' ') | (((w + EACH(1)) | w) & EACH(0x80)) |
		    ANY_LESS(w ^ EACH('"'), 1) | ANY_LESS(w ^ EACH('\\'), 1)) != 0)
			break;
	}
	while (i < len && s[i] >= ' ' && s[i] <= '~' && s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

/* The one octet or sequence at `s` that is not plain; gives its length. */
static size_t
json_escape(struct buf *b, const unsigned char *s, size_t len)
{
	size_t seq = utf8_sequence(s, len);

	if (seq > 1)
		buf_add(b, s, seq);
	else if (seq == 0)
		buf_adds(b, "\xef\xbf\xbd");
	else if (*s == '"' || *s == '\\')
		buf_add(b, (const char[]){ '\\', (char)*s }, 2);
	else
		buf_addf(b, "\\u%04x", *s);
	return seq > 0 ? seq : 1;
}

void
buf_add_json(struct buf *b, const char *str, size_t len)
{
	const unsigned char *s = (const unsigned char *)str;
	size_t plain = json_plain(s, len);

	if (!buf_room(b, plain + 2))
		return;
	b->data[b->len++] = '"';
	if (plain > 0)
		memcpy(b->data + b->len, s, plain);
	b->len += plain;
	b->data[b->len] = '\0';
	for (size_t i = plain; i < len; i += plain) {
		i += json_escape(b, s + i, len - i);
		plain = json_plain(s + i, len - i);
		buf_add(b, s + i, plain);
	}
	buf_addc(b, '"');
}

/* Whether it can be shown as it is. C1 controls are U+0080 to U+009F. */
static bool
is_plain_text(const unsigned char *s, size_t len)
{
	size_t seq;

	for (size_t i = 0; i < len; i += seq) {
		seq = 1;
		if (s[i] >= ' ' && s[i] <= '~')
			continue;
		seq = utf8_sequence(s + i, len - i);
		if (seq == 0 || s[i] < 0x20 || s[i] == 0x7f ||
		    (s[i] == 0xc2 && s[i + 1] < 0xa0))
			return false;
	}
	return true;
}

void
buf_add_escaped(struct buf *b, const void *bytes, size_t len)
{
	const unsigned char *s = bytes;

	if (is_plain_text(s, len)) {
		buf_add(b, s, len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (s[i] < 0x20 || s[i] >= 0x7f || s[i] == '\\')
			buf_addf(b, "\\%03u", s[i]);
		else
			buf_addc(b, (char)s[i]);
	}
}

char *
buf_take(struct buf *b)
{
	char *data = NULL;

	if (!b->failed && buf_room(b, 0)) {
		data = b->data;
		data[b->len] = '\0';
		b->data = NULL;
	}
	buf_free(b);
	return data;
}
