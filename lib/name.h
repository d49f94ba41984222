/*
 * A domain name in the one form the programs work with.
 *
 * Invariant of a `struct name` that name_from_utf8() filled, or name_parent() from it:
 * lower-case LDH labels of 1-63 octets (A-labels where the name is
 * internationalised), joined by dots, no trailing dot, 1-253 octets of text,
 * NUL-terminated. It is a value: copied freely, owns nothing.
 *
 * Names that came from a name server may hold any octet; they are text made by
 * name_wire_to_text(), and a `struct name` only if name_from_dns() takes it.
 */
#ifndef MPIC_NAME_H
#define MPIC_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct wire_reader;

#define NAME_TEXT_MAX	253	/* octets of a struct name's text, NUL not counted */
#define NAME_WIRE_MAX	255	/* RFC 1035 2.3.4 */
#define NAME_LABEL_MAX	63

struct name {
	char text[NAME_TEXT_MAX + 1];
	size_t len;
};

enum name_fault_code {
	NAME_OK,
	NAME_EMPTY,
	NAME_TOO_LONG,
	NAME_NOT_UTF8,
	NAME_SPACE,		/* any white space, Unicode's included */
	NAME_CONTROL,
	NAME_TRAILING_DOT,
	NAME_EMPTY_LABEL,
	NAME_LABEL_TOO_LONG,
	NAME_WILDCARD,
	NAME_UNDERSCORE,
	NAME_HYPHEN_EDGE,
	NAME_RESERVED_LABEL,	/* "--" at the third place, no A-label (RFC 5890 2.3.1) */
	NAME_FAKE_A_LABEL,	/* "xn--" that no U-label gives (RFC 5891 5.4) */
	NAME_IDNA,		/* not a U-label under IDNA2008 */
	NAME_CHARACTER,		/* any other character that a host name cannot hold */
	NAME_NUMERIC_TLD,	/* would be taken for an IPv4 address */
	NAME_NO_MEMORY,
	NAME_FAULT_COUNT
};

struct name_fault {
	enum name_fault_code code;
	unsigned int label;	/* which label, the leftmost is 1; 0: the whole name */
};

/*
 * Takes U-labels, A-labels and capitals (UTS#46 mapping, non-transitional).
 * On false `n` is unspecified and `why`, which may be NULL, says what is wrong.
 * `text` need not be NUL-terminated.
 */
bool name_from_utf8(struct name *n, const char *text, size_t len, struct name_fault *why);
/*
 * The same, but labels may hold underscores: a name to look up that need not be
 * a host's, such as one that a CNAME leads to.
 */
bool name_from_utf8_underscores(struct name *n, const char *text, size_t len,
    struct name_fault *why);
/*
 * A name as a name server told it, in presentation form, with or without a dot
 * at its end: labels of [A-Za-z0-9_-], put into lower case. False, `n`
 * unspecified, for any other. A-labels are not looked into.
 */
bool name_from_dns(struct name *n, const char *text, size_t len);
/* Adds the end of a sentence: "is empty", "label 2 is longer than 63 octets", ... */
void name_fault_text(const struct name_fault *why, struct buf *out);

/*
 * The name with labels of [A-Za-z0-9_-] before it, in lower case, joined by
 * dots; no labels: the name itself. Such a name is for looking up: it may hold
 * underscores. False if it is over 253 octets or `prefix` holds anything else;
 * then `out` is unspecified. `out` may be `n`.
 */
bool name_prepend(const char *prefix, const struct name *n, struct name *out);
/* The name without its leftmost label; false, `parent` untouched, for a single label. */
bool name_parent(const struct name *n, struct name *parent);
/* Uncompressed wire form, the root label included; returns its length. */
size_t name_to_wire(const struct name *n, uint8_t wire[NAME_WIRE_MAX]);

/*
 * Reads one uncompressed name and adds its presentation form (RFC 1035 5.1):
 * no trailing dot, the root as ".", case kept, octets that are not printable
 * as \DDD, '.' and '\' (and what else a zone file would misread) after a
 * backslash. At most NAME_WIRE_TEXT_MAX octets. False, and `r->bad` set, for
 * a compression pointer, a name over 255 octets or a cut one; then nothing is added.
 */
#define NAME_WIRE_TEXT_MAX	1003
bool name_wire_to_text(struct wire_reader *r, struct buf *out);

/*
 * Whether two texts are the same domain name: ASCII case does not matter, one
 * trailing dot on either side neither. Empty text is no name and equals nothing.
 */
bool name_equal(const char *a, const char *b);
bool name_equal_n(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
