#include "caa_value.h"

#include <string.h>

/* The next octet without taking it, or -1. */
static int
peek(const struct wire_reader *r)
{
	return wire_left(r) > 0 ? r->pos[0] : -1;
}

/* Takes `c` if it is next. */
static bool
take(struct wire_reader *r, int c)
{
	return peek(r) == c && wire_bytes(r, 1) != NULL;
}

static void
skip_space(struct wire_reader *r)
{
	while (take(r, ' ') || take(r, '\t'))
		;
}

static bool
is_alnum(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A label or a tag: letters and digits with hyphens between. Returns its length or 0. */
static size_t
read_label(struct wire_reader *r)
{
	size_t len = 0;
	int c, last = '-';

	if (!is_alnum(peek(r)))
		return 0;
	while (c = peek(r), is_alnum(c) || c == '-') {
		wire_u8(r);
		last = c;
		len++;
	}
	return last == '-' ? 0 : len;
}

/* issuer-domain-name; false if there is something else. */
static bool
read_issuer(struct wire_reader *r, struct caa_value *v)
{
	const uint8_t *start = r->pos;

	do {
		if (read_label(r) == 0)
			return false;
		v->issuer_len = (size_t)(r->pos - start);
	} while (take(r, '.') && is_alnum(peek(r)));
	v->issuer = (const char *)start;
	return true;
}

/* One parameter and, unless it is the last, the semicolon after it. */
static bool
read_parameter(struct wire_reader *r, struct caa_parameter *p)
{
	int c;

	p->tag = (const char *)r->pos;
	p->tag_len = read_label(r);
	skip_space(r);
	if (p->tag_len == 0 || !take(r, '='))
		return false;
	skip_space(r);
	p->value = (const char *)r->pos;
	p->value_len = 0;
	while (c = peek(r), c > 0x20 && c < 0x7f && c != ';') {
		wire_u8(r);
		p->value_len++;
	}
	skip_space(r);
	if (wire_done(r))
		return true;
	if (!take(r, ';'))
		return false;
	skip_space(r);
	return !wire_done(r);
}

bool
caa_value_parse(struct caa_value *v, const void *bytes, size_t len)
{
	struct wire_reader r;
	struct caa_parameter p;

	memset(v, 0, sizeof(*v));
	wire_reader_init(&r, bytes, len);
	skip_space(&r);
	if (is_alnum(peek(&r)) && !read_issuer(&r, v))
		return false;
	skip_space(&r);
	if (!wire_done(&r) && !take(&r, ';'))
		return false;
	skip_space(&r);
	v->parameters = r;
	while (!wire_done(&r))
		if (!read_parameter(&r, &p))
			return false;
	return true;
}

bool
caa_value_next(struct caa_value *v, struct caa_parameter *p)
{
	return wire_left(&v->parameters) > 0 && read_parameter(&v->parameters, p);
}

bool
caa_tag_is(const char *tag, size_t tag_len, const char *word)
{
	if (tag_len != strlen(word))
		return false;
	/* Bit 0x20 is the case of an ASCII letter; no locale has a say. */
	for (size_t i = 0; i < tag_len; i++)
		if ((tag[i] | 0x20) != word[i])
			return false;
	return true;
}
