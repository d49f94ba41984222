#include "json_scan.h"

#include <string.h>

#include "json_reader.h"

/* Cursor over the text. `pos` never passes `end`. */
struct scan {
	const char *text, *pos, *end;
	struct json_token *tokens;	/* NULL: none are wanted */
	size_t tokens_max;
	bool escaped;			/* the string read last had a backslash */
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
scan_number(struct scan *s, enum json_kind *kind)
{
	const char *first;
	size_t digits;

	take(s, '-');
	first = s->pos;
	digits = take_digits(s);
	if (digits == 0 || (digits > 1 && *first == '0'))
		return false;
	*kind = JSON_INTEGER;
	if (take(s, '.')) {
		*kind = JSON_REAL;
		if (take_digits(s) == 0)
			return false;
	}
	if (take(s, 'e') || take(s, 'E')) {
		*kind = JSON_REAL;
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

/* Past the characters of a string that stand for themselves in ASCII. */
static void
skip_plain(struct scan *s)
{
	const char *pos = s->pos, *end = s->end;

	while (pos < end && (unsigned char)*pos >= 0x20 && (unsigned char)*pos < 0x80 &&
	    *pos != '"' && *pos != '\\')
		pos++;
	s->pos = pos;
}

static bool
scan_string(struct scan *s)
{
	if (!take(s, '"'))
		return false;
	s->escaped = false;
	for (skip_plain(s); s->pos < s->end; skip_plain(s)) {
		unsigned char c = (unsigned char)*s->pos;

		if (c == '"') {
			s->pos++;
			return true;
		}
		if (c < 0x20)
			return false;
		if (c == '\\') {
			s->escaped = true;
			if (!scan_escape(s))
				return false;
		} else if (!scan_utf8(s)) {
			return false;
		}
	}
	return false;
}

/*
 * What ends here, as the token `index`: taken before what it contains, which
 * comes behind it. A text with more tokens than a well-formed one can have is none.
 */
static bool
token_put(struct scan *s, size_t index, enum json_kind kind, const char *start)
{
	size_t quote = kind == JSON_STRING;

	if (s->tokens == NULL)
		return true;
	if (index >= s->tokens_max)
		return false;
	s->tokens[index] = (struct json_token){
		.kind = (uint8_t)kind, .escaped = kind == JSON_STRING && s->escaped,
		.at = (uint32_t)((size_t)(start - s->text) + quote),
		.len = (uint32_t)((size_t)(s->pos - start) - 2 * quote),
		.next = (uint32_t)s->result->tokens,
	};
	return true;
}

static bool
scan_member(struct scan *s)
{
	const char *name = s->pos + 1, *value;
	size_t len, index = s->result->tokens++;

	if (!scan_string(s) || !token_put(s, index, JSON_STRING, name - 1))
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
	const char *start = s->pos;
	size_t index = s->result->tokens++;
	enum json_kind kind;
	bool ok;

	if (s->pos == s->end)
		return false;
	switch (*s->pos) {
	case '{':
		kind = JSON_OBJECT;
		ok = scan_items(s, '}', scan_member);
		break;
	case '[':
		kind = JSON_LIST;
		ok = scan_items(s, ']', scan_value);
		break;
	case '"':
		kind = JSON_STRING;
		ok = scan_string(s);
		break;
	case 't':
		kind = JSON_TRUE;
		ok = take_word(s, "true");
		break;
	case 'f':
		kind = JSON_FALSE;
		ok = take_word(s, "false");
		break;
	case 'n':
		kind = JSON_NULL;
		ok = take_word(s, "null");
		break;
	default:
		ok = scan_number(s, &kind);
	}
	return ok && token_put(s, index, kind, start);
}

static bool
scan_document(struct scan *s)
{
	bool ok;

	*s->result = (struct json_scanned){ .members = 0 };
	skip_space(s);
	ok = scan_value(s);
	skip_space(s);
	s->result->at = (size_t)(s->pos - s->text);
	return ok && s->pos == s->end;
}

bool
json_scan(const char *text, size_t len, const char *key, struct json_scanned *result)
{
	struct scan s = { .text = text, .pos = text, .end = text + len, .key = key,
		.key_len = key != NULL ? strlen(key) : 0, .result = result };

	return scan_document(&s);
}

bool
json_scan_tokens(const char *text, size_t len, struct json_token *tokens,
    struct json_scanned *result)
{
	struct scan s = { .text = text, .pos = text, .end = text + len, .tokens = tokens,
		.tokens_max = JSON_TOKENS_MAX(len), .result = result };

	return scan_document(&s);
}
