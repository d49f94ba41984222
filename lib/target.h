/*
 * What the API's `domain_or_ip_target` holds: a domain name, a wildcard domain
 * name, or an IP address.
 *
 * A `struct target` is a value: copied freely, owns nothing.
 */
#ifndef MPIC_TARGET_H
#define MPIC_TARGET_H

#include "name.h"

enum target_kind { TARGET_DOMAIN, TARGET_WILDCARD, TARGET_IPV4, TARGET_IPV6 };

struct target {
	enum target_kind kind;
	struct name name;	/* of a domain; of a wildcard, what follows "*."; else empty */
	uint8_t address[16];	/* network order; the first 4 for IPv4; zero for names */
	char text[NAME_TEXT_MAX + 3];	/* canonical, as target_text() gives it */
};

enum target_fault_code {
	TARGET_OK,
	TARGET_EMPTY,
	TARGET_BRACKETS,	/* "[2001:db8::1]" is a URL's form, not an address */
	TARGET_ZONE_ID,		/* RFC 4007: means something on one host only */
	TARGET_BAD_IPV6,
	TARGET_BAD_IPV4,
	TARGET_WILDCARD_PLACE,	/* '*' that is not the whole leftmost label, or a second one */
	TARGET_WILDCARD_ALONE,	/* "*" or "*." */
	TARGET_BAD_NAME,	/* see `name` */
	TARGET_ONION,		/* RFC 7686 */
	TARGET_FAULT_COUNT
};

struct target_fault {
	enum target_fault_code code;
	struct name_fault name;	/* of TARGET_BAD_NAME; labels are counted after "*." */
};

/* On false `t` is unspecified and `why`, which may be NULL, says what is wrong. */
bool target_parse(struct target *t, const char *text, size_t len, struct target_fault *why);
/*
 * The same, but a domain name may hold underscores: no certificate can have it,
 * but it may be the Authorization Domain Name that a CNAME leads to.
 */
bool target_parse_adn(struct target *t, const char *text, size_t len, struct target_fault *why);
bool target_has_underscore(const struct target *t);
/* Adds the end of a sentence, as name_fault_text() does. */
void target_fault_text(const struct target_fault *why, struct buf *out);

/*
 * The one way to write this target: A-labels in lower case with "*." before a
 * wildcard's, or the address as inet_ntop(3) writes it. Lives as long as `t`.
 */
const char *target_text(const struct target *t);
bool target_is_ip(const struct target *t);
/* Its name under in-addr.arpa or ip6.arpa (RFC 1035 3.5, RFC 3596 2.5); false for names. */
bool target_reverse_name(const struct target *t, struct name *n);

#endif
