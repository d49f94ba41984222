#include "address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

struct range {
	uint8_t prefix[16];
	uint8_t bits;
	const char *what;
};

/*
 * First match decides, so what lies in a wider range stands before it. The
 * rows are those of
 * https://www.iana.org/assignments/iana-ipv4-special-registry and
 * https://www.iana.org/assignments/iana-ipv6-special-registry as of May 2025
 * (RFC 9780 is the last), the globally reachable ones among them: none is an
 * applicant's server. Rows that are not from there: multicast (RFC 5771, RFC
 * 4291), the clouds' metadata services, and forms of IPv6 given up again.
 */
static const struct range ipv4_ranges[] = {
	{ { 169, 254, 169, 254 }, 32, "is a cloud's metadata service" },
	{ { 168, 63, 129, 16 }, 32, "is a cloud's metadata service (Azure)" },
	{ { 100, 100, 100, 200 }, 32, "is a cloud's metadata service (Alibaba)" },
	{ { 0 }, 8, "is in \"this network\" (RFC 791)" },
	{ { 10 }, 8, "is for private use (RFC 1918)" },
	{ { 100, 64 }, 10, "is shared address space (RFC 6598)" },
	{ { 127 }, 8, "is loopback (RFC 1122)" },
	{ { 169, 254 }, 16, "is link-local (RFC 3927)" },
	{ { 172, 16 }, 12, "is for private use (RFC 1918)" },
	{ { 192, 0, 0, 0 }, 29, "is an IPv4 service continuity address (RFC 7335)" },
	{ { 192, 0, 0, 8 }, 32, "is the IPv4 dummy address (RFC 7600)" },
	{ { 192, 0, 0, 9 }, 32, "is the Port Control Protocol's anycast address (RFC 7723)" },
	{ { 192, 0, 0, 10 }, 32, "is TURN's anycast address (RFC 8155)" },
	{ { 192, 0, 0, 170 }, 31, "is for the discovery of NAT64 (RFC 7050)" },
	{ { 192, 0, 0 }, 24, "is for protocol assignments of the IETF (RFC 6890)" },
	{ { 192, 0, 2 }, 24, "is for documentation (RFC 5737)" },
	{ { 192, 31, 196 }, 24, "is of AS112 (RFC 7535)" },
	{ { 192, 52, 193 }, 24, "is for Automatic Multicast Tunneling (RFC 7450)" },
	{ { 192, 88, 99, 2 }, 32, "is a 6a44 relay's anycast address (RFC 6751)" },
	{ { 192, 88, 99 }, 24, "was for 6to4 relays (RFC 7526)" },
	{ { 192, 168 }, 16, "is for private use (RFC 1918)" },
	{ { 192, 175, 48 }, 24, "is of AS112 (RFC 7534)" },
	{ { 198, 18 }, 15, "is for benchmarks (RFC 2544)" },
	{ { 198, 51, 100 }, 24, "is for documentation (RFC 5737)" },
	{ { 203, 0, 113 }, 24, "is for documentation (RFC 5737)" },
	{ { 224 }, 4, "is multicast (RFC 5771)" },
	{ { 255, 255, 255, 255 }, 32, "is the limited broadcast address (RFC 919)" },
	{ { 240 }, 4, "is reserved (RFC 1112)" },
};

