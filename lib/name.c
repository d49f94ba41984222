#include "name.h"

#include <idn2.h>
#include <string.h>

#include "buf.h"
#include "wire.h"

/* UTS#46 deletes some characters, so a good name may be longer before mapping. */
#define NAME_INPUT_MAX 1024

/* Case does not depend on the locale here, as it does in <ctype.h>. */
static char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool
ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What an ASCII character of a label is refused for. Letters are lower case by now. */
static enum name_fault_code
character_fault(char c)
{
	unsigned char u = (unsigned char)c;

	if ((c >= 'a' && c <= 'z') || ascii_digit(c) || c == '-')
		return NAME_OK;
	if (u == ' ' || (u >= '\t' && u <= '\r'))
		return NAME_SPACE;
	if (u < 0x20 || u == 0x7f)
		return NAME_CONTROL;
	if (u == '*')
		return NAME_WILDCARD;
	if (u == '_')
		return NAME_UNDERSCORE;
	return NAME_CHARACTER;
}

static enum name_fault_code
idn2_fault(int rc)
{
	switch (rc) {
	case IDN2_OK:
		return NAME_OK;
	case IDN2_MALLOC:
		return NAME_NO_MEMORY;
	case IDN2_ENCODING_ERROR:
		return NAME_NOT_UTF8;
	case IDN2_TOO_BIG_DOMAIN:
	case IDN2_TOO_BIG_LABEL:
	case IDN2_PUNYCODE_BIG_OUTPUT:
		return NAME_LABEL_TOO_LONG;
	case IDN2_HYPHEN_STARTEND:
		return NAME_HYPHEN_EDGE;
	case IDN2_2HYPHEN:
		return NAME_RESERVED_LABEL;
	default:
		return NAME_IDNA;
	}
}

/*
 * Whether the ACE label is what its own U-label gives (RFC 5891 5.4). No
 * mapping on the way back, so that what mapping would repair is refused; a
 * label that decodes to itself has no U-label.
 */
static enum name_fault_code
a_label_check(const char *label)
{
	char *u_label = NULL;
	uint8_t *again = NULL;
	enum name_fault_code code = NAME_FAKE_A_LABEL;
	int rc;

	rc = idn2_to_unicode_8z8z(label, &u_label, 0);
	if (rc == IDN2_OK)
		rc = idn2_lookup_u8((const uint8_t *)u_label, &again,
		    IDN2_NFC_INPUT | IDN2_NO_TR46);
	if (rc == IDN2_MALLOC)
		code = NAME_NO_MEMORY;
	else if (rc == IDN2_OK && strcmp(label, u_label) != 0 &&
	    strcmp(label, (const char *)again) == 0)
		code = NAME_OK;
	idn2_free(u_label);
	idn2_free(again);
	return code;
}

/* The same of a label that may hold underscores. */
static enum name_fault_code
label_character_fault(char c, bool underscores)
{
	return underscores && c == '_' ? NAME_OK : character_fault(c);
}

/* The rules for one label in ASCII and lower case. */
static enum name_fault_code
label_check(const char *label, size_t len, bool underscores)
{
	enum name_fault_code code;

	for (size_t i = 0; i < len; i++) {
		code = label_character_fault(label[i], underscores);
		if (code != NAME_OK)
			return code;
	}
	if (len > NAME_LABEL_MAX)
		return NAME_LABEL_TOO_LONG;
	if (len > 0 && (label[0] == '-' || label[len - 1] == '-'))
		return NAME_HYPHEN_EDGE;
	if (len >= 4 && label[2] == '-' && label[3] == '-')
		return strncmp(label, "xn", 2) == 0 ? a_label_check(label) : NAME_RESERVED_LABEL;
	return NAME_OK;
}

/* Octets of the label separator at `s`: U+002E, or one UTS#46 maps to it; else 0. */
static size_t
separator(const char *s, size_t len)
{
	static const char *const others[] = { "\u3002", "\uff0e", "\uff61" };

	if (len > 0 && s[0] == '.')
		return 1;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (len >= 3 && memcmp(s, others[i], 3) == 0)
			return 3;
	return 0;
}

