/*
 * A URL that a check may fetch: http or https, ports 80 and 443 only (BR
 * 1.6.1, Authorized Ports), a host that target.h accepts, no user information,
 * no fragment. Reading is stricter than RFC 3986: nothing is repaired, as
 * browsers do, and no character goes through that the RFC does not have.
 */
#ifndef MPIC_URL_H
#define MPIC_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target.h"

#define URL_MAX	((size_t)8 * 1024)	/* bytes of a reference, and of what it resolves to */
#define URL_AUTHORITY_MAX	(NAME_TEXT_MAX + sizeof("[]:443"))

struct url {
	bool https;
	uint16_t port;
	struct target host;	/* no wildcard */
	char *text;		/* owned; canonical but for the path's letters; NULL: no URL */
	size_t path_at;		/* in `text`: the path and query, which begin with '/' */
};

enum url_fault_code {
	URL_OK,
	URL_EMPTY,
	URL_TOO_LONG,
	URL_CHARACTER,
	URL_ENCODING,
	URL_RELATIVE,		/* without a base */
	URL_SCHEME,
	URL_NO_HOST,
	URL_USER,
	URL_PORT,
	URL_HOST,		/* see `host` */
	URL_WILDCARD,
	URL_NO_MEMORY,
	URL_FAULT_COUNT
};

struct url_fault {
	enum url_fault_code code;
	struct target_fault host;	/* of URL_HOST */
};

/*
 * Reads a reference as RFC 3986 5 resolves it against `base`; NULL: it must
 * be absolute. On false `u` holds nothing, and `why` says what is wrong.
 */
bool url_resolve(struct url *u, const struct url *base, const char *reference,
    struct url_fault *why);
/* Adds the end of a sentence: "has a port other than 80 and 443". */
void url_fault_text(const struct url_fault *why, struct buf *out);
/* Host, and the port if it is not the scheme's: the Host field of a request. */
const char *url_authority(const struct url *u, char text[static URL_AUTHORITY_MAX]);
/* Path and query. */
const char *url_path(const struct url *u);
/* Moves: `from` holds nothing after it. */
void url_move(struct url *to, struct url *from);
void url_free(struct url *u);

#endif
