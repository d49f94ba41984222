/*
 * Whether an IP address may be dialled: only public unicast addresses are.
 *
 * The table is IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC
 * 6890 and its updates), with multicast, the forms of IPv6 that carry an IPv4
 * address (the inner one is what counts, and such a form is refused all the
 * same), and IPv6 outside 2000::/3, of which nothing is assigned. The check
 * is on the address in hand, never on a name or a text.
 */
#ifndef MPIC_ADDRESS_H
#define MPIC_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>

/* An IPv4 or IPv6 address. A value. */
struct address {
	int family;		/* AF_INET or AF_INET6 */
	uint8_t bytes[16];	/* network order; the first 4 of AF_INET */
};

#define ADDRESS_TEXT_MAX INET6_ADDRSTRLEN

/*
 * NULL for a public unicast address, else what it is, as the end of a
 * sentence: "is loopback (RFC 1122)". The text is static.
 */
const char *address_refused(const struct address *a);
/* The same of a socket address; what is neither family is refused. */
const char *address_sockaddr_refused(const struct sockaddr *sa);
/* As inet_ntop(3) writes it. */
const char *address_text(const struct address *a, char text[static ADDRESS_TEXT_MAX]);
bool address_parse(struct address *a, const char *text);
bool address_equal(const struct address *a, const struct address *b);
/* A socket address of it; returns its length. */
socklen_t address_to_sockaddr(const struct address *a, uint16_t port,
    struct sockaddr_storage *sa);

#endif