static const struct range ipv6_ranges[] = {
	{ { 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54 }, 128, "is a cloud's metadata service (AWS)" },
	{ { 0xfd, 0x20, 0, 0xce, [14] = 0x02, 0x54 }, 128,
	    "is a cloud's metadata service (Google)" },
	{ { 0 }, 128, "is the unspecified address (RFC 4291)" },
	{ { [15] = 1 }, 128, "is loopback (RFC 4291)" },
	{ { [10] = 0xff, 0xff }, 96, "is an IPv4-mapped address (RFC 4291)" },
	{ { [8] = 0xff, 0xff }, 96, "is an IPv4-translated address (RFC 2765)" },
	{ { 0 }, 96, "is an IPv4-compatible address (RFC 4291)" },
	{ { 0, 0x64, 0xff, 0x9b }, 96, "is translated to IPv4 by NAT64 (RFC 6052)" },
	{ { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48, "is translated to IPv4 locally (RFC 8215)" },
	{ { 1 }, 64, "is the discard prefix (RFC 6666)" },
	{ { 1, [7] = 1 }, 64, "is the dummy prefix (RFC 9780)" },
	{ { 0x20, 0x01 }, 32, "is a Teredo address (RFC 4380)" },
	{ { 0x20, 0x01, 0, 1, [15] = 1 }, 128,
	    "is the Port Control Protocol's anycast address (RFC 7723)" },
	{ { 0x20, 0x01, 0, 1, [15] = 2 }, 128, "is TURN's anycast address (RFC 8155)" },
	{ { 0x20, 0x01, 0, 1, [15] = 3 }, 128, "is DNS-SD registration's anycast address (RFC 9665)" },
	{ { 0x20, 0x01, 0, 2 }, 48, "is for benchmarks (RFC 5180)" },
	{ { 0x20, 0x01, 0, 3 }, 32, "is for Automatic Multicast Tunneling (RFC 7450)" },
	{ { 0x20, 0x01, 0, 4, 1, 0x12 }, 48, "is of AS112 (RFC 7535)" },
	{ { 0x20, 0x01, 0, 0x10 }, 28, "was for ORCHIDs (RFC 4843)" },
	{ { 0x20, 0x01, 0, 0x20 }, 28, "is an ORCHID (RFC 7343)" },
	{ { 0x20, 0x01, 0, 0x30 }, 28, "is a drone's remote identifier (RFC 9374)" },
	{ { 0x20, 0x01 }, 23, "is for protocol assignments of the IETF (RFC 2928)" },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, "is for documentation (RFC 3849)" },
	{ { 0x20, 0x02 }, 16, "is a 6to4 address (RFC 3056)" },
	{ { 0x26, 0x20, 0, 0x4f, 0x80 }, 48, "is of AS112 (RFC 7534)" },
	{ { 0x3f, 0xff }, 20, "is for documentation (RFC 9637)" },
	{ { 0x5f }, 16, "is a segment identifier (RFC 9602)" },
	{ { 0xfc }, 7, "is unique local (RFC 4193)" },
	{ { 0xfe, 0x80 }, 10, "is link-local (RFC 4291)" },
	{ { 0xfe, 0xc0 }, 10, "is site-local (RFC 3879)" },
	{ { 0xff }, 8, "is multicast (RFC 4291)" },
};

/* All that is assigned for global unicast (RFC 4291 2.4). */
static const struct range ipv6_global = { { 0x20 }, 3, NULL };

static bool
range_holds(const struct range *r, const uint8_t *bytes)
{
	size_t whole = r->bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> r->bits % 8);

	if (memcmp(r->prefix, bytes, whole) != 0)
		return false;
	return mask == 0 || (bytes[whole] & mask) == r->prefix[whole];
}

static const char *
range_find(const struct range *ranges, size_t count, const uint8_t *bytes)
{
	for (size_t i = 0; i < count; i++)
		if (range_holds(&ranges[i], bytes))
			return ranges[i].what;
	return NULL;
}

const char *
address_refused(const struct address *a)
{
	const char *what;

	if (a->family == AF_INET)
		return range_find(ipv4_ranges, sizeof(ipv4_ranges) / sizeof(ipv4_ranges[0]),
		    a->bytes);
	if (a->family != AF_INET6)
		return "is no IP address";
	what = range_find(ipv6_ranges, sizeof(ipv6_ranges) / sizeof(ipv6_ranges[0]), a->bytes);
	if (what == NULL && !range_holds(&ipv6_global, a->bytes))
		return "is outside 2000::/3, global unicast (RFC 4291)";
	return what;
}

const char *
address_sockaddr_refused(const struct sockaddr *sa)
{
	struct address a = { .family = sa->sa_family };

	/* The caller's storage may be of another type: no cast is safe to read through. */
	if (a.family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		memcpy(a.bytes, &in.sin_addr, 4);
	} else if (a.family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		memcpy(a.bytes, &in6.sin6_addr, 16);
	}
	return address_refused(&a);
}

const char *
address_text(const struct address *a, char text[static ADDRESS_TEXT_MAX])
{
	text[0] = '\0';
	(void)inet_ntop(a->family, a->bytes, text, ADDRESS_TEXT_MAX);
	return text;
}

bool
address_parse(struct address *a, const char *text)
{
	memset(a, 0, sizeof(*a));
	a->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	return inet_pton(a->family, text, a->bytes) == 1;
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	    memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

socklen_t
address_to_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *sa)
{
	memset(sa, 0, sizeof(*sa));
	if (a->family == AF_INET) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

		memcpy(&in.sin_addr, a->bytes, 4);
		memcpy(sa, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memcpy(&in6.sin6_addr, a->bytes, 16);
	memcpy(sa, &in6, sizeof(in6));
	return sizeof(in6);
}
