#include "json_scan.h"

#include <string.h>

#include "json_reader.h"

/* Cursor over the text. `pos` never passes `end`. */
struct scan {
	const char *pos, *end;
	const char *key;
	size_t key_len;
	struct json_scanned *result;
	int depth;
};

static bool scan_value(struct scan *s);

static void
skip_space(struct scan *s)
{
	while (s->pos < s->end && (*s->pos == ' ' || *s->pos == '\n' || *s->pos == '\t' ||
	    *s->pos == '\r'))
		s->pos++;
}

/* The character, which is skipped, or false. */
static bool
take(struct scan *s, char c)
{
	if (s->pos == s->end || *s->pos != c)
		return false;
	s->pos++;
	return true;
}

static bool
take_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->pos) < len || memcmp(s->pos, word, len) != 0)
		return false;
	s->pos += len;
	return true;
}

static size_t
take_digits(struct scan *s)
{
	const char *start = s->pos;

	while (s->pos < s->end && *s->pos >= '0' && *s->pos <= '9')
		s->pos++;
	return (size_t)(s->pos - start);
}

static bool
scan_number(struct scan *s)
{
	const char *first;
	size_t digits;

	take(s, '-');
	first = s->pos;
	digits = take_digits(s);
	if (digits == 0 || (digits > 1 && *first == '0'))
		return false;
	if (take(s, '.') && take_digits(s) == 0)
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			take(s, '-');
		return take_digits(s) > 0;
	}
	return true;
}

/* One sequence of two to four bytes (RFC 3629). */
static bool
scan_utf8(struct scan *s)
{
	const unsigned char *p = (const unsigned char *)s->pos;
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0xc2 || p[0] > 0xf4 || (size_t)(s->end - s->pos) < len)
		return false;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return false;
	s->pos += len;
	return true;
}

static bool
scan_escape(struct scan *s)
{
	static const char hex[] = "0123456789abcdefABCDEF";

	s->pos++;
	if (s->pos == s->end)
		return false;
	if (*s->pos != 'u')
		return strchr("\"\\/bfnrt", *s->pos++) != NULL && s->pos[-1] != '\0';
	for (int i = 0; i < 4; i++) {
		s->pos++;
		if (s->pos == s->end || *s->pos == '\0' || strchr(hex, *s->pos) == NULL)
			return false;
	}
	s->pos++;
	return true;
}

static bool
scan_string(struct scan *s)
{
	if (!take(s, '"'))
		return false;
	while (s->pos < s->end) {
		unsigned char c = (unsigned char)*s->pos;

		if (c == '"') {
			s->pos++;
			return true;
		}
		if (c < 0x20)
			return false;
		if (c == '\\') {
			if (!scan_escape(s))
				return false;
		} else if (c >= 0x80) {
			if (!scan_utf8(s))
				return false;
		} else {
			s->pos++;
		}
	}
	return false;
}

static bool
scan_member(struct scan *s)
{
	const char *name = s->pos + 1, *value;
	size_t len;

	if (!scan_string(s))
		return false;
	len = (size_t)(s->pos - 1 - name);
	skip_space(s);
	if (!take(s, ':'))
		return false;
	skip_space(s);
	value = s->pos;
	if (!scan_value(s))
		return false;
	s->result->members++;
	if (s->depth == 1 && s->key != NULL && s->result->value.text == NULL &&
	    len == s->key_len && memcmp(name, s->key, len) == 0)
		s->result->value = (struct json_span){ value, (size_t)(s->pos - value) };
	return true;
}

/* What stands between the brackets, and the closing one. */
static bool
scan_items(struct scan *s, char close, bool (*item)(struct scan *))
{
	bool ok;

	s->pos++;
	if (++s->depth > JSON_DEPTH_MAX)
		return false;
	skip_space(s);
	if (take(s, close)) {
		s->depth--;
		return true;
	}
	do {
		skip_space(s);
		if (!item(s))
			return false;
		skip_space(s);
	} while (take(s, ','));
	ok = take(s, close);
	s->depth--;
	return ok;
}

static bool
scan_value(struct scan *s)
{
	if (s->pos == s->end)
		return false;
	switch (*s->pos) {
	case '{':
		return scan_items(s, '}', scan_member);
	case '[':
		return scan_items(s, ']', scan_value);
	case '"':
		return scan_string(s);
	case 't':
		return take_word(s, "true");
	case 'f':
		return take_word(s, "false");
	case 'n':
		return take_word(s, "null");
	default:
		return scan_number(s);
	}
}

bool
json_scan(const char *text, size_t len, const char *key, struct json_scanned *result)
{
	struct scan s = { .pos = text, .end = text + len, .key = key,
		.key_len = key != NULL ? strlen(key) : 0, .result = result };
	bool ok;

	*result = (struct json_scanned){ .members = 0 };
	skip_space(&s);
	ok = scan_value(&s);
	skip_space(&s);
	result->at = (size_t)(s.pos - text);
	return ok && s.pos == s.end;
}