/* Appends one label of UTF-8 text to the name. */
static enum name_fault_code
label_append(struct name *n, const char *text, size_t len, bool underscores)
{
	char label[NAME_INPUT_MAX + 1];
	uint8_t *mapped = NULL;
	const char *ascii = label;
	enum name_fault_code code = NAME_OK;
	bool high = false;

	for (size_t i = 0; i < len; i++) {
		label[i] = ascii_lower(text[i]);
		high = high || (text[i] & 0x80) != 0;
		if ((text[i] & 0x80) == 0)
			code = label_character_fault(label[i], underscores);
		if (code != NAME_OK)
			return code;
	}
	label[len] = '\0';
	if (high) {
		code = idn2_fault(idn2_lookup_u8((const uint8_t *)label, &mapped,
		    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL));
		if (code != NAME_OK)
			goto out;
		ascii = (const char *)mapped;
		len = strlen(ascii);
	}
	code = len == 0 ? NAME_EMPTY_LABEL : label_check(ascii, len, underscores);
	if (code != NAME_OK)
		goto out;
	if (n->len + (n->len > 0) + len > NAME_TEXT_MAX) {
		code = NAME_TOO_LONG;
		goto out;
	}
	if (n->len > 0)
		n->text[n->len++] = '.';
	memcpy(n->text + n->len, ascii, len + 1);
	n->len += len;
out:
	idn2_free(mapped);
	return code;
}

/* WHATWG URL calls a name an IPv4 address when its last label is a number, 0x1f included. */
static bool
numeric_tld(const struct name *n)
{
	const char *dot = strrchr(n->text, '.');
	const char *tld = dot != NULL ? dot + 1 : n->text;

	if (tld[0] == '0' && tld[1] == 'x')
		return tld[2 + strspn(tld + 2, "0123456789abcdef")] == '\0';
	return tld[strspn(tld, "0123456789")] == '\0';
}

static bool
fault_set(struct name_fault *why, enum name_fault_code code, unsigned int label)
{
	if (why != NULL)
		*why = (struct name_fault){ .code = code, .label = label };
	return code == NAME_OK;
}

static bool
name_read(struct name *n, const char *text, size_t len, bool underscores, struct name_fault *why)
{
	enum name_fault_code code;
	unsigned int label = 1;
	size_t start = 0, sep;

	n->len = 0;
	n->text[0] = '\0';
	if (len == 0)
		return fault_set(why, NAME_EMPTY, 0);
	if (len > NAME_INPUT_MAX)
		return fault_set(why, NAME_TOO_LONG, 0);
	for (size_t i = 0; i <= len; i++) {
		sep = separator(text + i, len - i);
		if (sep == 0 && i < len)
			continue;
		if (i == start)
			return i == len ? fault_set(why, NAME_TRAILING_DOT, 0)
			    : fault_set(why, NAME_EMPTY_LABEL, label);
		code = label_append(n, text + start, i - start, underscores);
		if (code != NAME_OK)
			return fault_set(why, code, code == NAME_TOO_LONG ? 0 : label);
		label++;
		start = i + sep;
		if (sep > 1)	/* the loop steps over the last octet itself */
			i += sep - 1;
	}
	return fault_set(why, numeric_tld(n) ? NAME_NUMERIC_TLD : NAME_OK, 0);
}

bool
name_from_utf8(struct name *n, const char *text, size_t len, struct name_fault *why)
{
	return name_read(n, text, len, false, why);
}

bool
name_from_utf8_underscores(struct name *n, const char *text, size_t len, struct name_fault *why)
{
	return name_read(n, text, len, true, why);
}

bool
name_from_dns(struct name *n, const char *text, size_t len)
{
	size_t label = 0;

	len -= len > 0 && text[len - 1] == '.';
	if (len == 0 || len > NAME_TEXT_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = ascii_lower(text[i]);

		label = c == '.' ? 0 : label + 1;
		if (c == '.' ? i == 0 || i + 1 == len || text[i - 1] == '.' :
		    label > NAME_LABEL_MAX || label_character_fault(c, true) != NAME_OK)
			return false;
		n->text[i] = c;
	}
	n->text[len] = '\0';
	n->len = len;
	return true;
}

