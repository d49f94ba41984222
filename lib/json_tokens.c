#include "json_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "json_value.h"

/* One allocation: the tokens, then the text and a NUL. */
struct json_tokens {
	char *text;
	struct json_token list[];
};

/* ---- strings ---- */

static unsigned int
hex4(const char *digits)
{
	unsigned int value = 0;

	for (int i = 0; i < 4; i++) {
		char c = digits[i];

		value = value << 4 | (unsigned int)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

/* At most as many bytes as the escapes of a code point have. */
static char *
utf8_put(char *to, unsigned int code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	} else {
		*to++ = (char)(0xf0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 0x3f));
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

/* The code point whose \u is at `s`, moved past it; half of a surrogate pair becomes U+FFFD. */
static unsigned int
code_point(const char **s, const char *end)
{
	unsigned int code = hex4(*s + 2), low;

	*s += 6;
	if (code < 0xd800 || code > 0xdfff)
		return code;
	if (code >= 0xdc00 || end - *s < 6 || (*s)[0] != '\\' || (*s)[1] != 'u')
		return 0xfffd;
	low = hex4(*s + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*s += 6;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* Undoes the escapes of a well-formed string where it stands; its length. */
static uint32_t
unescape(char *text, size_t len)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *s = text, *end = text + len, *letter;
	char *to = text;

	while (s < end) {
		if (*s != '\\') {
			*to++ = *s++;
		} else if (s[1] == 'u') {
			to = utf8_put(to, code_point(&s, end));
		} else {
			letter = strchr(letters, s[1]);
			*to++ = letter != NULL ? meant[letter - letters] : s[1];
			s += 2;
		}
	}
	return (uint32_t)(to - text);
}

static void
strings_finish(struct json_tokens *d, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct json_token *t = &d->list[i];

		if (t->kind != JSON_STRING)
			continue;
		if (t->escaped)
			t->len = unescape(d->text + t->at, t->len);
		d->text[t->at + t->len] = '\0';
	}
}

/* ---- names ---- */

static bool
names_equal(const struct json_tokens *d, const struct json_token *a, const struct json_token *b)
{
	return a->len == b->len && memcmp(d->text + a->at, d->text + b->at, a->len) == 0;
}

/* What is wrong with the names of the object at `index`; NULL: nothing. */
static const char *
names_defect(const struct json_tokens *d, size_t index)
{
	const struct json_token *names[JSON_MEMBERS_MAX], *name;
	size_t count = 0;
	uint64_t seen = 0, bit;

	for (size_t i = index + 1; i < d->list[index].next; i = d->list[i + 1].next) {
		name = &d->list[i];
		if (count == JSON_MEMBERS_MAX)
			return "an object has too many members";
		if (name->escaped && memchr(d->text + name->at, '\0', name->len) != NULL)
			return "the name of a member holds NUL";
		/* Few names share a bit, and only those need comparing. */
		bit = 1ULL << ((name->len * 7 + (unsigned char)d->text[name->at]) & 63);
		for (size_t k = 0; (seen & bit) != 0 && k < count; k++)
			if (names_equal(d, names[k], name))
				return "an object repeats a member";
		seen |= bit;
		names[count++] = name;
	}
	return NULL;
}

static const char *
document_defect(const struct json_tokens *d, size_t count)
{
	const char *defect = d->list[0].kind < JSON_LIST ? "it holds no object" : NULL;

	for (size_t i = 0; i < count && defect == NULL; i++)
		if (d->list[i].kind == JSON_OBJECT)
			defect = names_defect(d, i);
	return defect;
}

/* ---- documents ---- */

struct json_tokens *
json_tokens_parse(const char *text, size_t len, struct json_faults *faults)
{
	size_t room = sizeof(struct json_tokens) + JSON_TOKENS_MAX(len) * sizeof(struct json_token);
	const char *defect = "it is malformed";
	struct json_tokens *d = NULL;
	struct json_scanned scanned = { .at = 0 };

	if (len <= INT32_MAX) {
		d = malloc(room + len + 1);
		if (d == NULL)
			return NULL;
		d->text = (char *)d + room;
		memcpy(d->text, text, len);
		d->text[len] = '\0';
		if (json_scan_tokens(d->text, len, d->list, &scanned)) {
			strings_finish(d, scanned.tokens);
			defect = document_defect(d, scanned.tokens);
		}
	}
	if (defect == NULL)
		return d;
	json_tokens_free(d);
	json_document_fault(faults, defect, scanned.at);
	return NULL;
}

void
json_tokens_free(struct json_tokens *d)
{
	free(d);
}

/* ---- values ---- */

static void token_value(struct json_value *v, const struct json_tokens *d,
    const struct json_token *t);

static void
token_member(const struct json_value *object, const char *key, struct json_value *into)
{
	const struct json_tokens *d = object->document;
	const struct json_token *t = object->node, *found = NULL;
	const struct json_token *name = t + 1, *end = d->list + t->next;
	size_t len = strlen(key);

	for (; name < end && found == NULL; name = d->list + name[1].next)
		if (name->len == len && memcmp(d->text + name->at, key, len) == 0)
			found = name + 1;
	token_value(into, d, found);
}

static size_t
token_items(const struct json_value *list)
{
	return json_tokens_items(list->document, list->node);
}

static void
token_item(const struct json_value *list, size_t i, struct json_value *into)
{
	const struct json_token *item = NULL;

	for (size_t k = 0; k <= i; k++)
		item = json_tokens_item(list->document, list->node, item);
	token_value(into, list->document, item);
}

static void
token_number(struct json_value *v)
{
	const struct json_tokens *d = v->document;
	const struct json_token *t = v->node;

	v->text = d->text + t->at;
	v->len = t->len;
}

static void
token_value(struct json_value *v, const struct json_tokens *d, const struct json_token *t)
{
	static const struct json_source source = {
		.member = token_member, .items = token_items, .item = token_item,
		.number = token_number,
	};

	*v = (struct json_value){ .document = d, .source = &source };
	if (t == NULL || t->kind == JSON_NULL)
		return;
	v->kind = (enum json_kind)t->kind;
	v->node = t;
	if (v->kind == JSON_STRING) {
		v->text = d->text + t->at;
		v->len = t->len;
	} else if (v->kind == JSON_INTEGER) {
		v->integer = strtoll(d->text + t->at, NULL, 10);
	}
}

bool
json_tokens_read(const struct json_tokens *d, const struct json_token *object,
    const struct json_field *fields, void *into, const char *path, struct json_faults *faults)
{
	struct json_value value;

	token_value(&value, d, object);
	return json_value_read(&value, fields, into, path, faults);
}

const struct json_token *
json_tokens_top(const struct json_tokens *d)
{
	return d->list;
}

size_t
json_tokens_items(const struct json_tokens *d, const struct json_token *list)
{
	size_t count = 0;

	if (list == NULL || list->kind != JSON_LIST)
		return 0;
	for (const struct json_token *t = list + 1; t < d->list + list->next; t = d->list + t->next)
		count++;
	return count;
}

const struct json_token *
json_tokens_item(const struct json_tokens *d, const struct json_token *list,
    const struct json_token *item)
{
	return item == NULL ? list + 1 : d->list + item->next;
}

const char *
json_tokens_string(const struct json_tokens *d, const struct json_token *t)
{
	return t->kind == JSON_STRING ? d->text + t->at : NULL;
}
