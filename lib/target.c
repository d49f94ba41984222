#include "target.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"

static bool
fault_set(struct target_fault *why, enum target_fault_code code)
{
	if (why != NULL)
		*why = (struct target_fault){ .code = code };
	return code == TARGET_OK;
}

static bool
parse_address(struct target *t, int family, const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];

	/* An inner NUL would hide what follows it from inet_pton(). */
	if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(family, copy, t->address) != 1)
		return false;
	t->kind = family == AF_INET ? TARGET_IPV4 : TARGET_IPV6;
	return inet_ntop(family, t->address, t->text, sizeof(t->text)) != NULL;
}

/* RFC 7686: its names are no part of the DNS. */
static bool
is_onion(const struct name *n)
{
	static const char tld[] = ".onion";
	size_t len = sizeof(tld) - 1;

	return strcmp(n->text, tld + 1) == 0 ||
	    (n->len > len && strcmp(n->text + n->len - len, tld) == 0);
}

static bool
parse_name(struct target *t, const char *text, size_t len, bool underscores,
    struct target_fault *why)
{
	struct name_fault fault;
	size_t star = t->kind == TARGET_WILDCARD ? 2 : 0;

	if (!(underscores ? name_from_utf8_underscores : name_from_utf8)(&t->name, text, len,
	    &fault)) {
		fault_set(why, TARGET_BAD_NAME);
		if (why != NULL)
			why->name = fault;
		return false;
	}
	memcpy(t->text, "*.", star);
	memcpy(t->text + star, t->name.text, t->name.len + 1);
	return fault_set(why, is_onion(&t->name) ? TARGET_ONION : TARGET_OK);
}

static bool
digits_and_dots(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '.' && (text[i] < '0' || text[i] > '9'))
			return false;
	return true;
}

static bool
parse(struct target *t, const char *text, size_t len, bool underscores, struct target_fault *why)
{
	memset(t, 0, sizeof(*t));
	if (len == 0)
		return fault_set(why, TARGET_EMPTY);
	if (text[0] == '[')
		return fault_set(why, TARGET_BRACKETS);
	if (memchr(text, ':', len) != NULL) {
		if (memchr(text, '%', len) != NULL)
			return fault_set(why, TARGET_ZONE_ID);
		return fault_set(why, parse_address(t, AF_INET6, text, len)
		    ? TARGET_OK : TARGET_BAD_IPV6);
	}
	if (digits_and_dots(text, len))
		return fault_set(why, parse_address(t, AF_INET, text, len)
		    ? TARGET_OK : TARGET_BAD_IPV4);
	if (text[0] == '*') {
		if (len == 1 || (len == 2 && text[1] == '.'))
			return fault_set(why, TARGET_WILDCARD_ALONE);
		if (text[1] != '.')
			return fault_set(why, TARGET_WILDCARD_PLACE);
		t->kind = TARGET_WILDCARD;
		text += 2;
		len -= 2;
	}
	if (memchr(text, '*', len) != NULL)
		return fault_set(why, TARGET_WILDCARD_PLACE);
	return parse_name(t, text, len, underscores && t->kind == TARGET_DOMAIN, why);
}

bool
target_parse(struct target *t, const char *text, size_t len, struct target_fault *why)
{
	return parse(t, text, len, false, why);
}

bool
target_parse_adn(struct target *t, const char *text, size_t len, struct target_fault *why)
{
	return parse(t, text, len, true, why);
}

bool
target_has_underscore(const struct target *t)
{
	return strchr(t->name.text, '_') != NULL;
}

void
target_fault_text(const struct target_fault *why, struct buf *out)
{
	static const char *const texts[TARGET_FAULT_COUNT] = {
		[TARGET_OK] = "is a domain name or an IP address",
		[TARGET_EMPTY] = "is empty",
		[TARGET_BRACKETS] = "begins with a bracket; an IPv6 address is written without",
		[TARGET_ZONE_ID] = "has a zone identifier",
		[TARGET_BAD_IPV6] = "has a colon but is no IPv6 address",
		[TARGET_BAD_IPV4] = "has only digits and dots but is no IPv4 address",
		[TARGET_WILDCARD_PLACE] =
		    "has an asterisk that is not the whole of its leftmost label",
		[TARGET_WILDCARD_ALONE] = "is a wildcard without a domain name",
		[TARGET_ONION] = "is an onion name, which cannot be looked up in the DNS (RFC 7686)",
	};

	if (why->code == TARGET_BAD_NAME)
		name_fault_text(&why->name, out);
	else
		buf_adds(out, texts[why->code]);
}

const char *
target_text(const struct target *t)
{
	return t->text;
}

bool
target_is_ip(const struct target *t)
{
	return t->kind == TARGET_IPV4 || t->kind == TARGET_IPV6;
}

bool
target_reverse_name(const struct target *t, struct name *n)
{
	static const char hex[] = "0123456789abcdef";
	static const char zone[] = "ip6.arpa";
	const uint8_t *a = t->address;
	char *at = n->text;

	if (!target_is_ip(t))
		return false;
	if (t->kind == TARGET_IPV4) {
		n->len = (size_t)snprintf(n->text, sizeof(n->text), "%u.%u.%u.%u.in-addr.arpa",
		    a[3], a[2], a[1], a[0]);
		return true;
	}
	for (size_t i = sizeof(t->address); i-- > 0; at += 4) {
		at[0] = hex[a[i] & 0xf];
		at[1] = '.';
		at[2] = hex[a[i] >> 4];
		at[3] = '.';
	}
	memcpy(at, zone, sizeof(zone));
	n->len = (size_t)(at - n->text) + sizeof(zone) - 1;
	return true;
}