void
name_fault_text(const struct name_fault *why, struct buf *out)
{
	static const char *const texts[NAME_FAULT_COUNT] = {
		[NAME_OK] = "is a domain name",
		[NAME_EMPTY] = "is empty",
		[NAME_TOO_LONG] = "is longer than 253 octets",
		[NAME_NOT_UTF8] = "is not UTF-8",
		[NAME_SPACE] = "holds white space",
		[NAME_CONTROL] = "holds a control character",
		[NAME_TRAILING_DOT] = "ends with a dot",
		[NAME_EMPTY_LABEL] = "is empty",
		[NAME_LABEL_TOO_LONG] = "is longer than 63 octets",
		[NAME_WILDCARD] = "holds an asterisk",
		[NAME_UNDERSCORE] = "holds an underscore",
		[NAME_HYPHEN_EDGE] = "begins or ends with a hyphen",
		[NAME_RESERVED_LABEL] =
		    "has hyphens in its third and fourth place but is no A-label",
		[NAME_FAKE_A_LABEL] = "begins with xn-- but is no A-label (RFC 5891)",
		[NAME_IDNA] = "is not allowed by IDNA2008",
		[NAME_CHARACTER] = "holds a character that is no letter, digit or hyphen",
		[NAME_NUMERIC_TLD] =
		    "ends with a number, so it looks like an IPv4 address but is none",
		[NAME_NO_MEMORY] = "could not be checked for want of memory",
	};

	if (why->label > 0)
		buf_addf(out, "label %u ", why->label);
	buf_adds(out, texts[why->code]);
}

bool
name_prepend(const char *prefix, const struct name *n, struct name *out)
{
	size_t len = strlen(prefix);
	size_t label = 0;

	if (len == 0) {
		*out = *n;
		return true;
	}
	if (len + 1 + n->len > NAME_TEXT_MAX)
		return false;
	/* `out` may be `n` itself. */
	memmove(out->text + len + 1, n->text, n->len + 1);
	out->len = len + 1 + n->len;
	for (size_t i = 0; i <= len; i++) {
		char c = i < len ? ascii_lower(prefix[i]) : '.';

		if (c == '.' ? label == 0 || label > NAME_LABEL_MAX :
		    c != '_' && character_fault(c) != NAME_OK)
			return false;
		label = c == '.' ? 0 : label + 1;
		out->text[i] = c;
	}
	return true;
}

bool
name_parent(const struct name *n, struct name *parent)
{
	const char *dot = memchr(n->text, '.', n->len);
	size_t len;

	if (dot == NULL)
		return false;
	len = n->len - (size_t)(dot + 1 - n->text);
	/* `parent` may be `n` itself. */
	memmove(parent->text, dot + 1, len + 1);
	parent->len = len;
	return true;
}

size_t
name_to_wire(const struct name *n, uint8_t wire[NAME_WIRE_MAX])
{
	size_t length_at = 0;

	/* Each dot's place takes the length of the label after it. */
	for (size_t i = 0; i <= n->len; i++) {
		if (i == n->len || n->text[i] == '.') {
			wire[length_at] = (uint8_t)(i - length_at);
			length_at = i + 1;
		} else {
			wire[i + 1] = (uint8_t)n->text[i];
		}
	}
	if (n->len == 0)
		return 1;
	wire[n->len + 1] = 0;
	return n->len + 2;
}

/* Consumes one uncompressed name; its octets without the root label, or NULL. */
static const uint8_t *
wire_name(struct wire_reader *r, size_t *len)
{
	const uint8_t *start = r->pos;
	uint8_t label;

	*len = 0;
	while ((label = wire_u8(r)) > 0) {
		wire_bytes(r, label);
		*len += label + 1u;
		if (label > NAME_LABEL_MAX || *len + 1 > NAME_WIRE_MAX)
			r->bad = true;
	}
	return r->bad ? NULL : start;
}

bool
name_wire_to_text(struct wire_reader *r, struct buf *out)
{
	size_t len, label_end = 0;
	const uint8_t *wire = wire_name(r, &len);

	if (wire == NULL)
		return false;
	if (len == 0)
		buf_addc(out, '.');
	for (size_t i = 0; i < len; i++) {
		if (i == label_end) {
			label_end = i + 1 + wire[i];
			if (i > 0)
				buf_addc(out, '.');
		} else if (wire[i] <= 0x20 || wire[i] >= 0x7f) {
			buf_addf(out, "\\%03u", wire[i]);
		} else {
			if (strchr(".\\\"();@$", wire[i]) != NULL)
				buf_addc(out, '\\');
			buf_addc(out, (char)wire[i]);
		}
	}
	return true;
}

bool
name_equal_n(const char *a, size_t a_len, const char *b, size_t b_len)
{
	a_len -= a_len > 0 && a[a_len - 1] == '.';
	b_len -= b_len > 0 && b[b_len - 1] == '.';
	if (a_len == 0 || a_len != b_len)
		return false;
	for (size_t i = 0; i < a_len; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

bool
name_equal(const char *a, const char *b)
{
	return name_equal_n(a, strlen(a), b, strlen(b));
}
